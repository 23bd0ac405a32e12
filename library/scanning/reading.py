"""Reads everything a scan needs from one audio file; runs in a reading process, so it stays light to import."""

from dataclasses import dataclass
from pathlib import Path

from library.scanning.errors import FileUnreadableError, Problem, ReadingOutOfMemoryError, ScanError
from library.scanning.identity import audio_fingerprint
from library.scanning.tags import FileTags, read_tags


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What was read from the file at ``path`` (relative to the root), and its size and time when it was read."""

    path: str
    size_bytes: int
    mtime_ns: int
    fingerprint: str
    tags: FileTags


def read_item_file(root: str, path: str) -> ReadFile | Problem:
    """Read the audio file at ``path`` below ``root``; what is wrong with it comes back as a problem."""
    try:
        return _read(Path(root) / path, path)
    except ScanError as error:
        return error.problem(path)
    except MemoryError:
        return ReadingOutOfMemoryError().problem(path)
    except OSError as error:
        return FileUnreadableError(error).problem(path)


def _read(place: Path, path: str) -> ReadFile:
    # The status comes first: a file that changes while it is read then looks changed to the next scan.
    status = place.stat()
    return ReadFile(path, status.st_size, status.st_mtime_ns, audio_fingerprint(place), read_tags(place))
