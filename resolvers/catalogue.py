"""Asking for books, people and series, and for any node by its id."""

from typing import Annotated, Any

import sqlalchemy as sa
import strawberry

from library import text_search
from library.models import Book as BookRow
from library.models import Edition as EditionRow
from library.models import Person as PersonRow
from library.models import Series as SeriesRow
from library.pagination import Keyset, Page, SortKey
from library.scanning.identifiers import normal_asin, normal_isbn
from resolvers.book_filter import BookFilter, BookOrder, book_condition, book_order
from resolvers.books import Book, Person, Series
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.ids import decode_id_of
from resolvers.permissions import CanRead


@strawberry.input(one_of=True, description="Which book: by exactly one of these.")
class BookBy:
    """A book's id, or a code of one of its editions."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="The book's id.")
    asin: str | None = strawberry.field(default=strawberry.UNSET, description="The ASIN of one of its editions.")
    isbn: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The ISBN of one of its editions, 10 or 13 digits, with or without hyphens.",
    )


Search = Annotated[
    str | None,
    strawberry.argument(
        description="Words as one types them: each must begin some word of the title, subtitle, people or series, "
        "in any order; case, accents and apostrophes make no difference."
    ),
]


@strawberry.type
class CatalogueQuery:
    """Root fields over books, people and series."""

    @strawberry.field(
        description="Books. With `search` and without `orderBy`, better matches of the title come first.",
        permission_classes=[CanRead],
    )
    async def books(
        self,
        info: Info,
        search: Search = None,
        filter: Annotated[BookFilter | None, strawberry.argument(description="Which books.")] = None,  # noqa: A002 the contract's name
        order_by: Annotated[
            list[BookOrder] | None, strawberry.argument(description="In which order; by title when left out.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Book] | None:
        """A page of books, by one statement."""
        page = Page.of(first, after, last, before)
        return await connect(info, _books(search, filter, order_by), page, Book.of)

    @strawberry.field(description="One book; null when there is none.", permission_classes=[CanRead])
    async def book(
        self, info: Info, by: Annotated[BookBy, strawberry.argument(description="Which book.")]
    ) -> Book | None:
        """A book by id or by a code of an edition."""
        condition = _identified(by)
        async with info.context.database.read() as session:
            row = await session.scalar(sa.select(BookRow).where(condition).order_by(BookRow.id).limit(1))
        return Book.of(row) if row is not None else None

    @strawberry.field(description="Authors and narrators, by name.", permission_classes=[CanRead])
    async def people(
        self,
        info: Info,
        search: Annotated[
            str | None, strawberry.argument(description="The name, or the name as filed, begins with this.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Person] | None:
        """A page of people."""
        keys = (PersonRow.name_key, PersonRow.sort_name)
        keyset = Keyset(
            sa.select(PersonRow).where(_begins(search, *keys)), (SortKey(PersonRow.sort_name), SortKey(PersonRow.id))
        )
        return await connect(info, keyset, Page.of(first, after, last, before), Person.of)

    @strawberry.field(description="Series, by name.", permission_classes=[CanRead])
    async def series(
        self,
        info: Info,
        search: Annotated[str | None, strawberry.argument(description="The name begins with this.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Series] | None:
        """A page of series."""
        keys = (SeriesRow.name_key, SeriesRow.sort_name)
        keyset = Keyset(
            sa.select(SeriesRow).where(_begins(search, *keys)), (SortKey(SeriesRow.sort_name), SortKey(SeriesRow.id))
        )
        return await connect(info, keyset, Page.of(first, after, last, before), Series.of)


def _books(search: str | None, given: BookFilter | None, order_by: list[BookOrder] | None) -> Keyset:
    condition = book_condition(given)
    if not search or not search.strip():
        return Keyset(sa.select(BookRow).where(condition), book_order(order_by))
    found = sa.select(BookRow).where(condition, text_search.matching_books(search))
    if order_by:
        return Keyset(found, book_order(order_by))
    by_match = SortKey(text_search.match_class(search))
    return Keyset(found, (by_match, SortKey(BookRow.sort_title), SortKey(BookRow.id)))


def _identified(by: BookBy) -> sa.ColumnElement[bool]:
    if by.id is not strawberry.UNSET:
        return BookRow.id == decode_id_of("Book", str(by.id))
    if by.asin is not strawberry.UNSET:
        code = EditionRow.asin == (normal_asin(str(by.asin)) or "")
    else:
        code = EditionRow.isbn == (normal_isbn(str(by.isbn)) or "")
    return BookRow.id.in_(sa.select(EditionRow.book_id).where(code))


def _begins(search: str | None, *columns: Any) -> sa.ColumnElement[bool]:
    if not search or not search.strip():
        return sa.true()
    prefix = text_search.fold(search[:200]).strip()
    return sa.or_(*(text_search.begins_with(column, prefix) for column in columns))
