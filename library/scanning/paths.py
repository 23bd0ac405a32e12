"""Reads the book out of the names of its folders: [Author/][Series/]Title."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from library.scanning.cleaning import clean_line
from library.scanning.facts import BookFacts
from library.scanning.identifiers import normal_asin
from library.scanning.names import split_names
from library.scanning.series import SeriesMention, normal_position
from library.scanning.titles import clean_title, edition_hints

# An unmarked folder may be anything, so a cut of its name is less certain than the name.
TITLE_CUT_CONFIDENCE = 0.5
SUBTITLE_CONFIDENCE = 0.4
LEVELS = 3

_ASIN = re.compile(r"(?:^|\s)\[(?P<asin>[A-Z0-9]{10})\](?=\s|$)")
_NARRATORS = re.compile(r"\s\{(?P<names>[^{}]+)\}$")
_YEAR = re.compile(r"^(?:(?P<plain>\d{4})|\((?P<bracketed>\d{4})\))\s+-\s+(?=\S)")
_NUMBER = r"\d{1,3}(?:\.\d{1,2})?"
_SEQUENCE = re.compile(
    rf"(?P<label>(?:vols?\.?|volumes?|books?)\s*)?(?P<number>{_NUMBER}(?:\s?[-–]\s?{_NUMBER})?)"
    r"(?P<dot>\.)?(?:\s+(?P<rest>.+))?",
    re.IGNORECASE,
)
# Folders downloaded from the Internet Archive: moby_dick_librivox, illiad_0801_librivox3
_LIBRIVOX = re.compile(r"^(?P<name>.+?)(?:_\d{4})?_librivox\d*$", re.IGNORECASE)
_SEPARATOR = " - "


def facts_of_path(path: str, *, is_file: bool = False, parse_subtitle: bool = True) -> BookFacts:
    """Return what the last three folders of ``path`` say, by Audiobookshelf's conventions (facts 3.3).

    ``path`` is an item's path relative to the root. ``parse_subtitle`` cuts "Title - More" into title and subtitle;
    as " - " also stands inside titles, both are then marked unsure. Never raises: what cannot be told is left out.
    """
    names = [clean_line(part) for part in PurePosixPath(path).parts]
    if is_file and names:
        names[-1] = clean_line(PurePosixPath(path).stem)
    *above, folder = [name for name in names if name][-LEVELS:] or [""]
    author = above[0] if above else ""
    series = above[1] if len(above) == LEVELS - 1 else None
    return _facts_of_title(folder, split_names(author, surname_first=True), series, parse_subtitle=parse_subtitle)


def _facts_of_title(folder: str, authors: list[str], series: str | None, *, parse_subtitle: bool) -> BookFacts:
    name, asin = _without_asin(_from_archive(folder))
    name, narrators = _without_narrators(name)
    position, name = _without_sequence(_without_series(name, series)) if series else (None, name)
    name, year = _without_year(name)
    title, subtitle = _cut(name) if parse_subtitle else (name, None)
    abridged, dramatized = edition_hints(folder)
    return BookFacts(
        title=clean_title(title) or folder or None,
        subtitle=subtitle,
        authors=tuple(authors),
        series=(SeriesMention(series, position),) if series else (),
        narrators=tuple(narrators),
        published_year=year,
        asin=asin,
        abridged=abridged,
        dramatized=dramatized,
        unsure={"title": TITLE_CUT_CONFIDENCE, "subtitle": SUBTITLE_CONFIDENCE} if subtitle else {},
    )


def _from_archive(folder: str) -> str:
    match = _LIBRIVOX.fullmatch(folder)
    name = match["name"] if match else folder
    return name if " " in name else " ".join(name.replace("_", " ").split())


def _without_asin(name: str) -> tuple[str, str | None]:
    for match in _ASIN.finditer(name):
        if asin := normal_asin(match["asin"]):
            return (name[: match.start()] + name[match.end() :]).strip(), asin
    return name, None


def _without_narrators(name: str) -> tuple[str, list[str]]:
    match = _NARRATORS.search(name)
    return (name[: match.start()].rstrip(), split_names(match["names"])) if match else (name, [])


def _without_series(name: str, series: str) -> str:
    """Turn "Series #3 - Title", as imports are named, into "3 - Title"."""
    prefix = f"{series} #"
    return name[len(prefix) :] if name.casefold().startswith(prefix.casefold()) else name


def _without_sequence(name: str) -> tuple[str | None, str]:
    """Take the first part that gives a position out of ``name``; the text beside its number stays."""
    parts = name.split(_SEPARATOR)
    for index, part in enumerate(parts):
        match = _SEQUENCE.fullmatch(part.strip())
        if match and (not match["rest"] or match["label"] or match["dot"]):
            return normal_position(match["number"]), _rejoined(parts, index, match["rest"]) or name
    return None, name


def _rejoined(parts: Sequence[str], index: int, rest: str | None) -> str:
    kept = [*parts[:index], *([rest] if rest else []), *parts[index + 1 :]]
    return _SEPARATOR.join(part for part in kept if part.strip())


def _without_year(name: str) -> tuple[str, int | None]:
    match = _YEAR.match(name)
    return (name[match.end() :], int(match["plain"] or match["bracketed"])) if match else (name, None)


def _cut(name: str) -> tuple[str, str | None]:
    title, _, subtitle = name.partition(_SEPARATOR)
    return (title.strip(), subtitle.strip()) if title.strip() and subtitle.strip() else (name, None)
