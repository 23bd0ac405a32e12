"""Job rows: written once, claimed by one worker at a time, ended once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.errors import IdempotencyKeyReused, JobFinished, JobNotFinished, NotFound, SameJobGoesOn
from library.models.jobs import FINISHED_STATES, Job, JobItemError, JobKind, JobState
from library.models.tables import now

MAXIMUM_ATTEMPTS = 5  # a job that takes its worker down this often is not tried again
LOST_AFTER = timedelta(seconds=8)  # eight heartbeats; a claim that was voided too early costs only repeated work
REDELIVER_AFTER = timedelta(seconds=10)
REDELIVERED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Created:
    """A job row, and whether it is new or the answer to a repeated request."""

    job: Job
    is_new: bool


async def create(
    session: AsyncSession,
    kind: JobKind,
    payload: dict[str, Any],
    *,
    created_by: str,
    idempotency_key: str | None = None,
) -> Created:
    """Write a QUEUED job; the same key by the same creator gives the first job again.

    Raises IdempotencyKeyReused when the key stands for another request.
    """
    if idempotency_key is not None:
        known = await by_key(session, created_by, idempotency_key)
        if known is not None:
            if (known.kind, known.payload) != (kind, payload):
                raise IdempotencyKeyReused(idempotency_key)
            return Created(known, is_new=False)
    job = Job(kind=kind, payload=payload, created_by=created_by, idempotency_key=idempotency_key)
    session.add(job)
    await session.flush()
    return Created(job, is_new=True)


async def by_key(session: AsyncSession, created_by: str, idempotency_key: str) -> Job | None:
    """The job that a creator's key stands for, if there is one."""
    return await session.scalar(
        sa.select(Job).where(Job.created_by == created_by, Job.idempotency_key == idempotency_key)
    )


async def get(session: AsyncSession, job_id: int, *, locked: bool = False) -> Job:
    """The job with this id, on Postgres locked for change if asked; raises NotFound."""
    job = await session.get(Job, job_id, populate_existing=True, with_for_update=locked)
    if job is None:
        raise NotFound("job", job_id)
    return job


async def unfinished(session: AsyncSession, kind: JobKind, payload: dict[str, Any] | None = None) -> Job | None:
    """A job of this kind (and payload) that is queued or running, if there is one."""
    select = sa.select(Job).where(Job.kind == kind, Job.state.in_([JobState.QUEUED, JobState.RUNNING]))
    # Ids find the few that can be meant among thousands that wait.
    ids = {name: value for name, value in (payload or {}).items() if type(value) is int}
    select = select.where(*(Job.payload[name].as_integer() == value for name, value in ids.items()))
    jobs = (await session.scalars(select.order_by(Job.id))).all()
    return next((job for job in jobs if payload is None or job.payload == payload), None)


async def claim(session: AsyncSession, job_id: int, worker: str) -> Job | None:
    """Take a QUEUED job for one worker; None when another was faster or it has ended."""
    moment = now()
    taken = (
        sa.update(Job)
        .where(Job.id == job_id, Job.state == JobState.QUEUED)
        .values(
            state=JobState.RUNNING,
            worker=worker,
            attempts=Job.attempts + 1,
            started_at=sa.func.coalesce(Job.started_at, moment),
            heartbeat_at=moment,
            message=None,
        )
        .returning(Job.id)
    )
    if await session.scalar(taken) is None:
        return None
    return await get(session, job_id)


async def beat(session: AsyncSession, job_id: int, worker: str) -> bool | None:
    """Say that the worker lives; returns whether cancelling was asked for, None when the claim is lost."""
    beaten = (
        sa.update(Job)
        .where(Job.id == job_id, Job.state == JobState.RUNNING, Job.worker == worker)
        .values(heartbeat_at=now())
        .returning(Job.cancel_requested)
    )
    return await session.scalar(beaten)


def finish(job: Job, state: JobState) -> None:
    """End a job; `error_*` and `result` are set by the caller."""
    job.state = state
    job.finished_at = now()
    job.worker = None


async def add_item_error(session: AsyncSession, job: Job, item: str, code: str, message: str) -> None:
    """Keep why one item failed."""
    session.add(JobItemError(job_id=job.id, attempt=job.attempts, item=item, code=code, message=message))


async def request_cancel(session: AsyncSession, job_id: int) -> Job:
    """Ask a running job to stop, or end a queued one at once; raises NotFound or JobFinished."""
    job = await get(session, job_id, locked=True)
    if job.state in FINISHED_STATES:
        raise JobFinished(job.id, job.state)
    job.cancel_requested = True
    if job.state is JobState.QUEUED:
        finish(job, JobState.CANCELLED)
    return job


async def retry(session: AsyncSession, job_id: int) -> Job:
    """Queue a failed, partial or cancelled job again; raises NotFound, JobNotFinished or SameJobGoesOn."""
    job = await get(session, job_id, locked=True)
    if job.state not in FINISHED_STATES or job.state is JobState.SUCCEEDED:
        raise JobNotFinished(job.id, job.state)
    other = await unfinished(session, job.kind, job.payload)
    if other is not None:
        raise SameJobGoesOn(job.id, other.id)
    _requeue(job)
    job.attempts = 0
    await session.execute(sa.delete(JobItemError).where(JobItemError.job_id == job.id))
    return job


async def sweep(session: AsyncSession, moment: datetime) -> Sequence[Job]:
    """Find what a crash left: lost RUNNING jobs become QUEUED (or FAILED after too many attempts); gives these."""
    lost = sa.select(Job).where(Job.state == JobState.RUNNING, Job.heartbeat_at < moment - LOST_AFTER)
    # A row that somebody holds is being mended or moved on by them.
    jobs = list((await session.scalars(lost.with_for_update(skip_locked=True))).all())
    for job in jobs:
        if job.cancel_requested:
            finish(job, JobState.CANCELLED)
        elif job.attempts >= MAXIMUM_ATTEMPTS:
            job.error_code = "WORKER_LOST"
            job.error_message = f"The worker died {job.attempts} times on this job; see its log, then retry it."
            finish(job, JobState.FAILED)
        else:
            _requeue(job)
    return jobs


async def undelivered(session: AsyncSession, moment: datetime) -> Sequence[Job]:
    """The first jobs of those that wait so long that their messages may have been lost.

    No more than that: where thousands wait for a worker, each look would put thousands of messages into the queue.
    """
    waiting = sa.select(Job).where(Job.state == JobState.QUEUED, Job.created_at < moment - REDELIVER_AFTER)
    return (await session.scalars(waiting.order_by(Job.id).limit(REDELIVERED_AT_ONCE))).all()


async def release(session: AsyncSession, job_id: int, worker: str) -> Job | None:
    """Give a job back when its worker stops in an orderly way, without counting the attempt."""
    job = await get(session, job_id, locked=True)
    if job.state is not JobState.RUNNING or job.worker != worker:
        return None
    _requeue(job)
    job.attempts -= 1
    return job


async def prune(session: AsyncSession, created_by: str, older_than: datetime) -> None:
    """Forget jobs of one creator that ended long ago, with their item errors."""
    old = sa.delete(Job).where(
        Job.created_by == created_by, Job.state.in_(list(FINISHED_STATES)), Job.finished_at < older_than
    )
    await session.execute(old)


def _requeue(job: Job) -> None:
    job.state = JobState.QUEUED
    job.worker = None
    job.cancel_requested = False
    job.finished_at = None
    job.error_code = None
    job.error_message = None
    job.result = None
