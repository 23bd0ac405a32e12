"""A job's row is the truth: claimed once, told of as it goes, and ended honestly whatever happens."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from jobs import queue
from jobs.events import Bus, open_queue, unit_of_work
from jobs.execution import Handler, Run, execute, sweep
from library import jobs as job_rows
from library.database import Database
from library.errors import Conflict, IdempotencyKeyReused, JobFinished, JobNotFinished, SameJobGoesOn
from library.models import Event, Job, JobItemError
from library.models.jobs import JobKind, JobState
from library.models.tables import now


async def start(database: Database, bus: Bus, **options: str) -> int:
    """Queue a scan of root 1."""
    async with unit_of_work(database, bus) as work:
        job = await queue.scan_library(work, 1, **options)  # type: ignore[arg-type]  # the tests pass names of actors only
    return job.id


async def run(database: Database, bus: Bus, job_id: int, handler: Handler, worker: str = "w1") -> None:
    """Execute a job by this handler."""
    await execute(job_id, {JobKind.SCAN_LIBRARY: handler}, database=database, bus=bus, worker=worker)


async def stopped(task: asyncio.Task[None]) -> None:
    """Cancel a task, which must end as cancelled."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def row(database: Database, job_id: int) -> Job:
    """The job as it stands."""
    async with database.read() as session:
        return await job_rows.get(session, job_id)


async def test_a_job_that_ends_well_has_its_result_and_last_progress(database: Database, bus: Bus) -> None:
    async def handler(run: Run) -> None:
        for done in range(1, 4):
            await run.progress(done, 3, f"item {done}")
        run.result = {"added": 3}

    job_id = await start(database, bus)
    await run(database, bus, job_id, handler)
    job = await row(database, job_id)
    assert (job.state, job.progress_done, job.progress_total, job.message, job.result, job.attempts, job.worker) == (
        JobState.SUCCEEDED,
        3,
        3,
        "item 3",
        {"added": 3},
        1,
        None,
    )


async def test_failed_items_make_a_job_partial_and_say_why(database: Database, bus: Bus) -> None:
    async def handler(run: Run) -> None:
        await run.item_failed("Book/01.mp3", "UNREADABLE", "It has no audio. Replace it.")

    job_id = await start(database, bus)
    await run(database, bus, job_id, handler)
    async with database.read() as session:
        errors = (await session.execute(sa.select(JobItemError.item, JobItemError.code, JobItemError.message))).all()
    assert (await row(database, job_id)).state is JobState.PARTIAL
    assert [tuple(error) for error in errors] == [("Book/01.mp3", "UNREADABLE", "It has no audio. Replace it.")]


async def test_an_unexpected_error_fails_the_job_without_telling_its_text(database: Database, bus: Bus) -> None:
    async def handler(run: Run) -> None:
        raise RuntimeError("/secret/path")

    job_id = await start(database, bus)
    await run(database, bus, job_id, handler)
    job = await row(database, job_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "INTERNAL_SERVER_ERROR")
    assert "/secret/path" not in (job.error_message or "")


async def test_an_expected_error_fails_the_job_with_its_sentence(database: Database, bus: Bus) -> None:
    async def handler(run: Run) -> None:
        raise Conflict("The disk is full. Make room and retry.")

    job_id = await start(database, bus)
    await run(database, bus, job_id, handler)
    job = await row(database, job_id)
    assert (job.state, job.error_code, job.error_message) == (
        JobState.FAILED,
        "CONFLICT",
        "The disk is full. Make room and retry.",
    )


async def test_only_one_of_two_workers_runs_a_job(database: Database, bus: Bus) -> None:
    ran: list[str] = []

    async def handler(run: Run) -> None:
        ran.append(run.worker)

    job_id = await start(database, bus)
    await asyncio.gather(*(run(database, bus, job_id, handler, worker) for worker in ("w1", "w2", "w3")))
    await run(database, bus, job_id, handler, "w4")
    assert len(ran) == 1


async def test_a_queued_job_is_cancelled_at_once_and_never_runs(database: Database, bus: Bus) -> None:
    async def handler(run: Run) -> None:
        pytest.fail("it ran")

    job_id = await start(database, bus)
    async with unit_of_work(database, bus) as work:
        await queue.cancel(work, job_id)
    await run(database, bus, job_id, handler)
    assert (await row(database, job_id)).state is JobState.CANCELLED


async def test_a_running_job_stops_at_its_next_item_within_two_seconds(database: Database, bus: Bus) -> None:
    running = asyncio.Event()
    items = 0

    async def handler(run: Run) -> None:
        nonlocal items
        while True:
            run.checkpoint()
            items += 1
            running.set()
            await asyncio.sleep(0)  # an item's work

    job_id = await start(database, bus)
    task = asyncio.create_task(run(database, bus, job_id, handler))
    await running.wait()
    async with unit_of_work(database, bus) as work:
        await queue.cancel(work, job_id)
    await asyncio.wait_for(task, 2.0)
    done = items
    assert (await row(database, job_id)).state is JobState.CANCELLED
    assert items == done


async def test_a_job_that_ended_cannot_be_cancelled_and_a_running_one_not_retried(database: Database, bus: Bus) -> None:
    async def handler(run: Run) -> None:
        async with database.write() as session:
            with pytest.raises(JobNotFinished):
                await job_rows.retry(session, run.job.id)

    job_id = await start(database, bus)
    await run(database, bus, job_id, handler)
    async with database.write() as session:
        with pytest.raises(JobFinished):
            await job_rows.request_cancel(session, job_id)
        with pytest.raises(JobNotFinished):
            await job_rows.retry(session, job_id)  # it succeeded: there is nothing to try again


async def test_retry_starts_anew_and_forgets_the_old_item_errors(database: Database, bus: Bus) -> None:
    attempts = 0

    async def handler(run: Run) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await run.item_failed("x", "BROKEN", "Broken.")

    job_id = await start(database, bus)
    await run(database, bus, job_id, handler)
    async with unit_of_work(database, bus) as work:
        await queue.retry(work, job_id)
    await run(database, bus, job_id, handler)
    async with database.read() as session:
        left = await session.scalar(sa.select(sa.func.count()).select_from(JobItemError))
    assert ((await row(database, job_id)).state, left) == (JobState.SUCCEEDED, 0)


async def test_the_same_idempotency_key_gives_the_same_job(database: Database, bus: Bus) -> None:
    first = await start(database, bus, created_by="user:1", idempotency_key="k")
    again = await start(database, bus, created_by="user:1", idempotency_key="k")
    somebody_else = await start(database, bus, created_by="user:2", idempotency_key="k")
    assert (first == again, first == somebody_else) == (True, False)
    async with unit_of_work(database, bus) as work:
        with pytest.raises(IdempotencyKeyReused):
            await queue.scan_library(work, 2, created_by="user:1", idempotency_key="k")


async def test_a_scan_that_goes_on_is_not_started_twice(database: Database, bus: Bus) -> None:
    assert await start(database, bus) == await start(database, bus)


async def lose(database: Database, bus: Bus, job_id: int, attempts: int = 1) -> None:
    """Leave a job as a worker does that was killed a minute ago."""
    async with database.write() as session:
        await job_rows.claim(session, job_id, "dead")
        values = {"heartbeat_at": now() - timedelta(minutes=1), "attempts": attempts}
        await session.execute(sa.update(Job).where(Job.id == job_id).values(**values))


async def test_the_sweep_gives_a_dead_workers_job_to_another(database: Database, bus: Bus) -> None:
    async def handler(run: Run) -> None:
        run.result = {"by": run.worker.partition("/")[0]}

    job_id = await start(database, bus)
    await lose(database, bus, job_id)
    await sweep(database, bus, now)
    await run(database, bus, job_id, handler, "alive")
    job = await row(database, job_id)
    assert (job.state, job.result, job.attempts) == (JobState.SUCCEEDED, {"by": "alive"}, 2)


async def test_a_job_that_kills_its_workers_fails_in_the_end(database: Database, bus: Bus) -> None:
    job_id = await start(database, bus)
    await lose(database, bus, job_id, attempts=job_rows.MAXIMUM_ATTEMPTS)
    await sweep(database, bus, now)
    job = await row(database, job_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "WORKER_LOST")


@pytest.mark.parametrize("successor", ["fast", "slow"])
async def test_a_worker_that_was_given_up_stops_and_writes_nothing_also_when_it_takes_the_job_again(
    database: Database, bus: Bus, successor: str
) -> None:
    running, taken = asyncio.Event(), asyncio.Event()

    async def slow(run: Run) -> None:
        running.set()
        await taken.wait()
        while True:
            run.checkpoint()
            await asyncio.sleep(0)

    async def fast(run: Run) -> None:
        run.result = {"by": run.worker.partition("/")[0]}

    job_id = await start(database, bus)
    task = asyncio.create_task(run(database, bus, job_id, slow, "slow"))
    await running.wait()
    async with database.write() as session:
        silent = {"heartbeat_at": now() - timedelta(minutes=1)}
        await session.execute(sa.update(Job).where(Job.id == job_id).values(**silent))
        await job_rows.sweep(session, now())
    await run(database, bus, job_id, fast, successor)
    taken.set()
    await asyncio.wait_for(task, 5.0)
    job = await row(database, job_id)
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"by": successor})


async def test_a_worker_that_is_stopped_gives_its_job_back(database: Database, bus: Bus) -> None:
    running = asyncio.Event()

    async def handler(run: Run) -> None:
        running.set()
        await asyncio.Event().wait()

    job_id = await start(database, bus)
    task = asyncio.create_task(run(database, bus, job_id, handler))
    await running.wait()
    await stopped(task)
    job = await row(database, job_id)
    assert (job.state, job.attempts, job.worker) == (JobState.QUEUED, 0, None)


async def test_two_sweeps_at_once_give_a_lost_job_to_one_worker(database: Database, bus: Bus) -> None:
    swept, go = asyncio.Event(), asyncio.Event()

    async def first() -> list[int]:
        async with database.write() as session:
            found = [job.id for job in await job_rows.sweep(session, now())]
            swept.set()
            await go.wait()
            return found

    async def second() -> list[int]:
        await swept.wait()
        async with database.write() as session:
            return [job.id for job in await job_rows.sweep(session, now())]

    job_id = await start(database, bus)
    await lose(database, bus, job_id)
    sweeps = [asyncio.create_task(first()), asyncio.create_task(second())]
    await asyncio.wait(sweeps, timeout=0.3, return_when=asyncio.FIRST_COMPLETED)  # SQLite has the second wait
    go.set()
    assert await asyncio.gather(*sweeps) == [[job_id], []]


async def test_a_job_whose_work_another_one_does_is_not_retried(database: Database, bus: Bus) -> None:
    first = await start(database, bus)
    async with unit_of_work(database, bus) as work:
        await queue.cancel(work, first)
    second = await start(database, bus)
    with pytest.raises(SameJobGoesOn) as refused:
        async with unit_of_work(database, bus) as work:
            await queue.retry(work, first)
    assert str(refused.value) == f"Job {second} is at the work of job {first} already. Follow that one."


async def test_of_thousands_that_wait_only_the_first_are_delivered_again_and_nobody_is_told(
    database: Database, bus: Bus, redis_url: str
) -> None:
    minute_ago = now() - timedelta(minutes=1)
    given = {"kind": JobKind.SCAN_LIBRARY, "payload": {}, "created_by": "system", "created_at": minute_ago}
    async with database.write() as session:
        await session.execute(sa.insert(Job), [given] * (job_rows.REDELIVERED_AT_ONCE + 20))
    await sweep(database, bus, now)
    async with open_queue(redis_url) as waiting:
        assert len(await waiting.queued_jobs()) == job_rows.REDELIVERED_AT_ONCE
    async with database.read() as session:
        assert await session.scalar(sa.select(sa.func.count(Event.id))) == 0


async def test_a_cancel_that_comes_while_the_heartbeat_is_being_stopped_is_not_lost(
    database: Database, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = asyncio.Event()

    async def slow_to_stop(_: Run) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopping.set()
            await asyncio.Event().wait()

    async def handler(_: Run) -> None:
        await asyncio.sleep(0)  # the heartbeat begins

    monkeypatch.setattr("jobs.execution._beat", slow_to_stop)
    job_id = await start(database, bus)
    running = asyncio.create_task(run(database, bus, job_id, handler))
    await stopping.wait()
    await stopped(running)
    assert (await row(database, job_id)).state is JobState.SUCCEEDED
