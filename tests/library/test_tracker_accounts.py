"""Tracker accounts: what is kept of them, and what the gate is told."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from library import downloads, integrations, tracker_accounts
from library.database import Database
from library.models import Download, Integration, Release, ReleaseSearch
from library.models.downloads import DownloadState, ImportMode
from library.models.integrations import IntegrationKind, IntegrationSource
from library.models.tables import now
from library.releases.gate import AccountState, ClientState, GrabRules
from library.sealing import Seal
from library.tracker_accounts import AccountValues

SEAL = Seal(["a key of at least thirty-two characters"])
TIB = 1 << 40
VALUES = AccountValues(
    username="example",
    user_class="VIP",
    ratio=2.0,
    uploaded_bytes=2 * TIB,
    downloaded_bytes=TIB,
    points=48_211,
    wedges=9,
    vip_until=datetime(2027, 2, 1, tzinfo=UTC),
    unsatisfied=7,
    unsatisfied_limit=150,
    connectable=True,
)


async def tracker_with(database: Database, **options: Any) -> Integration:
    """A tracker with these options."""
    async with database.write() as session:
        return await integrations.configure(
            session,
            SEAL,
            kind=IntegrationKind.MYANONAMOUSE,
            source=IntegrationSource.MUTATION,
            options=options,
            secrets={"mam_id": "seed"},
        )


async def client_with(database: Database, **seen: Any) -> Integration:
    """A download client that was seen so."""
    async with database.write() as session:
        client = await integrations.configure(
            session,
            SEAL,
            kind=IntegrationKind.QBITTORRENT,
            source=IntegrationSource.MUTATION,
            url="http://127.0.0.1:8080",
        )
        client.seen = seen
    return client


async def add_download(database: Database, key: str, **given: Any) -> int:
    """A download of a release of the tracker that costs ratio, half done."""
    async with database.write() as session:
        search = ReleaseSearch(text=key, profile={}, created_by="operator")
        session.add(search)
        await session.flush()
        release = Release(
            search_id=search.id,
            key=key,
            indexer="MyAnonamouse",
            title=key,
            tracker_torrent_id=900101,
            facts={},
            accepted=True,
            score=1.0,
            cost=given.pop("cost", "RATIO"),
            decision={},
        )
        session.add(release)
        await session.flush()
        download = Download(
            **{
                "release_id": release.id,
                "state": DownloadState.DOWNLOADING,
                "mode": ImportMode.HARDLINK,
                "name": key,
                "info_hash": key,
                "total_bytes": 100,
                "done_bytes": 40,
                "seeding_goal_seconds": 0,
                "created_by": "operator",
                **given,
            }
        )
        session.add(download)
        await session.flush()
        return download.id


async def test_the_gate_is_told_what_the_tracker_said_and_what_the_options_say(database: Database) -> None:
    tracker = await tracker_with(database, spend_wedges=True, reserved_slots=3, ratio_floor=1.2)
    client = await client_with(database, unsatisfied=9, free_space_bytes=10**12)
    async with database.write() as session:
        await tracker_accounts.save(session, tracker, VALUES)
        assert await tracker_accounts.state(session) == AccountState(
            uploaded_bytes=2 * TIB,
            downloaded_bytes=TIB,
            is_vip=True,
            spendable_wedges=9,
            unsatisfied=7,
            unsatisfied_limit=150,
        )
        assert await tracker_accounts.client_state(session, client) == ClientState(unsatisfied=9, free_bytes=10**12)
        account = await tracker_accounts.get(session, tracker.id)
        assert account is not None
        assert tracker_accounts.free_slots(tracker, account, [client]) == 150 - 9 - 3
    assert tracker_accounts.rules(tracker, client) == GrabRules(
        reserved_slots=3, ratio_floor=1.2, recovery_margin=0.1, reserved_bytes=5_000_000_000, grabs_per_day=20
    )


async def test_what_is_unknown_stays_unknown(database: Database) -> None:
    client = await client_with(database)
    async with database.read() as session:
        assert await tracker_accounts.state(session) is None
        assert await tracker_accounts.client_state(session, client) == ClientState()
    tracker = await tracker_with(database)
    async with database.write() as session:
        assert await tracker_accounts.state(session) == AccountState()
        unknown = replace(VALUES, unsatisfied=None, ratio=float("inf"), downloaded_bytes=0)
        account = await tracker_accounts.save(session, tracker, unknown)
        assert (account.ratio, tracker_accounts.free_slots(tracker, account, [client])) == (None, None)


async def test_below_the_floor_lasts_until_the_margin_above_it_and_over_restarts(database: Database) -> None:
    tracker = await tracker_with(database, ratio_floor=1.0, recovery_margin=0.1)
    below = []
    for ratio in (1.05, 0.99, 1.05, 1.11, 1.05):
        async with database.write() as session:
            uploaded = int(ratio * TIB)
            account = await tracker_accounts.save(session, tracker, replace(VALUES, uploaded_bytes=uploaded))
            below.append(account.below_floor)
    assert below == [False, True, True, False, False]


async def test_a_freeze_and_refused_announces_are_kept_when_the_account_is_read_anew(database: Database) -> None:
    tracker, until = await tracker_with(database), datetime(2040, 1, 1, tzinfo=UTC)
    async with database.write() as session:
        await tracker_accounts.freeze(session, tracker.id, until)
        await tracker_accounts.note_announces(session, tracker.id, rejected=True)
        await tracker_accounts.save(session, tracker, VALUES)
        state = await tracker_accounts.state(session, tracker)
    assert state is not None
    assert (state.frozen_until, state.announces_rejected) == (until, True)


async def test_what_was_taken_since_the_account_was_read_counts_but_not_what_is_judged(database: Database) -> None:
    tracker = await tracker_with(database)
    old = datetime(2020, 1, 1, tzinfo=UTC)
    await add_download(database, "begun-before", created_at=old)
    await add_download(database, "whole-before", created_at=old, done_bytes=100)
    async with database.write() as session:
        await tracker_accounts.save(session, tracker, VALUES)
    await add_download(database, "after")
    await add_download(database, "free", cost="FREE")
    await add_download(database, "with-a-wedge", wedge=True)
    await add_download(database, "failed", state=DownloadState.FAILED)
    await add_download(database, "not-grabbed", info_hash=None, state=DownloadState.QUEUED)
    judged = await add_download(database, "judged")
    async with database.read() as session:
        state = await tracker_accounts.state(session, tracker, besides=judged)
    assert state is not None
    assert state.uncounted_bytes == 60 + 100


async def test_torrents_on_their_way_to_the_client_count_as_unsatisfied(database: Database) -> None:
    client = await client_with(database, unsatisfied=4)
    await add_download(database, "on-its-way", state=DownloadState.GRABBING)
    await add_download(database, "there")
    judged = await add_download(database, "judged", state=DownloadState.GRABBING)
    async with database.read() as session:
        state = await tracker_accounts.client_state(session, client, besides=judged)
    assert state == ClientState(unsatisfied=5, pending_bytes=60)


async def test_torrents_that_our_rows_know_of_count_though_the_client_was_looked_at_before(database: Database) -> None:
    client = await client_with(database, unsatisfied=0)
    known: dict[str, dict[str, Any]] = {
        "new": {},
        "old": {"seeding_seconds": 300_000},
        "gone": {"left_client_at": now()},
    }
    for name, values in known.items():
        download_id = await add_download(database, name)
        async with database.write() as session:
            download = await downloads.get(session, download_id)
            download.client_id, download.info_hash = client.id, name
            for column, value in values.items():
                setattr(download, column, value)
    async with database.read() as session:
        state = await tracker_accounts.client_state(session, client)
    assert state.unsatisfied == 1
