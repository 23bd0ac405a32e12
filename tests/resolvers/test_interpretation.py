"""A question in words finds the right books, shows how it was understood, and can be told otherwise."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from library.database import Database
from library.models import Edition
from tests.resolvers.search_fixtures import Search, Searchable, search_in, searchable
from tests.shelf import Volume

__all__ = ["search_in", "searchable"]

HOUR = 3600.0
DUNE_TEXT = "On a desert planet a young prophet leads its people in a war for the spice, among houses and emperors."
SHELF = (
    Volume("Dune", ("Frank Herbert",), ("Scott Brick",), (("Dune", "1"),), ("Science Fiction",), DUNE_TEXT, year=1965),
    Volume(
        "Dune Messiah",
        ("Frank Herbert",),
        ("Scott Brick",),
        (("Dune", "2"),),
        ("Science Fiction",),
        "The prophet of the desert planet, now emperor, fears the religious war for the spice fought in his name.",
        year=1969,
        seconds=9 * HOUR,
    ),
    Volume(
        "The Dispossessed",
        ("Ursula K. Le Guin",),
        ("Stephen Fry",),
        genres=("Science Fiction",),
        description="A physicist leaves his desert moon, where nobody rules, for the rich planet it circles.",
        year=1974,
        seconds=12 * HOUR,
    ),
    Volume(
        "Trader's Orbit",
        ("Ann Example",),
        ("Stephen Fry",),
        genres=("Science Fiction", "Space Opera"),
        description="Merchants of rival houses on a desert planet haggle, smuggle and fight over a precious spice.",
        year=1985,
        seconds=8 * HOUR,
        edition={"abridged": False},
    ),
    Volume(
        "The Spice Merchants",
        ("Ann Example",),
        ("Ada Reader",),
        description="Merchants of a desert planet trade spice between the stars, and their guild goes to war.",
        year=1991,
        seconds=7 * HOUR,
        edition={"abridged": True},
    ),
    Volume(
        "Die Kaufleute",
        ("Ann Example",),
        description="Händler reisen durch die Wüste.",
        language="de",
        seconds=5 * HOUR,
        edition={"dramatized": True},
    ),
    Volume("It", ("Stephen King",), description="A clown in the sewers of a small town hunts its children.", year=1986),
    Volume("Shōgun", ("James Clavell",), description="An English pilot is stranded in Japan.", seconds=40 * HOUR),
)
ASK = """query($q: String!, $i: Interpretation! = AUTO, $g: [InterpretedFilterKind!], $f: SearchFilter) {
  semanticSearch(query: $q, interpret: $i, ignoreFilters: $g, filter: $f) {
    ... on SemanticSearchPayload {
      searchedText relevant likeBook { title } edges { matchedBy score node { ... on Book { title } } }
      interpretedFilters { kind phrase range { start end } sentence negated durationSeconds { gte lte }
        publishedYear { gte lte } languages people { name } series { name } tags { name } applied reason } } } }"""
NOTHING_LEFT = "Together with the other filters in the question it leaves no book, so all of them were given up."


@pytest.fixture
async def ask(
    searchable: Callable[..., Awaitable[Searchable]], search_in: Callable[[Searchable], Search]
) -> Callable[..., Awaitable[Any]]:
    """Ask the small library."""
    search = search_in(await searchable(*SHELF))

    async def run(question: str, **variables: Any) -> Any:
        return await search(ASK, q=question, **variables)

    return run


def titles(answer: Any) -> list[str]:
    """Titles in their order."""
    return [edge["node"]["title"] for edge in answer["edges"]]


def understood(answer: Any) -> list[tuple[str, str, bool]]:
    """Kind, phrase and whether it was applied."""
    return [(one["kind"], one["phrase"], one["applied"]) for one in answer["interpretedFilters"]]


def named(answer: Any) -> list[str]:
    """Titles of those that were found by name."""
    return [edge["node"]["title"] for edge in answer["edges"] if "NAME" in edge["matchedBy"]]


async def test_something_like_dune_but_with_merchants_gives_the_right_book_first(ask: Any) -> None:
    answer = await ask("something like Dune but with merchants instead of prophets, under ten hours, unabridged")
    assert titles(answer)[0] == "Trader's Orbit"
    assert not {"Dune", "The Spice Merchants", "The Dispossessed", "Shōgun"} & set(titles(answer))
    assert (answer["likeBook"], answer["searchedText"]) == ({"title": "Dune"}, "merchants")
    assert understood(answer) == [
        ("LIKE", "something like Dune", True),
        ("DURATION", "under ten hours", True),
        ("ABRIDGED", "unabridged", True),
    ]


async def test_a_filter_shows_its_words_its_values_and_what_it_means(ask: Any) -> None:
    question = "  a planet narrated by Stephen Fry from the 1980s"
    answer = await ask(question)
    assert titles(answer) == ["Trader's Orbit"]
    assert answer["searchedText"] == "a planet"
    empty: dict[str, Any] = {
        "durationSeconds": None,
        "publishedYear": None,
        "languages": [],
        "people": [],
        "series": [],
        "tags": [],
    }
    assert answer["interpretedFilters"] == [
        empty
        | {
            "kind": "NARRATOR",
            "phrase": "narrated by Stephen Fry",
            "range": {"start": 11, "end": 34},
            "sentence": "The edition is narrated by Stephen Fry.",
            "negated": False,
            "people": [{"name": "Stephen Fry"}],
            "applied": True,
            "reason": None,
        },
        empty
        | {
            "kind": "PUBLISHED_YEAR",
            "phrase": "from the 1980s",
            "range": {"start": 35, "end": 49},
            "sentence": "First published from 1980 to 1989.",
            "negated": False,
            "publishedYear": {"gte": 1980, "lte": 1989},
            "applied": True,
            "reason": None,
        },
    ]


async def test_spoken_filters_leave_the_books_they_name(ask: Any) -> None:
    expected = {
        "a planet not by Frank Herbert, longer than 10 hours": {"The Dispossessed", "Shōgun"},
        "a desert planet by le guin": {"The Dispossessed"},
        "merchants auf Deutsch": {"Die Kaufleute"},
        "merchants, full cast": {"Die Kaufleute"},
        "tagged space opera": {"Trader's Orbit"},
        "the spice, in the Dune series": {"Dune", "Dune Messiah"},
        "first in a series": {"Dune"},
        "spice standalone published after 1990": {"The Spice Merchants"},
        "abridged, under 8 hours": {"The Spice Merchants"},
    }
    assert {question: set(titles(await ask(question, i="STRICT"))) for question in expected} == expected


async def test_playing_time_and_abridgement_hold_for_one_and_the_same_edition(
    searchable: Callable[..., Awaitable[Searchable]], search_in: Callable[[Searchable], Search], database: Database
) -> None:
    library = await searchable(Volume("Long", seconds=20 * HOUR, description="Sea."))
    async with database.write() as session:
        session.add(Edition(book_id=1, duration_seconds=3 * HOUR, abridged=True))
    search = search_in(library)
    assert titles(await search(ASK, q="sea, under ten hours, unabridged", i="STRICT")) == []
    assert titles(await search(ASK, q="sea, under ten hours", i="STRICT")) == ["Long"]


async def test_filters_that_leave_nothing_are_given_up_and_say_so_unless_asked_strictly(ask: Any) -> None:
    answer = await ask("a clown in German, longer than 90 hours")
    assert titles(answer)[0] == "It"
    assert [(one["kind"], one["applied"], one["reason"]) for one in answer["interpretedFilters"]] == [
        ("LANGUAGE", False, NOTHING_LEFT),
        ("DURATION", False, NOTHING_LEFT),
    ]
    strictly = await ask("a clown in German, longer than 90 hours", i="STRICT")
    assert titles(strictly) == []
    assert understood(strictly) == [("LANGUAGE", "in German", True), ("DURATION", "longer than 90 hours", True)]


async def test_a_client_overrides_what_was_understood(ask: Any) -> None:
    off = await ask("a clown in German", i="OFF")
    assert (off["interpretedFilters"], off["searchedText"]) == ([], "a clown in German")
    ignored = await ask("merchants auf Deutsch, under ten hours", g=["LANGUAGE"])
    assert understood(ignored) == [("LANGUAGE", "auf Deutsch", False), ("DURATION", "under ten hours", True)]
    assert ignored["searchedText"] == "merchants auf Deutsch"
    assert "Trader's Orbit" in titles(ignored)
    unlike = await ask("something like Dune", g=["LIKE"])
    assert (unlike["likeBook"], unlike["searchedText"]) == (None, "something like Dune")


async def test_an_explicit_filter_wins_over_a_spoken_one(ask: Any) -> None:
    answer = await ask("spice under eight hours", f={"book": {"durationSeconds": {"gte": 8.5 * HOUR}}})
    assert understood(answer) == [("DURATION", "under eight hours", False)]
    assert answer["interpretedFilters"][0]["reason"] == "`filter` says it already."
    assert set(titles(answer)) == {"Dune Messiah", "The Dispossessed", "Shōgun"}


async def test_what_no_library_knows_is_reported_and_not_guessed(ask: Any) -> None:
    answer = await ask("a planet narrated by a woman")
    (said,) = answer["interpretedFilters"]
    assert (said["kind"], said["applied"]) == ("NARRATOR", False)
    assert said["reason"] == "The library does not know whether a narrator is a woman or a man."
    unknown = await ask("a planet narrated by Nobody Known")
    assert unknown["interpretedFilters"][0]["reason"] == "Nothing in the library is called Nobody Known."


async def test_who_asks_by_name_gets_it_first(ask: Any) -> None:
    expected = {
        "dune": ["Dune", "Dune Messiah"],
        "shogun": ["Shōgun"],
        "shogum": ["Shōgun"],
        "It": ["It"],
        "the dispossesed": ["The Dispossessed"],
        "Ursula K. Le Guin": ["The Dispossessed"],
        "clavell": ["Shōgun"],
        "dune frank herbert": ["Dune"],
        "Dune by Frank Herbert": ["Dune", "Dune Messiah"],  # by its title, and by the name of its series
        "Dune audiobook, unabridged": ["Dune", "Dune Messiah"],
    }
    answers = {question: await ask(question) for question in expected}
    assert {question: named(answer) for question, answer in answers.items()} == expected
    for question, answer in answers.items():
        assert titles(answer)[: len(expected[question])] == expected[question]
        scores = [edge["score"] for edge in answer["edges"]]
        assert scores == sorted(scores, reverse=True)


async def test_a_word_that_is_also_a_title_is_no_name_within_a_question(ask: Any) -> None:
    answer = await ask("a sand dune that moves and buries it")
    assert named(answer) == []
    assert (await ask("something like it"))["likeBook"] is None
    assert (await ask("something like It"))["likeBook"] == {"title": "It"}
    assert (await ask("something like Nothing Known"))["likeBook"] is None


async def test_a_named_book_that_a_filter_refuses_is_not_shown(ask: Any) -> None:
    answer = await ask("Shogun", f={"book": {"durationSeconds": {"lte": 10 * HOUR}}})
    assert "Shōgun" not in titles(answer)


async def test_an_interpreted_search_costs_at_most_three_statements_more(
    searchable: Callable[..., Awaitable[Searchable]],
    search_in: Callable[[Searchable], Search],
    count_statements: Callable[[], Any],
) -> None:
    search = search_in(await searchable(*SHELF))
    bare = "query($q: String!, $i: Interpretation! = AUTO) { semanticSearch(query: $q, interpret: $i) { __typename } }"

    async def cost(question: str, how: str = "AUTO") -> int:
        with count_statements() as statements:
            await search(bare, q=question, i=how)
        return sum(statement.lstrip().upper().startswith(("SELECT", "WITH")) for statement in statements)

    plain = await cost("desert", "OFF")
    for question in (
        "something like Dune but with merchants instead of prophets, under ten hours, unabridged",
        "a planet narrated by Stephen Fry from the 1980s",
        "merchants auf Deutsch",
        "shogum",
        "Ursula K. Le Guin, under twenty hours",
    ):
        assert await cost(question) <= plain + 3, question


async def test_an_answer_says_when_nothing_here_answers(ask: Any) -> None:
    assert [(await ask(question))["relevant"] for question in ("merchants on a desert planet", "Shogun")] == [
        True,
        True,
    ]
    assert (await ask("how do I change the oil of a diesel engine?"))["relevant"] is False
