"""What is known of a book that others should be like: its words, and the books of its series."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from library.database import Database
from library.models.books import BookTag, SeriesEntry, Tag
from library.models.passages import OwnerKind, Passage

_MOST_PASSAGES = 3  # a description says in its first ones what it is about
_TEXT, _TAG, _SIBLING = "TEXT", "TAG", "SIBLING"


@dataclass(frozen=True, slots=True)
class AboutBook:
    """The text of its first passages with its tags, and the ids of all books of its series, its own included."""

    text: str
    series: frozenset[int]


async def about_book(database: Database, book_id: int) -> AboutBook:
    """Read all of it with one statement."""
    (rows,) = await database.rows((_ABOUT, {"book": book_id}))
    texts = [text for what, _, text in rows if what != _SIBLING]
    return AboutBook("\n".join(texts), frozenset(number for what, number, _ in rows if what == _SIBLING))


def _about() -> sa.Select[Any]:
    book: sa.BindParameter[int] = sa.bindparam("book")
    texts = (
        _of(_TEXT, Passage.id, Passage.text)
        .where(Passage.owner_kind == OwnerKind.BOOK, Passage.owner_id == book)
        .order_by(Passage.position)
        .limit(_MOST_PASSAGES)
        .subquery()
    )
    tags = _of(_TAG, Tag.id, Tag.name).join(BookTag, BookTag.tag_id == Tag.id).where(BookTag.book_id == book)
    own = sa.select(SeriesEntry.series_id).where(SeriesEntry.book_id == book)
    nothing: sa.ColumnElement[str] = sa.literal_column("''")
    siblings = _of(_SIBLING, SeriesEntry.book_id, nothing).where(SeriesEntry.series_id.in_(own))
    return sa.select(*sa.union_all(sa.select(*texts.c), tags, siblings).subquery().c)


def _of(what: str, number: Any, text: Any) -> sa.Select[Any]:
    return sa.select(sa.literal_column(f"'{what}'").label("what"), number.label("number"), text.label("text"))


_ABOUT = _about()
