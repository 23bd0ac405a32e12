"""A grab gives the client each torrent once, whatever happens on the way, and steering does what the row wishes."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from jobs.events import Bus, unit_of_work
from library import budgets, downloads
from library.database import Database
from library.models.downloads import Download, DownloadFile, DownloadState, ImportMode
from library.models.integrations import IntegrationKind, Purchase, PurchaseState, TrackerAccount
from library.models.jobs import JobKind, JobState
from tests.jobs.download_fixtures import World, open_world, write_release

GRAB, STEER = JobKind.GRAB_DOWNLOAD, JobKind.STEER_DOWNLOAD


@pytest.fixture
async def world(database: Database, bus: Bus, redis_url: str) -> AsyncIterator[World]:
    async with open_world(database, bus, redis_url) as world:
        yield world


def tag_of(world: World, download_id: int) -> str:
    return f"shelfgraph-{world.identity[:8]}-{download_id}"


async def test_a_grab_gives_the_client_the_torrent_under_our_tags_and_keeps_it_sealed(world: World) -> None:
    entry = world.entries[0]
    download_id = await world.grabbed(entry)
    row = await world.row(download_id)
    (torrent,) = world.client.told()["torrents"]
    async with world.database.read() as session:
        files = [(file.path, file.size_bytes) for file in await downloads.files_of(session, download_id)]
        sealed = await downloads.torrent_of(session, download_id)
        used = await budgets.used(session, f"grabs:{world.ids[IntegrationKind.MYANONAMOUSE]}")
    assert (row.state, row.info_hash, row.total_bytes, row.client_id) == (
        DownloadState.DOWNLOADING,
        entry.info_hash,
        40_700,
        world.ids[IntegrationKind.QBITTORRENT],
    )
    assert (torrent["hash"], torrent["category"], torrent["tags"]) == (
        entry.info_hash,
        "audiobooks",
        ["shelfgraph", tag_of(world, download_id)],
    )
    assert files == [("Book 0/Book 0.m4b", 40_000), ("Book 0/notes/cover.jpg", 700)]
    assert world.integrations.seal.open_bytes(sealed or "") == entry.torrent
    assert used == 1
    assert await world.states(download_id) == ["QUEUED", "GRABBING", "DOWNLOADING"]


async def test_a_grab_that_is_run_again_changes_nothing(world: World) -> None:
    download_id = await world.grabbed(world.entries[0])
    job = await world.run(GRAB, download_id)
    assert (job.state, len(world.client.told()["torrents"])) == (JobState.SUCCEEDED, 1)
    assert [call.path for call in world.tracker.seen].count("/tor/download.php") == 1
    assert await world.states(download_id) == ["QUEUED", "GRABBING", "DOWNLOADING"]


async def test_a_torrent_that_the_client_has_already_is_adopted(world: World) -> None:
    entry = world.entries[0]
    world.client.pull("torrents", name="By hand", hash=entry.info_hash, tags=["mine"])
    download_id = await world.grabbed(entry)
    (torrent,) = world.client.told()["torrents"]
    assert (torrent["name"], torrent["tags"]) == ("By hand", ["mine", "shelfgraph", tag_of(world, download_id)])
    assert (await world.row(download_id)).state is DownloadState.DOWNLOADING


async def test_a_paused_download_is_added_stopped(world: World) -> None:
    download_id = await world.request(world.entries[0])
    await world.change(download_id, paused=True)
    await world.run(GRAB, download_id)
    assert [torrent["state"] for torrent in world.client.told()["torrents"]] == ["stoppedDL"]


async def test_prowlarr_gives_the_torrent_of_what_only_it_offers(world: World) -> None:
    entry = world.entries[1]
    link = world.prowlarr._proxy_link(world.prowlarr.indexers[3], entry)
    async with unit_of_work(world.database, world.bus) as work:
        sealed = world.integrations.seal.seal(link)
        prowlarr = world.ids[IntegrationKind.PROWLARR]
        release = await write_release(work, entry, integration_id=prowlarr, sealed_link=sealed)
        download = await downloads.request(work.session, release, created_by="user:1", mode=ImportMode.COPY)
    await world.run(GRAB, download.id)
    assert (await world.row(download.id)).info_hash == entry.info_hash
    assert world.tracker.seen == []


async def test_a_magnet_link_fails_with_a_sentence_that_says_so(world: World) -> None:
    world.prowlarr.switches.magnet = True
    link = world.prowlarr._proxy_link(world.prowlarr.indexers[3], world.entries[1])
    async with unit_of_work(world.database, world.bus) as work:
        sealed = world.integrations.seal.seal(link)
        prowlarr = world.ids[IntegrationKind.PROWLARR]
        release = await write_release(work, world.entries[1], integration_id=prowlarr, sealed_link=sealed)
        download = await downloads.request(work.session, release, created_by="user:1", mode=ImportMode.COPY)
    await world.run(GRAB, download.id)
    row = await world.row(download.id)
    assert (row.state, row.reason_code) == (DownloadState.FAILED, "NOT_A_TORRENT")
    assert "magnet link" in (row.reason_message or "")


async def test_the_tracker_s_freeze_blocks_the_download_and_the_account_until_its_end(world: World) -> None:
    world.tracker.switches.unsat_freeze = "02:00:00"
    download_id = await world.grabbed(world.entries[0])
    row = await world.row(download_id)
    async with world.database.read() as session:
        account = await session.get_one(TrackerAccount, world.ids[IntegrationKind.MYANONAMOUSE])
    assert (row.state, row.returns_to, row.reason_code) == (
        DownloadState.BLOCKED,
        DownloadState.GRABBING,
        "TRACKER_REFUSED",
    )
    assert row.retry_at is not None
    assert row.retry_at == account.frozen_until
    other = await world.grabbed(world.entries[1])
    assert ((await world.row(other)).reason_code, (await world.row(other)).retry_at) == ("FROZEN", row.retry_at)


async def test_the_gate_stops_what_the_day_s_budget_or_the_disk_does_not_allow(world: World) -> None:
    await world.set_options(IntegrationKind.MYANONAMOUSE, grabs_per_day=1)
    await world.grabbed(world.entries[0])
    spent = await world.row(await world.grabbed(world.entries[1]))
    await world.set_options(IntegrationKind.QBITTORRENT, free_space_reserve_bytes=10**15)
    await world.set_options(IntegrationKind.MYANONAMOUSE, grabs_per_day=20)
    full = await world.row(await world.grabbed(world.entries[2]))
    assert [(row.state, row.reason_code, row.returns_to) for row in (spent, full)] == [
        (DownloadState.BLOCKED, "BUDGET_SPENT", DownloadState.QUEUED),
        (DownloadState.BLOCKED, "DISK_FULL", DownloadState.QUEUED),
    ]
    assert len(world.client.told()["torrents"]) == 1


async def test_a_torrent_that_another_download_fetches_replaces_the_second_one(world: World) -> None:
    first = await world.grabbed(world.entries[0])
    await world.change(first, paused=False)
    async with unit_of_work(world.database, world.bus) as work:
        release = await write_release(work, world.entries[0], tracker_torrent_id=world.entries[0].id)
        release.key = "another indexer's"
        second = await downloads.request(work.session, release, created_by="user:1", mode=ImportMode.COPY)
    await world.run(GRAB, second.id)
    states = [(await world.row(each)).state for each in (first, second.id)]
    assert states == [DownloadState.DOWNLOADING, DownloadState.REPLACED]


async def test_a_download_that_is_done_hands_its_torrent_to_a_new_one(world: World) -> None:
    first = await world.grabbed(world.entries[0])
    await world.change(first, state=DownloadState.DONE)
    second = await world.grabbed(world.entries[0])
    states = [(await world.row(each)).state for each in (first, second)]
    (torrent,) = world.client.told()["torrents"]
    assert states == [DownloadState.REPLACED, DownloadState.DOWNLOADING]
    assert tag_of(world, second) in torrent["tags"]


async def test_a_cancelled_download_that_is_retried_leaves_the_torrent_to_the_one_that_has_it_now(world: World) -> None:
    first = await world.grabbed(world.entries[0])
    await cancel(world, first)
    second = await world.grabbed(world.entries[0])
    async with unit_of_work(world.database, world.bus) as work:
        downloads.retry(work.session, await downloads.get(work.session, first))
    await world.run(GRAB, first)
    states = [(await world.row(each)).state for each in (first, second)]
    assert states == [DownloadState.REPLACED, DownloadState.DOWNLOADING]


async def test_a_dead_session_waits_for_the_user_and_goes_on_when_it_is_entered_anew(world: World) -> None:
    world.tracker.switches.session_expired = True
    download_id = await world.grabbed(world.entries[0])
    row = await world.row(download_id)
    assert (row.state, row.reason_code, row.retry_at is not None) == (DownloadState.BLOCKED, "NEEDS_ACTION", True)


async def test_a_client_that_is_away_blocks_and_the_torrent_is_not_fetched_twice(world: World) -> None:
    world.client.pull("fail", status=500, times=99)
    download_id = await world.grabbed(world.entries[0])
    row = await world.row(download_id)
    assert (row.state, row.reason_code, row.returns_to) == (
        DownloadState.BLOCKED,
        "CLIENT_UNAVAILABLE",
        DownloadState.GRABBING,
    )
    assert row.info_hash == world.entries[0].info_hash


async def test_a_release_that_is_gone_fails(world: World) -> None:
    del world.tracker.catalogue[world.entries[0].id]
    row = await world.row(await world.grabbed(world.entries[0]))
    assert (row.state, row.reason_code) == (DownloadState.FAILED, "RELEASE_GONE")


async def test_a_wedge_is_spent_once_and_kept_as_a_purchase(world: World) -> None:
    before = world.tracker.account.wedges
    download_id = await world.grabbed(world.entries[0], wedge=True)
    async with world.database.read() as session:
        bought = [(purchase.state, purchase.wedges) for purchase in await session.scalars(sa.select(Purchase))]
    assert ((await world.row(download_id)).state, bought) == (DownloadState.DOWNLOADING, [(PurchaseState.DONE, 1)])
    assert world.tracker.account.wedges == before - 1


async def test_nothing_is_spent_without_being_asked_for(world: World) -> None:
    await world.grabbed(world.entries[0])
    assert "fl" not in next(call.query for call in world.tracker.seen if call.path == "/tor/download.php")
    assert await world.count(Purchase) == 0


async def test_a_cancelled_download_leaves_the_client_and_nothing_else_does(world: World) -> None:
    keep, drop = [await world.grabbed(entry) for entry in world.entries[:2]]
    world.client.pull("torrents", name="Somebody else's", hash="f" * 40)
    await cancel(world, drop)
    job = await world.run(STEER, drop)
    await world.run(STEER, drop)
    left = {torrent["hash"] for torrent in world.client.told()["torrents"]}
    assert (job.state, left) == (JobState.SUCCEEDED, {world.entries[0].info_hash, "f" * 40})
    assert (await world.row(drop)).left_client_at is not None
    assert (await world.row(keep)).left_client_at is None


async def cancel(world: World, download_id: int, *, with_data: bool = False) -> None:
    async with unit_of_work(world.database, world.bus) as work:
        download = await downloads.get(work.session, download_id)
        downloads.cancel(work.session, download, with_data=with_data)
        work.download_changed(download)


async def test_a_torrent_without_our_tag_is_never_removed(world: World) -> None:
    download_id = await world.grabbed(world.entries[0])
    world.fake.torrents[world.entries[0].info_hash].tags.clear()
    await cancel(world, download_id, with_data=True)
    await world.run(STEER, download_id)
    assert len(world.client.told()["torrents"]) == 1


async def test_a_download_cancelled_while_it_is_added_is_taken_out_again(world: World) -> None:
    download_id = await world.request(world.entries[0])
    await world.run(GRAB, download_id)
    async with world.database.write() as session:
        row = await session.get_one(Download, download_id)
        row.state = DownloadState.GRABBING  # as the worker saw it before the user came
    await cancel(world, download_id)
    assert await world.run_queued() == []
    await world.run(STEER, download_id)
    assert world.client.told()["torrents"] == []


async def test_steering_stops_and_starts(world: World) -> None:
    download_id = await world.grabbed(world.entries[0])
    seen = []
    for paused in (True, False):
        await world.change(download_id, paused=paused)
        await world.run(STEER, download_id)
        seen += [torrent["state"] for torrent in world.client.told()["torrents"]]
    assert seen[0] == "stoppedDL"
    assert seen[1] != "stoppedDL"


async def test_steering_announces_once(world: World) -> None:
    download_id = await world.grabbed(world.entries[0])
    await world.run(STEER, download_id, "ANNOUNCE")
    assert world.client.told()["calls"].count("POST torrents/reannounce") == 1


async def test_nothing_is_removed_before_its_seeding_goal(world: World) -> None:
    download_id = await world.grabbed(world.entries[0])
    await world.change(download_id, state=DownloadState.DONE)
    world.client.pull("seeded", hashes="all", seconds=72 * 3600 - 1)
    early = await world.run(STEER, download_id, "REMOVE")
    kept = len(world.client.told()["torrents"])
    world.client.pull("seeded", hashes="all", seconds=72 * 3600)
    late = await world.run(STEER, download_id, "REMOVE")
    assert (early.state, early.error_code, kept) == (JobState.FAILED, "CONFLICT", 1)
    assert (late.state, world.client.told()["torrents"]) == (JobState.SUCCEEDED, [])


async def test_a_client_that_does_not_answer_fails_the_steering_with_its_code(world: World) -> None:
    download_id = await world.grabbed(world.entries[0])
    world.client.pull("fail", status=500, times=99)
    job = await world.run(STEER, download_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "UNAVAILABLE")
    assert (await world.row(download_id)).state is DownloadState.DOWNLOADING


async def test_each_download_has_its_files_once(world: World) -> None:
    for entry in world.entries[:3]:
        await world.grabbed(entry)
    assert await world.count(DownloadFile) == 6
