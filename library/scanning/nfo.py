"""Reads NFO files: "Key: value" lines and a free block that describes the book."""

import re
from collections.abc import Mapping

from library.scanning.cleaning import clean_line, clean_text
from library.scanning.dates import iso_date, year_of
from library.scanning.facts import BookFacts
from library.scanning.genres import split_genres
from library.scanning.identifiers import normal_asin, normal_isbn
from library.scanning.languages import normal_language
from library.scanning.names import authors_of, split_credits, split_names
from library.scanning.series import SeriesMention, mention
from library.scanning.titles import clean_title

_LINE = re.compile(r"\s*(?P<key>[A-Za-z][A-Za-z0-9 .\-]{1,40}?)[\s.]*:\s*(?P<value>\S.*?)\s*")
_HEADING = re.compile(r"\s*(?:book description|description|publisher'?s summary|summary)\s*:?\s*", re.IGNORECASE)
# A line of signs underlines a heading or ends a block.
_RULE = re.compile(r"\s*[=\-_*~#]{3,}\s*")
_SIGNS = re.compile(r"[\u2500-\u259f]+")
_YEAR_KEYS = (
    "book copyright",
    "copyright",
    "audiobook copyright",
    "recording copyright",
    "release date",
    "date",
    "audible.com release",
    "year",
)
_DATE_KEYS = ("audible.com release", "release date", "date")
_YES = frozenset({"yes", "true", "1", "y"})
_NO = frozenset({"no", "false", "0", "n"})


def facts_of_nfo(text: str) -> BookFacts:
    """Return what an NFO file says; lines that are no "Key: value" are passed over."""
    lines = _SIGNS.sub("", text).splitlines()
    values = _values(lines)
    return BookFacts(
        title=clean_title(values.get("title", "")) or None,
        subtitle=values.get("subtitle"),
        authors=tuple(authors_of(split_credits(values.get("author", values.get("authors", ""))))),
        series=_series(values),
        description=clean_text(_description(lines)) or values.get("description"),
        language=normal_language(values.get("language", values.get("lang", ""))),
        published_year=next((year for key in _YEAR_KEYS if (year := year_of(values.get(key, "")))), None),
        genres=split_genres([values.get("genre", values.get("genres", ""))]),
        tags=tuple(split_genres([values.get("tags", "")])),
        narrators=tuple(split_names(values.get("narrator", values.get("read by", values.get("narrators", ""))))),
        publisher=values.get("publisher"),
        asin=normal_asin(values.get("asin", "")),
        isbn=next((isbn for key in ("isbn-13", "isbn", "isbn-10") if (isbn := normal_isbn(values.get(key, "")))), None),
        abridged=_abridged(values),
        published_date=next((day for key in _DATE_KEYS if (day := iso_date(values.get(key, "")))), None),
    )


def _values(lines: list[str]) -> dict[str, str]:
    """Return the first value of each key; keys in lower case."""
    values: dict[str, str] = {}
    for line in lines:
        if match := _LINE.fullmatch(line):
            values.setdefault(" ".join(match["key"].lower().split()), clean_line(match["value"]))
    return values


def _series(values: Mapping[str, str]) -> tuple[SeriesMention, ...]:
    name = values.get("series name", values.get("series", ""))
    found = mention(name, values.get("position in series", values.get("series position")))
    return (found,) if found else ()


def _abridged(values: Mapping[str, str]) -> bool | None:
    for key, when_yes in (("unabridged", False), ("abridged", True)):
        answer = values.get(key, "").casefold()
        if answer in _YES | _NO:
            return when_yes if answer in _YES else not when_yes
    return None


def _description(lines: list[str]) -> str:
    """Return the block under a description heading, to the next ruled heading or the end."""
    start = next((index for index, line in enumerate(lines) if _HEADING.fullmatch(line)), None)
    if start is None:
        return ""
    block = lines[start + 1 :]
    if block and _RULE.fullmatch(block[0]):
        block = block[1:]
    end = next((index for index, line in enumerate(block) if _RULE.fullmatch(line)), len(block))
    # The line above a rule is the next heading.
    return "\n".join(block[: end - 1] if end < len(block) else block)
