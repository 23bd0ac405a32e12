"""Filters that were understood, as one SQL condition over books."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from library.models.books import Book, BookAuthor, BookTag, SeriesEntry, SeriesRole
from library.models.editions import Edition, EditionNarrator
from library.questions.filters import FilterKind
from library.questions.understanding import Filter

_FIRST_PLACE = 1.0
_OF_AN_EDITION = frozenset({FilterKind.DURATION, FilterKind.ABRIDGED, FilterKind.DRAMATIZED, FilterKind.NARRATOR})
Condition = sa.ColumnElement[bool]


def books_condition(filters: Iterable[Filter]) -> Condition:
    """Books of which all filters hold; those of recordings hold for one and the same edition."""
    given = list(filters)
    conditions = [_of_book(one) for one in given if one.spoken.kind not in _OF_AN_EDITION]
    recorded = [condition for one in given if one.spoken.kind in _OF_AN_EDITION for condition in _of_edition(one)]
    if recorded:
        conditions.append(Book.id.in_(sa.select(Edition.book_id).where(*recorded)))
    return sa.and_(sa.true(), *conditions)


def _of_edition(given: Filter) -> list[Condition]:
    spoken = given.spoken
    match spoken.kind:
        case FilterKind.ABRIDGED:
            return [_known(Edition.abridged, wish=not spoken.negated)]
        case FilterKind.DRAMATIZED:
            return [_known(Edition.dramatized, wish=not spoken.negated)]
        case FilterKind.NARRATOR:
            read = sa.select(EditionNarrator.edition_id).where(EditionNarrator.person_id.in_(_ids(given)))
            return [_either(Edition.id.in_(read), spoken.negated)]
        case _:
            # An edition that is wanted has no playing time yet.
            return [Edition.duration_seconds > 0, *_within(Edition.duration_seconds, given)]


def _of_book(given: Filter) -> Condition:
    spoken = given.spoken
    match spoken.kind:
        case FilterKind.LANGUAGE:
            spoken_in = sa.func.coalesce(Book.language, "").in_(spoken.languages)
            return _either(spoken_in, spoken.negated)
        case FilterKind.PUBLISHED_YEAR:
            return sa.and_(sa.true(), *_within(Book.published_year, given))
        case FilterKind.STANDALONE:
            return _either(Book.id.in_(_linked(given)), not spoken.negated)
        case FilterKind.OWNED:
            return Book.owned.is_(not spoken.negated)
        case _:
            return _either(Book.id.in_(_linked(given)), spoken.negated)


def _linked(given: Filter) -> sa.Select[int]:
    match given.spoken.kind:
        case FilterKind.AUTHOR:
            return sa.select(BookAuthor.book_id).where(BookAuthor.person_id.in_(_ids(given)))
        case FilterKind.TAG:
            return sa.select(BookTag.book_id).where(BookTag.tag_id.in_(_ids(given)))
        case FilterKind.SERIES:
            return sa.select(SeriesEntry.book_id).where(SeriesEntry.series_id.in_(_ids(given)))
        case FilterKind.FIRST_IN_SERIES:
            first = (SeriesEntry.sort_key == _FIRST_PLACE, SeriesEntry.role == SeriesRole.MAIN)
            return sa.select(SeriesEntry.book_id).where(*first)
        case _:
            return sa.select(SeriesEntry.book_id)


def _within(column: Any, given: Filter) -> list[Condition]:
    spoken = given.spoken
    least = [column >= spoken.at_least] if spoken.at_least is not None else []
    return [*least, column <= spoken.at_most] if spoken.at_most is not None else least


def _known(column: Any, *, wish: bool) -> Condition:
    return sa.func.coalesce(column, sa.false()).is_(wish)


def _either(condition: Condition, negated: bool) -> Condition:
    return sa.not_(condition) if negated else condition


def _ids(given: Filter) -> list[int]:
    return [row.id for row in given.rows]
