"""Daily budgets: spent one by one, never beyond the limit, new every day."""

import asyncio

import sqlalchemy as sa

from library import budgets
from library.database import Database
from library.models import DailyBudget


async def test_a_budget_is_spent_one_by_one_and_not_beyond_its_limit(database: Database) -> None:
    async with database.write() as session:
        assert [await budgets.spend(session, "grabs:1", 2) for _ in range(3)] == [True, True, False]
        assert not await budgets.spend(session, "grabs:2", 0)
        assert [await budgets.used(session, name) for name in ("grabs:1", "grabs:2")] == [2, 0]


async def test_two_who_spend_at_once_never_share_the_last(database: Database) -> None:
    async def spend() -> bool:
        async with database.write() as session:
            return await budgets.spend(session, "grabs:1", 3)

    assert sorted(await asyncio.gather(*(spend() for _ in range(5)))) == [False, False, True, True, True]


async def test_yesterday_counts_no_more(database: Database) -> None:
    async with database.write() as session:
        session.add(DailyBudget(name="grabs:1", day="2020-01-01", used=9))
        await session.flush()
        assert await budgets.used(session, "grabs:1") == 0
        await budgets.spend(session, "grabs:1", 1)
        await budgets.prune(session)
        assert await session.scalar(sa.select(sa.func.count()).select_from(DailyBudget)) == 1
