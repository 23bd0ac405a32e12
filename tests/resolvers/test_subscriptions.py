"""Following jobs and the library: a snapshot first, every terminal event, and resuming without silence."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from jobs import queue
from jobs.events import Bus, unit_of_work
from jobs.execution import Run, execute
from library import events
from library.database import Database
from library.errors import NotFound
from library.models.accounts import Role
from library.models.jobs import JobKind
from library.models.tables import now
from resolvers.context import Context, Viewer
from resolvers.ids import encode_id
from tests.resolvers.conftest import schema, viewer

MakeContext = Callable[[Viewer | None], Context]
JOB = "subscription($id: ID!, $a: String) { jobUpdated(id: $id, after: $a) { sequence resyncRequired job { state } } }"
LIBRARY = """subscription($a: String) { libraryChanged(after: $a) {
  sequence resyncRequired snapshot { books } changes { kind title } } }"""


@asynccontextmanager
async def following(context: Context, query: str, **variables: Any) -> AsyncIterator[Callable[[], Any]]:
    """Subscribe; the value awaits the next event's data."""
    results = await schema.subscribe(query, variable_values=variables, context_value=context)

    async def take() -> Any:
        result = await asyncio.wait_for(anext(results), 10)
        if result.errors:
            raise result.errors[0].original_error or result.errors[0]
        (value,) = (result.data or {}).values()
        return value

    yield take
    await results.aclose()


async def queued(database: Database, bus: Bus, created_by: str = "system") -> int:
    """A queued scan."""
    async with unit_of_work(database, bus) as work:
        job = await queue.scan_library(work, 1, created_by=created_by)
    return job.id


async def finish(database: Database, bus: Bus, job_id: int) -> None:
    """Run the job to its end."""

    async def handler(run: Run) -> None:
        await run.progress(1, 2)
        await run.progress(2, 2)

    await execute(job_id, {JobKind.SCAN_LIBRARY: handler}, database=database, bus=bus, worker="w")


async def test_a_job_is_told_at_once_and_to_its_end(database: Database, bus: Bus, make_context: MakeContext) -> None:
    job_id = await queued(database, bus)
    states = []
    async with following(make_context(viewer(Role.ADMIN)), JOB, id=encode_id("Job", job_id)) as take:
        states.append((await take())["job"]["state"])
        await finish(database, bus, job_id)
        while states[-1] not in ("SUCCEEDED", "FAILED"):
            states.append((await take())["job"]["state"])
        with pytest.raises(StopAsyncIteration):
            await take()
    assert (states[0], states[-1]) == ("QUEUED", "SUCCEEDED")
    assert bus.listener_count == 0


async def test_the_end_arrives_also_when_valkey_is_gone(
    database: Database, make_context: MakeContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.subscriptions.POLL_SECONDS", 0.05)
    lost = Bus.open("redis://127.0.0.1:1/0")
    job_id = await queued(database, lost)
    context = make_context(viewer(Role.ADMIN))
    elsewhere = Bus.open("redis://127.0.0.1:1/0")
    context.bus = lost
    async with following(context, JOB, id=encode_id("Job", job_id)) as take:
        await take()
        await finish(database, elsewhere, job_id)
        while (await take())["job"]["state"] != "SUCCEEDED":
            pass
    await lost.close()
    await elsewhere.close()


async def test_a_member_follows_own_jobs_and_learns_nothing_of_others(
    database: Database, bus: Bus, make_context: MakeContext
) -> None:
    mine, others = await queued(database, bus, "user:7"), 999
    context = make_context(viewer(Role.MEMBER, 7))
    async with following(context, JOB, id=encode_id("Job", mine)) as take:
        assert (await take())["job"] == {"state": "QUEUED"}
    for job_id, who in ((mine, viewer(Role.MEMBER, 8)), (others, viewer(Role.MEMBER, 7))):
        async with following(make_context(who), JOB, id=encode_id("Job", job_id)) as take:
            with pytest.raises(NotFound):
                await take()


async def announce(database: Database, bus: Bus, *titles: str) -> None:
    """Tell of books, each in a transaction of its own."""
    for number, title in enumerate(titles):
        async with unit_of_work(database, bus) as work:
            work.emit("library", "BOOK_ADDED", number + 1, {"title": title})


async def test_the_library_is_followed_and_resumed_where_one_left(
    database: Database, bus: Bus, make_context: MakeContext
) -> None:
    context = make_context(viewer(Role.VIEWER))
    async with following(context, LIBRARY) as take:
        first = await take()
        await announce(database, bus, "A")
        second = await take()
    await announce(database, bus, "B", "C")
    async with following(context, LIBRARY, a=second["sequence"]) as take:
        third = await take()
    assert (first["snapshot"], first["changes"]) == ({"books": 0}, [])
    assert (second["snapshot"], second["changes"]) == (None, [{"kind": "BOOK_ADDED", "title": "A"}])
    assert [change["title"] for change in third["changes"]] == ["B", "C"]


@pytest.mark.parametrize("after", ["s1", "sfffff"])
async def test_lost_events_are_said_to_be_lost(
    database: Database, bus: Bus, make_context: MakeContext, after: str
) -> None:
    await announce(database, bus, "A", "B", "C")
    async with database.write() as session:
        await events.prune(session, now() + timedelta(hours=1))
    async with following(make_context(viewer(Role.VIEWER)), LIBRARY, a=after) as take:
        event = await take()
    assert (event["resyncRequired"], event["snapshot"], event["changes"]) == (True, {"books": 0}, [])


async def test_a_burst_is_coalesced(database: Database, bus: Bus, make_context: MakeContext) -> None:
    received = []
    async with following(make_context(viewer(Role.VIEWER)), LIBRARY) as take:
        await take()
        await announce(database, bus, "first")
        received.append(await take())
        await announce(database, bus, *(f"burst {number}" for number in range(20)))
        while sum(len(event["changes"]) for event in received) < 21:
            received.append(await take())
    assert len(received) <= 5
