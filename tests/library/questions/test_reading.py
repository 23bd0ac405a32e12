"""Questions in words become typed filters and a rest, and stories stay whole."""

from typing import Any

import pytest

from library.questions.filters import FilterKind, SpokenFilter
from library.questions.reading import read, without

HOUR = 3600.0


def said(question: str) -> list[tuple[str, FilterKind, dict[str, Any]]]:
    """Each filter as its phrase, its kind, and whatever it holds."""
    return [(question[one.start : one.end], one.kind, values(one)) for one in read(question).filters]


def values(one: SpokenFilter) -> dict[str, Any]:
    """What is not left out, names by their longest spelling."""
    held: dict[str, Any] = {
        "negated": one.negated,
        "at_least": one.at_least,
        "at_most": one.at_most,
        "languages": one.languages,
        "unknowable": one.unknowable,
    }
    return {name: value for name, value in held.items() if value not in (None, False, ())}


def rest(question: str) -> str:
    """The question without its filters."""
    return without(question, [(one.start, one.end) for one in read(question).filters])


@pytest.mark.parametrize(
    ("phrase", "bounds"),
    [
        ("under ten hours", {"at_most": 10 * HOUR}),
        ("less than 90 minutes", {"at_most": 1.5 * HOUR}),
        ("shorter than twelve and a half hours", {"at_most": 12.5 * HOUR}),
        ("no longer than 8h", {"at_most": 8 * HOUR}),
        ("at most 7.5 hrs", {"at_most": 7.5 * HOUR}),
        ("ten hours or less", {"at_most": 10 * HOUR}),
        ("longer than 20h", {"at_least": 20 * HOUR}),
        ("over twenty-five hours", {"at_least": 25 * HOUR}),
        ("20+ hours", {"at_least": 20 * HOUR}),
        ("between 5 and 8 hours", {"at_least": 5 * HOUR, "at_most": 8 * HOUR}),
        ("5 to 8 hours", {"at_least": 5 * HOUR, "at_most": 8 * HOUR}),
        ("5-8 hours", {"at_least": 5 * HOUR, "at_most": 8 * HOUR}),
        ("between 90 minutes and 3 hours", {"at_least": 1.5 * HOUR, "at_most": 3 * HOUR}),
        ("about ten hours long", {"at_least": 8 * HOUR, "at_most": 12 * HOUR}),
        ("kürzer als zehn Stunden", {"at_most": 10 * HOUR}),
        ("höchstens 8 Std", {"at_most": 8 * HOUR}),
        ("länger als vierundzwanzig Stunden", {"at_least": 24 * HOUR}),
        ("zwischen 5 und 8 Stunden", {"at_least": 5 * HOUR, "at_most": 8 * HOUR}),
        ("mindestens eineinhalb Stunden", {"at_least": 1.5 * HOUR}),
    ],
)
def test_playing_times_are_understood(phrase: str, bounds: dict[str, float]) -> None:
    question = f"a tale of the sea, {phrase}"
    assert said(question) == [(phrase, FilterKind.DURATION, bounds)]
    assert rest(question) == "a tale of the sea"


@pytest.mark.parametrize(
    ("phrase", "kind", "held"),
    [
        ("unabridged", FilterKind.ABRIDGED, {"negated": True}),
        ("not abridged", FilterKind.ABRIDGED, {"negated": True}),
        ("ungekürzt", FilterKind.ABRIDGED, {"negated": True}),
        ("abridged", FilterKind.ABRIDGED, {}),
        ("full-cast", FilterKind.DRAMATIZED, {}),
        ("not dramatized", FilterKind.DRAMATIZED, {"negated": True}),
        ("kein Hörspiel", FilterKind.DRAMATIZED, {"negated": True}),
        ("not in a series", FilterKind.STANDALONE, {}),
        ("standalone", FilterKind.STANDALONE, {}),
        ("kein Teil einer Reihe", FilterKind.STANDALONE, {}),
        ("part of a series", FilterKind.STANDALONE, {"negated": True}),
        ("first in a series", FilterKind.FIRST_IN_SERIES, {}),
        ("erster Band einer Reihe", FilterKind.FIRST_IN_SERIES, {}),
        ("that I own", FilterKind.OWNED, {}),
        ("not owned", FilterKind.OWNED, {"negated": True}),
        ("die ich nicht habe", FilterKind.OWNED, {"negated": True}),
        ("in German", FilterKind.LANGUAGE, {"languages": ("de",)}),
        ("auf Deutsch", FilterKind.LANGUAGE, {"languages": ("de",)}),
        ("in German or English", FilterKind.LANGUAGE, {"languages": ("de", "en")}),
        ("not in French", FilterKind.LANGUAGE, {"languages": ("fr",), "negated": True}),
        ("deutschsprachige", FilterKind.LANGUAGE, {"languages": ("de",)}),
        ("published before 1950", FilterKind.PUBLISHED_YEAR, {"at_most": 1949}),
        ("from the 1980s", FilterKind.PUBLISHED_YEAR, {"at_least": 1980, "at_most": 1989}),
        ("from the eighties", FilterKind.PUBLISHED_YEAR, {"at_least": 1980, "at_most": 1989}),
        ("aus den 80ern", FilterKind.PUBLISHED_YEAR, {"at_least": 1980, "at_most": 1989}),
        ("after 2010", FilterKind.PUBLISHED_YEAR, {"at_least": 2011}),
        ("since 2010", FilterKind.PUBLISHED_YEAR, {"at_least": 2010}),
        ("vor 1950 erschienen", FilterKind.PUBLISHED_YEAR, {"at_most": 1949}),
        ("between 1950 and 1960", FilterKind.PUBLISHED_YEAR, {"at_least": 1950, "at_most": 1960}),
        ("narrated by a woman", FilterKind.NARRATOR, {"unknowable": True}),
    ],
)
def test_what_books_and_recordings_are_is_understood(phrase: str, kind: FilterKind, held: dict[str, Any]) -> None:
    question = f"dragons, {phrase}"
    assert said(question) == [(phrase, kind, held)]
    assert rest(question) == "dragons"


@pytest.mark.parametrize(
    ("question", "kind", "longest"),
    [
        ("tales by Ursula K. Le Guin", FilterKind.AUTHOR, "Ursula K. Le Guin"),
        ("dragons but not by J.R.R. Tolkien", FilterKind.AUTHOR, "J.R.R. Tolkien"),
        ("Romane von Jules Verne", FilterKind.AUTHOR, "Jules Verne"),
        ("author: Jules Verne", FilterKind.AUTHOR, "Jules Verne"),
        ("narrated by Stephen Fry", FilterKind.NARRATOR, "Stephen Fry"),
        ("gelesen von Rufus Beck", FilterKind.NARRATOR, "Rufus Beck"),
        ("in the Discworld series", FilterKind.SERIES, "in the Discworld"),
        ("tagged space opera", FilterKind.TAG, "space opera"),
        ("genre: horror", FilterKind.TAG, "horror"),
    ],
)
def test_names_are_offered_to_be_looked_up(question: str, kind: FilterKind, longest: str) -> None:
    (one,) = read(question).filters
    assert (one.kind, one.names[0].text) == (kind, longest)


@pytest.mark.parametrize(
    "question",
    [
        "science fiction about merchants",
        "a girl from the 1980s travels by train",
        "who killed the baker in under ten hours",
        "24 hours in the life of a woman",
        "trapped for more than two hours of captivity",
        "less than 3 hours before the attack",
        "life in German occupied France",
        "a sand dune that moves",
        "a man who owns a bookshop",
        "the war after 1914 and its end",
        "the narrator forms a relationship with the reader",
        "a series of murders in a small town",
        "I read it in the 1980s in German, it was the first in a series, unabridged, under ten hours",
    ],
)
def test_a_plot_is_no_filter(question: str) -> None:
    assert [one for one in read(question).filters if not one.only_if_known] == []


def test_a_long_story_is_left_alone_unless_it_states_a_condition() -> None:
    story = (
        "I remember a book about a boy who travels for more than ten hours in a train through German forests. "
        "It was published in the 1980s and narrated by a woman, part of a series, and something like The Hobbit. "
    )
    assert read(story * 3).filters == ()
    assert read(story * 3).likeness is None
    (one,) = read(story * 3 + "Please only unabridged ones!").filters
    assert one.kind is FilterKind.ABRIDGED


@pytest.mark.parametrize(
    ("question", "names", "unwanted", "text"),
    [
        ("something like Dune but with merchants instead of prophets", "Dune", "prophets", "merchants"),
        ("books like Dune, only funnier", "Dune", "", "only funnier"),
        ("similar to The Martian without the science", "The Martian", "science", ""),
        ("so etwas wie Momo, aber mit Robotern statt Kindern", "Momo", "Kindern", "Robotern"),
        ('something like "It"', "It", "", ""),
        ("something like It", "It", "", ""),
    ],
)
def test_a_likeness_says_what_should_differ(question: str, names: str, unwanted: str, text: str) -> None:
    likeness = read(question).likeness
    assert likeness is not None
    name = likeness.names[-1]
    assert (name.text, likeness.unwanted) == (names, unwanted)
    assert without(question, [(likeness.start, name.end), *likeness.left_out]) == text


@pytest.mark.parametrize("question", ["something like it", "the title is something like The Lost City", "I like that"])
def test_not_every_like_is_a_likeness(question: str) -> None:
    assert read(question).likeness is None


def test_several_filters_leave_a_clean_rest() -> None:
    question = "Krimis auf Deutsch, kürzer als zehn Stunden und ungekürzt, am Meer"
    assert [kind for _, kind, _ in said(question)] == [FilterKind.LANGUAGE, FilterKind.DURATION, FilterKind.ABRIDGED]
    assert rest(question) == "Krimis, am Meer"


@pytest.mark.parametrize(
    "piece",
    ["like ", "by ", "under ten ", "between 5 and ", "in german ", '"', "x'", "9", "a ", "instead of "],
)
@pytest.mark.timeout(25)  # a second where time grows with the length, beyond this where it grows with its square
def test_a_hostile_question_of_any_kind_takes_linear_time(piece: str) -> None:
    question = piece * (200_000 // len(piece))
    assert read(question).likeness is None
