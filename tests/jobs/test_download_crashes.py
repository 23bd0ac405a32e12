"""Whoever dies at whatever point of a grab or a cancel: in the end the client has each torrent once, or not at all."""

from collections import Counter

import pytest
import sqlalchemy as sa

from jobs.events import Bus, unit_of_work
from library import budgets, downloads
from library import jobs as job_rows
from library.database import Database
from library.models.downloads import DownloadFile, DownloadState
from library.models.integrations import IntegrationKind
from library.models.jobs import JobKind, JobState, Lease
from tests.fakes.catalogue import CatalogueEntry
from tests.jobs.crash_points import Killed, MortalDatabase, MortalTransport, Plan
from tests.jobs.download_fixtures import World, open_world

MOST_POINTS = 60


async def die_once(world: World, transport: MortalTransport, kind: JobKind, download_id: int, at: int) -> Plan:
    """Run a job in a process of its own that dies at a point, then once more in one that does not."""
    plan = transport.plan = Plan(at)
    mortal = world.reopened(MortalDatabase.around(world.database, plan))
    try:
        await mortal.run(kind, download_id)
    except Killed:
        transport.plan = Plan()
        async with world.database.write() as session:
            await session.execute(sa.delete(Lease))  # they run out
            lost = await job_rows.unfinished(session, kind)
            if lost is not None:
                job_rows.finish(lost, JobState.FAILED)
        await world.reopened().run(kind, download_id)
    await mortal.integrations.close()
    return plan


@pytest.mark.parametrize("version", ["4.6", "5.2"])
async def test_a_grab_that_dies_anywhere_ends_with_one_torrent_and_one_row_that_downloads(
    database: Database, bus: Bus, redis_url: str, version: str
) -> None:
    transport = MortalTransport(Plan())
    points: Counter[str] = Counter()
    async with open_world(database, bus, redis_url, version=version, entries=MOST_POINTS, transport=transport) as world:
        await world.set_options(IntegrationKind.MYANONAMOUSE, grabs_per_day=1000)
        world.tracker.switches.rotate_cookie = False  # a value that died with its worker only the user can replace
        await world.grabbed(world.entries[0])  # signing in is done once
        for at, entry in enumerate(world.entries[1:], 1):
            download_id = await world.request(entry)
            plan = await die_once(world, transport, JobKind.GRAB_DOWNLOAD, download_id, at)
            await assert_grabbed(world, download_id, entry)
            if not plan.struck:
                break
            points[plan.kinds[-1]] += 1
        assert not plan.struck, "more points than were tried"
        await assert_counted_once(world, grabs=at + 1)
    assert points["before commit"] >= 5
    assert points["after POST /api/v2/torrents/add"] == 1


async def assert_grabbed(world: World, download_id: int, entry: CatalogueEntry) -> None:
    row = await world.row(download_id)
    held = [torrent["hash"] for torrent in world.client.told()["torrents"]]
    assert (row.state, row.info_hash, held.count(entry.info_hash)) == (DownloadState.DOWNLOADING, entry.info_hash, 1)
    assert (await world.states(download_id)).count("DOWNLOADING") == 1


async def assert_counted_once(world: World, grabs: int) -> None:
    async with world.database.read() as session:
        used = await budgets.used(session, f"grabs:{world.ids[IntegrationKind.MYANONAMOUSE]}")
    assert (used, await world.count(DownloadFile)) == (grabs, 2 * grabs)


async def test_a_cancel_that_dies_anywhere_ends_without_the_torrent_and_with_all_others(
    database: Database, bus: Bus, redis_url: str
) -> None:
    transport = MortalTransport(Plan())
    async with open_world(database, bus, redis_url, entries=MOST_POINTS, transport=transport) as world:
        kept = await world.grabbed(world.entries[0])
        for at, entry in enumerate(world.entries[1:], 1):
            download_id = await world.grabbed(entry)
            async with unit_of_work(world.database, world.bus) as work:
                row = await downloads.get(work.session, download_id)
                downloads.cancel(work.session, row, with_data=True)
            plan = await die_once(world, transport, JobKind.STEER_DOWNLOAD, download_id, at)
            held = [torrent["hash"] for torrent in world.client.told()["torrents"]]
            assert held == [world.entries[0].info_hash]
            assert (await world.row(download_id)).left_client_at is not None
            if not plan.struck:
                break
        assert not plan.struck, "more points than were tried"
        assert (await world.row(kept)).state is DownloadState.DOWNLOADING


async def test_a_wedge_is_never_spent_twice_and_the_gate_is_asked_again_when_it_may_be_lost(
    database: Database, bus: Bus, redis_url: str
) -> None:
    transport = MortalTransport(Plan())
    async with open_world(database, bus, redis_url, entries=MOST_POINTS, transport=transport) as world:
        await world.set_options(IntegrationKind.MYANONAMOUSE, grabs_per_day=1000)
        world.tracker.switches.rotate_cookie = False
        await world.grabbed(world.entries[0])
        for at, entry in enumerate(world.entries[1:], 1):
            world.tracker.account.wedges = 9
            download_id = await world.request(entry, wedge=True)
            plan = await die_once(world, transport, JobKind.GRAB_DOWNLOAD, download_id, at)
            if (await world.row(download_id)).state is DownloadState.QUEUED:  # the reconciler starts its job again
                await world.run(JobKind.GRAB_DOWNLOAD, download_id)
            asked = [call for call in world.tracker.seen if call.query.get("tid") == str(entry.id)]
            assert world.tracker.account.wedges >= 8
            assert sum("fl" in call.query for call in asked) <= 1
            assert (await world.row(download_id)).state is DownloadState.DOWNLOADING
            if not plan.struck:
                break
        assert not plan.struck, "more points than were tried"
