"""Downloads as rows: asked for, moved from state to state with their history, blocked with a reason and a way on.

Every function that changes a download leaves its history row in the same transaction; whoever calls tells of it with
`Work.download_changed`.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.errors import Conflict, NotFound
from library.models.downloads import (
    ENDED_STATES,
    Download,
    DownloadChange,
    DownloadFile,
    DownloadState,
    DownloadTorrent,
    ImportMode,
)
from library.models.releases import Release
from library.models.tables import now

SEEDING_GOAL = timedelta(hours=72)  # what MyAnonamouse asks for within 30 days; see its rule 1.4
_FIRST_PAUSE = timedelta(seconds=15)
_LONGEST_PAUSE = timedelta(hours=1)
_MOST_DOUBLINGS = 16

# How long a download may stay in a state before somebody looks after it; None: as long as it takes.
DEADLINES: dict[DownloadState, timedelta | None] = {
    DownloadState.QUEUED: timedelta(minutes=5),
    DownloadState.GRABBING: timedelta(minutes=10),
    DownloadState.DOWNLOADING: timedelta(days=7),
    DownloadState.VERIFYING: timedelta(hours=2),
    DownloadState.IMPORTING: timedelta(hours=6),
    DownloadState.IMPORTED: timedelta(hours=1),
    DownloadState.ENRICHING: timedelta(hours=1),
    DownloadState.DONE: None,
    DownloadState.BLOCKED: None,
    DownloadState.FAILED: None,
    DownloadState.CANCELLED: None,
    DownloadState.REPLACED: None,
}

_STEPS: dict[DownloadState, frozenset[DownloadState]] = {
    DownloadState.QUEUED: frozenset({DownloadState.GRABBING}),
    DownloadState.GRABBING: frozenset({DownloadState.DOWNLOADING, DownloadState.QUEUED}),
    DownloadState.DOWNLOADING: frozenset({DownloadState.VERIFYING, DownloadState.GRABBING}),
    DownloadState.VERIFYING: frozenset({DownloadState.IMPORTING, DownloadState.DOWNLOADING}),
    DownloadState.IMPORTING: frozenset({DownloadState.IMPORTED, DownloadState.VERIFYING}),
    DownloadState.IMPORTED: frozenset({DownloadState.ENRICHING}),
    DownloadState.ENRICHING: frozenset({DownloadState.DONE}),
    DownloadState.DONE: frozenset({DownloadState.REPLACED}),
    DownloadState.FAILED: frozenset({DownloadState.QUEUED, DownloadState.GRABBING, DownloadState.VERIFYING}),
    DownloadState.CANCELLED: frozenset({DownloadState.QUEUED}),
    DownloadState.BLOCKED: frozenset(),
    DownloadState.REPLACED: frozenset(),
}
_ALWAYS = frozenset({DownloadState.BLOCKED, DownloadState.FAILED, DownloadState.CANCELLED, DownloadState.REPLACED})


class ReasonCode(enum.StrEnum):
    """Why a download is blocked or has failed; the refusals of library.releases.gate are reasons too."""

    INDEXER_UNAVAILABLE = "INDEXER_UNAVAILABLE"  # the torrent cannot be fetched now
    RELEASE_GONE = "RELEASE_GONE"  # the indexer no longer has it
    NOT_A_TORRENT = "NOT_A_TORRENT"  # what came is no torrent file
    TRACKER_REFUSED = "TRACKER_REFUSED"  # the tracker gives no torrent now
    NEEDS_ACTION = "NEEDS_ACTION"  # an integration waits for the user
    NOT_CONFIGURED = "NOT_CONFIGURED"  # there is no download client, indexer or library root for it
    CLIENT_UNAVAILABLE = "CLIENT_UNAVAILABLE"  # the download client does not answer
    CLIENT_REFUSED = "CLIENT_REFUSED"  # the download client does not take the torrent
    CLIENT_ERROR = "CLIENT_ERROR"  # the download client reports an error with this torrent
    FILES_MISSING_IN_CLIENT = "FILES_MISSING_IN_CLIENT"  # the download client cannot find its own files
    TORRENT_REMOVED = "TORRENT_REMOVED"  # somebody took the torrent out of the client
    STALLED = "STALLED"  # nothing has come for too long
    FILES_NOT_FOUND = "FILES_NOT_FOUND"  # complete, but not where we look: see the path mapping
    FILES_DIFFER = "FILES_DIFFER"  # names or sizes are not those of the torrent
    FILES_UNREADABLE = "FILES_UNREADABLE"  # audio that cannot be decoded
    NO_AUDIO = "NO_AUDIO"  # there is no audio in it
    DURATION_DIFFERS = "DURATION_DIFFERS"  # more than a tenth away from the edition that was meant
    CROSS_DEVICE = "CROSS_DEVICE"  # download and library are on two file systems, so no hardlink is possible
    TARGET_EXISTS = "TARGET_EXISTS"  # a file that is not ours is in the way
    DISK_FULL = "DISK_FULL"  # no space in the library
    LIBRARY_UNWRITABLE = "LIBRARY_UNWRITABLE"  # no right to write there
    OVERDUE = "OVERDUE"  # it stayed in a state past its deadline
    SCAN_FAILED = "SCAN_FAILED"  # placed, but the library could not read it
    UNEXPECTED = "UNEXPECTED"  # the worker's log has the details


# What a server that answers again, or is configured at last, may end.
_OF_SERVERS = frozenset(
    {
        ReasonCode.INDEXER_UNAVAILABLE,
        ReasonCode.NEEDS_ACTION,
        ReasonCode.NOT_CONFIGURED,
        ReasonCode.CLIENT_UNAVAILABLE,
    }
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a download cannot go on: for programs, for people, and what they can do."""

    code: str
    message: str
    hint: str | None = None


class IllegalStep(Exception):
    """A step that the state machine does not know; a mistake of ours, never of a user."""

    def __init__(self, download: Download, to: DownloadState) -> None:
        super().__init__(f"Download {download.id} cannot go from {download.state} to {to}.")


class AlreadyRequested(Conflict):
    """A release that is being downloaded already."""

    def __init__(self, download: Download) -> None:
        super().__init__(f"{download.name!r} is being downloaded already ({download.state}). Follow that download.")


class DownloadEnded(Conflict):
    """A download that has come to its end."""

    def __init__(self, download: Download, wish: str) -> None:
        super().__init__(f"The download is {download.state}; it cannot be {wish} any more.")


class NotRetriable(Conflict):
    """A download that goes on by itself."""

    def __init__(self, download: Download) -> None:
        super().__init__(
            f"The download is {download.state}; only one that is BLOCKED, FAILED or CANCELLED can be retried."
        )


async def request(
    session: AsyncSession,
    release: Release,
    *,
    created_by: str,
    mode: ImportMode,
    book_id: int | None = None,
    want_id: int | None = None,
    root_id: int | None = None,
    wedge: bool = False,
) -> Download:
    """Write a QUEUED download of a release; raises AlreadyRequested while the same offer is on its way."""
    going_on = await active_of_key(session, release.key)
    if going_on is not None:
        raise AlreadyRequested(going_on)
    download = Download(
        release_id=release.id,
        book_id=book_id,
        want_id=want_id,
        root_id=root_id,
        mode=mode,
        name=release.title,
        total_bytes=release.size_bytes or 0,
        info_hash=None,
        wedge=wedge,
        seeding_goal_seconds=int(SEEDING_GOAL.total_seconds()),
        created_by=created_by,
        state=DownloadState.QUEUED,
        deadline_at=_deadline(DownloadState.QUEUED),
    )
    session.add(download)
    await session.flush()
    _note(session, download, None, None)
    return download


async def get(session: AsyncSession, download_id: int, *, locked: bool = False) -> Download:
    """The download with this id, on Postgres locked for change if asked; raises NotFound."""
    download = await session.get(Download, download_id, populate_existing=True, with_for_update=locked)
    if download is None:
        raise NotFound("download", download_id)
    return download


async def active_of_key(session: AsyncSession, key: str) -> Download | None:
    """A download of the same offer that has not ended."""
    return await session.scalar(
        sa.select(Download)
        .join(Release, Release.id == Download.release_id)
        .where(Release.key == key, Download.state.not_in(list(ENDED_STATES)))
        .limit(1)
    )


async def with_hash(session: AsyncSession, info_hash: str, *, other_than: int) -> Download | None:
    """Another download of the same torrent that has not failed or been cancelled."""
    over = [DownloadState.FAILED, DownloadState.CANCELLED, DownloadState.REPLACED]
    return await session.scalar(
        sa.select(Download)
        .where(Download.info_hash == info_hash, Download.id != other_than, Download.state.not_in(over))
        .limit(1)
    )


async def files_of(session: AsyncSession, download_id: int) -> Sequence[DownloadFile]:
    """The files of a download's torrent, in the torrent's order."""
    select = sa.select(DownloadFile).where(DownloadFile.download_id == download_id).order_by(DownloadFile.position)
    return (await session.scalars(select)).all()


async def keep_torrent(session: AsyncSession, download_id: int, sealed: str) -> None:
    """Keep the sealed torrent file, so that the torrent can be given to the client again."""
    await session.merge(DownloadTorrent(download_id=download_id, sealed=sealed))


async def torrent_of(session: AsyncSession, download_id: int) -> str | None:
    """The sealed torrent file, once it was fetched."""
    return await session.scalar(sa.select(DownloadTorrent.sealed).where(DownloadTorrent.download_id == download_id))


def move(session: AsyncSession, download: Download, to: DownloadState, *, message: str | None = None) -> None:
    """Go one step on; a step to the present state changes nothing. Raises IllegalStep."""
    if download.state is to:
        return
    if to not in _STEPS[download.state] and not (to in _ALWAYS and download.state not in ENDED_STATES):
        raise IllegalStep(download, to)
    _enter(session, download, to, None, message)
    download.attempts = 0


def block(session: AsyncSession, download: Download, reason: Reason, *, retry_at: datetime | None) -> None:
    """Stop until `retry_at`, or (None) until the user retries; the present state is where it goes on."""
    if download.state is not DownloadState.BLOCKED:
        if download.state in ENDED_STATES:
            raise IllegalStep(download, DownloadState.BLOCKED)
        download.returns_to = download.state
    same = download.state is DownloadState.BLOCKED and download.reason_code == reason.code
    download.attempts += 1
    if same:  # the same again is no news for the history
        download.reason_message, download.reason_hint = reason.message, reason.hint
        download.updated_at = now()
    else:
        _enter(session, download, DownloadState.BLOCKED, reason, reason.message)
    download.retry_at = retry_at


def pause_before_retry(download: Download) -> datetime:
    """When a hindrance that passes by itself is worth another try: later each time, within an hour."""
    doubled: timedelta = _FIRST_PAUSE * (1 << min(download.attempts, _MOST_DOUBLINGS))
    return now() + min(doubled, _LONGEST_PAUSE)


def unblock(session: AsyncSession, download: Download, *, message: str | None = None) -> None:
    """Go back from BLOCKED to the state it was blocked in, keeping count of the attempts."""
    if download.state is not DownloadState.BLOCKED or download.returns_to is None:
        raise IllegalStep(download, DownloadState.QUEUED)
    _enter(session, download, download.returns_to, None, message)


def fail(session: AsyncSession, download: Download, reason: Reason) -> None:
    """End it with a reason; it can be retried."""
    if download.state in ENDED_STATES:
        raise IllegalStep(download, DownloadState.FAILED)
    _enter(session, download, DownloadState.FAILED, reason, reason.message)


def cancel(session: AsyncSession, download: Download, *, with_data: bool) -> None:
    """End it by a user's wish; the client is told by a job. Raises DownloadEnded."""
    if download.state in ENDED_STATES:
        raise DownloadEnded(download, "cancelled")
    download.cancel_requested, download.cancel_with_data = True, with_data
    _enter(session, download, DownloadState.CANCELLED, None, "cancelled by a user")


def retry(session: AsyncSession, download: Download, *, ignore_warnings: bool = False) -> None:
    """Start a blocked, failed or cancelled download again where it stopped; raises NotRetriable."""
    if download.state is DownloadState.BLOCKED:
        back = download.returns_to or DownloadState.QUEUED
    elif download.state is DownloadState.FAILED:
        back = (
            DownloadState.VERIFYING if download.content_path and not download.left_client_at else DownloadState.QUEUED
        )
    elif download.state is DownloadState.CANCELLED:
        back = DownloadState.QUEUED
    else:
        raise NotRetriable(download)
    download.cancel_requested = download.cancel_with_data = False
    download.ignore_warnings = ignore_warnings
    download.missing_polls, download.left_client_at, download.finished_at = 0, None, None
    _enter(session, download, back, None, "retried by a user")
    download.attempts = 0


async def hurry(session: AsyncSession) -> None:
    """Let the blocked that wait for somebody else's server go on at once: one of these servers is back."""
    waiting = sa.and_(Download.state == DownloadState.BLOCKED, Download.reason_code.in_(_OF_SERVERS))
    await session.execute(sa.update(Download).where(waiting, Download.retry_at > now()).values(retry_at=now()))


async def due(session: AsyncSession, moment: datetime, limit: int = 100) -> Sequence[Download]:
    """Blocked downloads whose pause is over."""
    blocked = sa.and_(Download.state == DownloadState.BLOCKED, Download.retry_at <= moment)
    return (await session.scalars(sa.select(Download).where(blocked).order_by(Download.retry_at).limit(limit))).all()


async def overdue(session: AsyncSession, moment: datetime, limit: int = 100) -> Sequence[Download]:
    """Downloads past the deadline of their state."""
    select = sa.select(Download).where(Download.deadline_at <= moment).order_by(Download.deadline_at).limit(limit)
    return (await session.scalars(select)).all()


async def history(session: AsyncSession, download_id: int) -> Sequence[DownloadChange]:
    """Every step a download has taken, oldest first."""
    select = sa.select(DownloadChange).where(DownloadChange.download_id == download_id).order_by(DownloadChange.id)
    return (await session.scalars(select)).all()


def _enter(
    session: AsyncSession, download: Download, to: DownloadState, reason: Reason | None, message: str | None
) -> None:
    moment = now()
    came_from, download.state = download.state, to
    download.state_since = download.updated_at = moment
    download.deadline_at = _deadline(to)
    download.reason_code = reason.code if reason else None
    download.reason_message = reason.message if reason else None
    download.reason_hint = reason.hint if reason else None
    download.retry_at = None
    if to is not DownloadState.BLOCKED:
        download.returns_to = None
    if to in ENDED_STATES:
        download.finished_at = moment
    if to is not DownloadState.DOWNLOADING:
        download.bytes_per_second, download.eta_seconds = 0, None
    _note(session, download, came_from, message)


def _note(session: AsyncSession, download: Download, came_from: DownloadState | None, message: str | None) -> None:
    session.add(
        DownloadChange(
            download_id=download.id,
            from_state=came_from,
            to_state=download.state,
            code=download.reason_code,
            message=message,
        )
    )


def _deadline(state: DownloadState) -> datetime | None:
    allowed = DEADLINES[state]
    return now() + allowed if allowed is not None else None
