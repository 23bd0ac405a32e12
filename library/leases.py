"""Leases: what only one process may do at a time, and until when, by the database's own word."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.jobs import Lease
from library.models.tables import now


async def acquire(session: AsyncSession, name: str, holder: str, lasting: timedelta) -> bool:
    """Take or prolong a lease; False while somebody else holds it."""
    moment = now()
    free = sa.or_(Lease.holder == holder, Lease.expires_at < moment)
    taken = (
        sa.update(Lease)
        .where(Lease.name == name, free)
        .values(holder=holder, expires_at=moment + lasting)
        .returning(Lease.name)
    )
    if await session.scalar(taken) is not None:
        return True
    if await session.get(Lease, name) is not None:
        return False
    session.add(Lease(name=name, holder=holder, expires_at=moment + lasting))
    await session.flush()
    return True


async def release(session: AsyncSession, name: str, holder: str) -> None:
    """Give a lease back."""
    await session.execute(sa.delete(Lease).where(Lease.name == name, Lease.holder == holder))
