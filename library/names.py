"""People, series and tags are known by name: their folded key finds the row, and a new name makes one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.books import Person, Series, Tag
from library.models.tables import Table

Named = type[Person] | type[Series] | type[Tag]


@dataclass(slots=True)
class KnownNames:
    """Ids of names met before, so that a scan asks for each once.

    What a transaction finds counts only after `keep`, because its rows vanish when it fails; `forget` then.
    """

    _kept: dict[tuple[str, str], int] = field(default_factory=dict)
    _found: dict[tuple[str, str], int] = field(default_factory=dict)

    def get(self, table: str, key: str) -> int | None:
        """The id of a name, if it was met."""
        return self._kept.get((table, key)) or self._found.get((table, key))

    def add(self, table: str, ids: Mapping[str, int]) -> None:
        """Note ids found in the present transaction."""
        self._found.update({(table, key): row_id for key, row_id in ids.items()})

    def keep(self) -> None:
        """The transaction has committed."""
        self._kept.update(self._found)
        self._found.clear()

    def forget(self) -> None:
        """The transaction has failed; whatever else is remembered may be out of date as well."""
        self._found.clear()
        self._kept.clear()


async def ids_of(
    session: AsyncSession,
    table: Named,
    rows: Mapping[str, Mapping[str, Any]],
    known: KnownNames,
    *,
    within: sa.ColumnElement[bool] | None = None,
    scope: str = "",
) -> dict[str, int]:
    """Find or make the rows of some names: key to row values in, key to id out.

    `within` narrows the table where a key is unique only there, and `scope` names that part for `known`.
    Safe against somebody else making the same name at the same moment.
    """
    place = f"{table.__tablename__}{scope}"
    ids = {key: known_id for key in rows if (known_id := known.get(place, key)) is not None}
    missing = sorted(rows.keys() - ids.keys())  # in one order everywhere, so that two writers never wait for each other
    if missing:
        found = await _select_ids(session, table, missing, within)
        found |= await _insert(session, table, [rows[key] for key in missing if key not in found])
        if taken := [key for key in missing if key not in found]:  # by another writer, just now
            found |= await _select_ids(session, table, taken, within)
        known.add(place, found)
        ids |= found
    return ids


async def insert_ignoring(session: AsyncSession, table: type[Table], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, leaving out those whose unique key is taken."""
    if rows:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        await session.execute(dialect.insert(table.__table__).on_conflict_do_nothing(), list(rows))


async def _insert(session: AsyncSession, table: Named, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    if not rows:
        return {}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table).values(list(rows)).on_conflict_do_nothing()
    return dict((await session.execute(insert.returning(table.name_key, table.id))).all())


async def _select_ids(
    session: AsyncSession, table: Named, keys: Iterable[str], within: sa.ColumnElement[bool] | None
) -> dict[str, int]:
    select = sa.select(table.name_key, table.id).where(table.name_key.in_(list(keys)))
    if within is not None:
        select = select.where(within)
    return dict((await session.execute(select)).all())
