"""Running one job: claim, heartbeat, progress, cancel, and an honest end.

A job handler takes a `Run`. It may be run twice (a worker can die at any point), so it begins by looking at the state.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from jobs.events import Bus, unit_of_work
from library import jobs as job_rows
from library.background import end_task
from library.database import Database
from library.errors import ShelfgraphError
from library.models.jobs import Job, JobKind, JobState

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 1.0  # also the longest time until a worker learns of a cancel
PROGRESS_INTERVAL_SECONDS = 0.25


class JobCancelled(Exception):
    """The user asked to stop; raised between items, so that the one in hand is finished or undone."""


class ClaimLost(Exception):
    """Another worker has taken the job over, because this one was silent for too long."""


@dataclass(slots=True)
class Run:
    """One attempt at a job: what the handler reads, and through which it tells how it goes."""

    job: Job
    database: Database
    bus: Bus
    worker: str
    result: dict[str, Any] | None = None
    failed_items: int = 0
    _done: int = 0
    _total: int | None = None
    _message: str | None = None
    _written_at: float = field(default=0.0)
    _stop: Exception | None = None

    def checkpoint(self) -> None:
        """Call between items: raises JobCancelled or ClaimLost when the job must not go on."""
        if self._stop is not None:
            raise self._stop

    async def progress(self, done: int, total: int | None, message: str | None = None) -> None:
        """Tell how far the job is; written at most four times a second, and always at the end."""
        self.checkpoint()
        self._done, self._total, self._message = done, total, message
        if time.monotonic() - self._written_at >= PROGRESS_INTERVAL_SECONDS:
            await self._write_progress()

    async def item_failed(self, item: str, code: str, message: str) -> None:
        """Keep why one item failed; the job goes on and ends PARTIAL."""
        self.failed_items += 1
        async with unit_of_work(self.database, self.bus) as work:
            await job_rows.add_item_error(work.session, self.job, item, code, message)

    def stop(self, reason: Exception) -> None:
        """Make the next checkpoint raise."""
        self._stop = reason

    def write_progress_to(self, job: Job) -> None:
        """Put the last known progress into the row."""
        job.progress_done, job.progress_total, job.message = self._done, self._total, self._message

    async def _write_progress(self) -> None:
        self._written_at = time.monotonic()
        async with unit_of_work(self.database, self.bus) as work:
            job = await job_rows.get(work.session, self.job.id, locked=True)
            if job.worker != self.worker:
                self.stop(ClaimLost())
                return
            self.write_progress_to(job)
            work.job_changed(job)


Handler = Callable[[Run], Awaitable[None]]


async def execute(
    job_id: int, handlers: Mapping[JobKind, Handler], *, database: Database, bus: Bus, worker: str
) -> None:
    """Run one job to its end. Safe to call twice: only the call whose claim succeeds does anything."""
    # A worker that stood still may be given its own job again, and must then see that its first claim is void.
    worker = f"{worker}/{secrets.token_hex(4)}"
    async with unit_of_work(database, bus) as work:
        job = await job_rows.claim(work.session, job_id, worker)
        if job is None:
            return
        work.job_changed(job)
    run = Run(job=job, database=database, bus=bus, worker=worker)
    heart = asyncio.create_task(_beat(run), name=f"heartbeat:{job_id}")
    try:
        await _attempt(run, handlers[job.kind])
    except asyncio.CancelledError:
        await asyncio.shield(_give_back(run))
        raise
    finally:
        await end_task(heart)


async def _attempt(run: Run, handler: Handler) -> None:
    try:
        await handler(run)
    except ClaimLost:
        log.warning("job_claim_lost", job_id=run.job.id)
    except JobCancelled:
        await _end(run, JobState.CANCELLED)
    except ShelfgraphError as error:
        await _end(run, JobState.FAILED, error_code=error.job_code, error_message=str(error))
    except Exception:
        log.exception("job_failed", job_id=run.job.id, kind=run.job.kind)
        message = "Something unexpected went wrong; the worker's log has the details under this job's id."
        await _end(run, JobState.FAILED, error_code="INTERNAL_SERVER_ERROR", error_message=message)
    else:
        await _end(run, JobState.PARTIAL if run.failed_items else JobState.SUCCEEDED)


async def _end(run: Run, state: JobState, *, error_code: str | None = None, error_message: str | None = None) -> None:
    async with unit_of_work(run.database, run.bus) as work:
        job = await job_rows.get(work.session, run.job.id, locked=True)
        if job.worker != run.worker:
            return
        run.write_progress_to(job)
        job.error_code, job.error_message, job.result = error_code, error_message, run.result
        job_rows.finish(job, state)
        work.job_changed(job)
    log.info("job_ended", job_id=run.job.id, kind=run.job.kind, state=state, failed_items=run.failed_items)


async def _give_back(run: Run) -> None:
    async with unit_of_work(run.database, run.bus) as work:
        job = await job_rows.release(work.session, run.job.id, run.worker)
        if job is not None:
            work.job_changed(job)
            work.deliver(job)


async def _beat(run: Run) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            async with run.database.write() as session:
                cancel = await job_rows.beat(session, run.job.id, run.worker)
        except (SQLAlchemyError, OSError) as error:
            log.warning("heartbeat_failed", job_id=run.job.id, error=type(error).__name__)
            continue
        if cancel is None:
            run.stop(ClaimLost())
        elif cancel:
            run.stop(JobCancelled())


async def sweep(database: Database, bus: Bus, moment: Callable[[], Any]) -> None:
    """Queue again what a crash left and deliver what a lost message left; doing it twice is harmless."""
    async with unit_of_work(database, bus) as work:
        for job in await job_rows.sweep(work.session, moment()):
            work.job_changed(job)
            if job.state is JobState.QUEUED:
                work.deliver(job)
        for job in await job_rows.undelivered(work.session, moment()):
            work.deliver(job)
