"""Filters become the set of passages that a search may find, kept per filter and state of the data."""

from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from library import events, models
from library.models.passages import OwnerKind
from resolvers.book_filter import BookFilter, book_condition
from resolvers.context import Context
from resolvers.document_filter import DocumentFilter, document_condition

Ids = npt.NDArray[np.int64]

KEPT_FILTERS = 32


class PassageFilters:
    """The passages that filters of late have left; an entry is as good as the last event it was made after."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], Ids] = OrderedDict()

    def get(self, condition: str, version: int) -> Ids | None:
        """What is known for this condition at this state of the data."""
        return self._kept.get((condition, version))

    def keep(self, condition: str, version: int, passages: Ids) -> None:
        """Remember, and forget the oldest."""
        self._kept[condition, version] = passages
        while len(self._kept) > KEPT_FILTERS:
            self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be found: owners of these kinds (None: those that a condition speaks of, else all) that meet theirs."""

    kinds: frozenset[OwnerKind] | None = None
    books: sa.ColumnElement[bool] | None = None
    documents: sa.ColumnElement[bool] | None = None
    said: frozenset[str] = frozenset()  # the fields of books that the client's own filter speaks of

    @classmethod
    def of(
        cls, kinds: Collection[OwnerKind] | None, book: BookFilter | None, document: DocumentFilter | None
    ) -> "Limits":
        """Read what a client gives."""
        return cls(
            frozenset(kinds) if kinds is not None else None,
            book_condition(book) if book is not None else None,
            document_condition(document) if document is not None else None,
            frozenset(_fields(book)) if book is not None else frozenset(),
        )

    def and_books(self, condition: sa.ColumnElement[bool]) -> "Limits":
        """The same for books that meet one more condition."""
        return replace(self, books=condition if self.books is None else sa.and_(self.books, condition))

    @property
    def wanted(self) -> frozenset[OwnerKind]:
        """The kinds that may be found."""
        if self.kinds is not None:
            return self.kinds
        spoken_of = {OwnerKind.BOOK: self.books, OwnerKind.DOCUMENT: self.documents}
        return frozenset(kind for kind, condition in spoken_of.items() if condition is not None) or frozenset(OwnerKind)

    def passages(self) -> sa.Select[int] | None:
        """Select the ids of passages that may be found; None when all may."""
        if self.books is None and self.documents is None and self.wanted == frozenset(OwnerKind):
            return None
        passage = models.Passage
        owners = {
            OwnerKind.BOOK: sa.select(models.Book.id).where(self.books) if self.books is not None else None,
            OwnerKind.DOCUMENT: sa.select(models.Document.id).where(self.documents)
            if self.documents is not None
            else None,
        }
        conditions = [
            sa.and_(passage.owner_kind == kind, passage.owner_id.in_(left))
            if (left := owners[kind]) is not None
            else passage.owner_kind == kind
            for kind in sorted(self.wanted)
        ]
        return sa.select(passage.id).where(sa.or_(sa.false(), *conditions))


async def allowed_passages(context: Context, limits: Limits, version: int | None = None) -> Ids | None:
    """Ids of the passages that may be found; None when all may.

    `version` is the newest event, where that has been read just now.
    """
    select = limits.passages()
    if select is None:
        return None
    text = str(select.compile(compile_kwargs={"literal_binds": True}))
    async with context.database.read() as session:
        version = await events.latest(session) if version is None else version
        known = context.search.filters.get(text, version)
        if known is not None:
            return known
        allowed = np.fromiter(await session.scalars(select), np.int64)
    context.search.filters.keep(text, version, allowed)
    return allowed


def _fields(given: BookFilter) -> Iterator[str]:
    for name, value in vars(given).items():
        if isinstance(value, BookFilter):
            yield from _fields(value)
        elif isinstance(value, list) and name in {"and_", "or_"}:
            for part in value:
                yield from _fields(part)
        elif value is not None:
            yield name
