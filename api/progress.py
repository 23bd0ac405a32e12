"""Progress on the terminal: following jobs by their rows, whoever works on them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jobs.events import Bus
from library import jobs as job_rows
from library.database import Database
from library.events import job_topic
from library.models.jobs import FINISHED_STATES, Job, JobItemError, JobKind, JobState

_REREAD_SECONDS = 1.0  # also when Valkey, whose messages come at once, is away
_SHOWN_ERRORS = 20
_LABELS = {
    JobKind.SCAN_LIBRARY: "Scanning",
    JobKind.INGEST_DOCUMENTS: "Reading documents",
    JobKind.EMBED_PASSAGES: "Learning what the books mean",
    JobKind.BUILD_INDEX: "Building the index",
}
_ENDS = {
    JobState.SUCCEEDED: "[green]done[/]",
    JobState.PARTIAL: "[yellow]done, except for some items[/]",
    JobState.FAILED: "[red]failed[/]",
    JobState.CANCELLED: "[yellow]cancelled[/]",
}


@contextmanager
def bars(console: Console) -> Iterator[Progress]:
    """Bars with counts and times, kept on the terminal when they are full."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), TextColumn("[dim]{task.fields[note]}[/]"), console=console) as shown:
        yield shown


@dataclass(slots=True)
class Follower:
    """Shows jobs as bars until they have ended."""

    database: Database
    bus: Bus
    bars: Progress

    async def follow(self, job_id: int) -> Job:
        """Show one job and return its row as it ended."""
        task = self.bars.add_task("Waiting", total=None, note="")
        with self.bus.listening(job_topic(job_id)) as woken:
            while True:
                woken.clear()
                async with self.database.read() as session:
                    job = await job_rows.get(session, job_id)
                self.bars.update(task, **_state(job))
                if job.state in FINISHED_STATES:
                    self.bars.stop_task(task)
                    return job
                await _either(woken)

    async def follow_unfinished(self, kinds: tuple[JobKind, ...]) -> list[Job]:
        """Show every job of these kinds until none is left, those included that they start themselves."""
        ended = []
        while (job_id := await self._next(kinds)) is not None:
            ended.append(await self.follow(job_id))
        return ended

    async def _next(self, kinds: tuple[JobKind, ...]) -> int | None:
        select = sa.select(Job.id).where(Job.kind.in_(kinds), Job.state.not_in(FINISHED_STATES)).order_by(Job.id)
        async with self.database.read() as session:
            return await session.scalar(select.limit(1))


async def show_end(console: Console, database: Database, job: Job) -> None:
    """Print how a job ended, with the reason of every item that failed."""
    console.print(f"{_LABELS[job.kind]}: {_ENDS[job.state]}")
    if job.error_message:
        console.print(job.error_message, markup=False, soft_wrap=True)
    if job.result:
        facts = (f"{name.replace('_', ' ')} {value}" for name, value in job.result.items())
        console.print(", ".join(facts), markup=False, highlight=False, soft_wrap=True)
    select = sa.select(JobItemError).where(JobItemError.job_id == job.id, JobItemError.attempt == job.attempts)
    async with database.read() as session:
        total = await session.scalar(sa.select(sa.func.count()).select_from(select.subquery())) or 0
        errors = (await session.scalars(select.order_by(JobItemError.id).limit(_SHOWN_ERRORS))).all()
    for error in errors:
        console.print(f"  {error.item}: {error.message}", markup=False, highlight=False, soft_wrap=True)
    if total > len(errors):
        more = total - len(errors)
        console.print(f"  and {more} more; ask the API for `itemErrors` of job {job.id}", markup=False)


def _state(job: Job) -> dict[str, Any]:
    """Give a bar's fields for a job's row."""
    label = _LABELS[job.kind]
    if job.state is JobState.QUEUED:
        return {"description": label, "total": None, "note": "waiting for a worker"}
    total = job.progress_total
    if job.state in FINISHED_STATES:
        total = job.progress_total or job.progress_done or 1
    return {
        "description": label,
        "total": total,
        "completed": total if job.state is JobState.SUCCEEDED else job.progress_done,
        "note": job.message or "",
    }


async def _either(woken: asyncio.Event) -> None:
    """Wait for news, or for as long as one may trust that there are none."""
    try:
        async with asyncio.timeout(_REREAD_SECONDS):
            await woken.wait()
    except TimeoutError:
        return
