"""Reconciliation: every few seconds rows are compared with time and with jobs, so that no download waits for nobody.

Rows and client are compared by jobs/client_looks.py. Whatever died, each download ends in one state that says why it is
there and how it goes on. Doing it twice, or in two workers at once, is harmless: it looks at each row under its lock.
"""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

import structlog

from jobs.download_steps import resume, start_job, take_back
from jobs.events import Bus, Work, unit_of_work
from library import download_jobs, download_progress, downloads
from library import jobs as job_rows
from library.database import Database
from library.downloads import DEADLINES, Reason, ReasonCode
from library.models.downloads import Download, DownloadState
from library.models.jobs import Job, JobKind, JobState
from library.models.tables import now
from library.passages import Lineage

log = structlog.get_logger(__name__)

Step = Callable[[Work, Download], Awaitable[None]]

# A job that ended well and left its row where it was is not repeated before this is over.
SETTLING = timedelta(seconds=60)
_HINT = "See the client and the integrations; retry the download, or cancel it."
_JOB_LOST = "Something unexpected went wrong; the worker's log has the details. It is tried again by itself."
_JOB_CANCELLED = "The job that was at it was cancelled. Retry the download to go on, or cancel it."


async def reconcile(
    database: Database, bus: Bus, *, lineage: Lineage | None, moment: Callable[[], datetime] = now
) -> None:
    """Move on whatever waits for nobody; `lineage` is what the index is made of, None before that is known."""
    present = moment()

    async def restart(work: Work, download: Download) -> None:
        await _restart(work, download, present)

    async def remind(work: Work, download: Download) -> None:
        await _remind(work, download, present)

    async def finish(work: Work, download: Download) -> None:
        await _finish(work, download, lineage)

    async with database.read() as session:
        steps: list[tuple[Iterable[int], Step]] = [
            (_ids(await downloads.due(session, present)), _retry),
            (await download_jobs.taken_from_client_and_disk(session), take_back),
            (await download_jobs.without_job(session), restart),
            (_ids(await download_progress.enriching(session)), finish),
            (_ids(await downloads.overdue(session, present)), remind),
        ]
    for ids, step in steps:
        for download_id in ids:
            await _one(database, bus, download_id, step)


async def _one(database: Database, bus: Bus, download_id: int, step: Step) -> None:
    """A transaction for each, so that one that cannot be moved holds up no other."""
    try:
        async with unit_of_work(database, bus) as work:
            await step(work, await downloads.get(work.session, download_id, locked=True))
    except downloads.IllegalStep:
        log.info("reconciled_elsewhere", download_id=download_id)
    except Exception:  # the next turn tries it again, and the others must not wait for it
        log.exception("not_reconciled", download_id=download_id)


async def _retry(work: Work, download: Download) -> None:
    """The pause is over."""
    if download.state is DownloadState.BLOCKED and download.retry_at is not None:
        await resume(work, download, message="tried again")


async def _restart(work: Work, download: Download, moment: datetime) -> None:
    """Nobody is at it: start its job again, or say what became of the last one."""
    if download.state not in download_jobs.KINDS:
        return
    last = await download_jobs.last_since(work.session, download)
    if last is None or _has_settled(last, moment):
        await start_job(work, download)
    elif last.state is JobState.FAILED:
        reason = Reason(ReasonCode.UNEXPECTED, last.error_message or _JOB_LOST)
        pause = downloads.pause_before_retry(download)
        downloads.block(work.session, download, reason, retry_at=pause)
        work.download_changed(download)
    elif last.state is JobState.CANCELLED:
        downloads.block(work.session, download, Reason(ReasonCode.UNEXPECTED, _JOB_CANCELLED), retry_at=None)
        work.download_changed(download)


def _has_settled(job: Job, moment: datetime) -> bool:
    ended_well = job.state in {JobState.SUCCEEDED, JobState.PARTIAL}
    return ended_well and job.finished_at is not None and job.finished_at < moment - SETTLING


async def _remind(work: Work, download: Download, moment: datetime) -> None:
    """It has been where it is for too long: give it time where something moves, else say so."""
    if download.deadline_at is None or download.deadline_at > moment:
        return
    if await _moves(work, download):
        allowed = DEADLINES[download.state]
        download.deadline_at = moment + allowed if allowed is not None else None
        return
    downloads.block(work.session, download, _overdue(download), retry_at=_retry_of_overdue(download))
    work.download_changed(download)


async def _moves(work: Work, download: Download) -> bool:
    if download.state is DownloadState.DOWNLOADING:
        return download.paused or download.bytes_per_second > 0
    return await download_jobs.has_job(work.session, download)


def _overdue(download: Download) -> Reason:
    days = DEADLINES[DownloadState.DOWNLOADING]
    if download.state is DownloadState.DOWNLOADING and days is not None:
        message = f"Not finished after {days.days} days, and nothing comes at the moment."
        hint = "It goes on by itself when bytes come. Re-announce it, or cancel it and choose a release with seeders."
        return Reason(ReasonCode.STALLED, message, hint)
    return Reason(ReasonCode.OVERDUE, f"It was {download.state} for longer than that ever takes.", _HINT)


def _retry_of_overdue(download: Download) -> datetime | None:
    # What stalls is watched by the polls, which see when bytes come again.
    return None if download.state is DownloadState.DOWNLOADING else downloads.pause_before_retry(download)


async def _finish(work: Work, download: Download, lineage: Lineage | None) -> None:
    """ENRICHING → DONE once every passage of its books has a vector, or nothing waits for one."""
    if download.state is not DownloadState.ENRICHING:
        return
    books = await download_progress.books_of(work.session, download)
    if await download_progress.waits_for_vectors(work.session, books, lineage):
        return
    splitting = await download_progress.has_no_passages(work.session, books)
    if splitting and await job_rows.unfinished(work.session, JobKind.EMBED_PASSAGES) is not None:
        return
    downloads.move(work.session, download, DownloadState.DONE)
    work.download_changed(download)


def _ids(found: Iterable[Download]) -> list[int]:
    return [download.id for download in found]
