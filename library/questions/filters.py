"""What a question was understood to ask for, before anybody has looked into the library."""

import enum
from dataclasses import dataclass
from typing import Any, Self

from library.questions.words import Question


class FilterKind(enum.StrEnum):
    """What a spoken filter is about."""

    DURATION = "DURATION"
    LANGUAGE = "LANGUAGE"
    AUTHOR = "AUTHOR"
    NARRATOR = "NARRATOR"
    SERIES = "SERIES"
    STANDALONE = "STANDALONE"
    FIRST_IN_SERIES = "FIRST_IN_SERIES"
    ABRIDGED = "ABRIDGED"
    DRAMATIZED = "DRAMATIZED"
    PUBLISHED_YEAR = "PUBLISHED_YEAR"
    OWNED = "OWNED"
    TAG = "TAG"
    LIKE = "LIKE"


@dataclass(frozen=True, slots=True)
class Name:
    """Words of a question that may be a name: as typed, and as character offsets into the question."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SpokenFilter:
    """A filter that a question says in words; `start` and `end` are character offsets into it.

    `negated` asks for what is not so. Bounds are inclusive: seconds of playing time, or years.
    """

    kind: FilterKind
    start: int
    end: int
    negated: bool = False
    at_least: float | None = None
    at_most: float | None = None
    languages: tuple[str, ...] = ()
    names: tuple[Name, ...] = ()  # what may be meant, the longest first
    surname: Name | None = None  # words that may be a surname alone
    only_if_known: bool = False  # without such a name in the library it is prose, and nothing was asked for
    unknowable: bool = False  # asked for clearly, and nothing in the library says it


@dataclass(frozen=True, slots=True)
class Found:
    """A filter, and the words that say it: places in the question.

    Reading goes on at `end`. Before `understood` ends what the filter may take, such as a name.
    """

    filter: SpokenFilter
    first: int
    end: int
    understood: int

    @classmethod
    def of(cls, question: Question, kind: FilterKind, first: int, end: int, **values: Any) -> Self:
        """A filter that stands in these words."""
        words = question.words
        return cls(SpokenFilter(kind, words[first].start, words[end - 1].end, **values), first, end, end)


@dataclass(frozen=True, slots=True)
class Likeness:
    """A wish for something like a named thing, and what should be otherwise.

    `start` is where the wish begins. `left_out` are the ranges of the words that say how it should differ and are no
    text to search for: "but with", "instead of prophets". `unwanted` is what should not be found, such as "prophets".
    """

    start: int
    names: tuple[Name, ...]
    left_out: tuple[tuple[int, int], ...] = ()
    unwanted: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A question as it was understood: its filters in their order, and at most one likeness."""

    text: str
    filters: tuple[SpokenFilter, ...] = ()
    likeness: Likeness | None = None
    tells_a_story: bool = False
