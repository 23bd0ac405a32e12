"""Reads the chapters that a single audio file carries, in the ways its format allows."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from library.scanning.cleaning import clean_line


@dataclass(frozen=True, slots=True)
class RawChapter:
    """A chapter as its file has it: start and end in seconds from the start of the file; the end may be missing."""

    start: float
    title: str
    end: float | None = None


MAX_CHAPTERS = 5_000
MAX_MARKERS_TEXT = 1_000_000
MEDIA_MARKERS = "overdrive mediamarkers"
_VORBIS_CHAPTER = re.compile(r"chapter(\d{1,4})")
_TIME = re.compile(r"(?:(?P<hours>\d{1,4}):)?(?P<minutes>\d{1,5}):(?P<seconds>\d{1,2}(?:\.\d{1,9})?)", re.ASCII)
_LEAD_OUT = 170


def chapters_of(audio: Any, tags: Mapping[str, tuple[str, ...]]) -> tuple[RawChapter, ...]:
    """Return the chapters of a file that mutagen read, by the first way that gives any, sorted by start.

    Asked in turn: MP4 chapter list, ID3 CHAP frames, Vorbis CHAPTERnnn comments, OverDrive markers, FLAC cue sheet.
    """
    ways = (_mp4_chapters, _id3_chapters)
    found = next((chapters for way in ways if (chapters := way(audio))), None)
    chapters = found or _vorbis_chapters(tags) or marker_chapters(tags) or _cue_sheet(audio)
    sane = (chapter for chapter in chapters if math.isfinite(chapter.start) and chapter.start >= 0)
    return tuple(sorted(sane, key=lambda chapter: chapter.start)[:MAX_CHAPTERS])


def marker_chapters(tags: Mapping[str, tuple[str, ...]]) -> list[RawChapter]:
    """Return the chapters in OverDrive's MediaMarkers XML; markers that cannot be parsed give none."""
    text = "".join(tags.get(MEDIA_MARKERS, ()))
    if not text or len(text) > MAX_MARKERS_TEXT:
        return []
    try:
        markers = list(fromstring(text).iter("Marker"))
    except (ParseError, DefusedXmlException, ValueError):
        return []
    timed = ((seconds_of(marker.findtext("Time") or ""), marker.findtext("Name") or "") for marker in markers)
    return [RawChapter(start, clean_line(name)) for start, name in timed if start is not None]


def seconds_of(text: str) -> float | None:
    """Return the seconds of a time written ``H:MM:SS.mmm`` or ``M:SS.mmm``, or None."""
    match = _TIME.fullmatch(text.strip())
    if not match:
        return None
    return int(match["hours"] or 0) * 3600 + int(match["minutes"]) * 60 + float(match["seconds"])


def _mp4_chapters(audio: Any) -> list[RawChapter]:
    chapters: Iterable[Any] = getattr(audio, "chapters", None) or ()
    return [RawChapter(float(chapter.start), clean_line(chapter.title)) for chapter in chapters]


def _id3_chapters(audio: Any) -> list[RawChapter]:
    frames = audio.tags.getall("CHAP") if hasattr(audio.tags, "getall") else ()
    return [
        RawChapter(frame.start_time / 1000, clean_line(_sub_title(frame)), frame.end_time / 1000) for frame in frames
    ]


def _sub_title(frame: Any) -> str:
    titles = frame.sub_frames.getall("TIT2")
    return str(titles[0]) if titles else ""


def _vorbis_chapters(tags: Mapping[str, tuple[str, ...]]) -> list[RawChapter]:
    numbered = ((name, match) for name in tags if (match := _VORBIS_CHAPTER.fullmatch(name)))
    timed = ((seconds_of(tags[name][0]), tags.get(f"{name}name", ("",))[0]) for name, _ in numbered)
    return [RawChapter(start, clean_line(title)) for start, title in timed if start is not None]


def _cue_sheet(audio: Any) -> list[RawChapter]:
    sheet = getattr(audio, "cuesheet", None)
    rate = getattr(audio.info, "sample_rate", 0)
    if not sheet or not rate:
        return []
    tracks = [track for track in sheet.tracks if track.track_number < _LEAD_OUT]
    return [RawChapter(track.start_offset / rate, "") for track in tracks]
