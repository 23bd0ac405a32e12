"""Downloads and the jobs that are at them: which wait for nobody, and what became of the last job."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.downloads import ReasonCode
from library.models.downloads import Download, DownloadState, DownloadTorrent
from library.models.jobs import FINISHED_STATES, Job, JobKind, JobState

# Who moves a download on from a state; of the others, the client and the embedding do.
KINDS = {
    DownloadState.QUEUED: JobKind.GRAB_DOWNLOAD,
    DownloadState.GRABBING: JobKind.GRAB_DOWNLOAD,
    DownloadState.VERIFYING: JobKind.IMPORT_DOWNLOAD,
    DownloadState.IMPORTING: JobKind.IMPORT_DOWNLOAD,
    DownloadState.IMPORTED: JobKind.IMPORT_DOWNLOAD,
}
_ALL_KINDS = sorted(set(KINDS.values()))
_GOING_ON = (JobState.QUEUED, JobState.RUNNING)
_FROM_FILES = (DownloadState.VERIFYING, DownloadState.IMPORTING)


async def without_job(session: AsyncSession, limit: int = 100) -> Sequence[int]:
    """Downloads whose state needs a job that is neither waiting nor running."""
    # Asked for each download anew, a thousand that wait would look at a thousand jobs each.
    looked_after = sa.select(_download_id()).where(Job.kind.in_(_ALL_KINDS), Job.state.in_(_GOING_ON))
    alone = (Download.state.in_(list(KINDS)), Download.id.not_in(looked_after))
    return (await session.scalars(sa.select(Download.id).where(*alone).order_by(Download.id).limit(limit))).all()


async def has_job(session: AsyncSession, download: Download) -> bool:
    """Whether somebody is at it, or will be."""
    its_own = (Job.kind.in_(_ALL_KINDS), Job.state.in_(_GOING_ON), _download_id() == download.id)
    return await session.scalar(sa.select(Job.id).where(*its_own).limit(1)) is not None


async def last_since(session: AsyncSession, download: Download) -> Job | None:
    """The last job of its state's kind that ended since it came into its state."""
    ended = (
        Job.kind == KINDS[download.state],
        Job.state.in_(list(FINISHED_STATES)),
        Job.finished_at >= download.state_since,
        _download_id() == download.id,
    )
    return await session.scalar(sa.select(Job).where(*ended).order_by(Job.id.desc()).limit(1))


async def taken_from_client_and_disk(session: AsyncSession, limit: int = 100) -> Sequence[int]:
    """Downloads whose files were not found after their torrent had left the client: there is nothing to verify."""
    gone = (
        Download.state == DownloadState.BLOCKED,
        Download.reason_code == ReasonCode.FILES_NOT_FOUND,
        Download.returns_to.in_(_FROM_FILES),
        Download.left_client_at.is_not(None),
        Download.id.in_(sa.select(DownloadTorrent.download_id)),
    )
    return (await session.scalars(sa.select(Download.id).where(*gone).order_by(Download.id).limit(limit))).all()


def _download_id() -> sa.ColumnElement[int]:
    number: sa.ColumnElement[int] = Job.payload["download_id"].as_integer()
    return number
