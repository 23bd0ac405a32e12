"""Torrents made of a test's own files, to be fetched from a web seed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torf

PIECE_BYTES = 16_384


@dataclass(frozen=True)
class MadeTorrent:
    """A torrent file's bytes and its identity, 40 lower hex digits."""

    content: bytes
    info_hash: str
    name: str


def make_torrent(
    path: Path,
    *,
    web_seeds: Sequence[str] = (),
    trackers: Sequence[str] = (),
    private: bool = False,
    comment: str | None = None,
) -> MadeTorrent:
    """Make one of a file or folder.

    A web seed is a server's address ending in "/" that gives `path` below its own name, as `tests/web_seed.py` does for
    the folder that `path` is in.
    """
    torrent = torf.Torrent(
        path=path,
        trackers=list(trackers),
        webseeds=list(web_seeds),
        private=private,
        comment=comment,
        piece_size=PIECE_BYTES,
        creation_date=None,
    )
    torrent.generate()
    return MadeTorrent(torrent.dump(), str(torrent.infohash), str(torrent.name))


def make_newer_torrent(name: str, content: bytes, *, both_versions: bool) -> bytes:
    """Make one of the second version, or of both, of a file that fits into one piece: its pieces' tree is one hash."""
    assert len(content) <= PIECE_BYTES
    leaf = {"length": len(content), "pieces root": hashlib.sha256(content).digest()}
    info: dict[str, Any] = {"file tree": {name: {"": leaf}}}
    if both_versions:
        info |= {"length": len(content)}
    info |= {"meta version": 2, "name": name, "piece length": PIECE_BYTES}
    if both_versions:
        info |= {"pieces": hashlib.sha1(content).digest()}
    return bencoded({"info": info})


def bencoded(value: Any) -> bytes:
    """Bencode a value, with keys in the order they come in."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, dict):
        return b"d" + b"".join(bencoded(name) + bencoded(part) for name, part in value.items()) + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(map(bencoded, value)) + b"e"
    data = value if isinstance(value, bytes) else str(value).encode()
    return b"%d:%s" % (len(data), data)
