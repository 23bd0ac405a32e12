"""One worker at a time polls a client: soon while somebody watches, seldom otherwise, and cheaply at any size."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
import sqlalchemy as sa

from jobs.events import Bus
from jobs.polling import RENEW_SECONDS, Follower, Paces, Poller
from library.database import Database
from library.models.downloads import DownloadState
from library.models.integrations import IntegrationKind
from library.models.jobs import Lease
from library.models.tables import now
from tests.fakes.qbittorrent_torrents import FakeTorrent
from tests.integrations.outside_world import Clock
from tests.jobs.download_fixtures import World, open_world

POLL = ("GET", "sync/maindata")
PACES = Paces(watched=2.0, idle=20.0)
SECONDS = 10.0


@pytest.fixture
async def world(database: Database, bus: Bus, redis_url: str) -> AsyncIterator[World]:
    async with open_world(database, bus, redis_url) as world:
        yield world


def follower(world: World, holder: str, clock: Callable[[], float]) -> Follower:
    poller = Poller(world.integrations, world.identity, holder, paces=PACES, clock=clock)
    return poller.follower(world.ids[IntegrationKind.QBITTORRENT])


async def until(condition: Callable[[], object]) -> None:
    """Wait for something another task does."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


async def test_polls_are_seldom_while_nobody_watches_and_often_while_somebody_does(world: World) -> None:
    clock = Clock()
    one = follower(world, "w1", clock)
    pauses = [await one.turn()]
    clock.now += PACES.idle - 0.5
    pauses.append(await one.turn())
    seldom = world.fake.calls.count(POLL)
    await world.bus.watch()
    pauses.append(await one.turn())
    clock.now += PACES.watched
    pauses.append(await one.turn())
    assert (seldom, world.fake.calls.count(POLL)) == (1, 3)
    assert pauses == [RENEW_SECONDS, 0.5, PACES.watched, PACES.watched]


async def test_only_one_of_two_workers_polls_and_the_other_goes_on_when_it_is_dead(world: World) -> None:
    clock = Clock()
    one, two = follower(world, "w1", clock), follower(world, "w2", clock)
    await one.turn(woken=True)
    await two.turn(woken=True)
    held = world.fake.calls.count(POLL)
    async with world.database.write() as session:
        await session.execute(sa.update(Lease).values(expires_at=now()))
    await two.turn(woken=True)
    assert (held, world.fake.calls.count(POLL)) == (1, 2)
    clock.now += RENEW_SECONDS
    await one.turn(woken=True)
    assert world.fake.calls.count(POLL) == 2


async def test_a_failing_client_is_asked_again_and_ends_nothing(world: World) -> None:
    clock = Clock()
    one = follower(world, "w1", clock)
    world.client.pull("fail", status=500, times=99)
    pause = await one.turn()
    world.fake.failures.clear()
    clock.now += 3600
    assert pause <= PACES.watched
    download_id = await world.grabbed(world.entries[0])
    world.client.pull("progress", hashes="all", progress=1)
    await one.turn(woken=True)
    assert (await world.row(download_id)).state is DownloadState.VERIFYING


async def test_whoever_begins_to_watch_is_served_at_once_and_a_worker_that_ends_gives_the_lease_back(
    world: World,
) -> None:
    poller = Poller(world.integrations, world.identity, "w1", paces=Paces(watched=1000, idle=1000))
    task = asyncio.create_task(poller.run())
    await until(lambda: world.bus.connected)
    await until(lambda: world.fake.calls.count(POLL) == 1)
    await world.bus.watch()
    await until(lambda: world.fake.calls.count(POLL) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await world.count(Lease) == 0


async def test_a_grab_is_followed_at_once(world: World) -> None:
    poller = Poller(world.integrations, world.identity, "w1", paces=Paces(watched=1000, idle=1000))
    task = asyncio.create_task(poller.run())
    await until(lambda: world.fake.calls.count(POLL) == 1)
    await world.grabbed(world.entries[0])
    await until(lambda: world.fake.calls.count(POLL) == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_two_thousand_resting_torrents_cost_no_more_than_twenty_milliseconds_of_a_poll(world: World) -> None:
    for number in range(2000):
        world.fake.add(_resting(number))
    moving = await world.grabbed(world.entries[0])
    looks = world.looks(Clock())
    for _ in range(3):
        await looks.look()
    costs = []
    for step in range(10):
        world.fake.torrents[world.entries[0].info_hash].progress = step / 20
        began = time.thread_time()
        await looks.look()
        costs.append(time.thread_time() - began)
    assert (await world.row(moving)).done_bytes > 0
    assert sorted(costs)[len(costs) // 2] <= 0.020


def _resting(number: int) -> FakeTorrent:
    torrent = FakeTorrent(
        hash=f"{number:040x}", name=f"Old {number}", files=[("a.m4b", 1000)], save_path="/downloads", added_on=1
    )
    torrent.move(1, bytes_per_second=0, now=1, source=None)
    return torrent
