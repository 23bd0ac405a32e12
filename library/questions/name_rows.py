"""The rows that names of a question may stand for: one statement for all exact names, one for names with a slip."""

import enum
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from library.database import Database
from library.models.books import Book, BookAuthor, Person, Series, SeriesEntry, Tag
from library.models.jobs import Event
from library.questions.understanding import Known
from library.text_search import sort_title

MOST_ROWS = 100  # of each kind; whoever has more books is not meant by name alone
SURNAMES = 3
_BEYOND = "\U0010ffff"
_SHORTEST_WITH_A_SLIP = 5
_PREFIX = 2  # letters that a slip leaves alone, so that an index can be walked


class _What(enum.StrEnum):
    VERSION = "VERSION"
    PERSON = "PERSON"
    SURNAME = "SURNAME"
    SERIES = "SERIES"
    TAG = "TAG"
    TITLE = "TITLE"
    WRITTEN = "WRITTEN"
    PLACED = "PLACED"


@dataclass(slots=True)
class WantedNames:
    """Folded keys to look for: of people, surnames and tags that filter, and of whatever the question may name."""

    people: set[str] = field(default_factory=set)
    surnames: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    titles: set[str] = field(default_factory=set)
    authors: set[str] = field(default_factory=set)
    author_surname: str = ""
    series: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return any((self.people, self.surnames, self.tags, self.titles, self.authors, self.series))


@dataclass(slots=True)
class NameRows:
    """What the library knows of these names, by key."""

    version: int = 0
    people: dict[str, list[Known]] = field(default_factory=lambda: defaultdict(list))
    surnames: dict[str, list[Known]] = field(default_factory=lambda: defaultdict(list))
    tags: dict[str, list[Known]] = field(default_factory=lambda: defaultdict(list))
    series: dict[str, list[Known]] = field(default_factory=lambda: defaultdict(list))
    titles: dict[str, list[Known]] = field(default_factory=lambda: defaultdict(list))  # owned ones first
    written: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # books by the author's key
    placed: dict[str, list[Known]] = field(default_factory=lambda: defaultdict(list))  # books by the series' key


def _row(what: _What, number: Any, name: Any, key: Any, order: Any = None) -> tuple[Any, ...]:
    return (
        sa.literal_column(f"'{what}'").label("what"),
        number.label("number"),
        name.label("name"),
        key.label("key"),
        sa.cast(0 if order is None else order, sa.Float).label("place"),
    )


def _keys(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name, expanding=True)


def _limited(select: sa.Select[Any]) -> sa.Select[Any]:
    # A limit within a union needs a select around it.
    return sa.select(*select.limit(MOST_ROWS).subquery().c)


def _filed_between(start: str, end: str) -> sa.ColumnElement[bool]:
    return sa.and_(Person.sort_name >= sa.bindparam(start), Person.sort_name < sa.bindparam(end))


def _has_surname() -> sa.ColumnElement[bool]:
    return sa.or_(*(_filed_between(f"from{place}", f"to{place}") for place in range(SURNAMES)))


def _filed_as(surname: str) -> tuple[str, str]:
    # An empty range where there is none; "Le Guin" is filed as "le guin, ursula k.".
    return (f"{surname},", f"{surname},{_BEYOND}") if surname else ("", "")


_NOTHING: sa.ColumnElement[str] = sa.literal_column("''")
_BY_AUTHOR = sa.select(
    *_row(_What.WRITTEN, BookAuthor.book_id, Person.sort_name, Person.name_key),
).join(Person, Person.id == BookAuthor.person_id)
_NAMES = sa.union_all(
    sa.select(*_row(_What.VERSION, sa.func.coalesce(sa.func.max(Event.id), 0), _NOTHING, _NOTHING)),
    sa.select(*_row(_What.PERSON, Person.id, Person.name, Person.name_key)).where(Person.name_key.in_(_keys("people"))),
    _limited(sa.select(*_row(_What.SURNAME, Person.id, Person.name, Person.sort_name)).where(_has_surname())),
    sa.select(*_row(_What.TAG, Tag.id, Tag.name, Tag.name_key)).where(Tag.name_key.in_(_keys("tags"))),
    sa.select(*_row(_What.SERIES, Series.id, Series.name, Series.name_key)).where(Series.name_key.in_(_keys("series"))),
    _limited(
        sa.select(*_row(_What.TITLE, Book.id, Book.title, Book.title_key, sa.cast(Book.owned, sa.Integer))).where(
            sa.or_(Book.title_key.in_(_keys("titles")), Book.sort_title.in_(_keys("titles")))
        )
    ),
    _limited(_BY_AUTHOR.where(sa.or_(Person.name_key.in_(_keys("authors")), _filed_between("from", "to")))),
    _limited(
        sa.select(*_row(_What.PLACED, SeriesEntry.book_id, Book.title, Series.name_key, SeriesEntry.sort_key))
        .join(Series, Series.id == SeriesEntry.series_id)
        .join(Book, Book.id == SeriesEntry.book_id)
        .where(Series.name_key.in_(_keys("series")))
        .order_by(SeriesEntry.sort_key, SeriesEntry.id)
    ),
)
_NAMED = sa.select(*_NAMES.subquery().c)


def _nearly(column: Any) -> sa.ColumnElement[bool]:
    length = sa.func.length(column)
    begins = sa.and_(column >= sa.bindparam("prefix"), column < sa.bindparam("beyond"))
    return sa.and_(begins, length >= sa.bindparam("shortest"), length <= sa.bindparam("longest"))


_SIMILAR = sa.union_all(
    _limited(sa.select(*_row(_What.TITLE, Book.id, Book.title, Book.sort_title)).where(_nearly(Book.sort_title))),
    _limited(_BY_AUTHOR.where(_nearly(Person.name_key))),
    _limited(
        sa.select(*_row(_What.PLACED, SeriesEntry.book_id, Book.title, Series.name_key, SeriesEntry.sort_key))
        .join(Series, Series.id == SeriesEntry.series_id)
        .join(Book, Book.id == SeriesEntry.book_id)
        .where(_nearly(Series.name_key))
        .order_by(SeriesEntry.sort_key, SeriesEntry.id)
    ),
)
_NEARLY_NAMED = sa.select(*_SIMILAR.subquery().c)


async def rows_of(database: Database, wanted: WantedNames) -> NameRows:
    """Look for all of these names at once."""
    given: dict[str, Any] = {
        "people": sorted(wanted.people),
        "tags": sorted(wanted.tags),
        "series": sorted(wanted.series),
        "titles": sorted(wanted.titles),
        "authors": sorted(wanted.authors),
    }
    given["from"], given["to"] = _filed_as(wanted.author_surname)
    for place, surname in enumerate([*wanted.surnames, *[""] * SURNAMES][:SURNAMES]):
        given[f"from{place}"], given[f"to{place}"] = _filed_as(surname)
    (rows,) = await database.rows((_NAMED, given))
    return _sorted_out(rows)


async def rows_nearly(database: Database, text: str) -> NameRows:
    """Books whose title, author or series has about as many letters, and the first two of this one; none if short."""
    key = sort_title(text)
    if len(key) < _SHORTEST_WITH_A_SLIP:
        return NameRows()
    prefix = key[:_PREFIX]
    given = {"prefix": prefix, "beyond": prefix + _BEYOND, "shortest": len(key) - 1, "longest": len(key) + 1}
    (rows,) = await database.rows((_NEARLY_NAMED, given))
    return _sorted_out(rows)


def _sorted_out(rows: Iterable[Any]) -> NameRows:
    found = NameRows()
    known = {_What.PERSON: found.people, _What.TAG: found.tags, _What.SERIES: found.series, _What.PLACED: found.placed}
    for what, number, name, key, _place in sorted(rows, key=_best_first):
        if what in known:
            known[what][key].append(Known(number, name))
        elif what == _What.SURNAME:
            found.surnames[surname_in(key)].append(Known(number, name))
        elif what == _What.WRITTEN:
            for spelling in {key, surname_in(name)}:
                found.written[spelling].append(number)
        elif what == _What.TITLE:
            for spelling in {key, sort_title(name)}:
                found.titles[spelling].append(Known(number, name))
        else:
            found.version = number
    return found


def surname_in(sort_name: str) -> str:
    """The surname of a name as it is filed: "le guin, ursula k." has "le guin"."""
    return sort_name.partition(",")[0]


def _best_first(row: Any) -> tuple[float, int]:
    # Owned titles before others, the volumes of a series in their order, else what was there first.
    return (-row.place if row.what == _What.TITLE else row.place), row.number
