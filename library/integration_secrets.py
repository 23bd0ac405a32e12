"""Credentials of integrations: sealed in the database, opened for whoever calls, never given back to anybody else."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.integrations import Integration, IntegrationSecret
from library.models.tables import now
from library.sealing import Seal, SealUnreadable

SEED = "mam_id"  # MyAnonamouse's session as the user typed it …
ROTATED = "mam_id_current"  # … and what the site has replaced it by since


async def secrets_of(session: AsyncSession, seal: Seal, integration_id: int) -> dict[str, str]:
    """The opened credentials by name; those sealed with a key that is gone are left out, as if never given."""
    select = sa.select(IntegrationSecret).where(IntegrationSecret.integration_id == integration_id)
    opened = {}
    for row in (await session.scalars(select.execution_options(populate_existing=True))).all():
        try:
            opened[row.name] = seal.open(row.sealed)
        except SealUnreadable:
            continue
    return opened


async def open_secret(session: AsyncSession, seal: Seal, integration_id: int, name: str) -> str | None:
    """One credential; None when there is none. Raises SealUnreadable."""
    row = await session.get(IntegrationSecret, (integration_id, name), populate_existing=True)
    return seal.open(row.sealed) if row is not None else None


async def store_secret(session: AsyncSession, seal: Seal, integration_id: int, name: str, value: str | None) -> None:
    """Keep one credential, sealed, in place of what was there; None forgets it."""
    row = await session.get(IntegrationSecret, (integration_id, name), populate_existing=True)
    if value is None:
        if row is not None:
            await session.delete(row)
    elif row is None:
        session.add(IntegrationSecret(integration_id=integration_id, name=name, sealed=seal.seal(value)))
    else:
        row.sealed, row.updated_at = seal.seal(value), now()
    await session.flush()


async def store_rotated(session: AsyncSession, seal: Seal, integration_id: int, value: str, *, seed: str) -> bool:
    """Keep what a session has been replaced by; False, and nothing kept, if the user has typed another seed since."""
    await session.get(Integration, integration_id, with_for_update=True)  # configuring it waits for this
    if await open_secret(session, seal, integration_id, SEED) != seed:
        return False
    await store_secret(session, seal, integration_id, ROTATED, value)
    return True


async def secret_names(session: AsyncSession, integration_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """Which credentials each integration has: their names only."""
    names: dict[int, set[str]] = {integration_id: set() for integration_id in integration_ids}
    select = sa.select(IntegrationSecret.integration_id, IntegrationSecret.name)
    for integration_id, name in await session.execute(select.where(IntegrationSecret.integration_id.in_(names))):
        names[integration_id].add(name)
    return {integration_id: frozenset(found) for integration_id, found in names.items()}
