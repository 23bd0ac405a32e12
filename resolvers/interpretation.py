"""How a question was understood, as clients see it, and how they say that it should be understood otherwise."""

from enum import StrEnum
from typing import Annotated

import strawberry

from library.questions.filters import FilterKind
from library.questions.sentences import sentence
from library.questions.understanding import Filter, LikedBook, Understanding
from resolvers.books import Person, Series, Tag
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.snippets import TextRange


class Interpretation(StrEnum):
    """What is made of filters and names in a question."""

    AUTO = "AUTO"
    STRICT = "STRICT"
    OFF = "OFF"


describe_enum(
    Interpretation,
    "What is made of filters and names that a question says in words.",
    {
        Interpretation.AUTO: "They are applied; filters that leave nothing are given up, which the answer says.",
        Interpretation.STRICT: "They are applied, also where nothing is left.",
        Interpretation.OFF: "All of the question is text to search for.",
    },
    name="Interpretation",
)
describe_enum(
    FilterKind,
    "What a filter in a question is about.",
    {
        FilterKind.DURATION: 'Playing time of an edition: "under ten hours", "zwischen 5 und 8 Stunden".',
        FilterKind.LANGUAGE: 'The language: "in German", "auf Deutsch".',
        FilterKind.AUTHOR: 'Authors: "by Ursula K. Le Guin", "not by …".',
        FilterKind.NARRATOR: 'Narrators: "narrated by Stephen Fry".',
        FilterKind.SERIES: 'A series: "in the Discworld series".',
        FilterKind.STANDALONE: 'Whether the book is in no series: "standalone", "not in a series".',
        FilterKind.FIRST_IN_SERIES: 'The first book of any series: "first in a series".',
        FilterKind.ABRIDGED: 'Whether the edition is abridged: "unabridged", "ungekürzt".',
        FilterKind.DRAMATIZED: 'Whether the edition is dramatized: "full cast", "Hörspiel".',
        FilterKind.PUBLISHED_YEAR: 'The year it was first published: "from the 1980s", "published before 1950".',
        FilterKind.OWNED: 'Whether its audio files are there: "that I own", "not owned".',
        FilterKind.TAG: 'A genre or tag that is called one: "tagged space opera".',
        FilterKind.LIKE: 'A likeness to a book of the library, which is itself left out: "something like Dune".',
    },
    name="InterpretedFilterKind",
)

Interpret = Annotated[
    Interpretation,
    strawberry.argument(description="What is made of filters and names that the question says in words."),
]
IgnoreFilters = Annotated[
    list[FilterKind] | None,
    strawberry.argument(description="Filters in the question that are not to be applied; their words become text."),
]


@strawberry.type(description="Bounds of a playing time.")
class SecondsRange:
    """Both ends are inclusive."""

    gte: float | None = strawberry.field(description="At least so many seconds.")
    lte: float | None = strawberry.field(description="At most so many seconds.")


@strawberry.type(description="Bounds of a year.")
class YearRange:
    """Both ends are inclusive."""

    gte: int | None = strawberry.field(description="This year or later.")
    lte: int | None = strawberry.field(description="This year or earlier.")


@strawberry.type(description="A filter that the question says in words, and what was made of it.")
class InterpretedFilter:
    """A view of a spoken filter."""

    kind: FilterKind = strawberry.field(description="What it is about.")
    phrase: str = strawberry.field(description="The words of the question that say it.")
    range: TextRange = strawberry.field(description="Where they stand in `query`.")
    sentence: str = strawberry.field(description="What it was understood to ask for, for people.")
    negated: bool = strawberry.field(description='Whether what it names is unwanted: "not by …", "unabridged".')
    duration_seconds: SecondsRange | None = strawberry.field(description="The playing time, of a DURATION.")
    published_year: YearRange | None = strawberry.field(description="The years, of a PUBLISHED_YEAR.")
    languages: list[str] = strawberry.field(description="Codes such as `de`, of a LANGUAGE: one of them.")
    applied: bool = strawberry.field(description="Whether the hits were filtered by it.")
    reason: str | None = strawberry.field(description="Why it was not applied, where it was not.")
    row_ids: strawberry.Private[list[int]]

    @strawberry.field(description="The people it names, of an AUTHOR or NARRATOR: one of them.")
    async def people(self, info: Info) -> list[Person]:
        """Rows by their loader."""
        is_one = self.kind in {FilterKind.AUTHOR, FilterKind.NARRATOR}
        rows = await info.context.loaders.person.load_many(self.row_ids if is_one else [])
        return [Person.of(row) for row in rows if row is not None]

    @strawberry.field(description="The series it names, of a SERIES: one of them.")
    async def series(self, info: Info) -> list[Series]:
        """Rows by their loader."""
        rows = await info.context.loaders.series.load_many(self.row_ids if self.kind is FilterKind.SERIES else [])
        return [Series.of(row) for row in rows if row is not None]

    @strawberry.field(description="The genres or tags it names, of a TAG: one of them.")
    async def tags(self, info: Info) -> list[Tag]:
        """Rows by their loader."""
        rows = await info.context.loaders.tag.load_many(self.row_ids if self.kind is FilterKind.TAG else [])
        return [Tag.of(row) for row in rows if row is not None]


def interpreted_filters(understood: Understanding, given_up: str | None) -> list[InterpretedFilter]:
    """Everything that was understood, in the order of the question; `given_up` says why no filter was applied."""
    filters = [_of_filter(understood.text, one, one.problem or given_up) for one in understood.filters]
    if understood.liked is not None:
        filters.append(_of_likeness(understood.text, understood.liked))
    return sorted(filters, key=lambda one: one.range.start)


def _of_filter(question: str, given: Filter, reason: str | None) -> InterpretedFilter:
    spoken = given.spoken
    years, seconds = None, None
    if spoken.kind is FilterKind.PUBLISHED_YEAR:
        years = YearRange(gte=_whole(spoken.at_least), lte=_whole(spoken.at_most))
    if spoken.kind is FilterKind.DURATION:
        seconds = SecondsRange(gte=spoken.at_least, lte=spoken.at_most)
    return InterpretedFilter(
        kind=spoken.kind,
        phrase=question[given.start : given.end],
        range=TextRange(start=given.start, end=given.end),
        sentence=sentence(given),
        negated=spoken.negated,
        duration_seconds=seconds,
        published_year=years,
        languages=list(spoken.languages),
        applied=reason is None,
        reason=reason,
        row_ids=[row.id for row in given.rows],
    )


def _of_likeness(question: str, liked: LikedBook) -> InterpretedFilter:
    without = f", without {liked.unwanted}" if liked.unwanted else ""
    return InterpretedFilter(
        kind=FilterKind.LIKE,
        phrase=question[liked.start : liked.end],
        range=TextRange(start=liked.start, end=liked.end),
        sentence=f"Like {liked.title}{without}; the book itself is left out.",
        negated=False,
        duration_seconds=None,
        published_year=None,
        languages=[],
        applied=True,
        reason=None,
        row_ids=[],
    )


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None else None
