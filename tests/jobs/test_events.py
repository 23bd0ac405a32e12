"""Events are committed with their change, published after it, and never needed: rows tell the same."""

import asyncio
from datetime import timedelta

import pytest

from jobs.events import Bus, unit_of_work
from library import events
from library.database import Database
from library.models.tables import now


async def kinds(database: Database, after: int = 0) -> list[str]:
    """Kinds of the events of a topic."""
    async with database.read() as session:
        return [event.kind for event in await events.since(session, "library", after, 100)]


async def test_listeners_are_woken_after_the_commit(database: Database, bus: Bus) -> None:
    with bus.listening("library") as woken:
        async with unit_of_work(database, bus) as work:
            work.emit("library", "BOOK_ADDED", 1)
            assert not woken.is_set()
        await asyncio.wait_for(woken.wait(), 5)
        assert await kinds(database) == ["BOOK_ADDED"]


async def test_another_process_is_woken_too(database: Database, bus: Bus, redis_url: str) -> None:
    other = Bus.open(redis_url)
    with other.listening("library") as woken:
        other.start()
        await asyncio.wait_for(woken.wait(), 5)  # a new connection wakes everybody once
        woken.clear()
        async with unit_of_work(database, bus) as work:
            work.emit("library", "BOOK_ADDED", 1)
        await asyncio.wait_for(woken.wait(), 5)
    await other.close()


async def test_a_rollback_tells_nothing(database: Database, bus: Bus) -> None:
    async def fail() -> None:
        async with unit_of_work(database, bus) as work:
            work.emit("library", "BOOK_ADDED", 1)
            raise RuntimeError

    with bus.listening("library") as woken:
        with pytest.raises(RuntimeError):
            await fail()
        assert not woken.is_set()
    assert await kinds(database) == []


async def test_without_valkey_the_change_is_committed_all_the_same(database: Database) -> None:
    lost = Bus.open("redis://127.0.0.1:1/0")
    async with unit_of_work(database, lost) as work:
        work.emit("library", "BOOK_ADDED", 1)
        work.deliveries.append(1)
    assert await kinds(database) == ["BOOK_ADDED"]
    assert not await lost.reachable()
    await lost.close()


async def test_listeners_that_leave_leave_nothing_behind(bus: Bus) -> None:
    with bus.listening("a"), bus.listening("a"), bus.listening("b"):
        assert bus.listener_count == 3
    assert bus.listener_count == 0


async def test_old_events_go_but_the_newest_stays_so_that_a_gap_can_be_told(database: Database, bus: Bus) -> None:
    for number in range(3):
        async with unit_of_work(database, bus) as work:
            work.emit("library", f"K{number}", number)
    async with database.write() as session:
        assert await events.prune(session, now() + timedelta(hours=1)) == 2
    async with database.read() as session:
        assert await events.oldest(session) == await events.latest(session) == 3


async def test_events_of_many_writers_have_no_gap_and_no_double(database: Database, bus: Bus) -> None:
    async def write(number: int) -> None:
        async with unit_of_work(database, bus) as work:
            work.emit("library", f"K{number}", number)

    await asyncio.gather(*(write(number) for number in range(10)))
    assert sorted(await kinds(database)) == [f"K{number}" for number in range(10)]
