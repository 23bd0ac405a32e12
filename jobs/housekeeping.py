"""What a worker does by the clock: it keeps jobs, downloads, integrations and rows in order."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import wraps
from typing import Any

import structlog
from arq import cron
from arq.cron import CronJob
from sqlalchemy.exc import SQLAlchemyError

from jobs import integration_checks, queue, reconciliation, trackers, wants
from jobs.embeddings import start_when_due
from jobs.events import unit_of_work
from jobs.execution import sweep
from jobs.index_builds import publish_when_due
from jobs.retirement import retire
from jobs.workshop import Workshop
from library import accounts, answers, budgets, documents, events, release_searches, roots
from library import jobs as job_rows
from library.models.tables import now
from rag.errors import ModelError

log = structlog.get_logger(__name__)

EVENTS_KEPT = timedelta(days=2)
FINISHED_SYSTEM_JOBS_KEPT = timedelta(days=1)
ENDED_TOKENS_KEPT = timedelta(days=30)
SEARCHES_KEPT = timedelta(days=30)  # those without a download
ANSWERS_KEPT = timedelta(days=30)
EVERY_FIVE_SECONDS = set(range(0, 60, 5))  # arq knows no frozen set

Chore = Callable[[Workshop], Awaitable[None]]


def cron_jobs() -> list[CronJob]:
    """Every chore with its times; arq gives each turn to one worker."""
    return [
        _cron(sweep_jobs, second=EVERY_FIVE_SECONDS, run_at_startup=True),
        _cron(reconcile_downloads, second=EVERY_FIVE_SECONDS, run_at_startup=True),
        _cron(start_embedding, second=0, run_at_startup=True),
        _cron(look_after_lineages, second=20, run_at_startup=True),
        _cron(look_after_integrations, second=15, run_at_startup=True),
        _cron(start_due_scans, second=30),
        _cron(search_for_wants, second=45),
        _cron(clean, minute=17, second=0),
    ]


async def sweep_jobs(workshop: Workshop) -> None:
    """Queue again what a crash left, and deliver what a lost message left."""
    await sweep(workshop.database, workshop.bus, now)


async def reconcile_downloads(workshop: Workshop) -> None:
    """Move on every download that waits for nobody."""
    await reconciliation.reconcile(workshop.database, workshop.bus, lineage=workshop.model.lineage)


async def start_embedding(workshop: Workshop) -> None:
    """Embed what waits, or build what a killed worker left; on a fresh machine prepare the model."""
    if await start_when_due(workshop.database, workshop.bus, workshop.model):
        await publish_when_due(workshop.database, workshop.bus, workshop.indexing)


async def look_after_lineages(workshop: Workshop) -> None:
    """Keep the model's export whole, and take away what was left by other models and ways of cutting."""
    try:
        await workshop.model.mend()
    except ModelError as error:
        log.warning("model_not_mended", reason=str(error), hint="the open one goes on; its next turn comes")
    await retire(workshop.database, workshop.process, workshop.indexing)


async def look_after_integrations(workshop: Workshop) -> None:
    """Ask the servers of others now and then how they are, and trackers how the account stands."""
    await integration_checks.check_due(workshop.database, workshop.bus)
    await trackers.refresh_due(workshop.database, workshop.bus)


async def start_due_scans(workshop: Workshop) -> None:
    """Scan the roots and read the documents again whose last look is long ago."""
    if workshop.scan_interval is None:
        return
    due_before = now() - workshop.scan_interval
    async with unit_of_work(workshop.database, workshop.bus) as work:
        for root in await roots.all_roots(work.session):
            if root.last_scanned_at is not None and root.last_scanned_at < due_before:
                await queue.scan_library(work, root.id)
        for source in await documents.sources_on_disk(work.session):
            if source.last_ingested_at is not None and source.last_ingested_at < due_before:
                await queue.ingest_documents(work, source.id)


async def search_for_wants(workshop: Workshop) -> None:
    """Search for what is wanted, as often as back-off and budget allow."""
    await wants.search_due(workshop.database, workshop.bus)


async def clean(workshop: Workshop) -> None:
    """Forget what nobody can ask for any more."""
    moment = now()
    async with workshop.database.write() as session:
        await events.prune(session, moment - EVENTS_KEPT)
        await job_rows.prune(session, queue.SYSTEM, moment - FINISHED_SYSTEM_JOBS_KEPT)
        await accounts.forget_ended(session, moment - ENDED_TOKENS_KEPT)
        await budgets.prune(session)
        await release_searches.prune(session, moment - SEARCHES_KEPT)
        await answers.prune(session, moment - ANSWERS_KEPT)


def _cron(chore: Chore, **times: Any) -> CronJob:
    @wraps(chore)
    async def turn(ctx: dict[str, Any]) -> None:
        try:
            await chore(ctx["workshop"])
        except (SQLAlchemyError, OSError) as error:
            log.warning("chore_failed", chore=chore.__name__, error=type(error).__name__, hint="its next turn comes")

    return cron(turn, name=chore.__name__, keep_result=0, max_tries=1, **times)
