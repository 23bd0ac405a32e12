"""Notifications: signed, in order, repeated until they arrive, bounded after a long absence, and never with secrets."""

import asyncio
import logging
from datetime import timedelta

import orjson
import pytest
import sqlalchemy as sa

from jobs.events import Bus, unit_of_work
from jobs.notifications import MOST_EVENTS, deliver_due
from library import downloads, events, notifications
from library.database import Database
from library.global_ids import global_id
from library.models.downloads import DownloadState, ImportMode
from library.models.integrations import NotificationKind, NotificationTarget
from library.models.releases import Release, ReleaseSearch
from library.models.tables import now
from library.notification_events import Topic
from tests.integrations.outside_world import Clock
from tests.jobs.notification_fixtures import add_target, notifying, receiving, target_now, tell_of_books

S = DownloadState
# Apprise's plug-in for signed mail still needs this module on Python 3.11.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


async def finished_download(database: Database, bus: Bus) -> int:
    """A download from its request to its end, with pauses that are no news."""
    async with unit_of_work(database, bus) as work:
        search = ReleaseSearch(text="x", profile={}, created_by="user:7")
        work.session.add(search)
        await work.session.flush()
        release = Release(
            search_id=search.id,
            key="mam:1",
            indexer="x",
            title="The Sea-Wolf",
            facts={},
            accepted=True,
            score=1,
            cost="FREE",
            decision={},
        )
        work.session.add(release)
        await work.session.flush()
        download = await downloads.request(work.session, release, created_by="user:7", mode=ImportMode.COPY)
        work.download_changed(download)
    states = (S.GRABBING, S.DOWNLOADING, S.BLOCKED, S.DOWNLOADING, S.VERIFYING, S.IMPORTING, S.IMPORTED)
    for state in (*states, S.ENRICHING, S.DONE):
        async with unit_of_work(database, bus) as work:
            download = await downloads.get(work.session, download.id)
            if state is S.BLOCKED:
                downloads.block(work.session, download, downloads.Reason("DISK_FULL", "Full."), retry_at=None)
            elif download.state is S.BLOCKED:
                downloads.unblock(work.session, download)
            else:
                downloads.move(work.session, download, state)
            work.download_changed(download)
        async with unit_of_work(database, bus) as work:
            work.download_changed(download)  # as a pause does
    return download.id


async def test_a_webhook_is_told_what_happens_signed_and_in_order(database: Database, bus: Bus, redis_url: str) -> None:
    with receiving() as receiver:
        async with notifying(database, redis_url, Clock()) as telling:
            await tell_of_books(database, bus, "Before")
            target = await add_target(database, receiver.url)
            await tell_of_books(database, bus, "A", "B")
            one = await finished_download(database, bus)
            await deliver_due(telling)
            await deliver_due(telling)
    assert receiver.signatures_hold()
    assert [(body["kind"], body["name"]) for body in receiver.told] == [
        ("BOOK_ADDED", "A"),
        ("BOOK_ADDED", "B"),
        ("DOWNLOAD_BLOCKED", "The Sea-Wolf"),
        ("DOWNLOAD_DONE", "The Sea-Wolf"),
    ]
    headers, body = receiver.received[2]
    said = orjson.loads(body)
    assert said == {
        "delivery": headers["x-shelfgraph-delivery"],
        "event": headers["x-shelfgraph-event"],
        "kind": "DOWNLOAD_BLOCKED",
        "at": said["at"],
        "id": global_id("Download", one),
        "name": "The Sea-Wolf",
        "state": "BLOCKED",
        "reason": "DISK_FULL",
        "book": None,
    }
    assert len(receiver.received) == 4
    assert (await target_now(database, target)).last_success_at is not None


async def test_only_chosen_topics_are_told(database: Database, bus: Bus, redis_url: str) -> None:
    with receiving() as receiver:
        async with notifying(database, redis_url, Clock()) as telling:
            await add_target(database, receiver.url, Topic.DOWNLOAD_DONE)
            await tell_of_books(database, bus, "A")
            await finished_download(database, bus)
            await deliver_due(telling)
    assert [body["kind"] for body in receiver.told] == ["DOWNLOAD_DONE"]


async def test_a_server_that_needs_action_is_told_once(database: Database, bus: Bus, redis_url: str) -> None:
    with receiving() as receiver:
        async with notifying(database, redis_url, Clock()) as telling:
            await add_target(database, receiver.url)
            for needed in (None, "Sign in again.", "Sign in again.", None, "Sign in again."):
                async with unit_of_work(database, bus) as work:
                    work.emit("integrations", "CHANGED", 3, {"name": "MAM", "needs_action": needed})
            await deliver_due(telling)
    assert [body["needsAction"] for body in receiver.told] == ["Sign in again."] * 2


async def test_a_receiver_that_fails_is_tried_later_and_gets_everything_in_order(
    database: Database, bus: Bus, redis_url: str
) -> None:
    clock = Clock()
    with receiving() as receiver:
        async with notifying(database, redis_url, clock) as telling:
            target = await add_target(database, receiver.url)
            await tell_of_books(database, bus, "A", "B")
            receiver.status = 500
            await deliver_due(telling)
            tries = len(receiver.received)
            await deliver_due(telling)  # paused
            failed = await target_now(database, target)
            receiver.status = 204
            await tell_of_books(database, bus, "C")
            clock.now += 31
            await deliver_due(telling)
    assert (failed.failures, failed.last_error_message) == (
        1,
        "Notification target 1 refused: it answered with status 500.",
    )
    assert tries == 1
    assert [body["name"] for body in receiver.told] == ["A", "B", "C"]
    assert receiver.received[0][0]["x-shelfgraph-delivery"] == receiver.received[1][0]["x-shelfgraph-delivery"]
    mended = await target_now(database, target)
    assert (mended.failures, mended.retry_at, mended.last_error_message) == (0, None, None)


async def test_a_crash_after_a_delivery_repeats_it_under_its_id(database: Database, bus: Bus, redis_url: str) -> None:
    with receiving() as receiver:
        async with notifying(database, redis_url, Clock()) as telling:
            target = await add_target(database, receiver.url)
            place = (await target_now(database, target)).delivered_event_id
            await tell_of_books(database, bus, "A", "B")
            await deliver_due(telling)
            async with database.write() as session:  # as if the place had not been written
                await session.execute(sa.update(NotificationTarget).values(delivered_event_id=place))
            await deliver_due(telling)
    assert len(receiver.received) == 4
    assert [body["name"] for body in receiver.told] == ["A", "B"]


async def test_one_worker_delivers_at_a_time(database: Database, bus: Bus, redis_url: str) -> None:
    with receiving() as receiver:
        async with (
            notifying(database, redis_url, Clock(), "one") as one,
            notifying(database, redis_url, Clock(), "two") as two,
        ):
            await add_target(database, receiver.url)
            await tell_of_books(database, bus, *"ABCDEFGH")
            await asyncio.gather(deliver_due(one), deliver_due(two))
            await deliver_due(two)
    assert [orjson.loads(body)["name"] for _, body in receiver.received] == list("ABCDEFGH")


async def test_one_that_was_away_for_long_is_told_that_it_missed_something(
    database: Database, bus: Bus, redis_url: str
) -> None:
    with receiving() as receiver:
        async with notifying(database, redis_url, Clock()) as telling:
            await add_target(database, receiver.url)
            await tell_of_books(database, bus, *(f"Book {number}" for number in range(MOST_EVENTS + 1)))
            await deliver_due(telling)
            await tell_of_books(database, bus, "Next")
            await deliver_due(telling)
    assert [(body["kind"], body.get("missed")) for body in receiver.told] == [
        ("MISSED_EVENTS", MOST_EVENTS + 1),
        ("BOOK_ADDED", None),
    ]


async def test_events_that_are_no_longer_kept_are_said_to_be_missed(
    database: Database, bus: Bus, redis_url: str
) -> None:
    with receiving() as receiver:
        async with notifying(database, redis_url, Clock()) as telling:
            await add_target(database, receiver.url)
            await tell_of_books(database, bus, "A", "B", "C")
            async with database.write() as session:
                await events.prune(session, now() + timedelta(hours=1))
            await deliver_due(telling)
    assert [(body["kind"], body["missed"]) for body in receiver.told] == [("MISSED_EVENTS", 1)]


async def test_a_dead_receiver_is_switched_off_and_says_why(database: Database, bus: Bus, redis_url: str) -> None:
    clock = Clock()
    with receiving() as receiver:
        receiver.status = 410
        async with notifying(database, redis_url, clock) as telling:
            target = await add_target(database, receiver.url)
            await tell_of_books(database, bus, "A")
            for _ in range(notifications.FAILURES_TO_DISABLE + 3):
                await deliver_due(telling)
                clock.now += 3601
    dead = await target_now(database, target)
    assert (dead.enabled, dead.failures) == (False, notifications.FAILURES_TO_DISABLE)
    assert "switched off after 20 failures" in (dead.last_error_message or "")


async def test_a_receiver_that_fails_keeps_no_other_waiting(database: Database, bus: Bus, redis_url: str) -> None:
    with receiving() as receiver:
        async with notifying(database, redis_url, Clock()) as telling:
            await add_target(database, "http://127.0.0.1:9/closed", name="Closed")
            await add_target(database, receiver.url, name="Open")
            await tell_of_books(database, bus, "A")
            await deliver_due(telling)
    assert [body["name"] for body in receiver.told] == ["A"]


async def test_plain_http_to_the_world_is_refused(database: Database, bus: Bus, redis_url: str) -> None:
    async with notifying(database, redis_url, Clock()) as telling:
        hook = await add_target(database, "http://203.0.113.9/hook", name="Hook")
        apprise = await add_target(database, "json://203.0.113.9/x", kind=NotificationKind.APPRISE, name="Apprise")
        await tell_of_books(database, bus, "A")
        await deliver_due(telling)
        for target in (hook, apprise):
            assert "public address without TLS" in ((await target_now(database, target)).last_error_message or "")


async def test_apprise_tells_people_in_sentences(database: Database, bus: Bus, redis_url: str) -> None:
    with receiving() as receiver:
        async with notifying(database, redis_url, Clock()) as telling:
            url = receiver.url.replace("http://", "json://user:pass-word-1@")
            target = await add_target(database, url, kind=NotificationKind.APPRISE)
            await tell_of_books(database, bus, "A")
            async with unit_of_work(database, bus) as work:
                work.events.append(notifications.for_trial(await notifications.get(work.session, target)))
            receiver.status = 200
            await deliver_due(telling)
    said = [orjson.loads(body) for _, body in receiver.received]
    assert [(one["title"], one["message"]) for one in said] == [
        ("Shelfgraph", "A is new in the library."),
        ("Shelfgraph", "This is a trial of Home: it works."),
    ]


@pytest.mark.parametrize("url", ["json://user:pass-word-1@127.0.0.1:9/secret-path", "nothing://user:pass-word-1@x"])
async def test_no_failure_of_apprise_tells_its_url(
    database: Database,
    bus: Bus,
    redis_url: str,
    url: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    async with notifying(database, redis_url, Clock()) as telling:
        target = await add_target(database, url, kind=NotificationKind.APPRISE)
        await tell_of_books(database, bus, "A")
        await deliver_due(telling)
        failed = await target_now(database, target)
    written = caplog.text + "".join(capfd.readouterr()) + (failed.last_error_message or "")
    assert failed.failures == 1
    assert [secret for secret in ("pass-word-1", "secret-path", "nothing://") if secret in written] == []


async def test_no_failure_of_a_webhook_tells_its_url_or_key(
    database: Database, bus: Bus, redis_url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    async with notifying(database, redis_url, Clock()) as telling:
        target = await add_target(database, "http://127.0.0.1:9/secret-path?token=pass-word-1")
        await tell_of_books(database, bus, "A")
        await deliver_due(telling)
        failed = await target_now(database, target)
    written = caplog.text + "".join(capfd.readouterr()) + (failed.last_error_message or "")
    assert failed.failures == 1
    assert [secret for secret in ("pass-word-1", "secret-path") if secret in written] == []
