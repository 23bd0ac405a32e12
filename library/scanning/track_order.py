"""Puts the files of an item into the order of listening."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

NaturalKey = tuple[tuple[tuple[int, int, str], ...], str]


@dataclass(frozen=True, slots=True)
class TrackHints:
    """What says where a file belongs: its path, the disc of its folder, and its tags' disc and track."""

    path: str
    folder_disc: int | None = None
    tag_disc: int | None = None
    tag_track: int | None = None

    @property
    def disc(self) -> int:
        """Return the disc; the folder wins, because rippers write 1/1 into the tags of every disc."""
        return next((disc for disc in (self.folder_disc, self.tag_disc) if disc is not None), 0)


_DIGITS = re.compile(r"(\d{1,18})", re.ASCII)
_NUMBER = re.compile(r"\s*(\d{1,6})\b", re.ASCII)


def in_listening_order(files: Sequence[TrackHints]) -> list[TrackHints]:
    """Sort ``files`` by one rule for the whole set.

    Disc and track of the tags count when every file has a track number and no two files share a place;
    otherwise the numbers in the file names do, compared as numbers (``Track 2`` before ``Track 10``).
    """
    if _tags_are_sane(files):
        return sorted(files, key=lambda file: (file.disc, file.tag_track or 0))
    return sorted(files, key=_name_key)


def natural_key(path: str) -> NaturalKey:
    """Return a sort key for ``path`` in which numbers count as numbers; ties fall to the exact text."""
    # Folders come apart first, so that "Book/2" sorts before "Book 2/1" whatever the characters between.
    chunks = (chunk for part in PurePosixPath(path).parts for chunk in (*_DIGITS.split(part), ""))
    return tuple(_chunk_key(chunk) for chunk in chunks), path


def leading_number(text: str | None) -> int | None:
    """Return the number at the start of a tag such as ``3/10`` or ``03``; None when there is none or it is 0."""
    match = _NUMBER.match(text or "")
    return (int(match[1]) or None) if match else None


def _tags_are_sane(files: Sequence[TrackHints]) -> bool:
    places = {(file.disc, file.tag_track) for file in files if file.tag_track}
    return bool(files) and len(places) == len(files)


def _name_key(file: TrackHints) -> tuple[int, NaturalKey]:
    return file.folder_disc or 0, natural_key(file.path)


def _chunk_key(chunk: str) -> tuple[int, int, str]:
    return (0, int(chunk), "") if chunk.isascii() and chunk.isdigit() else (1, 0, chunk.casefold())
