"""Keyset pagination: page bounds, cursors that name a row's place, and the condition that goes on from there."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from library.errors import MalformedCursor, PageContradiction, PageOutOfBounds

MAXIMUM_PAGE = 100
DEFAULT_PAGE = 20


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column of an order; nulls come last in both directions, so that a cursor can say where they begin.

    Say `nullable` only of a column that is: SQLite uses no index for an order with `NULLS LAST`.
    """

    column: InstrumentedAttribute[Any] | sa.ColumnElement[Any]
    descending: bool = False
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: `size` rows after or before a cursor."""

    size: int
    backward: bool = False
    cursor: str | None = None

    @classmethod
    def of(
        cls,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> "Page":
        """Check the four arguments of a connection; raises PageOutOfBounds or PageContradiction."""
        for name, value in (("first", first), ("last", last)):
            if value is not None and not 1 <= value <= MAXIMUM_PAGE:
                raise PageOutOfBounds(name, value, MAXIMUM_PAGE)
        if (first is not None or after is not None) and (last is not None or before is not None):
            raise PageContradiction
        if last is not None or before is not None:
            return cls(size=last or DEFAULT_PAGE, backward=True, cursor=before)
        return cls(size=first or DEFAULT_PAGE, cursor=after)


@dataclass(frozen=True, slots=True)
class Keyset:
    """A described select: rows, their order (ending in a unique column) and nothing fetched yet."""

    rows: sa.Select[Any]
    order: tuple[SortKey, ...]

    @property
    def fingerprint(self) -> str:
        """Short hash of the order's columns, so that a cursor of another order is refused."""
        text = ",".join(f"{key.column}{'-' if key.descending else '+'}" for key in self.order)
        return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True)
class Rows:
    """One fetched page: rows with their cursors, in the list's order."""

    rows: list[tuple[Any, str]]
    has_previous: bool
    has_next: bool


async def fetch_page(session: AsyncSession, keyset: Keyset, page: Page) -> Rows:
    """Fetch one page by one statement; raises MalformedCursor for a cursor of another list."""
    keys = [key.column.label(f"_key_{position}") for position, key in enumerate(keyset.order)]
    select = keyset.rows.add_columns(*keys)
    if page.cursor is not None:
        values = decode_cursor(page.cursor, keyset)
        select = select.where(_beyond(keyset.order, values, backward=page.backward))
    select = select.order_by(*(_order_by(key, backward=page.backward) for key in keyset.order))
    fetched = (await session.execute(select.limit(page.size + 1))).all()
    more = len(fetched) > page.size
    kept = fetched[: page.size]
    rows = [(row[0], encode_cursor(keyset, row[1:])) for row in kept]
    came_from_elsewhere = page.cursor is not None
    if page.backward:
        return Rows(rows[::-1], has_previous=more, has_next=came_from_elsewhere)
    return Rows(rows, has_previous=came_from_elsewhere, has_next=more)


def encode_cursor(keyset: Keyset, values: Sequence[Any]) -> str:
    """Make the opaque cursor of a row from the values of its sort keys."""
    plain = [_to_json(value) for value in values]
    return base64.urlsafe_b64encode(orjson.dumps([keyset.fingerprint, *plain])).decode().rstrip("=")


def decode_cursor(cursor: str, keyset: Keyset) -> list[Any]:
    """Read a cursor back; raises MalformedCursor unless it was made for the same order."""
    try:
        fingerprint, *values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, binascii.Error):
        raise MalformedCursor(cursor) from None
    if fingerprint != keyset.fingerprint or len(values) != len(keyset.order):
        raise MalformedCursor(cursor)
    try:
        return [_from_json(value, key.column) for value, key in zip(values, keyset.order, strict=True)]
    except (ValueError, TypeError):
        raise MalformedCursor(cursor) from None


def _order_by(key: SortKey, *, backward: bool) -> sa.ColumnElement[Any]:
    ordered = key.column.desc() if key.descending != backward else key.column.asc()
    if not key.nullable:
        return ordered
    return ordered.nulls_first() if backward else ordered.nulls_last()


def _beyond(order: Sequence[SortKey], values: Sequence[Any], *, backward: bool) -> sa.ColumnElement[bool]:
    """The rows strictly beyond a place: equal in the first keys and further in the next, for each prefix of keys."""
    alternatives = []
    equal: list[sa.ColumnElement[bool]] = []
    for key, value in zip(order, values, strict=True):
        further = _further(key, value, backward=backward)
        if further is not None:
            alternatives.append(sa.and_(*equal, further))
        equal.append(key.column.is_(None) if value is None else key.column == value)
    return sa.or_(sa.false(), *alternatives)


def _further(key: SortKey, value: Any, *, backward: bool) -> sa.ColumnElement[bool] | None:
    """Beyond one value of one column, where nulls stand last; None when nothing can be."""
    if value is None:
        return key.column.is_not(None) if backward else None
    compared = key.column < value if key.descending != backward else key.column > value
    return sa.or_(compared, key.column.is_(None)) if key.nullable and not backward else compared


def _to_json(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _from_json(value: Any, column: InstrumentedAttribute[Any] | sa.ColumnElement[Any]) -> Any:
    if value is None:
        return None
    expected = column.type.python_type
    if expected is datetime:
        return datetime.fromisoformat(value)
    if expected is float:
        return float(value)
    if not isinstance(value, expected) or (isinstance(value, int) and abs(value) >= 2**63):
        raise TypeError(value)
    return value
