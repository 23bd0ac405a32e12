"""The list of downloads: which, and in which order."""

import enum
from typing import Annotated

import sqlalchemy as sa
import strawberry

from library.errors import BadInput
from library.models.downloads import Download as DownloadRow
from library.models.downloads import DownloadState
from library.pagination import Keyset, Page, SortKey
from resolvers.book_filter import OrderDirection
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.downloads import Download, visible
from resolvers.ids import decode_id_of
from resolvers.permissions import IsMember

_MOST_ORDERS = 5


class DownloadOrderField(enum.StrEnum):
    """What downloads can be ordered by."""

    CREATED = "CREATED"
    STATE_SINCE = "STATE_SINCE"
    SIZE = "SIZE"


describe_enum(
    DownloadOrderField,
    "What downloads can be ordered by.",
    {
        DownloadOrderField.CREATED: "When it was asked for.",
        DownloadOrderField.STATE_SINCE: "When it came into its state.",
        DownloadOrderField.SIZE: "Its size in bytes.",
    },
    name="DownloadOrderField",
)
_COLUMNS = {
    DownloadOrderField.CREATED: DownloadRow.id,
    DownloadOrderField.STATE_SINCE: DownloadRow.state_since,
    DownloadOrderField.SIZE: DownloadRow.total_bytes,
}


class TooManyOrders(BadInput):
    """An order of more parts than there are columns."""

    def __init__(self) -> None:
        super().__init__(f"`orderBy` takes at most {_MOST_ORDERS} values.")


@strawberry.input(description="One part of an order of downloads.")
class DownloadOrder:
    """A field and a direction."""

    field: DownloadOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.ASC, description="Which way.")


@strawberry.input(description="Which downloads. All given conditions must hold.")
class DownloadFilter:
    """Conditions."""

    states: list[DownloadState] | None = strawberry.field(default=None, description="It is in one of these states.")
    book: strawberry.ID | None = strawberry.field(default=None, description="It was asked for this book.")
    want: strawberry.ID | None = strawberry.field(default=None, description="It was asked for this want.")


@strawberry.type
class DownloadQuery:
    """Root fields over downloads."""

    @strawberry.field(
        description="Downloads, newest first unless said otherwise: all for administrators, their own for members.",
        permission_classes=[IsMember],
    )
    async def downloads(
        self,
        info: Info,
        filter: Annotated[DownloadFilter | None, strawberry.argument(description="Which downloads.")] = None,  # noqa: A002 the contract's name
        order_by: Annotated[
            list[DownloadOrder] | None,
            strawberry.argument(description="In which order; the newest first when left out."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Download] | None:
        """A page of downloads, by one statement."""
        page = Page.of(first, after, last, before)
        select = sa.select(DownloadRow).where(visible(info.context.viewer))
        select = select.where(*_conditions(filter or DownloadFilter()))
        return await connect(info, Keyset(select, _order(order_by or [])), page, Download.of)


def _conditions(given: DownloadFilter) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if given.states is not None:
        conditions.append(DownloadRow.state.in_(set(given.states)))
    if given.book is not None:
        conditions.append(DownloadRow.book_id == decode_id_of("Book", given.book))
    if given.want is not None:
        conditions.append(DownloadRow.want_id == decode_id_of("Want", given.want))
    return conditions


def _order(given: list[DownloadOrder]) -> tuple[SortKey, ...]:
    if len(given) > _MOST_ORDERS:
        raise TooManyOrders
    keys = [SortKey(_COLUMNS[one.field], descending=one.direction is OrderDirection.DESC) for one in given]
    if any(one.field is DownloadOrderField.CREATED for one in given):
        return tuple(keys)
    return (*keys, SortKey(DownloadRow.id, descending=True))
