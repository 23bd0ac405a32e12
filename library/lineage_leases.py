"""Who makes and who serves which lineage of passages: processes say so as leases, which lapse when they end."""

import enum
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import leases
from library.models.jobs import Lease
from library.models.tables import now

# Several of the looks in which it is prolonged may be missed: a process that stands still must not lose its rows.
LASTING = timedelta(minutes=5)
_MODEL_IN_NAME = 8


class Part(enum.StrEnum):
    """What a process does with a lineage."""

    MAKES = "makes"  # a worker: it cuts and embeds
    SERVES = "serves"  # an API: it answers from it


async def announce(session: AsyncSession, part: Part, *, model: str, cut: str, process: str) -> None:
    """Say, or say again, that a process makes or serves a lineage; `process` is a random name of 8 letters."""
    await leases.acquire(session, f"{part}:{process}:{model[:_MODEL_IN_NAME]}:{cut}", model, LASTING)


async def announced(session: AsyncSession, *parts: Part) -> set[tuple[str, str]]:
    """Model and cut of all lineages that some process makes or serves at present."""
    named = sa.or_(*(Lease.name.startswith(f"{part}:", autoescape=True) for part in parts))
    rows = await session.execute(sa.select(Lease.holder, Lease.name).where(named, Lease.expires_at >= now()))
    return {(model, name.split(":", 3)[3]) for model, name in rows}


async def served_on(session: AsyncSession) -> set[str]:
    """Cuts that are served though nobody makes them any more, since another takes over."""
    served = {cut for _, cut in await announced(session, Part.SERVES)}
    return served - {cut for _, cut in await announced(session, Part.MAKES)} if served else set()


async def forget_lapsed(session: AsyncSession) -> None:
    """Delete what processes said that have ended."""
    named = sa.or_(*(Lease.name.startswith(f"{part}:", autoescape=True) for part in Part))
    await session.execute(sa.delete(Lease).where(named, Lease.expires_at < now()))
