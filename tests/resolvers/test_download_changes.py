"""Following downloads: a snapshot first, every new state of one's own, what has left, and no loss without a word."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from jobs.events import WATCHING_TOPIC, Bus
from library import events
from library.database import Database
from library.models.accounts import Role
from library.models.downloads import DownloadState
from library.models.tables import now
from resolvers import download_changes, download_feed
from resolvers.context import Context, Viewer
from resolvers.ids import encode_id
from tests.resolvers.conftest import viewer
from tests.resolvers.download_fixtures import following, go, schema, show_progress, write_download

MakeContext = Callable[[Viewer | None], Context]
S = DownloadState
TO_THE_END = (S.GRABBING, S.DOWNLOADING, S.VERIFYING, S.IMPORTING, S.IMPORTED, S.ENRICHING, S.DONE)
FOLLOW = """subscription ($ids: [ID!], $states: [DownloadState!], $a: String) {
  downloadsUpdated(ids: $ids, states: $states, after: $a) { sequence resyncRequired omitted removed
    snapshot { name state } changes { id name state progress { doneBytes ratio } } } }"""


def names(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What is told of each."""
    return [(row["name"], row["state"]) for row in rows]


async def told_until(take: Callable[[], Any], state: str) -> list[str]:
    """The states that are told of one download, up to one of them."""
    states: list[str] = []
    while not states or states[-1] != state:
        states.extend(row["state"] for row in (await take())["changes"])
    return states


async def nothing_left(bus: Bus) -> bool:
    """Whether nobody listens and no task goes on, once those that were cancelled have had their turns."""
    for _ in itertools.takewhile(lambda _: bus.listener_count, range(100)):
        await asyncio.sleep(0)
    return bus.listener_count == 0 and {"download-feed", "download-watch"}.isdisjoint(
        task.get_name() for task in asyncio.all_tasks()
    )


async def test_the_snapshot_comes_first_and_the_end_is_told(
    database: Database, bus: Bus, make_context: MakeContext
) -> None:
    first = await write_download(database, bus, S.GRABBING, title="A")
    await write_download(database, bus, *TO_THE_END, title="Over")
    await write_download(database, bus, title="B")
    async with following(make_context(viewer(Role.ADMIN)), FOLLOW) as take:
        snapshot = await take()
        await go(database, bus, first, *TO_THE_END[1:])
        states = await told_until(take, "DONE")
    assert names(snapshot["snapshot"]) == [("B", "QUEUED"), ("A", "GRABBING")]
    assert (snapshot["changes"], snapshot["removed"], snapshot["omitted"]) == ([], [], 0)
    assert states[-1] == "DONE"


async def test_members_are_told_of_their_own_downloads_only(
    database: Database, bus: Bus, make_context: MakeContext
) -> None:
    mine = await write_download(database, bus, title="Mine", by="user:7")
    other = await write_download(database, bus, title="Other", by="user:8")
    async with following(make_context(viewer(Role.MEMBER, 7)), FOLLOW) as take:
        snapshot = await take()
        await go(database, bus, other, S.GRABBING)
        await show_progress(database, bus, **{f"d{other}": 100})
        await go(database, bus, mine, S.GRABBING)
        event = await take()
    assert (names(snapshot["snapshot"]), names(event["changes"])) == ([("Mine", "QUEUED")], [("Mine", "GRABBING")])


@pytest.mark.parametrize("who", [None, viewer(Role.VIEWER)])
async def test_viewers_may_not_follow(database: Database, make_context: MakeContext, who: Viewer | None) -> None:
    results = await schema.subscribe(FOLLOW, context_value=make_context(who))
    result = await anext(results)
    assert result.errors is not None


async def test_what_leaves_the_states_asked_for_is_removed_and_may_come_back(
    database: Database, bus: Bus, make_context: MakeContext
) -> None:
    one = await write_download(database, bus, S.GRABBING, title="A")
    never = await write_download(database, bus, title="Never shown")
    async with following(make_context(viewer(Role.ADMIN)), FOLLOW, states=["GRABBING", "BLOCKED"]) as take:
        snapshot = await take()
        await go(database, bus, never, S.CANCELLED)
        await go(database, bus, one, S.DOWNLOADING)
        left = await take()
        await go(database, bus, one, S.BLOCKED)
        back = await take()
    assert names(snapshot["snapshot"]) == [("A", "GRABBING")]
    assert (left["changes"], left["removed"]) == ([], [encode_id("Download", one)])
    assert (names(back["changes"]), back["removed"]) == ([("A", "BLOCKED")], [])


async def test_single_downloads_are_followed_by_id_also_after_their_end(
    database: Database, bus: Bus, make_context: MakeContext
) -> None:
    one = await write_download(database, bus, *TO_THE_END, title="A")
    two = await write_download(database, bus, title="B")
    async with following(make_context(viewer(Role.ADMIN)), FOLLOW, ids=[encode_id("Download", one)]) as take:
        snapshot = await take()
        await go(database, bus, two, S.GRABBING)
        await go(database, bus, one, S.REPLACED)
        event = await take()
    assert (names(snapshot["snapshot"]), names(event["changes"])) == ([("A", "DONE")], [("A", "REPLACED")])


async def test_progress_of_a_poll_is_told_in_one_event(database: Database, bus: Bus, make_context: MakeContext) -> None:
    ids = [await write_download(database, bus, S.GRABBING, S.DOWNLOADING, title=title) for title in "AB"]
    async with following(make_context(viewer(Role.ADMIN)), FOLLOW) as take:
        await take()
        await show_progress(database, bus, **{f"d{one}": 250 for one in ids})
        event = await take()
    progress = [(row["name"], row["progress"]) for row in event["changes"]]
    assert progress == [("A", {"doneBytes": 250, "ratio": 0.25}), ("B", {"doneBytes": 250, "ratio": 0.25})]


async def test_it_is_resumed_where_one_left(database: Database, bus: Bus, make_context: MakeContext) -> None:
    one, two = [await write_download(database, bus, S.GRABBING, title=title) for title in "AB"]
    context = make_context(viewer(Role.ADMIN))
    async with following(context, FOLLOW, states=["GRABBING"]) as take:
        seen = (await take())["sequence"]
    await go(database, bus, one, S.DOWNLOADING)
    await go(database, bus, two, S.QUEUED)
    await go(database, bus, two, S.GRABBING)
    async with following(context, FOLLOW, states=["GRABBING"], a=seen) as take:
        event = await take()
    assert (event["snapshot"], event["resyncRequired"]) == (None, False)
    assert (names(event["changes"]), event["removed"]) == ([("B", "GRABBING")], [encode_id("Download", one)])


async def test_a_resumption_tells_no_member_of_others(database: Database, bus: Bus, make_context: MakeContext) -> None:
    other = await write_download(database, bus, title="Other", by="user:8")
    context = make_context(viewer(Role.MEMBER, 7))
    async with following(context, FOLLOW) as take:
        seen = (await take())["sequence"]
    await go(database, bus, other, S.GRABBING)
    async with following(context, FOLLOW, a=seen, states=["QUEUED"]) as take:
        event = await take()
    assert (event["changes"], event["removed"]) == ([], [])


@pytest.mark.parametrize("after", ["s1", "sfffff"])
async def test_lost_events_are_said_to_be_lost(
    database: Database, bus: Bus, make_context: MakeContext, after: str
) -> None:
    await write_download(database, bus, S.GRABBING, S.DOWNLOADING, title="A")
    async with database.write() as session:
        await events.prune(session, now() + timedelta(hours=1))
    async with following(make_context(viewer(Role.ADMIN)), FOLLOW, a=after) as take:
        event = await take()
    assert (event["resyncRequired"], names(event["snapshot"])) == (True, [("A", "DOWNLOADING")])


async def test_a_slow_follower_is_told_to_look_at_all_again(
    database: Database, bus: Bus, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_feed, "KEPT", 3)
    one = await write_download(database, bus, S.GRABBING, S.DOWNLOADING, title="A")
    context = make_context(viewer(Role.ADMIN))
    async with following(context, FOLLOW) as take:
        await take()
        for count in range(1, 8):
            await show_progress(database, bus, **{f"d{one}": count * 100})
        async with database.read() as session:
            latest = await events.latest(session)
        while download_feed.feed_of(context).upto < latest:
            await asyncio.sleep(0)
        event = await take()
    assert (event["resyncRequired"], names(event["snapshot"]), event["changes"]) == (True, [("A", "DOWNLOADING")], [])


async def test_a_burst_is_coalesced(database: Database, bus: Bus, make_context: MakeContext) -> None:
    one = await write_download(database, bus, S.GRABBING, S.DOWNLOADING)
    received: list[Any] = []
    async with following(make_context(viewer(Role.ADMIN)), FOLLOW) as take:
        await take()
        for count in range(20):
            await show_progress(database, bus, **{f"d{one}": count * 50})
        await go(database, bus, one, S.VERIFYING)
        while not received or received[-1]["changes"][0]["state"] != "VERIFYING":
            received.append(await take())
    assert len(received) <= 6


async def test_progress_may_be_left_out_but_no_new_state(
    database: Database, bus: Bus, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_changes, "MOST_DOWNLOADS", 2)
    ids = [await write_download(database, bus, S.GRABBING, S.DOWNLOADING, title=title) for title in "ABCDE"]
    context = make_context(viewer(Role.ADMIN))
    async with following(context, FOLLOW) as take:
        snapshot = await take()
    for one in ids[:3]:
        await go(database, bus, one, S.VERIFYING)
    await show_progress(database, bus, **{f"d{one}": 500 for one in ids})
    async with following(context, FOLLOW, a=snapshot["sequence"]) as take:
        first, second = await take(), await take()
    assert (names(snapshot["snapshot"]), snapshot["omitted"]) == ([("E", "DOWNLOADING"), ("D", "DOWNLOADING")], 3)
    assert (names(first["changes"]), first["omitted"]) == ([("A", "VERIFYING"), ("B", "VERIFYING")], 0)
    assert (names(second["changes"]), second["omitted"]) == ([("C", "VERIFYING"), ("D", "DOWNLOADING")], 1)
    assert (first["sequence"], second["sequence"] != first["sequence"]) == (snapshot["sequence"], True)


async def test_the_end_arrives_also_when_valkey_is_gone(
    database: Database, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_feed, "POLL_SECONDS", 0.05)
    here, elsewhere = (Bus.open("redis://127.0.0.1:1/0") for _ in range(2))
    one = await write_download(database, elsewhere)
    context = make_context(viewer(Role.ADMIN))
    context.bus = here
    async with following(context, FOLLOW) as take:
        await take()
        await go(database, elsewhere, one, *TO_THE_END)
        assert (await told_until(take, "DONE"))[-1] == "DONE"
    await here.close()
    await elsewhere.close()


async def test_workers_are_told_as_long_as_somebody_follows(
    database: Database, bus: Bus, make_context: MakeContext
) -> None:
    with bus.listening(WATCHING_TOPIC) as woken:
        async with following(make_context(viewer(Role.ADMIN)), FOLLOW) as take:
            await take()
            await asyncio.wait_for(woken.wait(), 5)
            assert await bus.is_watched()


async def test_two_hundred_followers_are_each_told_of_every_end_by_one_reading(
    database: Database, bus: Bus, make_context: MakeContext, count_statements: Callable[[], Any]
) -> None:
    ids = [await write_download(database, bus, *TO_THE_END[:-1], title=title) for title in "ABC"]
    contexts = [make_context(viewer(Role.ADMIN)) for _ in range(200)]

    async def follow(context: Context) -> set[str]:
        over: set[str] = set()
        async with following(context, FOLLOW) as take:
            await take()
            started.append(context)
            while len(over) < len(ids):
                over |= {row["name"] for row in (await take())["changes"] if row["state"] == "DONE"}
        return over

    started: list[Context] = []
    tasks = [asyncio.create_task(follow(context)) for context in contexts]
    while len(started) < len(tasks):
        await asyncio.sleep(0)
    with count_statements() as statements:
        for one in ids:
            await go(database, bus, one, S.DONE)
        told = await asyncio.gather(*tasks)
    assert told == [{"A", "B", "C"}] * 200
    reads = [one for one in statements if one.startswith("SELECT") and "FROM events" in one]
    assert len(reads) < 20
    assert await nothing_left(bus)


async def test_followers_that_are_torn_away_leave_nothing_behind(
    database: Database, bus: Bus, make_context: MakeContext
) -> None:
    async def follow() -> None:
        async with following(make_context(viewer(Role.ADMIN)), FOLLOW) as take:
            await take()
            waiting.append(1)
            await take()

    waiting: list[int] = []
    tasks = [asyncio.create_task(follow()) for _ in range(100)]
    while len(waiting) < len(tasks):
        await asyncio.sleep(0)
    assert bus.listener_count == 1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await nothing_left(bus)


async def test_too_many_ids_are_refused(make_context: MakeContext) -> None:
    ids = [encode_id("Download", number) for number in range(1, 102)]
    async with following(make_context(viewer(Role.ADMIN)), FOLLOW, ids=ids) as take:
        with pytest.raises(download_changes.TooManyDownloads):
            await take()
