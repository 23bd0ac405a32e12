"""Daily budgets: how often something may still be done today (UTC), whatever restarts in between."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.integrations import DailyBudget
from library.models.tables import now


async def spend(session: AsyncSession, name: str, limit: int) -> bool:
    """Take one more of today's budget; False, and nothing taken, when it is spent. Two at once never share the last."""
    if limit <= 0:
        return False
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    taken = (
        dialect.insert(DailyBudget)
        .values(name=name, day=_today(), used=1)
        .on_conflict_do_update(
            index_elements=["name", "day"], set_={"used": DailyBudget.used + 1}, where=DailyBudget.used < limit
        )
        .returning(DailyBudget.used)
    )
    return (await session.execute(taken)).scalar_one_or_none() is not None


async def used(session: AsyncSession, name: str) -> int:
    """How much of today's budget has been taken."""
    today = sa.select(DailyBudget.used).where(DailyBudget.name == name, DailyBudget.day == _today())
    return await session.scalar(today) or 0


async def prune(session: AsyncSession) -> None:
    """Forget the days before today."""
    await session.execute(sa.delete(DailyBudget).where(DailyBudget.day < _today()))


def _today() -> str:
    return now().date().isoformat()
