"""A look at the client writes what is new, in one transaction with one event, and moves downloads by what it sees."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs.client_looks import ALL_ROWS_SECONDS, STEER_EVERY_SECONDS, ClientLooks
from jobs.events import Bus, unit_of_work
from library import downloads
from library.database import Database
from library.models.downloads import DownloadState
from library.models.integrations import Integration, IntegrationKind, TrackerAccount
from library.models.jobs import Event, JobKind
from tests.integrations.outside_world import Clock
from tests.jobs.download_fixtures import World, open_world

STEER, IMPORT, GRAB = JobKind.STEER_DOWNLOAD, JobKind.IMPORT_DOWNLOAD, JobKind.GRAB_DOWNLOAD
SEEN = {"free_space_bytes": 10**12, "version": "v5.1.4"}


@pytest.fixture
async def world(database: Database, bus: Bus, redis_url: str) -> AsyncIterator[World]:
    async with open_world(database, bus, redis_url) as world:
        yield world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def looks(world: World, clock: Clock) -> ClientLooks:
    return world.looks(clock)


async def look(looks: ClientLooks, times: int = 1) -> None:
    for _ in range(times):
        await looks.look()


async def reason(world: World, download_id: int) -> tuple[DownloadState, str | None]:
    row = await world.row(download_id)
    return row.state, row.reason_code


async def test_progress_of_all_downloads_is_one_event(world: World, looks: ClientLooks) -> None:
    ids = [await world.grabbed(entry) for entry in world.entries[:3]]
    await look(looks)
    before = await world.count(Event)
    world.client.pull("progress", hashes="all", progress=0.5, bytes_per_second=2000)
    await look(looks)
    async with world.database.read() as session:
        told = (await session.scalars(sa.select(Event).where(Event.id > before))).all()
    assert [(event.topic, event.kind, event.state) for event in told] == [("downloads", "PROGRESS", {"ids": ids})]
    rows = [await world.row(each) for each in ids]
    assert {(row.done_bytes, row.bytes_per_second, row.client_state) for row in rows} == {(20350, 2000, "downloading")}


async def test_a_look_that_shows_nothing_new_writes_no_row(world: World, looks: ClientLooks) -> None:
    download_id = await world.grabbed(world.entries[0])
    done = await world.grabbed(world.entries[1])
    world.client.pull("progress", hashes=world.entries[1].info_hash, progress=1)
    await look(looks, 2)
    await world.change(done, state=DownloadState.DONE, seeding_goal_seconds=1000)
    await look(looks, 2)
    world.client.pull("seeded", hashes=world.entries[1].info_hash, seconds=30)  # which changes all the time
    before = [await world.row(each) for each in (download_id, done)], await world.count(Event)
    writes = 0

    @sa.event.listens_for(world.database.engine.sync_engine, "before_cursor_execute")
    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal writes
        writes += not statement.lstrip().upper().startswith(("SELECT", "BEGIN", "COMMIT", "ROLLBACK"))

    await look(looks, 5)
    after = [await world.row(each) for each in (download_id, done)], await world.count(Event)
    assert writes == 0
    assert [row.__dict__ | {"_sa_instance_state": 0} for row in before[0]] == [
        row.__dict__ | {"_sa_instance_state": 0} for row in after[0]
    ]
    assert before[1] == after[1]


async def test_one_request_serves_all_downloads(world: World, looks: ClientLooks) -> None:
    for entry in world.entries:
        await world.grabbed(entry)
    await look(looks)
    before = len(world.fake.calls)
    await look(looks, 3)
    assert world.fake.calls[before:] == [("GET", "sync/maindata")] * 3


async def test_what_is_complete_is_verified_even_if_nobody_saw_it_become_so(world: World) -> None:
    download_id = await world.grabbed(world.entries[0])
    world.client.pull("progress", hashes="all", progress=1)
    await look(world.looks())
    assert (await world.row(download_id)).state is DownloadState.VERIFYING
    await look(world.looks(), 2)
    assert await world.run_queued() == [IMPORT]


@pytest.mark.parametrize("word", ["somethingNew", "forcedUP", "uploading", "stoppedUP", "queuedUP"])
async def test_a_word_nobody_knows_never_keeps_a_whole_download_waiting(
    world: World, looks: ClientLooks, word: str
) -> None:
    download_id = await world.grabbed(world.entries[0])
    world.client.pull("progress", hashes="all", progress=1)
    world.client.pull("state", hashes="all", state=word)
    await look(looks)
    assert (await world.row(download_id)).state is DownloadState.VERIFYING


async def test_an_unknown_word_before_the_end_blocks_nothing(world: World, looks: ClientLooks) -> None:
    download_id = await world.grabbed(world.entries[0])
    world.client.pull("progress", hashes="all", progress=0.5)
    world.client.pull("state", hashes="all", state="somethingNew")
    await look(looks)
    row = await world.row(download_id)
    assert (row.state, row.client_state) == (DownloadState.DOWNLOADING, "somethingNew")


async def test_an_error_blocks_with_a_reason_and_its_end_lets_it_go_on(world: World, looks: ClientLooks) -> None:
    download_id = await world.grabbed(world.entries[0])
    world.client.pull("state", hashes="all", state="error")
    await look(looks)
    blocked = await world.row(download_id)
    world.client.pull("progress", hashes="all", progress=0.5)
    await look(looks, 2)
    assert (blocked.state, blocked.reason_code, blocked.retry_at is not None) == (
        DownloadState.BLOCKED,
        "CLIENT_ERROR",
        True,
    )
    assert await reason(world, download_id) == (DownloadState.DOWNLOADING, None)


async def test_missing_files_wait_for_the_user(world: World, looks: ClientLooks) -> None:
    download_id = await world.grabbed(world.entries[0])
    world.client.pull("state", hashes="all", state="missingFiles")
    await look(looks)
    row = await world.row(download_id)
    assert (row.state, row.reason_code, row.retry_at) == (DownloadState.BLOCKED, "FILES_MISSING_IN_CLIENT", None)


async def test_pausing_in_the_client_s_own_window_is_shown_and_not_undone(world: World, looks: ClientLooks) -> None:
    download_id = await world.grabbed(world.entries[0])
    await look(looks)
    shown = []
    for word in ("stoppedDL", "downloading"):
        world.client.pull("state", hashes="all", state=word)
        await look(looks, 2)
        shown.append((await world.row(download_id)).paused)
    assert shown == [True, False]
    assert await world.run_queued() == []


async def test_a_wish_that_the_client_has_not_heard_is_told_again_but_not_at_every_look(
    world: World, looks: ClientLooks, clock: Clock
) -> None:
    download_id = await world.grabbed(world.entries[0])
    await look(looks)
    await world.change(download_id, paused=True)  # and the job that should say so is lost
    await look(looks, 3)
    assert await world.run_queued() == [STEER]
    assert [torrent["state"] for torrent in world.client.told()["torrents"]] == ["stoppedDL"]
    await look(looks, 2)
    assert (await world.row(download_id)).paused
    assert clock.now < STEER_EVERY_SECONDS + 1_900_000_000


async def test_one_look_without_a_torrent_is_no_loss(world: World, looks: ClientLooks) -> None:
    download_id = await world.grabbed(world.entries[0])
    await look(looks)
    kept = world.fake.torrents.pop(world.entries[0].info_hash)
    await look(looks)
    first = await world.row(download_id)
    world.fake.torrents[kept.hash] = kept
    await look(looks)
    second = await world.row(download_id)
    assert [(row.state, row.missing_polls) for row in (first, second)] == [
        (DownloadState.DOWNLOADING, 1),
        (DownloadState.DOWNLOADING, 0),
    ]


async def test_a_torrent_removed_by_hand_blocks_and_a_retry_adds_it_again(world: World, looks: ClientLooks) -> None:
    kept, removed = [await world.grabbed(entry) for entry in world.entries[:2]]
    await look(looks)
    world.client.pull("vanish", hashes=world.entries[1].info_hash)
    await look(looks, 3)
    blocked = await world.row(removed)
    assert (blocked.state, blocked.reason_code, blocked.returns_to, blocked.retry_at) == (
        DownloadState.BLOCKED,
        "TORRENT_REMOVED",
        DownloadState.GRABBING,
        None,
    )
    async with unit_of_work(world.database, world.bus) as work:
        row = await downloads.get(work.session, removed)
        downloads.retry(work.session, row)
        work.download_changed(row)
    await world.run(GRAB, removed)
    await look(looks, 2)
    assert [(await world.row(each)).state for each in (kept, removed)] == [DownloadState.DOWNLOADING] * 2
    assert len([call for call in world.tracker.seen if call.path == "/tor/download.php"]) == 2


async def test_what_somebody_puts_back_goes_on_by_itself(world: World, looks: ClientLooks) -> None:
    _, removed = [await world.grabbed(entry) for entry in world.entries[:2]]
    await look(looks)
    torrent = world.fake.torrents.pop(world.entries[1].info_hash)
    await look(looks, 3)
    world.fake.torrents[torrent.hash] = torrent
    await look(looks)
    assert await world.run_queued() == [GRAB]
    assert await reason(world, removed) == (DownloadState.DOWNLOADING, None)


async def test_an_emptied_client_gets_its_torrents_again(world: World, looks: ClientLooks) -> None:
    ids = [await world.grabbed(entry) for entry in world.entries[:3]]
    await look(looks)
    world.client.pull("empty")
    await look(looks, 3)
    assert sorted(await world.run_queued()) == [GRAB] * 3
    await look(looks, 2)
    assert [(await world.row(each)).state for each in ids] == [DownloadState.DOWNLOADING] * 3
    assert {torrent["hash"] for torrent in world.client.told()["torrents"]} == {
        entry.info_hash for entry in world.entries[:3]
    }


async def test_what_a_killed_client_had_not_written_down_is_added_again(world: World, looks: ClientLooks) -> None:
    kept, forgotten = [await world.grabbed(entry) for entry in world.entries[:2]]
    await look(looks)
    del world.fake.torrents[world.entries[1].info_hash]
    world.client.pull("restart")
    await look(looks, 3)
    assert await world.run_queued() == [GRAB]
    await look(looks, 2)
    assert [(await world.row(each)).state for each in (kept, forgotten)] == [DownloadState.DOWNLOADING] * 2
    world.client.pull("vanish", hashes=world.entries[1].info_hash)  # by hand, while it runs
    await look(looks, 3)
    assert await reason(world, forgotten) == (DownloadState.BLOCKED, "TORRENT_REMOVED")


@pytest.mark.parametrize("are_there", [True, False])
async def test_what_has_to_be_seeded_goes_back_into_an_emptied_client_if_its_files_are_there(
    world: World, looks: ClientLooks, tmp_path: Path, are_there: bool
) -> None:
    ids = [await world.grabbed(entry) for entry in world.entries[:2]]
    for download_id, entry in zip(ids, world.entries, strict=False):
        await world.change(download_id, state=DownloadState.DONE, save_path=str(tmp_path), seeding_seconds=60)
        folder = tmp_path / entry.title
        (folder / "notes").mkdir(parents=True)
        (folder / f"{entry.title}.m4b").write_bytes(b"x" * (40_000 if are_there else 39_999))
        (folder / "notes" / "cover.jpg").write_bytes(b"picture" * 100)
    world.client.pull("empty")
    await look(looks, 3)
    assert await world.run_queued() == [STEER] * 2
    back = {(torrent["hash"], torrent["save_path"]) for torrent in world.client.told()["torrents"]}
    assert back == ({(entry.info_hash, str(tmp_path)) for entry in world.entries[:2]} if are_there else set())
    assert [(await world.row(each)).left_client_at is None for each in ids] == [are_there] * 2


async def test_taking_everything_out_by_hand_is_respected(world: World, looks: ClientLooks) -> None:
    ids = [await world.grabbed(entry) for entry in world.entries[:3]]
    await look(looks)
    world.client.pull("vanish", hashes="all")
    await look(looks, 3)
    assert [await reason(world, each) for each in ids] == [(DownloadState.BLOCKED, "TORRENT_REMOVED")] * 3
    assert await world.run_queued() == []


async def test_a_client_that_is_away_changes_no_download(world: World, looks: ClientLooks) -> None:
    download_id = await world.grabbed(world.entries[0])
    await look(looks)
    world.client.pull("fail", status=500, times=99)
    for _ in range(3):
        with pytest.raises(Exception, match="does not answer"):
            await looks.look()
    async with world.database.read() as session:
        client = await session.get_one(Integration, world.ids[IntegrationKind.QBITTORRENT])
    assert await reason(world, download_id) == (DownloadState.DOWNLOADING, None)
    assert client.last_error_code == "UNAVAILABLE"


async def test_a_client_that_restarts_with_new_sessions_changes_no_download(world: World, looks: ClientLooks) -> None:
    ids = [await world.grabbed(entry) for entry in world.entries[:2]]
    await look(looks, 2)
    world.client.pull("restart")
    await look(looks, 4)
    assert [await reason(world, each) for each in ids] == [(DownloadState.DOWNLOADING, None)] * 2


async def test_done_downloads_that_leave_the_client_are_noted_and_stay_done(world: World, looks: ClientLooks) -> None:
    done, other = [await world.grabbed(entry) for entry in world.entries[:2]]
    await world.change(done, state=DownloadState.DONE)
    await look(looks)
    world.client.pull("vanish", hashes=world.entries[0].info_hash)
    await look(looks, 3)
    row = await world.row(done)
    assert (row.state, row.left_client_at is not None) == (DownloadState.DONE, True)
    assert (await world.row(other)).left_client_at is None


async def test_a_cancelled_download_that_is_still_there_is_taken_out(world: World, looks: ClientLooks) -> None:
    download_id = await world.grabbed(world.entries[0])
    async with unit_of_work(world.database, world.bus) as work:
        row = await downloads.get(work.session, download_id)
        downloads.cancel(work.session, row, with_data=False)
        work.download_changed(row)
    await look(looks)
    assert await world.run_queued() == [STEER]
    assert world.client.told()["torrents"] == []


async def test_a_goal_that_is_reached_removes_only_where_the_user_wants_it(world: World, clock: Clock) -> None:
    download_id = await world.grabbed(world.entries[0])
    await world.change(download_id, state=DownloadState.DONE)
    world.client.pull("progress", hashes="all", progress=1)
    world.client.pull("seeded", hashes="all", seconds=72 * 3600)
    await look(world.looks(clock), 2)
    assert await world.run_queued() == []
    await world.set_options(IntegrationKind.QBITTORRENT, remove_after_goal="TORRENT")
    await look(world.looks(clock), 2)
    assert await world.run_queued() == [STEER]
    assert world.client.told()["torrents"] == []


async def test_what_is_seen_of_the_client_is_kept_for_the_gate(world: World, looks: ClientLooks) -> None:
    for entry in world.entries[:2]:
        await world.grabbed(entry)
    world.client.pull("torrents", name="Other", category="films")
    world.client.pull("torrents", name="Lost", hash="e" * 40, tags=[f"shelfgraph-{world.identity[:8]}-999"])
    world.client.pull("space", bytes=7_000_000_000)
    await look(looks)
    async with world.database.read() as session:
        seen = (await session.get_one(Integration, world.ids[IntegrationKind.QBITTORRENT])).seen
    seen.pop("budget", None)
    assert seen == {
        "version": "v5.1.4",
        "free_space_bytes": 7_000_000_000,
        "torrents": 4,
        "unsatisfied": 2,
        "unclaimed": 1,
    }


async def test_refused_announces_are_kept_with_the_account_and_end_with_it_working(
    world: World, looks: ClientLooks, clock: Clock
) -> None:
    await world.grabbed(world.entries[0])
    kept = []
    for status, message in ((4, "unregistered torrent"), (2, "")):
        world.client.pull("tracker", hashes="all", status=status, msg=message)
        await look(looks)
        clock.now += 400
        await look(looks)
        async with world.database.read() as session:
            account = await session.get_one(TrackerAccount, world.ids[IntegrationKind.MYANONAMOUSE])
        kept.append(account.announces_rejected)
    assert kept == [True, False]


async def test_rows_that_changed_without_an_event_are_found_in_time(
    world: World, looks: ClientLooks, clock: Clock
) -> None:
    await look(looks)
    download_id = await world.grabbed(world.entries[0])
    async with world.database.write() as session:
        await session.execute(sa.delete(Event))
    world.client.pull("progress", hashes="all", progress=1)
    await look(looks)
    clock.now += ALL_ROWS_SECONDS
    await look(looks)
    assert (await world.row(download_id)).state is DownloadState.VERIFYING
