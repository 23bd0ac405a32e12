"""Puts chapters on the time line of an edition."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import PurePosixPath

from library.scanning.cleaning import clean_line
from library.scanning.raw_chapters import MAX_CHAPTERS, RawChapter
from library.scanning.tags import FileTags


@dataclass(frozen=True, slots=True)
class EditionChapter:
    """A chapter on the edition's time line: ``start`` and ``end`` in seconds, start < end."""

    title: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class TimedFile:
    """A file of an edition in listening order, with what its tags say."""

    path: str
    tags: FileTags


# Shorter ones are marks, not chapters: players skip over them without a sound.
SHORTEST_SECONDS = 0.05
_CONTINUED = re.compile(r"\s*\((?:continued|\d{1,3}:\d{2}(?:\.\d+)?)\)$", re.IGNORECASE)
_TRACK_PREFIX = re.compile(r"^\d{1,4}\s*(?:[-–.):]\s*|\s+)(?=\D*\w)")


def edition_chapters(files: Sequence[TimedFile], sidecar: Sequence[RawChapter] = ()) -> tuple[EditionChapter, ...]:
    """Return the chapters of an edition whose ``files`` are in listening order.

    Chapters of a sidecar count first, then those inside the files (a file without any adds one of its own), then
    one chapter per file. A single file without chapters has none. Each ends where the next begins; what lies
    outside the recording, repeats a start or is shorter than 0.05 s is dropped.
    """
    total = sum(file.tags.duration_seconds for file in files)
    if listed := _closed(sidecar, total):
        return listed
    if len(files) > 1 or any(file.tags.chapters for file in files):
        return _closed(_of_files(files), total)
    return ()


def _of_files(files: Sequence[TimedFile]) -> list[RawChapter]:
    offsets = accumulate((file.tags.duration_seconds for file in files), initial=0.0)
    names = _file_names(files)
    found: list[RawChapter] = []
    for file, offset, name in zip(files, offsets, names, strict=False):
        inside = [one for one in file.tags.chapters if one.start < file.tags.duration_seconds]
        own = inside or [RawChapter(0.0, name)]
        found.extend(RawChapter(offset + one.start, one.title) for one in own)
    return _without_continuations(found)


def _file_names(files: Sequence[TimedFile]) -> list[str]:
    """Name each file by its title tag if every file has its own, else by its file name."""
    titles = [next(iter(file.tags.tags.get("title", ())), "") for file in files]
    if all(titles) and max(Counter(titles).values(), default=0) == 1:
        return titles
    return [_TRACK_PREFIX.sub("", clean_line(PurePosixPath(file.path).stem)) for file in files]


def _without_continuations(chapters: Iterable[RawChapter]) -> list[RawChapter]:
    """Join the markers by which OverDrive repeats a chapter: "Chapter 1 (continued)", "Chapter 1 (03:21)"."""
    kept: list[RawChapter] = []
    for chapter in chapters:
        title = _CONTINUED.sub("", chapter.title)
        if kept and title != chapter.title and title == _CONTINUED.sub("", kept[-1].title):
            continue
        kept.append(chapter)
    return kept


def _closed(chapters: Iterable[RawChapter], total: float) -> tuple[EditionChapter, ...]:
    # A start of NaN fails the comparison and goes too.
    inside = sorted((one for one in chapters if 0 <= one.start < total), key=lambda one: one.start)[:MAX_CHAPTERS]
    starts = [*(one.start for one in inside), total]
    spans = zip(inside, pairwise(starts), strict=True)
    real = [(one.title, start, end) for one, (start, end) in spans if end - start >= SHORTEST_SECONDS]
    return tuple(
        EditionChapter(clean_line(title) or f"Chapter {number}", round(start, 3), round(end, 3))
        for number, (title, start, end) in enumerate(real, start=1)
    )
