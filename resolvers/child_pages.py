"""Pages of children for many parents at once: one statement per page, however many rows ask for theirs."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute
from strawberry.dataloader import DataLoader

from library.database import Database, Filled
from library.pagination import Keyset, Page, Rows, SortKey, decode_cursor, encode_cursor


class ChildPages:
    """The children of parents, in the order of a column that is unique among the children of one parent.

    Only children that fulfil all `conditions` count.
    """

    def __init__(
        self,
        database: Database,
        parent: InstrumentedAttribute[Any],
        order: InstrumentedAttribute[Any],
        *conditions: sa.ColumnElement[bool],
    ) -> None:
        self._database = database
        self._parent = parent
        self._conditions = conditions
        self._keyset = Keyset(sa.select(parent.class_), (SortKey(order),))
        self._pages: DataLoader[tuple[int, Page], Rows] = DataLoader(load_fn=self._load_pages)
        self._counts: DataLoader[int, int] = DataLoader(load_fn=self._load_counts)

    async def load(self, parent_id: int, page: Page) -> Rows:
        """One parent's page; raises MalformedCursor."""
        if page.cursor is not None:
            decode_cursor(page.cursor, self._keyset)
        return await self._pages.load((parent_id, page))

    async def count(self, parent_id: int) -> int:
        """How many children a parent has."""
        return await self._counts.load(parent_id)

    async def _load_pages(self, keys: list[tuple[int, Page]]) -> list[Rows]:
        parents: dict[Page, list[int]] = defaultdict(list)
        for parent_id, page in keys:
            parents[page].append(parent_id)
        selects: list[Filled] = [(self._select(page, of), {}) for page, of in parents.items()]
        found: dict[tuple[int, Page], list[Any]] = defaultdict(list)
        for page, rows in zip(parents, await self._database.rows(*selects), strict=True):
            for parent_id, row in rows:
                found[parent_id, page].append(row)
        return [self._rows(found[key], key[1]) for key in keys]

    def _select(self, page: Page, parent_ids: Iterable[int]) -> sa.Select[*tuple[Any, ...]]:
        column = self._keyset.order[0].column
        direction = column.desc() if page.backward else column.asc()
        place = sa.func.row_number().over(partition_by=self._parent, order_by=direction).label("place")
        table = self._parent.class_
        numbered = sa.select(table.id, place).where(self._parent.in_(list(parent_ids)), *self._conditions)
        if page.cursor is not None:
            value = decode_cursor(page.cursor, self._keyset)[0]
            numbered = numbered.where(column < value if page.backward else column > value)
        first = numbered.subquery()
        select = sa.select(self._parent, table).join(first, first.c.id == table.id)
        return select.where(first.c.place <= page.size + 1).order_by(direction)

    def _rows(self, fetched: list[Any], page: Page) -> Rows:
        more, name = len(fetched) > page.size, self._keyset.order[0].column.key or ""
        kept = [(row, encode_cursor(self._keyset, [getattr(row, name)])) for row in fetched[: page.size]]
        elsewhere = page.cursor is not None
        if page.backward:
            return Rows(kept[::-1], has_previous=more, has_next=elsewhere)
        return Rows(kept, has_previous=elsewhere, has_next=more)

    async def _load_counts(self, parent_ids: list[int]) -> list[int]:
        counted = sa.select(self._parent, sa.func.count()).where(self._parent.in_(parent_ids), *self._conditions)
        (rows,) = await self._database.rows((counted.group_by(self._parent), {}))
        counts = dict(rows)
        return [counts.get(parent_id, 0) for parent_id in parent_ids]
