"""A question as it was understood with the library's help: names have become rows, and their places are known."""

import enum
from collections.abc import Collection
from dataclasses import dataclass, replace

from library.questions.filters import FilterKind, SpokenFilter
from library.questions.reading import without


@dataclass(frozen=True, slots=True)
class Known:
    """A row that a name stands for."""

    id: int
    name: str


class NameKind(enum.StrEnum):
    """How a book is named by the whole question."""

    TITLE = "TITLE"
    SERIES = "SERIES"
    AUTHOR = "AUTHOR"


@dataclass(frozen=True, slots=True)
class NamedBook:
    """A book that the question asks for by name; `closeness` is 1 for the exact name, less for one with a slip."""

    book_id: int
    kind: NameKind
    closeness: float


@dataclass(frozen=True, slots=True)
class LikedBook:
    """The book that a question wants others like, where it says so, and the name it uses."""

    book_id: int
    title: str
    start: int
    end: int
    left_out: tuple[tuple[int, int], ...]
    unwanted: str


@dataclass(frozen=True, slots=True)
class Filter:
    """A spoken filter with the rows that its names stand for; `problem` says why it cannot be applied."""

    spoken: SpokenFilter
    start: int
    end: int
    rows: tuple[Known, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Understanding:
    """Everything that was understood. Filters with a problem stay part of the searched text.

    `version` is the newest event at the time of the look into the library; None when nobody had to look.
    """

    text: str
    filters: tuple[Filter, ...] = ()
    liked: LikedBook | None = None
    named: tuple[NamedBook, ...] = ()
    version: int | None = None

    @property
    def applicable(self) -> tuple[Filter, ...]:
        """The filters that can be applied."""
        return tuple(one for one in self.filters if one.problem is None)

    @property
    def searched_text(self) -> str:
        """What remains of the question to search for; all of it when nothing remains and no book is liked."""
        ranges = [(one.start, one.end) for one in self.applicable]
        if self.liked is not None:
            ranges += [(self.liked.start, self.liked.end), *self.liked.left_out]
        remaining = without(self.text, ranges) if ranges else self.text.strip()
        return remaining or ("" if self.liked is not None else self.text.strip())

    def refusing(self, kinds: Collection[FilterKind], problem: str) -> "Understanding":
        """The same with filters of these kinds switched off, and why; their words are searched for."""
        filters = tuple(replace(one, problem=problem) if one.spoken.kind in kinds else one for one in self.filters)
        return replace(self, filters=filters, liked=None if FilterKind.LIKE in kinds else self.liked)
