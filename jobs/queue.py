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
    if idempotency_key is None:
        going_on = await job_rows.unfinished(work.session, JobKind.SCAN_LIBRARY, payload)
        if going_on is not None:
            return going_on
    return await _start(work, JobKind.SCAN_LIBRARY, payload, created_by, idempotency_key)


async def embed_passages(work: Work) -> Job:
    """Embed every passage that has no vector yet; one such job is enough."""
    queued = await job_rows.unfinished(work.session, JobKind.EMBED_PASSAGES)
    return queued or await _start(work, JobKind.EMBED_PASSAGES, {}, SYSTEM)


async def build_index(work: Work) -> Job:
    """Publish a new generation of the index; one such job is enough."""
    queued = await job_rows.unfinished(work.session, JobKind.BUILD_INDEX)
    return queued or await _start(work, JobKind.BUILD_INDEX, {}, SYSTEM)


async def cancel(work: Work, job_id: int) -> Job:
    """Ask a job to stop; raises NotFound or JobFinished."""
    job = await job_rows.request_cancel(work.session, job_id)
    work.job_changed(job)
    return job


async def retry(work: Work, job_id: int) -> Job:
    """Start a job that failed, ended PARTIAL or was cancelled once more; raises NotFound or JobNotFinished."""
    job = await job_rows.retry(work.session, job_id)
    work.job_changed(job)
    work.deliver(job)
    return job


async def _start(
    work: Work, kind: JobKind, payload: dict[str, Any], created_by: str, idempotency_key: str | None = None
) -> Job:
    created = await job_rows.create(work.session, kind, payload, created_by=created_by, idempotency_key=idempotency_key)
    if created.is_new:
        work.job_changed(created.job)
        work.deliver(created.job)
    return created.job
