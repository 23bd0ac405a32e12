"""Reads free titles of releases: "Author - Title (Unabridged) [M4B] 64kbps", "Title by Author [ENG / M4B] [VIP]"."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from library.releases.facts import ReleaseFacts
from library.releases.notes import Notes, take_bracketed, take_codes, take_running
from library.scanning.cleaning import clean_line
from library.scanning.names import split_names
from library.scanning.series import LABEL, RANGE, SeriesMention, merged, normal_position

MAX_TITLE = 500
MAX_TAGS = 2_000
MAX_PARTS = 6
_ENDING = re.compile(r"\.(?:torrent|m4b|m4a|mp3|flac|zip|rar|nzb)$", re.IGNORECASE)
_DOTTED = re.compile(r"[._]+")
_GROUP = re.compile(r"(?<=\w)-\w+$")  # who released it, at the end of a title without spaces
_BRACKETED = re.compile(r"\[([^\[\]]*)\]|\(([^()]*)\)|\{([^{}]*)\}")
_DASH = re.compile(r"\s+(?:[-–—~|]+\s+)+|\s*[-–—]{2,}\s*|\s+[-–—]+$|^[-–—]+\s+")
_BY = re.compile(r",?\s+by:?\s+(?=\S+\s+\S|\S*[A-Z]\S{3,}$)(?!\S+\s+by\b)", re.IGNORECASE)
_SERIES = re.compile(
    rf"(?P<name>\S(?:.*?\S)??)\s*(?:,\s*|:\s*|\s)\s*(?:{LABEL}\s*)?#?(?P<position>{RANGE})", re.IGNORECASE
)
_SERIES_AT_END = re.compile(r"\s*[(\[]([^()\[\]]+)[)\]]$")
_LABEL_ONLY = re.compile(rf"(?:the\s+)?{LABEL}?", re.IGNORECASE)
_NUMBER_ONLY = re.compile(rf"(?:{LABEL}\s*)?#?(?P<position>{RANGE})\.?", re.IGNORECASE)
_YEAR_ONLY = re.compile(r"(?:18|19|20)\d{2}")
_SPACES = re.compile(r"\s+")
_EMPTY_ENDS = re.compile(r"^[\s,;:|/]+|[\s,;:|/]+$")


def read_title(text: str) -> ReleaseFacts:
    """Read a release's title.

    Without fields of their own, who wrote and what is guessed from the order "Author - Series - Title" or from " by ";
    `parts` keeps the pieces for other readings. Never raises; a title of which nothing is left stays as it was.
    """
    plain = _spaced(clean_line(html.unescape(text), MAX_TITLE))
    series: list[SeriesMention] = []
    notes = Notes(plain)
    notes.text = _BRACKETED.sub(lambda found: _bracketed(notes, series, found), plain)
    take_running(notes)
    parts = _with_series(_parts(notes), series)
    facts = replace(notes.facts(), series=merged(series))
    return _with_names(facts, parts[:MAX_PARTS] or [plain])


def read_tags(text: object) -> ReleaseFacts:
    """Read an uploader's free list of tags: "Unabridged, 64 kbps, 3 hrs 32 mins, read by A Name"; it has no title."""
    notes = Notes(clean_line(html.unescape(str(text or "")), MAX_TAGS).replace("·", ","))
    take_bracketed(notes)
    return notes.facts()


def without_series(title: str) -> tuple[str, tuple[SeriesMention, ...]]:
    """Take "(Series 3)" off the end of a title: the rest, and the series it named."""
    match = _SERIES_AT_END.search(title) if title.endswith((")", "]")) else None
    one = _mention(match[1]) if match and match.start() else None
    return (title[: match.start()].rstrip(), (one,)) if match and one else (title, ())


def _spaced(text: str) -> str:
    text = _ENDING.sub("", text)
    if " " in text:
        return text.replace("_", " ")
    return _DOTTED.sub(" ", _GROUP.sub("", text) if _DOTTED.search(text) else text)


def _bracketed(notes: Notes, series: list[SeriesMention], found: re.Match[str]) -> str:
    """Move what a pair of brackets says to where it belongs; what says nothing stays in the title."""
    content = (found[1] or found[2] or found[3] or "").strip()
    if found[3] and (names := split_names(content)):
        notes.found.setdefault("narrators", tuple(names))
        return "  "
    inside = Notes(content, notes.found)
    take_bracketed(inside)
    if not inside.is_used_up and (one := _mention(content)):
        series.append(one)
        return "  "
    take_codes(inside)
    return "  " if inside.is_used_up else f" ({inside.text.strip()}) "


def _parts(notes: Notes) -> list[str]:
    """Cut the title at its dashes; empty brackets and pieces go, a year among other pieces is one."""
    pieces = [_EMPTY_ENDS.sub("", _SPACES.sub(" ", piece)) for piece in _DASH.split(notes.text)]
    pieces = [piece for piece in pieces if piece and piece.strip("()[]{} -")]
    years = [piece for piece in pieces if _YEAR_ONLY.fullmatch(piece)]
    if years and len(pieces) - len(years) > 1:  # "George Orwell - 1984" keeps its title
        notes.found.setdefault("published_year", int(years[0]))
        pieces = [piece for piece in pieces if piece not in years]
    return [part for piece in pieces for part in _around_by(piece)]


def _around_by(piece: str) -> Iterator[str]:
    """Cut before the last " by " that somebody's name may follow; "by" stays, so that joining restores the title."""
    matches = list(_BY.finditer(piece))
    if not matches or not piece[: matches[-1].start()].strip():
        yield piece
        return
    yield piece[: matches[-1].start()]
    yield f"by {piece[matches[-1].end() :]}"


def _with_series(parts: list[str], series: list[SeriesMention]) -> list[str]:
    """Take series out of the pieces between the first and the last: "Author - Series 03 - Title"."""
    kept = parts[:1]
    for piece, following in pairwise(parts[1:]):
        number = _NUMBER_ONLY.fullmatch(following)
        if _NUMBER_ONLY.fullmatch(piece):
            continue
        if one := SeriesMention(piece, normal_position(number["position"])) if number else _mention(piece):
            series.append(one)
        else:
            kept.append(piece)
    return [*kept, *parts[1:][-1:]]


def _mention(text: str) -> SeriesMention | None:
    match = _SERIES.fullmatch(text)
    if not match or _LABEL_ONLY.fullmatch(match["name"]) or _YEAR_ONLY.fullmatch(match["position"]):
        return None
    return SeriesMention(match["name"].strip(" ,:"), normal_position(match["position"]))


def _with_names(facts: ReleaseFacts, parts: list[str]) -> ReleaseFacts:
    """Guess who wrote: who follows "by", else the first of several pieces."""
    if len(parts) == 1:
        return replace(facts, title=parts[0])
    by = next((index for index, part in enumerate(parts) if part.startswith("by ")), 0)
    title = " - ".join(part for index, part in enumerate(parts) if index != by)
    return replace(facts, title=title, authors=tuple(split_names(parts[by])), parts=tuple(parts))
