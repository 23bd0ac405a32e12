"""A filter over books becomes the set of passages a search may find, kept per filter and state of the data."""

from collections import OrderedDict

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from library import events, models
from library.models.passages import OwnerKind
from resolvers.context import Context

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
    context: Context, condition: sa.ColumnElement[bool] | None, version: int | None = None
) -> Ids | None:
    """Ids of the passages of books that meet a condition; None when there is none.

    `version` is the newest event, where that has been read just now.
    """
    if condition is None:
        return None
    text = str(condition.compile(compile_kwargs={"literal_binds": True}))
    async with context.database.read() as session:
        version = await events.latest(session) if version is None else version
        known = context.search.filters.get(text, version)
        if known is not None:
            return known
        passage = models.Passage
        left = sa.select(models.Book.id).where(condition)
        select = sa.select(passage.id).where(passage.owner_kind == OwnerKind.BOOK, passage.owner_id.in_(left))
        allowed = np.fromiter(await session.scalars(select), np.int64)
    context.search.filters.keep(text, version, allowed)
    return allowed
