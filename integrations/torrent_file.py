"""What a torrent file says: its identity, its files, its size and who is announced to.

Whoever gives one may be hostile: sizes, names, depth and counts are bounded, and a name that leaves its folder refuses
the whole file. Announce addresses hold passkeys, so only their hosts come out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from integrations.bencode import Bencoded, NotBencoded, decode_dictionary
from integrations.errors import IntegrationError

LARGEST_BYTES = 10 * 1024 * 1024
_SHA1_BYTES = 20
_VERSION_2 = 2
_LARGEST_TOTAL_BYTES = 2**50
_LONGEST_PATH_BYTES = 4_096
_MOST_FILES = 10_000  # each becomes a row; the longest series has a tenth of that


class UnusableTorrent(IntegrationError):
    """What was given as a torrent file is none, or none that is safe."""

    code = "UNUSABLE_TORRENT"

    def __init__(self, service: str, reason: str) -> None:
        super().__init__(
            service, f"{service} gave a torrent file that cannot be used: {reason.rstrip('.')}. Choose another release."
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file that the torrent brings: where it lies below the save path, and its size in bytes."""

    path: PurePosixPath
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TorrentFile:
    """A torrent, as its file describes it.

    `infohash_v1` is 40 and `infohash_v2` 64 lower hex digits; at least one is given. `content` holds passkeys.
    """

    name: str
    infohash_v1: str | None
    infohash_v2: str | None
    files: tuple[ListedFile, ...]
    total_bytes: int
    private: bool
    comment: str
    announce_hosts: tuple[str, ...]
    content: bytes = field(repr=False)

    @property
    def info_hash(self) -> str:
        """The identity in 40 lower hex digits: version 1 where there is one, else version 2 cut short."""
        return self.infohash_v1 or self.client_ids[0]

    @property
    def client_ids(self) -> tuple[str, ...]:
        """The names under which a client may hold it: of a torrent of both versions, qBittorrent takes the second."""
        short = () if self.infohash_v2 is None else (self.infohash_v2[: 2 * _SHA1_BYTES],)
        return (*short, self.infohash_v1) if self.infohash_v1 else short


def read_torrent(data: bytes, *, service: str, largest_bytes: int = LARGEST_BYTES) -> TorrentFile:
    """Read a torrent file that `service` gave; raises UnusableTorrent. Takes a millisecond, and at worst a second."""
    try:
        return _read(data, largest_bytes)
    except (NotBencoded, _Unusable) as error:
        raise UnusableTorrent(service, str(error)) from error


class _Unusable(ValueError):
    """A reason, in words."""


def _read(data: bytes, largest_bytes: int) -> TorrentFile:
    if len(data) > largest_bytes:
        raise _Unusable(f"it is larger than {largest_bytes} bytes")
    decoded = decode_dictionary(data)
    info = decoded.values.get(b"info")
    if not isinstance(info, dict):
        raise _Unusable("it describes no files")
    raw = decoded.raw[b"info"]
    has_v1, has_v2 = b"pieces" in info, info.get(b"meta version") == _VERSION_2
    files = tuple(_files_v1(info) if has_v1 else _files_v2(info))
    _check(info, files, has_v1=has_v1, has_v2=has_v2)
    return TorrentFile(
        name=_name(info),
        infohash_v1=hashlib.sha1(raw, usedforsecurity=False).hexdigest() if has_v1 else None,
        infohash_v2=hashlib.sha256(raw).hexdigest() if has_v2 else None,
        files=tuple(ListedFile(file.path, file.size_bytes) for file in files if not file.is_padding),
        total_bytes=sum(file.size_bytes for file in files if not file.is_padding),
        private=info.get(b"private") == 1,
        comment=_said(decoded.values.get(b"comment")),
        announce_hosts=_announce_hosts(decoded.values),
        content=data,
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file as listed, the fillers between files included."""

    path: PurePosixPath
    size_bytes: int
    is_padding: bool = False


def _check(info: Mapping[bytes, Bencoded], files: tuple[_Entry, ...], *, has_v1: bool, has_v2: bool) -> None:
    if not (has_v1 or has_v2):
        raise _Unusable("it is of no known version")
    total = sum(file.size_bytes for file in files)
    if not 0 < total <= _LARGEST_TOTAL_BYTES:
        raise _Unusable("its size is impossible")
    kept = [file.path for file in files if not file.is_padding]
    if len(kept) > _MOST_FILES:
        raise _Unusable(f"it lists more than {_MOST_FILES} files")
    if len(set(kept)) != len(kept):
        raise _Unusable("two of its files have the same name")
    if has_v1 and not _has_all_pieces(info, total):
        raise _Unusable("its size and its pieces do not agree")


def _has_all_pieces(info: Mapping[bytes, Bencoded], total: int) -> bool:
    size, pieces = info.get(b"piece length"), info.get(b"pieces")
    if not isinstance(size, int) or not isinstance(pieces, bytes) or size <= 0:
        return False
    return len(pieces) == -(-total // size) * _SHA1_BYTES


def _files_v1(info: Mapping[bytes, Bencoded]) -> Iterator[_Entry]:
    """One file called as the torrent, or a list of files in a folder called as it."""
    folder = PurePosixPath(_name(info))
    if b"files" not in info:
        yield _Entry(folder, _size(info))
        return
    for listed in _as_list(info[b"files"]):
        if not isinstance(listed, dict):
            raise _Unusable("its list of files is damaged")
        parts = _as_list(listed.get(b"path.utf-8", listed.get(b"path")))
        yield _Entry(_below(folder, [_part(part) for part in parts]), _size(listed), b"p" in _flags(listed))


def _files_v2(info: Mapping[bytes, Bencoded]) -> Iterator[_Entry]:
    """A tree of folders whose leaves are called by an empty name; one leaf of the torrent's name stands alone."""
    name = _name(info)
    tree = info.get(b"file tree")
    if not isinstance(tree, dict):
        raise _Unusable("its list of files is damaged")
    leaves = list(_leaves(tree, []))
    alone = len(leaves) == 1 and leaves[0][0] == [name]
    for parts, leaf in leaves:
        path = PurePosixPath(name) if alone else _below(PurePosixPath(name), parts)
        yield _Entry(path, _size(leaf), b"p" in _flags(leaf))


def _leaves(tree: Mapping[bytes, Bencoded], above: list[str]) -> Iterator[tuple[list[str], Mapping[bytes, Bencoded]]]:
    for name, below in tree.items():
        if not isinstance(below, dict):
            raise _Unusable("its list of files is damaged")
        if name:
            yield from _leaves(below, [*above, _part(name)])
        else:
            yield above, below


def _name(info: Mapping[bytes, Bencoded]) -> str:
    return _part(info.get(b"name.utf-8", info.get(b"name")))


def _part(value: Bencoded | None) -> str:
    """One name of a path; refuses what would be a path of its own."""
    name = _said(value)
    if name in {"", ".", ".."} or any(letter in name for letter in "/\\\0"):
        raise _Unusable("one of its names would leave the download folder")
    return name


def _below(folder: PurePosixPath, parts: list[str]) -> PurePosixPath:
    path = folder.joinpath(*parts)
    if not parts or len(str(path).encode()) > _LONGEST_PATH_BYTES:
        raise _Unusable("one of its paths is empty or too long")
    return path


def _size(listed: Mapping[bytes, Bencoded]) -> int:
    size = listed.get(b"length")
    if not isinstance(size, int) or size < 0:
        raise _Unusable("one of its files has no size")
    return size


def _flags(listed: Mapping[bytes, Bencoded]) -> bytes:
    flags = listed.get(b"attr")
    return flags if isinstance(flags, bytes) else b""


def _announce_hosts(values: Mapping[bytes, Bencoded]) -> tuple[str, ...]:
    """The hosts of all trackers, each once, in order."""
    tiers = values.get(b"announce-list")
    urls = [values.get(b"announce")]
    for tier in tiers if isinstance(tiers, list) else []:
        urls.extend(tier if isinstance(tier, list) else [tier])
    return tuple(dict.fromkeys(host for url in urls if (host := _host(_said(url)))))


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _as_list(value: Bencoded | None) -> list[Bencoded]:
    if not isinstance(value, list):
        raise _Unusable("its list of files is damaged")
    return value


def _said(value: Bencoded | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""
