"""Books as imports see them: how they are told in folder names, and what their folder is called."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import books
from library.import_plans import Subject
from library.models.books import BookAuthor, Person, Series, SeriesEntry, SeriesRole
from library.naming import BookNames
from library.releases.facts import ReleaseFacts
from library.releases.matching import Wanted
from library.scanning.series import SeriesMention
from library.text_search import name_key

_MOST_BOOKS = 500  # of one author, that the parts of a torrent are compared with


async def subject_of(session: AsyncSession, book_id: int | None, facts: ReleaseFacts) -> Subject:
    """A book by what the graph knows of it, and by what the release says where the graph says nothing.

    Raises NotFound.
    """
    if book_id is None:
        return _of_release(facts)
    book = await books.get(session, book_id)
    authors = await _authors(session, book_id) or facts.authors
    series = await _series(session, book_id) or facts.series[:1]
    main = next(iter(series), None)
    return Subject(
        book_id=book_id,
        wanted=Wanted(title=book.title, subtitle=book.subtitle, authors=authors, series=series),
        names=BookNames(
            title=book.title,
            authors=authors,
            subtitle=book.subtitle,
            series=main.name if main else None,
            position=main.position if main else None,
            narrators=facts.narrators,
            published_year=book.published_year or facts.published_year,
            language=book.language or facts.language,
        ),
    )


async def book_ids_by(session: AsyncSession, authors: Sequence[str]) -> list[int]:
    """The books of some authors, by id."""
    keys = list(dict.fromkeys(name_key(name) for name in authors))
    select = sa.select(BookAuthor.book_id).join(Person).where(Person.name_key.in_(keys)).distinct()
    return list(await session.scalars(select.order_by(BookAuthor.book_id).limit(_MOST_BOOKS))) if keys else []


def _of_release(facts: ReleaseFacts) -> Subject:
    main = next(iter(facts.series), None)
    return Subject(
        book_id=None,
        wanted=Wanted(title=facts.title, authors=facts.authors, series=facts.series),
        names=BookNames(
            title=facts.title,
            authors=facts.authors,
            series=main.name if main else None,
            position=main.position if main else None,
            narrators=facts.narrators,
            published_year=facts.published_year,
            language=facts.language,
        ),
    )


async def _authors(session: AsyncSession, book_id: int) -> tuple[str, ...]:
    select = sa.select(Person.name).join(BookAuthor).where(BookAuthor.book_id == book_id)
    return tuple(await session.scalars(select.order_by(BookAuthor.position)))


async def _series(session: AsyncSession, book_id: int) -> tuple[SeriesMention, ...]:
    """A book's series, those first in which it is one of the main books."""
    select = sa.select(Series.name, SeriesEntry.position).join(SeriesEntry).where(SeriesEntry.book_id == book_id)
    is_aside = sa.case((SeriesEntry.role == SeriesRole.MAIN, 0), else_=1)
    rows = await session.execute(select.order_by(is_aside, SeriesEntry.id))
    return tuple(SeriesMention(name, position) for name, position in rows)
