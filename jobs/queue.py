"""One small function per job, to start it from a unit of work."""

from typing import Any

from jobs.events import Work
from library import jobs as job_rows
from library.models.jobs import Job, JobKind

SYSTEM = "system"


async def scan_library(
    work: Work,
    root_id: int,
    *,
    created_by: str = SYSTEM,
    idempotency_key: str | None = None,
    force: bool = False,
) -> Job:
    """Scan one library root; a scan of it that has not ended is returned instead of a second one."""
    payload = {"root_id": root_id, "force": force}
    return await _once(work, JobKind.SCAN_LIBRARY, payload, created_by, idempotency_key)


async def embed_passages(work: Work) -> Job:
    """Embed every passage that has no vector yet; one such job is enough."""
    return await _once(work, JobKind.EMBED_PASSAGES, {}, SYSTEM)


async def ingest_documents(
    work: Work,
    source_id: int,
    *,
    created_by: str = SYSTEM,
    idempotency_key: str | None = None,
    force: bool = False,
) -> Job:
    """Read one source of documents; an ingest of it that has not ended is returned instead of a second one."""
    payload = {"source_id": source_id, "force": force}
    return await _once(work, JobKind.INGEST_DOCUMENTS, payload, created_by, idempotency_key)


async def reindex(
    work: Work,
    *,
    owner: tuple[str, int] | None = None,
    created_by: str = SYSTEM,
    idempotency_key: str | None = None,
) -> Job:
    """Cut and embed again: everything, or one owner of passages by its kind and id."""
    payload = {"owner_kind": owner[0], "owner_id": owner[1]} if owner is not None else {}
    return await _once(work, JobKind.REINDEX, payload, created_by, idempotency_key)


async def build_index(work: Work) -> Job:
    """Publish a new generation of the index; one such job is enough."""
    return await _once(work, JobKind.BUILD_INDEX, {}, SYSTEM)


async def check_integration(
    work: Work, integration_id: int, *, created_by: str = SYSTEM, idempotency_key: str | None = None
) -> Job:
    """Find out whether an integration is configured rightly and well."""
    return await _once(work, JobKind.CHECK_INTEGRATION, {"integration_id": integration_id}, created_by, idempotency_key)


async def refresh_tracker(
    work: Work, integration_id: int, *, created_by: str = SYSTEM, idempotency_key: str | None = None
) -> Job:
    """Ask a tracker how the user's account stands."""
    return await _once(work, JobKind.REFRESH_TRACKER, {"integration_id": integration_id}, created_by, idempotency_key)


async def buy_at_tracker(work: Work, purchase_id: int, *, created_by: str, idempotency_key: str | None = None) -> Job:
    """Buy what a purchase row says; such a job is never repeated by itself."""
    return await _start(work, JobKind.BUY_AT_TRACKER, {"purchase_id": purchase_id}, created_by, idempotency_key)


async def search_releases(
    work: Work, search_id: int, *, created_by: str = SYSTEM, idempotency_key: str | None = None
) -> Job:
    """Ask all indexers what a search row says."""
    return await _start(work, JobKind.SEARCH_RELEASES, {"search_id": search_id}, created_by, idempotency_key)


async def grab_download(
    work: Work, download_id: int, *, created_by: str = SYSTEM, idempotency_key: str | None = None
) -> Job:
    """Fetch a download's torrent and give it to the client."""
    return await _once(work, JobKind.GRAB_DOWNLOAD, {"download_id": download_id}, created_by, idempotency_key)


async def steer_download(work: Work, download_id: int, *, action: str | None = None, created_by: str = SYSTEM) -> Job:
    """Bring the client in line with a download's row; `action` ANNOUNCE or REMOVE is done besides."""
    return await _once(work, JobKind.STEER_DOWNLOAD, {"download_id": download_id, "action": action}, created_by)


async def import_download(work: Work, download_id: int, *, created_by: str = SYSTEM) -> Job:
    """Verify a complete download and place it in the library."""
    return await _once(work, JobKind.IMPORT_DOWNLOAD, {"download_id": download_id}, created_by)


async def undo_import(work: Work, import_id: int, *, created_by: str, idempotency_key: str | None = None) -> Job:
    """Take the files of an import out of the library again, into the recycle folder."""
    return await _once(work, JobKind.UNDO_IMPORT, {"import_id": import_id}, created_by, idempotency_key)


async def answer_question(work: Work, answer_id: int, *, created_by: str) -> Job:
    """Have a language model write an answer from what was found."""
    return await _start(work, JobKind.ANSWER_QUESTION, {"answer_id": answer_id}, created_by)


async def cancel(work: Work, job_id: int) -> Job:
    """Ask a job to stop; raises NotFound or JobFinished."""
    job = await job_rows.request_cancel(work.session, job_id)
    work.job_changed(job)
    return job


async def retry(work: Work, job_id: int) -> Job:
    """Start a job once more that failed, ended PARTIAL or was cancelled.

    Raises NotFound, JobNotFinished or SameJobGoesOn.
    """
    job = await job_rows.retry(work.session, job_id)
    work.job_changed(job)
    work.deliver(job)
    return job


async def _once(
    work: Work, kind: JobKind, payload: dict[str, Any], created_by: str, idempotency_key: str | None = None
) -> Job:
    """Start a job unless one like it waits or runs already; a key of the caller's own decides alone."""
    if idempotency_key is None:
        going_on = await job_rows.unfinished(work.session, kind, payload)
        if going_on is not None:
            return going_on
    return await _start(work, kind, payload, created_by, idempotency_key)


async def _start(
    work: Work, kind: JobKind, payload: dict[str, Any], created_by: str, idempotency_key: str | None = None
) -> Job:
    created = await job_rows.create(work.session, kind, payload, created_by=created_by, idempotency_key=idempotency_key)
    if created.is_new:
        work.job_changed(created.job)
        work.deliver(created.job)
    return created.job
