"""Filters become the set of passages that a search may find, kept per filter and state of the data."""

from collections import OrderedDict
from collections.abc import Collection

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


async def allowed_passages(
    context: Context, kinds: Collection[OwnerKind] | None, book: BookFilter | None, document: DocumentFilter | None
) -> Ids | None:
    """Ids of the passages of these kinds whose owners pass their filter; None when everything may be found.

    Without `kinds` a filter of one kind alone asks for this kind.
    """
    conditions = _conditions(kinds, book, document)
    if conditions is None:
        return None
    select = sa.select(models.Passage.id).where(sa.or_(sa.false(), *conditions))
    text = str(select.compile(compile_kwargs={"literal_binds": True}))
    async with context.database.read() as session:
        version = await events.latest(session)
        known = context.search.filters.get(text, version)
        if known is not None:
            return known
        allowed = np.fromiter(await session.scalars(select), np.int64)
    context.search.filters.keep(text, version, allowed)
    return allowed


def _conditions(
    kinds: Collection[OwnerKind] | None, book: BookFilter | None, document: DocumentFilter | None
) -> list[sa.ColumnElement[bool]] | None:
    filters = {
        OwnerKind.BOOK: sa.select(models.Book.id).where(book_condition(book)) if book is not None else None,
        OwnerKind.DOCUMENT: sa.select(models.Document.id).where(document_condition(document))
        if document is not None
        else None,
    }
    filtered = [kind for kind, owners in filters.items() if owners is not None]
    wanted = set(kinds if kinds is not None else filtered or OwnerKind)
    if not filtered and wanted == set(OwnerKind):
        return None
    passage = models.Passage
    conditions = []
    for kind in sorted(wanted):
        owners = filters[kind]
        of_kind = passage.owner_kind == kind
        conditions.append(of_kind if owners is None else sa.and_(of_kind, passage.owner_id.in_(owners)))
    return conditions
