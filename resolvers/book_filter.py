"""Which books: typed filters turned into one SQL condition, and orders into sort keys."""

import enum
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import strawberry

from library import text_search
from library.errors import BadInput
from library.models import Book, BookAuthor, BookTag, Copy, Edition, EditionNarrator, Person, Series, SeriesEntry, Tag
from library.pagination import SortKey
from resolvers.descriptions import describe_enum
from resolvers.ids import decode_id_of

MAXIMUM_CONDITIONS = 50
MAXIMUM_LIST = 100
MAXIMUM_TEXT = 200


class FilterTooLarge(BadInput):
    """A filter that would make a statement without end."""

    def __init__(self, what: str, maximum: int) -> None:
        super().__init__(f"The filter has more than {maximum} {what}. Ask for less at a time.")


@strawberry.input(description="Conditions on a text; case, accents and apostrophes make no difference.")
class TextFilter:
    """All given conditions must hold."""

    equals: str | None = strawberry.field(default=None, description="The whole text is this.")
    starts_with: str | None = strawberry.field(default=None, description="The text begins with this.")
    words: str | None = strawberry.field(
        default=None, description="Each of these words begins some word of the text, in any order."
    )


@strawberry.input(description="Conditions on a person, series or tag: by id or by name.")
class NameFilter:
    """All given conditions must hold for one and the same linked row."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="It is one of these.")
    equals: str | None = strawberry.field(default=None, description="Its name is this, whatever case and accents.")
    exists: bool | None = strawberry.field(default=None, description="There is one at all, or there is none.")


@strawberry.input(description="Conditions on a code such as a language.")
class CodeFilter:
    """All given conditions must hold."""

    in_: list[str] | None = strawberry.field(default=None, name="in", description="It is one of these.")
    exists: bool | None = strawberry.field(default=None, description="It is known, or it is not.")


@strawberry.input(description="Bounds of a whole number.")
class IntFilter:
    """Both bounds are inclusive."""

    gte: int | None = strawberry.field(default=None, description="At least this.")
    lte: int | None = strawberry.field(default=None, description="At most this.")


@strawberry.input(description="Bounds of a number.")
class FloatFilter:
    """Both bounds are inclusive."""

    gte: float | None = strawberry.field(default=None, description="At least this.")
    lte: float | None = strawberry.field(default=None, description="At most this.")


@strawberry.input(description="Bounds of a time.")
class DateTimeFilter:
    """Both bounds are inclusive."""

    gte: datetime | None = strawberry.field(default=None, description="Not before this.")
    lte: datetime | None = strawberry.field(default=None, description="Not after this.")


@strawberry.input(description="Which books. All conditions given must hold; combine with `and`, `or` and `not`.")
class BookFilter:
    """Translated by `book_condition`."""

    and_: list["BookFilter"] | None = strawberry.field(default=None, name="and", description="All of these hold.")
    or_: list["BookFilter"] | None = strawberry.field(
        default=None, name="or", description="At least one of these holds; an empty list holds for no book."
    )
    not_: "BookFilter | None" = strawberry.field(default=None, name="not", description="This does not hold.")
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="The book is one of these.")
    title: TextFilter | None = strawberry.field(default=None, description="The title.")
    author: NameFilter | None = strawberry.field(default=None, description="One of the authors.")
    narrator: NameFilter | None = strawberry.field(default=None, description="A narrator of one of its editions.")
    series: NameFilter | None = strawberry.field(default=None, description="A series the book belongs to.")
    tag: NameFilter | None = strawberry.field(default=None, description="A genre or tag of the book.")
    language: CodeFilter | None = strawberry.field(default=None, description="The language, as a code such as `en`.")
    published_year: IntFilter | None = strawberry.field(default=None, description="The year it was first published.")
    duration_seconds: FloatFilter | None = strawberry.field(
        default=None, description="Playing time of an edition, in seconds."
    )
    added_at: DateTimeFilter | None = strawberry.field(default=None, description="When the book came into the graph.")
    owned: bool | None = strawberry.field(default=None, description="Whether its audio files are there.")
    abridged: bool | None = strawberry.field(default=None, description="Whether an edition is known to be so.")
    dramatized: bool | None = strawberry.field(default=None, description="Whether an edition is known to be so.")
    library_root: strawberry.ID | None = strawberry.field(default=None, description="An edition lies in this root.")


class BookOrderField(enum.Enum):
    """What books can be ordered by."""

    TITLE = "TITLE"
    PUBLISHED_YEAR = "PUBLISHED_YEAR"
    DURATION = "DURATION"
    ADDED_AT = "ADDED_AT"
    UPDATED_AT = "UPDATED_AT"


class OrderDirection(enum.Enum):
    """Which way an order goes."""

    ASC = "ASC"
    DESC = "DESC"


describe_enum(
    BookOrderField,
    "What books can be ordered by.",
    {
        BookOrderField.TITLE: "The title without its leading article.",
        BookOrderField.PUBLISHED_YEAR: "The year it was first published; unknown years come last.",
        BookOrderField.DURATION: "Playing time of its longest owned edition.",
        BookOrderField.ADDED_AT: "When the book came into the graph.",
        BookOrderField.UPDATED_AT: "When something about the book last changed.",
    },
    name="BookOrderField",
)
describe_enum(
    OrderDirection,
    "Which way an order goes.",
    {OrderDirection.ASC: "Smallest, earliest or A first.", OrderDirection.DESC: "Largest, latest or Z first."},
    name="OrderDirection",
)


@strawberry.input(description="One level of an order; ties are broken by the next level and in the end by id.")
class BookOrder:
    """A field and a direction."""

    field: BookOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


_ORDER_COLUMNS = {
    BookOrderField.TITLE: Book.sort_title,
    BookOrderField.PUBLISHED_YEAR: Book.published_year,
    BookOrderField.DURATION: Book.duration_seconds,
    BookOrderField.ADDED_AT: Book.created_at,
    BookOrderField.UPDATED_AT: Book.updated_at,
}


def book_order(order_by: list[BookOrder] | None) -> tuple[SortKey, ...]:
    """Sort keys of an order, ending in the id; by title when nothing is asked for."""
    asked = order_by or [BookOrder(field=BookOrderField.TITLE)]
    distinct = {level.field: level for level in reversed(asked)}
    keys = [
        SortKey(
            _ORDER_COLUMNS[level.field],
            descending=level.direction is OrderDirection.DESC,
            nullable=level.field is BookOrderField.PUBLISHED_YEAR,
        )
        for level in asked
        if distinct[level.field] is level
    ]
    return (*keys, SortKey(Book.id))


def book_condition(given: BookFilter | None) -> sa.ColumnElement[bool]:
    """The SQL condition of a filter; raises BadInput when it is too large or holds foreign ids."""
    if given is None:
        return sa.true()
    if _size(given) > MAXIMUM_CONDITIONS:
        raise FilterTooLarge("conditions", MAXIMUM_CONDITIONS)
    return sa.and_(sa.true(), *_conditions(given))


def _size(given: BookFilter) -> int:
    nested = [*(given.and_ or []), *(given.or_ or []), *([given.not_] if given.not_ else [])]
    return 1 + sum(_size(part) for part in nested)


def _conditions(given: BookFilter) -> Iterator[sa.ColumnElement[bool]]:
    if given.and_ is not None:
        yield sa.and_(sa.true(), *(_all(part) for part in given.and_))
    if given.or_ is not None:
        yield sa.or_(sa.false(), *(_all(part) for part in given.or_))
    if given.not_ is not None:
        yield sa.not_(_all(given.not_))
    if given.ids is not None:
        yield Book.id.in_(_ids("Book", given.ids))
    if given.title is not None:
        yield from _text(given.title)
    if given.owned is not None:
        yield Book.owned.is_(given.owned)
    yield from _links(given)
    yield from _bounds(given)
    yield from _editions(given)


def _all(given: BookFilter) -> sa.ColumnElement[bool]:
    return sa.and_(sa.true(), *_conditions(given))


def _text(given: TextFilter) -> Iterator[sa.ColumnElement[bool]]:
    if given.equals is not None:
        yield Book.title_key == text_search.text_key(_bounded(given.equals))
    if given.starts_with is not None:
        yield text_search.begins_with(Book.title_key, text_search.text_key(_bounded(given.starts_with)))
    if given.words is not None:
        yield text_search.matching_books(_bounded(given.words))


def _links(given: BookFilter) -> Iterator[sa.ColumnElement[bool]]:
    if given.author is not None:
        links = sa.select(BookAuthor.book_id).join(Person, Person.id == BookAuthor.person_id)
        yield from _named(given.author, "Person", Person, links)
    if given.narrator is not None:
        links = (
            sa.select(Edition.book_id)
            .join(EditionNarrator, EditionNarrator.edition_id == Edition.id)
            .join(Person, Person.id == EditionNarrator.person_id)
        )
        yield from _named(given.narrator, "Person", Person, links)
    if given.series is not None:
        links = sa.select(SeriesEntry.book_id).join(Series, Series.id == SeriesEntry.series_id)
        yield from _named(given.series, "Series", Series, links)
    if given.tag is not None:
        links = sa.select(BookTag.book_id).join(Tag, Tag.id == BookTag.tag_id)
        yield from _named(given.tag, "Tag", Tag, links)


def _named(given: NameFilter, kind: str, table: Any, links: sa.Select[Any]) -> Iterator[sa.ColumnElement[bool]]:
    if given.exists is not None:
        some = Book.id.in_(links)
        yield some if given.exists else sa.not_(some)
    if given.ids is not None:
        links = links.where(table.id.in_(_ids(kind, given.ids)))
    if given.equals is not None:
        key = text_search.name_key if table is Person else text_search.text_key
        links = links.where(table.name_key == key(_bounded(given.equals)))
    if given.ids is not None or given.equals is not None:
        yield Book.id.in_(links)


def _bounds(given: BookFilter) -> Iterator[sa.ColumnElement[bool]]:
    if given.language is not None:
        if given.language.in_ is not None:
            yield Book.language.in_(_few([code.lower() for code in given.language.in_]))
        if given.language.exists is not None:
            yield Book.language.is_not(None) if given.language.exists else Book.language.is_(None)
    yield from _between(given.published_year, Book.published_year)
    yield from _between(given.added_at, Book.created_at)


def _between(given: IntFilter | FloatFilter | DateTimeFilter | None, column: Any) -> Iterator[sa.ColumnElement[bool]]:
    if given is not None and given.gte is not None:
        yield column >= given.gte
    if given is not None and given.lte is not None:
        yield column <= given.lte


def _editions(given: BookFilter) -> Iterator[sa.ColumnElement[bool]]:
    conditions = list(_between(given.duration_seconds, Edition.duration_seconds))
    if given.duration_seconds is not None:
        conditions.append(Edition.duration_seconds > 0)  # a wanted edition has no playing time yet
    for column, wish in ((Edition.abridged, given.abridged), (Edition.dramatized, given.dramatized)):
        if wish is not None:
            conditions.append(sa.func.coalesce(column, sa.false()).is_(wish))
    if given.library_root is not None:
        root = decode_id_of("LibraryRoot", given.library_root)
        conditions.append(Edition.id.in_(sa.select(Copy.edition_id).where(Copy.root_id == root)))
    if conditions:
        yield Book.id.in_(sa.select(Edition.book_id).where(*conditions))


def _ids(kind: str, values: list[strawberry.ID]) -> list[int]:
    return [decode_id_of(kind, value) for value in _few(values)]


def _few(values: list[Any]) -> list[Any]:
    if len(values) > MAXIMUM_LIST:
        raise FilterTooLarge("values in a list", MAXIMUM_LIST)
    return values


def _bounded(value: str) -> str:
    if len(value) > MAXIMUM_TEXT:
        raise FilterTooLarge("characters in a text", MAXIMUM_TEXT)
    return value
