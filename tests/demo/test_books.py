"""The table of the demo is whole, and its example questions can be answered by it."""

import re
from collections import Counter
from dataclasses import replace

import pytest
import Stemmer

from demo.books import DemoBook, SeriesPlace, load_books, table_hash
from demo.questions import EXAMPLE_QUESTIONS, ExampleQuestion

BOOKS = load_books()
STEM = Stemmer.Stemmer("english").stemWord
STOP_WORDS = set("a als an and as at be by for from his in is of on or the to un with".split())  # noqa: SIM905 - a list of words reads as text


def test_there_are_about_120_books_with_titles_of_their_own() -> None:
    titles = Counter(book.title for book in BOOKS)
    assert 115 <= len(BOOKS) <= 130
    assert [title for title, count in titles.items() if count > 1] == []


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.title)
def test_every_book_says_what_a_listener_asks_for(book: DemoBook) -> None:
    people = [*book.authors, *(name for edition in book.editions for name in edition.narrators)]
    assert book.authors
    assert all(edition.narrators for edition in book.editions)
    assert all(name == name.strip() != "" for name in people)
    assert 40 <= len(book.blurb.split()) <= 140
    assert book.year < 1929
    assert book.genres
    assert book.tags
    assert book.language in {"en", "de", "es", "fr"}


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.title)
def test_every_name_can_be_a_folder_and_survives_joined_tags(book: DemoBook) -> None:
    names = [book.title, *book.authors, *(place.series for place in book.series)]
    assert [name for name in names if "/" in name or name.startswith(".")] == []
    joined = [*book.genres, *(place.series for place in book.series)]
    assert [name for name in joined if re.search("[/;,]", name)] == []


def test_every_place_in_a_series_is_taken_once_and_is_a_number() -> None:
    places = Counter(place for book in BOOKS for place in book.series)
    assert [place for place, count in places.items() if count > 1] == []
    assert [place for place in places if not re.fullmatch(r"\d+(\.\d+)?", place.position)] == []
    assert places[SeriesPlace("Sherlock Holmes", "5")] == 1


def test_narrators_are_nobody_who_wrote_one_of_the_books() -> None:
    authors = {author for book in BOOKS for author in book.authors}
    assert authors & {name for book in BOOKS for edition in book.editions for name in edition.narrators} == set()


def test_twenty_recordings_have_their_real_length() -> None:
    hours = [edition.hours for book in BOOKS for edition in book.editions if edition.hours]
    assert len(hours) == 20
    assert min(hours) > 2
    assert max(hours) > 48


def test_the_kinds_of_editions_that_have_to_be_told_apart_are_all_there() -> None:
    editions = [edition for book in BOOKS for edition in book.editions]
    assert [book.title for book in BOOKS if len(book.editions) > 1] == ["Pride and Prejudice", "A Christmas Carol"]
    assert any(edition.abridged for edition in editions)
    assert any(edition.dramatized for edition in editions)
    assert any(len(edition.narrators) == 2 for edition in editions)


def test_the_hash_changes_with_any_word_of_the_table() -> None:
    changed = [replace(BOOKS[0], blurb=BOOKS[0].blurb + "."), *BOOKS[1:]]
    assert table_hash(BOOKS) == table_hash(load_books())
    assert table_hash(changed) != table_hash(BOOKS)


@pytest.mark.parametrize("example", EXAMPLE_QUESTIONS, ids=lambda example: example.question)
def test_every_example_question_shares_a_word_with_its_answer(example: ExampleQuestion) -> None:
    [book] = [book for book in BOOKS if book.title == example.title]
    assert _stems(example.question) & _stems(f"{book.title} {book.blurb}") != set()


def _stems(text: str) -> set[str]:
    return {STEM(word) for word in re.findall(r"\w+", text.lower()) if word not in STOP_WORDS}
