"""Folders and files that documents may be read from: what a knowledge base must never look into, and what it finds."""

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio.to_thread

from library.errors import BadInput, ShelfgraphError

# They hold keys, devices and the state of the system, never a guide.
_SYSTEM_FOLDERS = tuple(map(Path, ("/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr")))
_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv", "@eaDir", "#recycle", "lost+found"})
MAXIMUM_FILES = 200_000


class PlaceForbidden(BadInput):
    """A folder that holds the system's or our own files."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"'{path}' is, holds or lies in a folder of the system or of Shelfgraph itself. "
            "Put the documents into a folder of their own."
        )


class PlaceUnreadable(BadInput):
    """A path that is not there, or cannot be read."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(
            f"'{path[:200]}' is not a {what} the server can read. "
            "Give an absolute path as the server sees it and check its permissions."
        )


class SourceUnavailable(ShelfgraphError):
    """A folder of documents that cannot be looked at now; nothing in it is taken for gone."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"The folder '{name}' {what}. Check that it is mounted and readable, then ingest again.")

    @property
    def job_code(self) -> str:
        """The code under which a job keeps it."""
        return "SOURCE_UNAVAILABLE"


@dataclass(frozen=True, slots=True, order=True)
class FoundFile:
    """A file that may be a document: its path below the folder, and what tells cheaply whether it has changed."""

    path: str
    size_bytes: int
    modified_at: datetime


@dataclass(slots=True)
class Listing:
    """What a folder holds; `unlisted` are folders below it whose content is unknown, so nothing in them is gone."""

    files: dict[str, FoundFile] = field(default_factory=dict)
    unlisted: list[str] = field(default_factory=list)
    unnameable: list[str] = field(default_factory=list)

    def is_unknown(self, path: str) -> bool:
        """Whether a path lies in a folder that could not be listed."""
        return any(path.startswith(f"{folder}/") for folder in self.unlisted)


async def usable_place(path: str, private: Collection[Path], *, is_folder: bool) -> Path:
    """Check a folder or file and resolve its links; `private` are Shelfgraph's own folders.

    Raises PlaceForbidden, PlaceUnreadable. Touches the disk: call it outside a transaction.
    """
    return await anyio.to_thread.run_sync(_usable, path, private, is_folder)


def allowed_place(place: Path, private: Collection[Path]) -> Path:
    """Return a resolved path if documents may be read from it; raises PlaceForbidden."""
    if place == Path(place.anchor) or place in {Path("/home"), Path("/root"), Path("/var"), Path("/opt")}:
        raise PlaceForbidden(place)
    for folder in _SYSTEM_FOLDERS:
        if place == folder or folder in place.parents:
            raise PlaceForbidden(place)
    for folder in (given.resolve() for given in private):
        if place == folder or folder in place.parents or place in folder.parents:
            raise PlaceForbidden(place)
    return place


def listed(name: str, folder: Path, endings: Collection[str]) -> Listing:
    """List the files below a folder whose names end in one of `endings` (lower case, with the dot).

    Hidden names, folders of programs and everything that is reached by a link out of the folder are left out, and
    links to folders are not followed. Raises SourceUnavailable when the folder itself cannot be listed.
    """
    listing = Listing()
    folders = [""]
    while folders:
        below = folders.pop()
        try:
            with os.scandir(folder / below) as entries:
                names = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not below:
                raise SourceUnavailable(name, f"cannot be listed ({error.strerror})") from error
            listing.unlisted.append(below)
            continue
        for entry in names:
            _take(listing, folders, folder, below, entry, endings)
        if len(listing.files) > MAXIMUM_FILES:
            raise SourceUnavailable(name, f"holds more than {MAXIMUM_FILES} documents; give its parts one by one")
    return listing


def found_file(place: Path) -> FoundFile | None:
    """One file that was named by itself; None when it is not there."""
    try:
        return _found(place.name, place.stat())
    except OSError:
        return None


def _usable(path: str, private: Collection[Path], is_folder: bool) -> Path:
    what = "folder" if is_folder else "file"
    try:
        given = Path(path)
        if not given.is_absolute():
            raise PlaceUnreadable(path, what)
        place = given.resolve(strict=True)
        if is_folder:
            with os.scandir(place):
                pass
        elif not place.is_file() or not os.access(place, os.R_OK):
            raise PlaceUnreadable(path, what)
    except (OSError, ValueError, RuntimeError):  # not there, not allowed; a NUL byte; a loop of links
        raise PlaceUnreadable(path, what) from None
    return allowed_place(place, private)


def _take(
    listing: Listing, folders: list[str], root: Path, below: str, entry: os.DirEntry[str], endings: Collection[str]
) -> None:
    if entry.name.startswith(".") or entry.name in _SKIPPED_FOLDERS:
        return
    path = f"{below}/{entry.name}" if below else entry.name
    try:
        if entry.is_dir(follow_symlinks=False):
            folders.append(path)
        elif Path(entry.name).suffix.lower() in endings:
            if not _is_text(path):
                listing.unnameable.append(os.fsencode(path).decode("utf-8", "backslashreplace"))
            elif not entry.is_symlink() or (root / path).resolve(strict=True).is_relative_to(root):
                status = entry.stat()
                if stat.S_ISREG(status.st_mode):
                    listing.files[path] = _found(path, status)
    except (OSError, RuntimeError):
        return  # gone since, or a link to nowhere


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _found(path: str, status: os.stat_result) -> FoundFile:
    # Whole microseconds, as a column keeps them.
    return FoundFile(path, status.st_size, datetime.fromtimestamp(status.st_mtime_ns // 1000 / 1e6, UTC))
