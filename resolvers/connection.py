"""Connections: described selects become pages with cursors; counts are made only when selected."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import sqlalchemy as sa
import strawberry

from library.database import Database
from library.errors import MalformedCursor
from library.pagination import Keyset, Page, Rows, fetch_page
from resolvers.child_pages import ChildPages
from resolvers.context import Info

NodeType = TypeVar("NodeType")

First = Annotated[int | None, strawberry.argument(description="How many rows to give, from 1 to 100; 20 by default.")]
After = Annotated[str | None, strawberry.argument(description="Go on after the row with this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many rows to give from the end, from 1 to 100.")]
Before = Annotated[str | None, strawberry.argument(description="Go back from the row with this cursor.")]


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """As the Relay cursor specification names it."""

    has_next_page: bool = strawberry.field(description="Whether there are rows after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are rows before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first row of this page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last row of this page.")


@strawberry.type(description="A row of a list and its place in it.")
class Edge(Generic[NodeType]):
    """A node with its cursor."""

    node: NodeType = strawberry.field(description="The row.")
    cursor: str = strawberry.field(description="The row's place, for `after` and `before`.")


@strawberry.type(description="One page of a growing list, by keyset cursors that stay valid while rows are added.")
class Connection(Generic[NodeType]):
    """Edges, nodes, page info, and the count if asked for."""

    edges: list[Edge[NodeType]] = strawberry.field(description="The rows with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    _count: strawberry.Private[Callable[[], Any]]

    @strawberry.field(description="The rows alone, for clients that need no cursors of single rows.")
    def nodes(self) -> list[NodeType]:
        """The edges' nodes."""
        return [edge.node for edge in self.edges]

    @strawberry.field(description="How many rows the whole list has. It costs a statement of its own when selected.")
    async def total_count(self) -> int:
        """Count now."""
        return int(await self._count())


async def connect(info: Info, keyset: Keyset, page: Page, make: Callable[[Any], NodeType]) -> Connection[NodeType]:
    """Fetch one page of a keyset by one statement and turn its rows into nodes."""
    database = info.context.database
    async with database.read() as session:
        rows = await fetch_page(session, keyset, page)
    return _connection(rows, make, lambda: _count_rows(database, keyset))


async def connect_children(
    pages: ChildPages, parent_id: int, page: Page, make: Callable[[Any], NodeType]
) -> Connection[NodeType]:
    """One parent's page of children; pages of many parents take one statement."""
    rows = await pages.load(parent_id, page)
    return _connection(rows, make, lambda: pages.count(parent_id))


def connect_list(items: Sequence[Any], page: Page, make: Callable[[Any], NodeType]) -> Connection[NodeType]:
    """Page through rows a loader has fetched already; cursors are positions, as such a list is replaced whole."""
    start, stop = 0, len(items)
    if page.cursor is not None:
        place = _position(page.cursor)
        start, stop = (0, place) if page.backward else (place + 1, stop)
    low = max(start, stop - page.size) if page.backward else start
    high = stop if page.backward else min(stop, start + page.size)
    kept = [(items[place], f"p{place}") for place in range(low, max(low, high))]
    rows = Rows(kept, has_previous=low > 0, has_next=high < len(items))

    async def count() -> int:
        return len(items)

    return _connection(rows, make, count)


def _connection(rows: Rows, make: Callable[[Any], NodeType], count: Callable[[], Any]) -> Connection[NodeType]:
    edges = [Edge(node=make(row), cursor=cursor) for row, cursor in rows.rows]
    page_info = PageInfo(
        has_next_page=rows.has_next,
        has_previous_page=rows.has_previous,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=page_info, _count=count)


async def _count_rows(database: Database, keyset: Keyset) -> int:
    counted = sa.select(sa.func.count()).select_from(keyset.rows.order_by(None).subquery())
    async with database.read() as session:
        return await session.scalar(counted) or 0


def _position(cursor: str) -> int:
    if not cursor.startswith("p") or not cursor[1:].isascii() or not cursor[1:].isdigit():
        raise MalformedCursor(cursor)
    return min(int(cursor[1:][:9]), 10**9)
