"""Series, and what the position text of a book in one says about order and role."""

import re
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.books import Series, SeriesEntry, SeriesRole
from library.names import KnownNames, ids_of
from library.text_search import fold, name_key, sort_title

LAST = 1e9  # the sort key of a book whose place nobody knows
_NUMBER = re.compile(r"(?<!\w)(\d{1,6}(?:\.\d{1,6})?)")
_RANGE = re.compile(r"\d(?:\s*[-–—&+]\s*|\s*(?:to|,)\s*)\d")
_BEFORE_THE_FIRST = re.compile(r"\b(?:prequel|prelude|prologue)\b")
_SIDE = re.compile(r"\b(?:companion|guide|extra|bonus|side|short|interlude|epilogue)\b")
_OMNIBUS = re.compile(r"\b(?:omnibus|box ?set|collection|complete)\b")
_NOVELLA = re.compile(r"\b(?:novella|prequel)\b")
_PREQUEL_KEY = 0.5


async def find_or_create(session: AsyncSession, names: Sequence[str], known: KnownNames) -> dict[str, int]:
    """The ids of series by `series_key` of their names; new names become new series."""
    rows = {
        series_key(name): {"name": name, "sort_name": sort_title(name), "name_key": series_key(name)}
        for name in reversed(names)  # the first spelling wins
    }
    return await ids_of(session, Series, rows, known)


async def place_book(
    session: AsyncSession, book_id: int, entries: Sequence[dict[str, Any]], known: KnownNames, *, is_new: bool = False
) -> None:
    """Make `entries` ({name, position}) the book's series; an entry that stays keeps its id."""
    ids = await find_or_create(session, [entry["name"] for entry in entries], known)
    wanted = {ids[series_key(entry["name"])]: entry["position"] for entry in reversed(entries)}
    placed = sa.select(SeriesEntry).where(SeriesEntry.book_id == book_id)
    for entry in [] if is_new else list(await session.scalars(placed)):
        if entry.series_id not in wanted:
            await session.delete(entry)
            continue
        _set_position(entry, wanted.pop(entry.series_id))
    for series_id, position in reversed(wanted.items()):
        entry = SeriesEntry(series_id=series_id, book_id=book_id)
        _set_position(entry, position)
        session.add(entry)
    await session.flush()


def series_key(name: str) -> str:
    """What makes two spellings the same series: "The Expanse" and "Expanse" have one key."""
    words = sort_title(name).split()
    return name_key(" ".join(words[:-1] if len(words) > 1 and words[-1] == "series" else words))


def sort_key(position: str | None) -> float:
    """The number a position sorts by: the first in the text ("1-3" by 1), "Prequel" before 1, none of it last."""
    text = fold(position or "")
    number = _NUMBER.search(text)
    if number:
        return float(number[1])
    return _PREQUEL_KEY if _BEFORE_THE_FIRST.search(text) else LAST


def role_of(position: str | None) -> SeriesRole:
    """What a position says of the book: a range is an OMNIBUS, a decimal or prequel a NOVELLA, words a SIDE book."""
    text = fold(position or "")
    if _RANGE.search(text) or _OMNIBUS.search(text):
        return SeriesRole.OMNIBUS
    number = _NUMBER.search(text)
    if _NOVELLA.search(text) or (number and not float(number[1]).is_integer()):
        return SeriesRole.NOVELLA
    if _SIDE.search(text) or (text.strip() and not number):
        return SeriesRole.SIDE
    return SeriesRole.MAIN


def _set_position(entry: SeriesEntry, position: str | None) -> None:
    entry.position, entry.sort_key, entry.role = position, sort_key(position), role_of(position)
