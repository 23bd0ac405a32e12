"""Editions: brought in line with their decided fields."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import people
from library.errors import NotFound
from library.models.editions import Edition, EditionNarrator
from library.models.tables import now
from library.names import KnownNames

_COLUMNS = ("publisher", "asin", "isbn", "language", "abridged", "dramatized", "published_date")


async def get(session: AsyncSession, edition_id: int) -> Edition:
    """The edition with this id; raises NotFound."""
    edition = await session.get(Edition, edition_id)
    if edition is None:
        raise NotFound("edition", edition_id)
    return edition


async def apply(
    session: AsyncSession, edition_id: int, values: Mapping[str, Any], known: KnownNames, *, is_new: bool = False
) -> None:
    """Bring columns and narrators in line with decided fields; `values` holds those that changed.

    An edition that `is_new` has no narrators yet that must go.
    """
    columns = {name: values[name] for name in _COLUMNS if name in values}
    if columns or not is_new:
        await session.execute(sa.update(Edition).where(Edition.id == edition_id).values(**columns, updated_at=now()))
    if "narrators" in values:
        await people.link(
            session, EditionNarrator, {"edition_id": edition_id}, values["narrators"] or [], known, is_new=is_new
        )
