"""The working process: arq carries job ids to `execute`, and cron keeps the house."""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from arq import cron
from arq.worker import Worker, func
from redis.exceptions import RedisError

from jobs import queue
from jobs.embedding_model import EmbeddingModel
from jobs.embeddings import embed_passages, start_when_due
from jobs.events import Bus, open_queue, unit_of_work
from jobs.execution import Handler, execute, sweep
from jobs.index_builds import Indexing, build_index
from jobs.scans import Scanning, scan_library
from library import accounts, events, roots
from library import jobs as job_rows
from library.database import Database, open_database
from library.models.jobs import JobKind
from library.models.tables import now
from library.scanning.file_reader import FileReader
from settings import Settings

log = structlog.get_logger(__name__)

JOB_TIMEOUT = timedelta(days=7)  # of arq; a first scan of a large collection takes as long as it takes
AT_ONCE = 4
DELIVERIES = 1_000  # a dead worker's message comes again; the job's row counts the attempts that matter
POLL_SECONDS = 0.1
RECONNECT_SECONDS = 0.5
EVENTS_KEPT = timedelta(days=2)
FINISHED_SYSTEM_JOBS_KEPT = timedelta(days=1)
ENDED_TOKENS_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Workshop:
    """Everything a worker has open, and how each kind of job is done."""

    database: Database
    bus: Bus
    name: str
    model: EmbeddingModel
    handlers: Mapping[JobKind, Handler]
    scan_interval: timedelta | None

    async def run(self, job_id: int) -> None:
        """Run one job, and start what its end makes due."""
        await execute(job_id, self.handlers, database=self.database, bus=self.bus, worker=self.name)
        if self.model.embedder is not None:  # else the next minute tries again, not the next moment
            await start_when_due(self.database, self.bus, self.model)


async def work(settings: Settings) -> None:
    """Work until the task is cancelled; jobs in hand are given back. Reconnects when Valkey was away."""
    async with AsyncExitStack() as stack:
        workshop = await _open(settings, stack)
        workers: list[Worker] = []  # a new one for each connection; jobs in hand stay with the one that began them
        try:
            while True:
                workers = [*filter(_is_busy, workers), _arq_worker(workshop, settings.redis_url)]
                try:
                    await workers[-1].async_run()
                except (RedisError, OSError) as error:
                    log.warning("valkey_lost", error=type(error).__name__, hint="jobs in hand go on; reconnecting")
                    await _until_reachable(workshop.bus)
        finally:
            for worker in workers:
                await _stop(worker)


def main(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""

    async def until_signalled() -> None:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: task.cancel() if task is not None else None)
        with suppress(asyncio.CancelledError):
            await work(settings)

    asyncio.run(until_signalled())


async def _open(settings: Settings, stack: AsyncExitStack) -> Workshop:
    database = open_database(settings.resolved_database_url)
    stack.push_async_callback(database.close)
    bus = Bus.open(settings.redis_url)
    stack.push_async_callback(bus.close)
    bus.start()
    reader = await stack.enter_async_context(
        FileReader(processes=settings.scan_processes, timeout=settings.file_timeout_seconds)
    )
    threads = settings.embedding_threads or os.cpu_count() or 1
    model = EmbeddingModel(settings.data_dir / "models", settings.embedding_model, threads)
    indexing = Indexing(settings.data_dir / "index", model)
    scanning = Scanning(reader=reader, covers=settings.data_dir / "covers", model=model)
    hours = settings.scan_interval_hours
    return Workshop(
        database=database,
        bus=bus,
        name=f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        model=model,
        handlers={
            JobKind.SCAN_LIBRARY: partial(scan_library, scanning=scanning),
            JobKind.EMBED_PASSAGES: partial(embed_passages, indexing=indexing),
            JobKind.BUILD_INDEX: partial(build_index, indexing=indexing),
        },
        scan_interval=timedelta(hours=hours) if hours else None,
    )


def _arq_worker(workshop: Workshop, redis_url: str) -> Worker:
    redis = open_queue(redis_url)
    return Worker(
        functions=[func(_run, name="run", timeout=JOB_TIMEOUT, keep_result=0, max_tries=DELIVERIES)],
        cron_jobs=[
            cron(_sweep, second=set(range(0, 60, 5)), run_at_startup=True, keep_result=0, max_tries=1),
            cron(_start_embedding, second=0, run_at_startup=True, keep_result=0, max_tries=1),
            cron(_start_due_scans, second=30, keep_result=0, max_tries=1),
            cron(_clean, minute=17, keep_result=0, max_tries=1),
        ],
        redis_pool=redis,
        ctx={"workshop": workshop},
        handle_signals=False,
        max_jobs=AT_ONCE + 1,  # the sweep must never wait for four long jobs
        poll_delay=POLL_SECONDS,
        keep_result=0,
        job_serializer=redis.job_serializer,
        job_deserializer=redis.job_deserializer,
    )


async def _until_reachable(bus: Bus) -> None:
    while not await bus.reachable():  # noqa: ASYNC110 nothing tells that a server has come back
        await asyncio.sleep(RECONNECT_SECONDS)


def _is_busy(worker: Worker) -> bool:
    done = [task for task in worker.tasks.values() if task.done()]
    for task in done:
        # Its job has ended in the rows; that arq could not say so to the Valkey that was away is no news.
        task.cancelled() or task.exception()
    return len(done) < len(worker.tasks)


async def _stop(worker: Worker) -> None:
    """Cancel the jobs in hand, which gives them back, and end the connections."""
    tasks = list(worker.tasks.values())
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with suppress(RedisError, OSError):
        await worker.close()


async def _run(ctx: dict[str, Any], job_id: int) -> None:
    await _workshop(ctx).run(job_id)


async def _sweep(ctx: dict[str, Any]) -> None:
    workshop = _workshop(ctx)
    await sweep(workshop.database, workshop.bus, now)


async def _start_embedding(ctx: dict[str, Any]) -> None:
    """Embed what waits, and prepare the model and a first generation on a fresh machine."""
    workshop = _workshop(ctx)
    await start_when_due(workshop.database, workshop.bus, workshop.model)


async def _start_due_scans(ctx: dict[str, Any]) -> None:
    workshop = _workshop(ctx)
    if workshop.scan_interval is None:
        return
    due_before = now() - workshop.scan_interval
    async with unit_of_work(workshop.database, workshop.bus) as work:
        for root in await roots.all_roots(work.session):
            if root.last_scanned_at is not None and root.last_scanned_at < due_before:
                await queue.scan_library(work, root.id)


async def _clean(ctx: dict[str, Any]) -> None:
    database, moment = _workshop(ctx).database, now()
    async with database.write() as session:
        await events.prune(session, moment - EVENTS_KEPT)
        await job_rows.prune(session, queue.SYSTEM, moment - FINISHED_SYSTEM_JOBS_KEPT)
        await accounts.forget_ended(session, moment - ENDED_TOKENS_KEPT)


def _workshop(ctx: dict[str, Any]) -> Workshop:
    workshop = ctx["workshop"]
    if not isinstance(workshop, Workshop):
        raise TypeError(workshop)
    return workshop
