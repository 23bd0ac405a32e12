"""Keyset pages equal the full ordering, whatever the order, page size and nulls."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from library.database import Database
from library.errors import MalformedCursor, PageContradiction, PageOutOfBounds
from library.models import Book
from library.pagination import Keyset, Page, SortKey, encode_cursor, fetch_page


def _book(number: int, year: int | None) -> Book:
    return Book(
        title=f"Book {number}",
        sort_title=f"book {number % 3}",
        title_key=f"book {number}",
        published_year=year,
        created_at=datetime(2026, 1, 1 + number % 2, tzinfo=UTC),
    )


ORDERS = {
    "by year, oldest first": (SortKey(Book.published_year, nullable=True), SortKey(Book.id)),
    "by year, newest first": (SortKey(Book.published_year, descending=True, nullable=True), SortKey(Book.id)),
    "by time and title": (SortKey(Book.created_at), SortKey(Book.sort_title, descending=True), SortKey(Book.id)),
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_walking_the_pages_in_either_direction_gives_every_row_once_and_in_order(
    database: Database, order: tuple[SortKey, ...], size: int
) -> None:
    years = [1900, None, 1850, 1900, None, 2001, 1850]
    async with database.write() as session:
        session.add_all([_book(number, year) for number, year in enumerate(years)])
    keyset = Keyset(sa.select(Book), order)
    async with database.read() as session:
        forward: list[int] = []
        page = Page.of(first=size)
        while True:
            rows = await fetch_page(session, keyset, page)
            forward += [book.id for book, _ in rows.rows]
            if not rows.has_next:
                break
            page = Page.of(first=size, after=rows.rows[-1][1])
        backward: list[int] = []
        page = Page.of(last=size)
        while True:
            rows = await fetch_page(session, keyset, page)
            backward = [book.id for book, _ in rows.rows] + backward
            if not rows.has_previous:
                break
            page = Page.of(last=size, before=rows.rows[0][1])
    assert sorted(forward) == list(range(1, 8))
    assert backward == forward


async def test_a_cursor_of_another_order_is_refused(database: Database) -> None:
    by_year = Keyset(sa.select(Book), ORDERS["by year, oldest first"])
    by_time = Keyset(sa.select(Book), ORDERS["by time and title"])
    cursor = encode_cursor(by_year, [1900, 7])
    async with database.read() as session:
        with pytest.raises(MalformedCursor):
            await fetch_page(session, by_time, Page.of(first=1, after=cursor))


@pytest.mark.parametrize("cursor", ["", "x", "é", "AAAA", "W10", "bnVsbA", "A" * 5000])
async def test_a_malformed_cursor_is_a_client_error(database: Database, cursor: str) -> None:
    keyset = Keyset(sa.select(Book), ORDERS["by year, oldest first"])
    async with database.read() as session:
        with pytest.raises(MalformedCursor):
            await fetch_page(session, keyset, Page.of(first=1, after=cursor))


@pytest.mark.parametrize("size", [-1, 0, 101])
def test_a_page_has_one_to_a_hundred_rows(size: int) -> None:
    with pytest.raises(PageOutOfBounds):
        Page.of(first=size)


def test_paging_goes_one_way_at_a_time() -> None:
    with pytest.raises(PageContradiction):
        Page.of(first=1, last=1)
