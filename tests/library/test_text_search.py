"""What people type finds the books they mean."""

import re

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from library import books
from library.database import Database
from library.metadata import Entity, edit
from library.models.books import Book, BookWord
from library.models.metadata import EntityKind
from library.text_search import (
    ALL_WORDS,
    EXACT_TITLE,
    MAXIMUM_WORDS,
    TITLE_PREFIX,
    book_words,
    fold,
    match_class,
    matching_books,
    name_key,
    sort_title,
    words,
)

COLLECTION = {
    "Shōgun": ["James Clavell"],
    "Master and Commander": ["Patrick O’Brian"],
    "The Two Towers": ["J.R.R. Tolkien"],
    "The Ring": ["Kōji Suzuki"],
    "The Ring and the Book": ["Robert Browning"],
    "Spider-Man": ["Stan Lee"],
    "Die Straße": ["Jörg Ærø"],
    "100%": ["Under_score"],
}


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Shōgun", "shogun"),
        ("O’Brian", "obrian"),
        ("O'Brian", "obrian"),
        ("Straße", "strasse"),
        ("ﬁn", "fin"),
        ("Ærø Łódź", "aero lodz"),
        ("İstanbul", "istanbul"),
        ("Ёлка", "елка"),
        ("がんばれ", "がんばれ"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_spellings_fold_to_what_is_typed(text: str, folded: str) -> None:
    assert (fold(text), words(text)) == (folded, folded.split())


@given(st.text())
def test_folding_twice_changes_nothing_and_words_are_never_empty(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert all(words(text))
    assert name_key(text) or not fold(text).strip()


@pytest.mark.parametrize(
    ("title", "sorted_as"),
    [
        ("The Shining", "shining"),
        ("L’Étranger", "etranger"),
        ("Das Boot", "boot"),
        ("El Cid", "cid"),
        ("A", "a"),
        ("¿?", "¿?"),
    ],
)
def test_leading_articles_do_not_sort(title: str, sorted_as: str) -> None:
    assert sort_title(title) == sorted_as


def test_initials_make_one_name_however_they_are_spaced() -> None:
    assert {name_key(name) for name in ("J.R.R. Tolkien", "J. R. R. Tolkien", "JRR Tolkien")} == {"jrr tolkien"}


def test_a_book_is_found_by_joined_and_separate_spellings() -> None:
    found = book_words("Spider-Man", None, ["Patrick O’Brian", "J. R. R. Tolkien"], [], [])
    apart = {"spider", "man", "o", "brian", "j", "r"}
    assert found == apart | {"spiderman", "obrian", "jrr", "patrick", "tolkien"}


@pytest.fixture
async def collection(database: Database) -> Database:
    async with database.write() as session:
        for title, authors in COLLECTION.items():
            book = await books.create(session, title)
            await edit(session, Entity(EntityKind.BOOK, book.id), {"title": title, "authors": authors}, actor="test")
    return database


SEARCHES = {
    "shogun": ["Shōgun"],
    "Shōgun": ["Shōgun"],
    "SHŌ clav": ["Shōgun"],
    "o'brian": ["Master and Commander"],
    "O’Brian": ["Master and Commander"],
    "obrian": ["Master and Commander"],
    "commander brian": ["Master and Commander"],
    "tolkien towers": ["The Two Towers"],
    "towers jrr": ["The Two Towers"],
    "tolkien ring": [],
    "ring": ["The Ring", "The Ring and the Book"],
    "the ring and": ["The Ring and the Book"],
    "spiderman": ["Spider-Man"],
    "strasse": ["Die Straße"],
    "100%": ["100%"],
    "%": [],
    "_": [],
    "": sorted(COLLECTION, key=sort_title),
}


async def test_every_word_typed_must_begin_some_word_of_the_book(collection: Database) -> None:
    found = {}
    async with collection.read() as session:
        for search in SEARCHES:
            order = match_class(search), Book.sort_title, Book.id
            select = sa.select(Book.title).where(matching_books(search)).order_by(*order)
            found[search] = list(await session.scalars(select))
    assert found == SEARCHES


async def test_an_exact_title_comes_before_a_prefix_and_both_before_the_rest(collection: Database) -> None:
    found = {}
    async with collection.read() as session:
        for search in ("ring", "the ring", "book ring"):
            select = sa.select(Book.title, match_class(search)).where(matching_books(search))
            found[search] = dict((await session.execute(select)).all())
    titled = {"The Ring": EXACT_TITLE, "The Ring and the Book": TITLE_PREFIX}
    assert found == {"ring": titled, "the ring": titled, "book ring": {"The Ring and the Book": ALL_WORDS}}


@pytest.mark.parametrize("search", ["x" * 100_000, "a' OR 1=1 --" * 500, "\x00 shogun", "\U0010ffff", "% _ \\ ' \""])
async def test_hostile_input_is_bounded_and_breaks_nothing(collection: Database, search: str) -> None:
    condition = matching_books(search)
    async with collection.read() as session:
        await session.scalars(sa.select(Book.id).where(condition).order_by(match_class(search)))
    assert str(condition).count("book_words.word >=") <= MAXIMUM_WORDS


async def test_the_search_walks_the_index_of_words(collection: Database) -> None:
    select = sa.select(BookWord.book_id).where(BookWord.word >= "shog", BookWord.word < "shog\U0010ffff")
    assert str(select.whereclause) in str(matching_books("shog"))
    compiled = select.compile(collection.engine.sync_engine, compile_kwargs={"literal_binds": True})
    async with collection.read() as session:
        if collection.is_sqlite:
            explain, used = "EXPLAIN QUERY PLAN", r"SEARCH book_words USING .*\(word>\? AND word<\?\)"
        else:
            # A table as small as this one is read whole unless that is forbidden.
            await session.execute(sa.text("SET enable_seqscan = off"))
            explain, used = "EXPLAIN", r"Index Cond: \(.*word.* >= 'shog'"
        plan = (await session.execute(sa.text(f"{explain} {compiled}"))).all()
    assert re.search(used, "\n".join(str(row[-1]) for row in plan))
