"""Books: found again by title and author, and brought in line with their decided fields."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import people, series, tags
from library.database import next_version
from library.errors import NotFound
from library.models.books import Book, BookAuthor, BookWord, Person, TagKind
from library.models.editions import Copy, Edition
from library.models.metadata import EntityKind, Field
from library.models.tables import now
from library.names import KnownNames
from library.text_search import book_words, name_key, sort_title, text_key

SEARCHED_FIELDS = frozenset({"title", "subtitle", "authors", "series", "narrators"})
_COLUMNS = ("subtitle", "description", "language", "published_year")


async def decide_alone(session: AsyncSession) -> None:
    """Hold off everybody else who decides whether a book exists, until commit; SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        await next_version(session, "books")


async def get(session: AsyncSession, book_id: int) -> Book:
    """The book with this id; raises NotFound."""
    book = await session.get(Book, book_id)
    if book is None:
        raise NotFound("book", book_id)
    return book


async def create(session: AsyncSession, title: str) -> Book:
    """Make a book that has a title and nothing else yet."""
    book = Book(title=title, sort_title=sort_title(title), title_key=text_key(title))
    session.add(book)
    await session.flush()
    return book


async def find(session: AsyncSession, title: str, authors: Iterable[str]) -> Book | None:
    """The oldest book with this title and one of these authors; without authors nothing is sure enough."""
    keys = [name_key(name) for name in authors]
    if not keys:
        return None
    written = sa.select(BookAuthor.book_id).join(Person).where(Person.name_key.in_(keys))
    select = sa.select(Book).where(Book.title_key == text_key(title), Book.id.in_(written))
    return await session.scalar(select.order_by(Book.id).limit(1))


async def apply(
    session: AsyncSession, book_id: int, values: Mapping[str, Any], known: KnownNames, *, is_new: bool = False
) -> None:
    """Bring columns and links in line with decided fields; `values` holds those that changed.

    A book that `is_new` has no links yet that must go.
    """
    columns: dict[str, Any] = {name: values[name] for name in _COLUMNS if name in values}
    if "title" in values:
        title = values["title"]
        columns |= {"title": title, "sort_title": sort_title(title), "title_key": text_key(title)}
    await session.execute(sa.update(Book).where(Book.id == book_id).values(**columns, updated_at=now()))
    if "authors" in values:
        await people.link(session, BookAuthor, {"book_id": book_id}, values["authors"] or [], known, is_new=is_new)
    if "series" in values:
        await series.place_book(session, book_id, values["series"] or [], known, is_new=is_new)
    for name, kind in (("genres", TagKind.GENRE), ("tags", TagKind.TAG)):
        if name in values:
            await tags.tag_book(session, book_id, kind, values[name] or [], known, is_new=is_new)


async def searched_values(session: AsyncSession, book_id: int) -> dict[str, list[Any]]:
    """The values of all fields that are searched, by name: of the book, and of each of its editions."""
    editions = sa.select(Edition.id).where(Edition.book_id == book_id)
    of_book = sa.and_(Field.entity_kind == EntityKind.BOOK, Field.entity_id == book_id)
    of_editions = sa.and_(Field.entity_kind == EntityKind.EDITION, Field.entity_id.in_(editions))
    select = sa.select(Field.name, Field.value).where(Field.name.in_(SEARCHED_FIELDS), sa.or_(of_book, of_editions))
    values: dict[str, list[Any]] = {name: [] for name in SEARCHED_FIELDS}
    for name, value in await session.execute(select):
        if value is not None:
            values[name].append(value)
    if not values["title"]:
        values["title"].append((await get(session, book_id)).title)
    return values


async def refresh_words(
    session: AsyncSession, book_id: int, said: Mapping[str, Sequence[Any]], *, is_new: bool = False
) -> None:
    """Make the words a book is found by those of `said`: see `searched_values`."""
    wanted = book_words(
        next(iter(said.get("title", ())), ""),
        next(iter(said.get("subtitle", ())), None),
        [name for names in said.get("authors", ()) for name in names],
        [name for names in said.get("narrators", ()) for name in names],
        [entry["name"] for entries in said.get("series", ()) for entry in entries],
    )
    known = sa.select(BookWord.word).where(BookWord.book_id == book_id)
    present = set() if is_new else set(await session.scalars(known))
    if gone := present - wanted:
        await session.execute(sa.delete(BookWord).where(BookWord.book_id == book_id, BookWord.word.in_(gone)))
    if new := sorted(wanted - present):
        await session.execute(sa.insert(BookWord), [{"word": word, "book_id": book_id} for word in new])


async def refresh_owned(session: AsyncSession, book_ids: Collection[int]) -> list[tuple[int, str, bool]]:
    """Say anew whether books are owned, how long they are and which cover they show, from what is there.

    Returns id, title and whether it is owned of each, in the order of ids.
    """
    if not book_ids:
        return []
    there = sa.exists().where(Copy.edition_id == Edition.id, Copy.missing_since.is_(None))
    owned = sa.select(Edition.id).where(Edition.book_id == Book.id, there)
    longest = sa.select(sa.func.max(Edition.duration_seconds)).where(Edition.book_id == Book.id, there)
    cover = (
        sa.select(Edition.cover_hash)
        .where(Edition.book_id == Book.id, Edition.cover_hash.is_not(None))
        .order_by(Edition.id)
        .limit(1)
    )
    rows = await session.execute(
        sa.update(Book)
        .where(Book.id.in_(book_ids))
        .values(
            owned=owned.exists(),
            # What is missing was not deleted: its length is still the best that is known.
            duration_seconds=sa.func.coalesce(longest.scalar_subquery(), Book.duration_seconds),
            cover_hash=cover.scalar_subquery(),
        )
        .returning(Book.id, Book.title, Book.owned)
        .execution_options(synchronize_session=False)
    )
    return sorted((book_id, title, is_owned) for book_id, title, is_owned in rows)
