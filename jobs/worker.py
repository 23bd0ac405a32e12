"""The working process: arq carries job ids to `execute`, chores come by the clock, and download clients are polled."""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Any

import structlog
from arq.worker import Worker, func
from pydantic import SecretStr
from redis.exceptions import RedisError

from integrations.apprise_messages import AppriseMessages
from integrations.http import Outside
from jobs.decoding import AudioDecoder
from jobs.document_reading import DocumentReader
from jobs.documents import Ingesting
from jobs.downloads import Grabbing
from jobs.embedding_model import EmbeddingModel, prepare_reranker
from jobs.events import Bus, open_queue, unit_of_work
from jobs.housekeeping import cron_jobs
from jobs.imports import Importing
from jobs.index_builds import Indexing
from jobs.integrations import Integrations, integration_changed
from jobs.notifications import Notifying
from jobs.notifications import run as notify
from jobs.polling import Paces, Poller
from jobs.scans import Scanning
from jobs.stored_builds import require_pgvector
from jobs.tagging import TagWriter
from jobs.watching import Watcher
from jobs.workshop import Workshop, handlers
from library.background import end_task
from library.database import Database, identity, open_database
from library.integrations import EnvironmentIntegration, from_environment
from library.models.integrations import IntegrationKind
from library.scanning.file_reader import FileReader
from library.sealing import Seal
from rag.documents.bounds import Bounds
from settings import Settings

log = structlog.get_logger(__name__)

JOB_TIMEOUT = timedelta(days=7)  # of arq; a first scan of a large collection takes as long as it takes
AT_ONCE = 6
CHORES_AT_ONCE = 4  # they must never wait for long jobs
DELIVERIES = 1_000  # a dead worker's message comes again; the job's row counts the attempts that matter
POLL_SECONDS = 0.1
RECONNECT_SECONDS = 0.5
_MODEL_KINDS = {"openai": IntegrationKind.OPENAI_COMPATIBLE, "anthropic": IntegrationKind.ANTHROPIC}
LONGEST_HOST_NAME = 40  # in the name of a worker, which stands in rows


async def work(settings: Settings, keep_secret: Callable[[str], None]) -> None:
    """Work until the task is cancelled; jobs in hand are given back. Reconnects when Valkey was away."""
    async with AsyncExitStack() as stack:
        workshop = await _open(settings, stack, keep_secret)
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


def main(settings: Settings, keep_secret: Callable[[str], None]) -> None:
    """Work until SIGTERM or SIGINT; `keep_secret` is told of credentials that no log may show."""

    async def until_signalled() -> None:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: task.cancel() if task is not None else None)
        with suppress(asyncio.CancelledError):
            await work(settings, keep_secret)

    asyncio.run(until_signalled())


async def _open(settings: Settings, stack: AsyncExitStack, keep_secret: Callable[[str], None]) -> Workshop:
    name = f"{socket.gethostname()[:LONGEST_HOST_NAME]}:{os.getpid()}:{secrets.token_hex(4)}"
    database = open_database(settings.resolved_database_url)
    stack.push_async_callback(database.close)
    bus = Bus.open(settings.redis_url)
    stack.push_async_callback(bus.close)
    bus.start()
    reader = await stack.enter_async_context(
        FileReader(processes=settings.scan_processes, timeout=settings.file_timeout_seconds)
    )
    documents = await stack.enter_async_context(DocumentReader(bounds=Bounds(file_bytes=settings.max_document_bytes)))
    decoder = await stack.enter_async_context(AudioDecoder())
    tagger = await stack.enter_async_context(TagWriter())
    threads = settings.embedding_threads or os.cpu_count() or 1
    model = EmbeddingModel(settings.data_dir / "models", settings.embedding_model, threads)
    stored = settings.vector_index == "pgvector"
    if stored:
        await require_pgvector(database)
    if settings.rerank_model:
        prepare = partial(prepare_reranker, settings.data_dir / "rerankers", settings.rerank_model)
        await _in_background(stack, prepare, "reranker")
    indexing = Indexing(settings.data_dir / "index", model, stored)
    scanning = Scanning(reader=reader, covers=settings.data_dir / "covers", model=model)
    integrations = await _integrations(settings, stack, database, bus, keep_secret)
    apprise = AppriseMessages(settings.plain_http_hosts)
    stack.push_async_callback(apprise.close)
    notifying = Notifying(database, integrations.outside, apprise, integrations.seal, name)
    await _in_background(stack, partial(notify, notifying), "notifications")
    database_identity = await identity(database)
    paces = Paces(watched=settings.watched_poll_seconds, idle=settings.idle_poll_seconds)
    await _in_background(stack, Poller(integrations, database_identity, name, paces=paces).run, "polls")
    await _in_background(stack, Watcher(database, bus).run, "document folders")
    hours = settings.scan_interval_hours
    return Workshop(
        database=database,
        bus=bus,
        name=name,
        indexing=indexing,
        integrations=integrations,
        handlers=handlers(
            scanning=scanning,
            ingesting=Ingesting(documents, model, (settings.data_dir,)),
            indexing=indexing,
            grabbing=Grabbing(integrations, database_identity),
            importing=Importing(scanning, decoder, tagger, settings.resolved_recycle_dir),
            integrations=integrations,
        ),
        scan_interval=timedelta(hours=hours) if hours else None,
    )


async def _integrations(
    settings: Settings, stack: AsyncExitStack, database: Database, bus: Bus, keep_secret: Callable[[str], None]
) -> Integrations:
    seal = Seal(settings.secret_keys)
    async with unit_of_work(database, bus) as work:
        for changed in await from_environment(work.session, seal, _environment(settings)):
            integration_changed(work, changed)
    outside = Outside(
        settings.redis_url,
        user_agent=f"Shelfgraph/{version('shelfgraph')}",
        plain_http_hosts=settings.plain_http_hosts,
    )
    stack.push_async_callback(outside.close)
    integrations = Integrations(database, bus, outside, seal, keep_secret=keep_secret)
    stack.push_async_callback(integrations.close)
    return integrations


def _environment(settings: Settings) -> list[EnvironmentIntegration]:
    """The integrations that settings name."""
    given: list[tuple[IntegrationKind, str, dict[str, SecretStr | str | None]]] = [
        (IntegrationKind.PROWLARR, settings.prowlarr_url, {"api_key": settings.prowlarr_api_key}),
        (IntegrationKind.TORZNAB, settings.torznab_url, {"api_key": settings.torznab_api_key}),
        (IntegrationKind.MYANONAMOUSE, "", {"mam_id": settings.myanonamouse_session}),
        (
            IntegrationKind.QBITTORRENT,
            settings.qbittorrent_url,
            {"username": settings.qbittorrent_username, "password": settings.qbittorrent_password},
        ),
    ]
    found = [
        EnvironmentIntegration(kind, url, {name: _plain(value) for name, value in named.items()})
        for kind, url, named in given
        if url or (kind is IntegrationKind.MYANONAMOUSE and settings.myanonamouse_session)
    ]
    return [*found, *_language_model(settings)]


def _language_model(settings: Settings) -> list[EnvironmentIntegration]:
    """The language model that settings name: by its name, as Anthropic needs no address."""
    if not settings.language_model_name:
        return []
    kind = _MODEL_KINDS[settings.language_model_api]
    secrets = {"api_key": _plain(settings.language_model_api_key)}
    options = {"model": settings.language_model_name}
    return [EnvironmentIntegration(kind, settings.language_model_url, secrets, options)]


def _plain(value: SecretStr | str | None) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value or ""


async def _in_background(stack: AsyncExitStack, run: Callable[[], Any], name: str) -> None:
    stack.push_async_callback(end_task, asyncio.create_task(run(), name=name))


def _arq_worker(workshop: Workshop, redis_url: str) -> Worker:
    redis = open_queue(redis_url)
    return Worker(
        functions=[func(_run, name="run", timeout=JOB_TIMEOUT, keep_result=0, max_tries=DELIVERIES)],
        cron_jobs=cron_jobs(),
        redis_pool=redis,
        ctx={"workshop": workshop},
        handle_signals=False,
        max_jobs=AT_ONCE + CHORES_AT_ONCE,
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
    workshop: Workshop = ctx["workshop"]
    await workshop.run(job_id)
