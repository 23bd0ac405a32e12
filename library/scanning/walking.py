"""Walks a library root and lists the files that can belong to an audiobook."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath

from library.scanning.errors import FolderUnreadableError, NameNotTextError, Problem, RootUnavailableError


class FileKind(Enum):
    """What a file can be for an audiobook, told by its extension."""

    AUDIO = "m4b mp3 m4a flac opus ogg oga mp4 aac wma aiff aif wav webm webma mka awb caf mpg mpeg"
    EBOOK = "epub pdf mobi azw3 cbr cbz"
    IMAGE = "png jpg jpeg webp"
    SIDECAR = "txt nfo opf json"


@dataclass(frozen=True, slots=True, order=True)
class FileStat:
    """One file below a library root: its posix path relative to the root, and what tells a change."""

    path: str
    size_bytes: int
    mtime_ns: int
    inode: int

    @property
    def kind(self) -> FileKind | None:
        """Return what the file can be for an audiobook."""
        return kind_of(self.path)


@dataclass(frozen=True, slots=True)
class Walk:
    """The files found, sorted by path, and what could not be looked at.

    ``unlisted`` names the folders whose content is unknown: what was known below them is not gone.
    """

    files: list[FileStat]
    problems: list[Problem]
    unlisted: list[str]


IGNORE_MARKER = ".ignore"
UNFINISHED = frozenset({"part", "tmp", "crdownload", "download", "bak", "old", "temp", "tempfile"})
_KINDS = {extension: kind for kind in FileKind for extension in kind.value.split()}


def walk(root: Path) -> Walk:
    """List every file below ``root`` that can belong to an audiobook.

    Hidden names, ``@eaDir``, unfinished downloads and sub-folders that hold ``.ignore`` are skipped.
    Every real folder is listed once: linked folders are followed last, and only to places not seen yet,
    so a loop of links ends. Raises RootUnavailableError, never an empty answer, when the root cannot be listed.
    """
    found = Walk([], [], [])
    seen: set[tuple[int, int]] = set()
    folders: list[str] = [""]
    links: list[str] = []
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        try:
            entries = _entries(root, folder, seen)
        except OSError as error:
            _report_unlisted(found, folder, error)
            continue
        _take(found, folder, entries, folders, links)
    found.files.sort()
    return found


def kind_of(path: str) -> FileKind | None:
    """Return what the file at ``path`` can be for an audiobook, or None."""
    return _KINDS.get(PurePosixPath(path).suffix[1:].lower())


def _entries(root: Path, folder: str, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    place = root / folder
    status = place.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in seen:
        return []
    seen.add(identity)
    with os.scandir(place) as listing:
        entries = [entry for entry in listing if not _skipped(entry.name) or entry.name == IGNORE_MARKER]
    if folder and any(entry.name == IGNORE_MARKER for entry in entries):
        return []
    return sorted((entry for entry in entries if entry.name != IGNORE_MARKER), key=lambda entry: entry.name)


def _skipped(name: str) -> bool:
    return name.startswith(".") or "@eaDir" in name or PurePosixPath(name).suffix[1:].lower() in UNFINISHED


def _report_unlisted(found: Walk, folder: str, error: OSError) -> None:
    if not folder:
        raise RootUnavailableError(error) from error
    found.unlisted.append(folder)
    found.problems.append(FolderUnreadableError(error).problem(folder))


def _take(found: Walk, folder: str, entries: list[os.DirEntry[str]], folders: list[str], links: list[str]) -> None:
    for entry in _named_in_text(found, folder, entries):
        path = f"{folder}/{entry.name}" if folder else entry.name
        if _is_folder(entry):
            (links if entry.is_symlink() else folders).append(path)
        elif kind_of(entry.name) and (stat := _stat(entry, path)):
            found.files.append(stat)


def _named_in_text(found: Walk, folder: str, entries: list[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
    for entry in entries:
        try:
            entry.name.encode()
        except UnicodeEncodeError:
            if _is_folder(entry) or kind_of(entry.name):
                path = f"{folder}/{entry.name}" if folder else entry.name
                found.problems.append(NameNotTextError().problem(path))
        else:
            yield entry


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _stat(entry: os.DirEntry[str], path: str) -> FileStat | None:
    # A pipe or device would block its reader; a file that vanishes between listing and stat is simply not there.
    try:
        if not entry.is_file():
            return None
        status = entry.stat()
    except OSError:
        return None
    return FileStat(path, status.st_size, status.st_mtime_ns, status.st_ino)
