"""The fields that books and editions have, and what each of them can hold."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from library.errors import InvalidFieldValue, UnknownField
from library.models.metadata import EntityKind
from library.scanning.cleaning import MAX_TEXT, clean_line, clean_text
from library.scanning.identifiers import normal_asin, normal_isbn
from library.scanning.languages import normal_language
from library.text_search import name_key

MAXIMUM_TITLE = 500  # keys made of it must fit a page of the index on Postgres
MAXIMUM_NAME = 300
MAXIMUM_DESCRIPTION = MAX_TEXT
MAXIMUM_POSITION = 60
MAXIMUM_PEOPLE = 200
MAXIMUM_SERIES = 20
MAXIMUM_TAGS = 100
EARLIEST_YEAR, LATEST_YEAR = -3000, 2200  # Gilgamesh is an audiobook too

_PARTIAL_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")
_Check = Callable[[Any], Any]


class _Unfit(ValueError):
    """Why a value does not fit, as the end of a sentence that begins with the field's name."""


def check(kind: EntityKind, field: str, value: Any) -> Any:
    """Return a value as it is stored, or None for "known to be empty".

    Texts are trimmed, ISBNs become 13 digits, languages codes; lists lose doubles. Raises UnknownField, or
    InvalidFieldValue with what to do.
    """
    fields = FIELDS[kind]
    if field not in fields:
        raise UnknownField(field, fields)
    try:
        return fields[field](value)
    except _Unfit as reason:
        raise InvalidFieldValue(field, str(reason)) from None


def _text(limit: int) -> _Check:
    def checked(value: Any) -> str | None:
        if value is None:
            return None
        # One more than allowed is enough to tell that it is too long.
        return _within(clean_line(_string(value), limit + 1), limit) or None

    return checked


def _title(value: Any) -> str:
    title: str | None = _text(MAXIMUM_TITLE)(value)
    if title is None:
        raise _Unfit("cannot be empty; give the name the book is known by")
    return title


def _description(value: Any) -> str | None:
    if value is None:
        return None
    return _within(clean_text(_string(value), MAXIMUM_DESCRIPTION + 1), MAXIMUM_DESCRIPTION) or None


def _names(limit: int, longest: int = MAXIMUM_NAME) -> _Check:
    def checked(value: Any) -> list[str] | None:
        names = [_within(clean_line(_string(name), longest + 1), longest) for name in _items(value, limit)]
        return list(_distinct((name, name) for name in names if name).values()) or None

    return checked


def _series(value: Any) -> list[dict[str, str | None]] | None:
    entries = [_series_entry(entry) for entry in _items(value, MAXIMUM_SERIES)]
    return list(_distinct((entry["name"] or "", entry) for entry in entries).values()) or None


def _series_entry(value: Any) -> dict[str, str | None]:
    if not isinstance(value, Mapping) or value.keys() - {"name", "position"}:
        raise _Unfit("takes entries with a name and a position")
    name = _text(MAXIMUM_NAME)(value.get("name"))
    if name is None:
        raise _Unfit("needs the name of each series")
    return {"name": name, "position": _text(MAXIMUM_POSITION)(value.get("position"))}


def _year(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not EARLIEST_YEAR <= value <= LATEST_YEAR:
        raise _Unfit(f"must be a year from {EARLIEST_YEAR} to {LATEST_YEAR}")
    return value


def _date(value: Any) -> str | None:
    if value is None:
        return None
    text = clean_line(_string(value))
    match = _PARTIAL_DATE.fullmatch(text)
    if match is None:
        raise _Unfit("must be a date such as 1999, 1999-04 or 1999-04-30")
    try:
        date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        raise _Unfit(f"must be a day of the calendar, which {text} is not") from None
    return text


def _truth(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise _Unfit("must be true, false or null")
    return value


def _language(value: Any) -> str | None:
    if value is None:
        return None
    code = normal_language(_string(value))
    if code is None:
        raise _Unfit('must be a language code such as "en" or its English name')
    return code


def _isbn(value: Any) -> str | None:
    if value is None:
        return None
    isbn = normal_isbn(_string(value)[:MAXIMUM_NAME])
    if isbn is None:
        raise _Unfit("must be an ISBN of 10 or 13 digits whose check digit is right; compare it with the cover")
    return isbn


def _asin(value: Any) -> str | None:
    if value is None:
        return None
    asin = normal_asin(_string(value)[:MAXIMUM_NAME])
    if asin is None:
        raise _Unfit("must be an ASIN: ten capital letters and digits, as in the address of the book's shop page")
    return asin


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _Unfit("must be text")
    return value


def _within(text: str, limit: int) -> str:
    if len(text) > limit:
        raise _Unfit(f"can have at most {limit} characters; shorten it")
    return text


def _items(value: Any, limit: int) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise _Unfit("must be a list")
    if len(value) > limit:
        raise _Unfit(f"can have at most {limit} entries, not {len(value)}; leave some out")
    return list(value)


def _distinct(named: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Keep the first of the values whose names are one name."""
    found: dict[str, Any] = {}
    for name, value in named:
        found.setdefault(name_key(name), value)
    return found


BOOK_FIELDS: Mapping[str, _Check] = {
    "title": _title,
    "subtitle": _text(MAXIMUM_TITLE),
    "authors": _names(MAXIMUM_PEOPLE),
    "series": _series,
    "description": _description,
    "language": _language,
    "published_year": _year,
    "genres": _names(MAXIMUM_TAGS),
    "tags": _names(MAXIMUM_TAGS),
}
EDITION_FIELDS: Mapping[str, _Check] = {
    "narrators": _names(MAXIMUM_PEOPLE),
    "publisher": _text(MAXIMUM_NAME),
    "asin": _asin,
    "isbn": _isbn,
    "language": _language,
    "abridged": _truth,
    "dramatized": _truth,
    "published_date": _date,
}
FIELDS: Mapping[EntityKind, Mapping[str, _Check]] = {EntityKind.BOOK: BOOK_FIELDS, EntityKind.EDITION: EDITION_FIELDS}
