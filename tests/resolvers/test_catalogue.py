"""Browsing books: search as one types, filters, orders, pages, and a constant number of statements."""

from collections.abc import Callable
from typing import Any

import pytest

from library.database import Database
from tests.resolvers.conftest import Ask
from tests.shelf import Volume, add

SHELF = (
    Volume("Robinson Crusoe", year=1719, genres=("Adventure",), seconds=36_000),
    Volume("The Further Adventures of Robinson Crusoe", year=1719, seconds=30_000),
    Volume("Shōgun-no-ki", ("Äda O’Brian",), language="ja", year=1880, seconds=600),
    Volume("A Study in Scarlet", ("Arthur Conan Doyle",), series=(("Sherlock Holmes", "1"),), year=1887),
    Volume("The Sign of the Four", ("Arthur Conan Doyle",), series=(("Sherlock Holmes", "2"),), year=1890),
    Volume("Notes without a Year", ("Nobody",), narrators=("Bob Voice", "Ada Reader"), edition={"abridged": True}),
)


@pytest.fixture
async def shelf(database: Database) -> Database:
    """A database with the books above."""
    async with database.write() as session:
        for volume in SHELF:
            await add(session, volume)
    return database


async def titles(ask: Ask, arguments: str) -> list[str]:
    """The titles `books` gives for these arguments."""
    data = await ask(f"{{ books{arguments} {{ nodes {{ title }} }} }}")
    return [book["title"] for book in data["books"]["nodes"]]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("shogun", ["Shōgun-no-ki"]),
        ("SHŌGUN", ["Shōgun-no-ki"]),
        ("o'brian", ["Shōgun-no-ki"]),
        ("obrian", ["Shōgun-no-ki"]),
        ("O’Brian shog", ["Shōgun-no-ki"]),
        ("crusoe robinson", ["The Further Adventures of Robinson Crusoe", "Robinson Crusoe"]),
        ("holmes", ["The Sign of the Four", "A Study in Scarlet"]),
        ("doyle scar", ["A Study in Scarlet"]),
        ("zzz", []),
        ("'\"*()%_\\", []),
    ],
)
async def test_search_finds_words_in_any_order_whatever_their_accents(
    shelf: Database, ask: Ask, typed: str, found: list[str]
) -> None:
    data = await ask("query($s: String) { books(search: $s) { nodes { title } totalCount } }", {"s": typed})
    assert sorted(book["title"] for book in data["books"]["nodes"]) == sorted(found)
    assert data["books"]["totalCount"] == len(found)


async def test_a_title_that_is_typed_comes_before_titles_that_contain_it(shelf: Database, ask: Ask) -> None:
    assert await titles(ask, '(search: "robinson crusoe")') == [
        "Robinson Crusoe",
        "The Further Adventures of Robinson Crusoe",
    ]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('{author: {equals: "ada o\'brian"}}', ["Shōgun-no-ki"]),
        ('{narrator: {equals: "Bob Voice"}}', ["Notes without a Year"]),
        ('{series: {equals: "sherlock holmes"}, publishedYear: {gte: 1890}}', ["The Sign of the Four"]),
        ("{series: {exists: true}}", ["The Sign of the Four", "A Study in Scarlet"]),
        ('{tag: {equals: "adventure"}}', ["Robinson Crusoe"]),
        ('{language: {in: ["ja"]}}', ["Shōgun-no-ki"]),
        ("{durationSeconds: {lte: 700}}", ["Shōgun-no-ki"]),
        ("{abridged: true}", ["Notes without a Year"]),
        ('{title: {startsWith: "the sign"}}', ["The Sign of the Four"]),
        ("{not: {publishedYear: {gte: 1}}, or: [{owned: true}]}", []),
        ("{or: [{publishedYear: {lte: 1720}}, {abridged: true}], not: {title: {words: \"further\"}}}",
         ["Notes without a Year", "Robinson Crusoe"]),
        ("{or: []}", []),
    ],
)  # fmt: skip
async def test_filters_combine(shelf: Database, ask: Ask, condition: str, found: list[str]) -> None:
    assert sorted(await titles(ask, f"(filter: {condition})")) == sorted(found)


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("[]", "The Further Adventures of Robinson Crusoe"),
        ("[{field: PUBLISHED_YEAR}]", "Robinson Crusoe"),
        ("[{field: PUBLISHED_YEAR, direction: DESC}]", "The Sign of the Four"),
        ("[{field: DURATION}]", "Shōgun-no-ki"),
        ("[{field: ADDED_AT, direction: DESC}]", "Notes without a Year"),
    ],
)
async def test_orders(shelf: Database, ask: Ask, order: str, first: str) -> None:
    everything = await titles(ask, f"(orderBy: {order})")
    assert everything[0] == first
    assert sorted(everything) == sorted(volume.title for volume in SHELF)


async def test_pages_follow_each_other_without_gap_or_overlap(shelf: Database, ask: Ask) -> None:
    seen: list[str] = []
    after = None
    while True:
        data = await ask(
            "query($a: String) { books(first: 2, after: $a) { nodes { title } pageInfo { hasNextPage endCursor } } }",
            {"a": after},
        )
        seen += [book["title"] for book in data["books"]["nodes"]]
        after = data["books"]["pageInfo"]["endCursor"]
        if not data["books"]["pageInfo"]["hasNextPage"]:
            break
    assert seen == await titles(ask, "")


PAGE = """{ books(first: 100) { nodes {
  id title authors { id name } series { position series { id name } }
  editions { id narrators { id name } }
} } }"""


async def test_the_number_of_statements_does_not_depend_on_the_number_of_books(
    database: Database, ask: Ask, count_statements: Callable[[], Any]
) -> None:
    counts = []
    for size in (3, 60):
        async with database.write() as session:
            for number in range(size):
                volume = Volume(f"Book {size}-{number}", (f"Author {number % 7}",), series=((f"S{number % 5}", "1"),))
                await add(session, volume)
        with count_statements() as statements:
            data = await ask(PAGE)
        assert data["books"]["nodes"][0]["editions"][0]["narrators"] != []
        counts.append(len([line for line in statements if line.lstrip().upper().startswith("SELECT")]))
    assert counts[0] == counts[1] <= 8


@pytest.mark.parametrize("arguments", ["(first: 0)", "(first: -1)", "(last: 101)", "(first: 1, last: 1)"])
async def test_a_page_out_of_bounds_is_bad_user_input(execute: Any, arguments: str) -> None:
    result = await execute(f"{{ books{arguments} {{ nodes {{ id }} }} }}")
    assert [error.original_error.code for error in result.errors] == ["BAD_USER_INPUT"]


async def test_a_book_is_found_by_id_and_codes_of_its_editions(database: Database, ask: Ask) -> None:
    volume = Volume("Coded", edition={"asin": "B002V1A0WE", "isbn": "9780306406157"})
    async with database.write() as session:
        await add(session, volume)
    data = await ask("{ books { nodes { id } } }")
    by_id = data["books"]["nodes"][0]["id"]
    for by in (f'id: "{by_id}"', 'asin: "b002v1a0we"', 'isbn: "0-306-40615-2"'):
        assert await ask(f"{{ book(by: {{{by}}}) {{ title }} }}") == {"book": {"title": "Coded"}}
    assert await ask('{ book(by: {asin: "B000000000"}) { title } }') == {"book": None}


async def test_nodes_come_back_in_order_with_null_for_what_is_not_there(shelf: Database, ask: Ask) -> None:
    data = await ask("{ books(first: 2) { nodes { id } } people(first: 1) { nodes { id name } } }")
    book_ids = [book["id"] for book in data["books"]["nodes"]]
    person = data["people"]["nodes"][0]
    gone = "Qm9vazo5OTk5OQ"
    nodes = await ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { id __typename ... on Person { name } } }",
        {"ids": [person["id"], gone, *book_ids]},
    )
    assert nodes["nodes"] == [
        {"id": person["id"], "__typename": "Person", "name": person["name"]},
        None,
        *({"id": book_id, "__typename": "Book"} for book_id in book_ids),
    ]


@pytest.mark.parametrize(
    "bad", ["", "x", "Qm9vazox=", "Qm9vazowMQ", "Qm9vazo5OTk5OTk5OTk5OTk5OTk5OTk5OTk", "é", "Tm9wZTox"]
)
async def test_a_malformed_id_is_a_client_error(execute: Any, bad: str) -> None:
    result = await execute("query($id: ID!) { node(id: $id) { id } }", {"id": bad})
    assert [error.original_error.code for error in result.errors] == ["BAD_USER_INPUT"]


async def test_people_and_series_are_browsed_with_their_books(shelf: Database, ask: Ask) -> None:
    data = await ask(
        """{ people(search: "arthur") { nodes { name authoredBooks { nodes { title } } } }
             series(search: "sherl") { nodes { name entries { nodes { position book { title } } } } } }"""
    )
    assert data == {
        "people": {
            "nodes": [
                {
                    "name": "Arthur Conan Doyle",
                    "authoredBooks": {"nodes": [{"title": "The Sign of the Four"}, {"title": "A Study in Scarlet"}]},
                }
            ]
        },
        "series": {
            "nodes": [
                {
                    "name": "Sherlock Holmes",
                    "entries": {
                        "nodes": [
                            {"position": "1", "book": {"title": "A Study in Scarlet"}},
                            {"position": "2", "book": {"title": "The Sign of the Four"}},
                        ]
                    },
                }
            ]
        },
    }
