"""Steps of a download that several jobs take: the job its state needs, and what a look at the client leads to.

Each is part of one unit of work, with its history row and its event.
"""

from collections.abc import Awaitable, Callable

from jobs import queue
from jobs.events import Work
from jobs.sightings import REASONS, Finding
from library import downloads
from library.models.downloads import Download, DownloadState
from library.models.tables import now

# The way back to the client, step by step.
_BACK = {
    DownloadState.IMPORTING: DownloadState.VERIFYING,
    DownloadState.VERIFYING: DownloadState.DOWNLOADING,
    DownloadState.DOWNLOADING: DownloadState.GRABBING,
}
_GRABBED = frozenset({DownloadState.QUEUED, DownloadState.GRABBING})
_IMPORTED = frozenset({DownloadState.VERIFYING, DownloadState.IMPORTING, DownloadState.IMPORTED})


async def start_job(work: Work, download: Download) -> None:
    """Start the job that a download's state needs, unless it is on its way; some states need none."""
    if download.state in _GRABBED:
        await queue.grab_download(work, download.id)
    elif download.state is DownloadState.DOWNLOADING:
        await queue.steer_download(work, download.id)
    elif download.state in _IMPORTED:
        await queue.import_download(work, download.id)


async def resume(work: Work, download: Download, *, message: str | None = None) -> None:
    """Let a blocked download go on where it was blocked."""
    downloads.unblock(work.session, download, message=message)
    work.download_changed(download)
    await start_job(work, download)


async def take_back(work: Work, download: Download) -> None:
    """Say that its torrent is gone: a retry gives it to the client once more, from the torrent that is kept."""
    _rewind(work, download)
    reason = REASONS[Finding.REMOVED]
    download.left_client_at = download.left_client_at or now()
    downloads.block(work.session, download, reason, retry_at=None)
    work.download_changed(download)


async def follow(work: Work, download: Download, finding: Finding) -> None:
    """Do what a finding means for the row, which the caller has locked and found as it was when it was judged."""
    await _STEPS[finding](work, download)


async def _complete(work: Work, download: Download) -> None:
    downloads.move(work.session, download, DownloadState.VERIFYING)
    work.download_changed(download)
    await queue.import_download(work, download.id)


async def _client_error(work: Work, download: Download) -> None:
    await _block(work, download, Finding.CLIENT_ERROR)


async def _files_missing(work: Work, download: Download) -> None:
    await _block(work, download, Finding.FILES_MISSING)


async def _block(work: Work, download: Download, finding: Finding) -> None:
    # An error of the disk passes, and a second start tells; files do not come back because somebody looks again.
    pause = downloads.pause_before_retry(download) if finding is Finding.CLIENT_ERROR else None
    downloads.block(work.session, download, REASONS[finding], retry_at=pause)
    work.download_changed(download)


async def _cleared(work: Work, download: Download) -> None:
    await resume(work, download, message="the client shows it as it should be again")


async def _incomplete(work: Work, download: Download) -> None:
    downloads.unblock(work.session, download)
    downloads.move(
        work.session, download, DownloadState.DOWNLOADING, message="the client fetches again what was not right"
    )
    work.download_changed(download)


async def _differs(work: Work, download: Download) -> None:
    await queue.steer_download(work, download.id)


async def _lost(work: Work, download: Download) -> None:
    _rewind(work, download)
    work.download_changed(download)
    await queue.grab_download(work, download.id)


async def _left(work: Work, download: Download) -> None:
    download.left_client_at = download.updated_at = now()
    work.download_changed(download)


async def _goal_reached(work: Work, download: Download) -> None:
    await queue.steer_download(work, download.id, action="REMOVE")


async def _seeding_lost(work: Work, download: Download) -> None:
    await queue.steer_download(work, download.id, action="RESTORE")


async def _nothing(work: Work, download: Download) -> None:
    """Leave it as it is."""


def _rewind(work: Work, download: Download) -> None:
    """Back to the state from which the kept torrent is given to the client."""
    if download.state is DownloadState.BLOCKED:
        downloads.unblock(work.session, download)
    while download.state in _BACK:
        downloads.move(work.session, download, _BACK[download.state], message="its torrent is not in the client")


_STEPS: dict[Finding, Callable[[Work, Download], Awaitable[None]]] = {
    Finding.NOTHING: _nothing,
    Finding.ABSENT: _nothing,
    Finding.COMPLETE: _complete,
    Finding.CLIENT_ERROR: _client_error,
    Finding.FILES_MISSING: _files_missing,
    Finding.CLEARED: _cleared,
    Finding.INCOMPLETE: _incomplete,
    Finding.DIFFERS: _differs,
    Finding.REMOVED: take_back,
    Finding.LOST: _lost,
    Finding.SEEDING_LOST: _seeding_lost,
    Finding.LEFT: _left,
    Finding.GOAL_REACHED: _goal_reached,
}
