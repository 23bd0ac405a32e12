"""Groups the files of a library root into items: one item is one edition on disk."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from library.scanning.track_order import natural_key
from library.scanning.walking import FileKind, FileStat


@dataclass(frozen=True, slots=True)
class FoundAudio:
    """An audio file of an item, with the number of the disc folder it lies in, if any."""

    file: FileStat
    disc: int | None


@dataclass(frozen=True, slots=True)
class FoundItem:
    """The files that make one edition.

    ``path`` is the item's folder relative to the root, or the file itself when it lies directly in the root
    (``is_file``). Every tuple is in natural order of path; the order of listening is decided after reading.
    """

    path: str
    is_file: bool
    audio: tuple[FoundAudio, ...]
    sidecars: tuple[FileStat, ...] = ()
    images: tuple[FileStat, ...] = ()
    ebooks: tuple[FileStat, ...] = ()


@dataclass(slots=True)
class _Members:
    audio: list[FoundAudio] = field(default_factory=list)
    sidecars: list[FileStat] = field(default_factory=list)
    images: list[FileStat] = field(default_factory=list)
    ebooks: list[FileStat] = field(default_factory=list)

    def add(self, file: FileStat) -> None:
        if file.kind is FileKind.IMAGE:
            self.images.append(file)
        elif file.kind is FileKind.EBOOK:
            self.ebooks.append(file)
        elif is_sidecar(file.path):
            self.sidecars.append(file)


_DISC = re.compile(r"(?:cd|dis[ck])[\s._-]*(?P<number>\d{1,3})(?:\s+of\s+\d{1,3})?", re.IGNORECASE)
_SIDECAR_NAMES = frozenset({"metadata.json", "desc.txt", "reader.txt"})
_SIDECAR_SUFFIXES = frozenset({".opf", ".nfo"})


def group(files: Iterable[FileStat]) -> list[FoundItem]:
    """Group ``files`` into items, sorted by path; their order in the input does not matter.

    A folder that holds audio is an item. Disc folders join their parent, audio deeper under an item joins the
    item, and an audio file directly in the root is an item of its own. Ebooks alone make no item, because an
    item is a recording. Other files belong to the nearest item that contains them,
    and in the root to the audio file of the same name.
    """
    files = sorted(files)
    audio = [file for file in files if file.kind is FileKind.AUDIO]
    homes = _item_folders({_home(file.path)[0] for file in audio})
    members: defaultdict[str, _Members] = defaultdict(_Members)
    for file in audio:
        home, disc = _home(file.path)
        members[homes.get(home, file.path)].audio.append(FoundAudio(file, disc))
    root_files = {PurePosixPath(item).stem: item for item in sorted(members, reverse=True) if item not in homes}
    for file in files:
        if file.kind is not FileKind.AUDIO and (owner := _owner(file.path, members, root_files)):
            members[owner].add(file)
    return [_item(path, members[path]) for path in sorted(members)]


def signature(item: FoundItem) -> str:
    """Return a hash of the names, sizes and times of all the item's files: equal means nothing to read."""
    digest = hashlib.blake2b(digest_size=16)
    for file in sorted((*(audio.file for audio in item.audio), *item.sidecars, *item.images, *item.ebooks)):
        digest.update(f"{file.path}\0{file.size_bytes}\0{file.mtime_ns}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def is_sidecar(path: str) -> bool:
    """Tell whether the file at ``path`` is one of the sidecars that are read."""
    name = PurePosixPath(path).name.lower()
    return name in _SIDECAR_NAMES or PurePosixPath(name).suffix in _SIDECAR_SUFFIXES


def disc_number(folder_name: str) -> int | None:
    """Return the number of a disc folder such as ``CD 02`` or ``Disc 1 of 3``, or None."""
    match = _DISC.fullmatch(folder_name.strip())
    return int(match["number"]) if match else None


def _home(path: str) -> tuple[str, int | None]:
    """Return the folder that an audio file makes an item of ("" for the root) and its disc."""
    folders = PurePosixPath(path).parent.parts
    # The first folder has only the root above it, which is nobody's item.
    for depth, name in enumerate(folders[1:], start=1):
        if (disc := disc_number(name)) is not None:
            return "/".join(folders[:depth]), disc
    return "/".join(folders), None


def _item_folders(homes: set[str]) -> dict[str, str]:
    """Map each folder with audio to its topmost ancestor with audio; the root is left out."""
    owner: dict[str, str] = {}
    for folder in sorted(homes - {""}):
        ancestors = [*reversed(PurePosixPath(folder).parents), PurePosixPath(folder)]
        owner[folder] = next(str(place) for place in ancestors if str(place) in homes and str(place) != ".")
    return owner


def _owner(path: str, members: dict[str, _Members], root_files: dict[str, str]) -> str | None:
    for folder in PurePosixPath(path).parents:
        if str(folder) in members:
            return str(folder)
    return root_files.get(PurePosixPath(path).stem) if "/" not in path else None


def _item(path: str, members: _Members) -> FoundItem:
    return FoundItem(
        path=path,
        is_file=members.audio[0].file.path == path,
        audio=tuple(sorted(members.audio, key=lambda audio: natural_key(audio.file.path))),
        sidecars=_in_order(members.sidecars),
        images=_in_order(members.images),
        ebooks=_in_order(members.ebooks),
    )


def _in_order(files: list[FileStat]) -> tuple[FileStat, ...]:
    return tuple(sorted(files, key=lambda file: natural_key(file.path)))
