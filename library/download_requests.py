"""Asking for a download: whether a release may be asked for by somebody, and what holds where nothing was said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import downloads
from library import jobs as job_rows
from library.database import next_version
from library.downloads import SEEDING_GOAL
from library.errors import Conflict, Forbidden, IdempotencyKeyReused, NotFound
from library.models.accounts import Role
from library.models.books import Book
from library.models.downloads import Download, DownloadState, ImportMode
from library.models.editions import LibraryRoot
from library.models.integrations import Integration, IntegrationKind
from library.models.jobs import JobKind
from library.models.releases import Release, ReleaseSearch
from library.models.tables import now

_REQUESTS = "download-requests"  # a counter whose lock lets two requests for one release see each other


class ReleaseRejected(Conflict):
    """A release that the rules speak against."""

    def __init__(self, release: Release) -> None:
        reasons = "; ".join(f"{one['code']}: {one['message']}" for one in release.decision.get("rejections", ()))
        super().__init__(
            f"{release.title!r} was rejected ({reasons or 'no reason is kept'}). "
            "Choose another release, or set `ignoreRejections` to take it all the same."
        )


class NotInClient(Conflict):
    """A wish about a torrent that the download client does not have."""

    def __init__(self, download: Download) -> None:
        super().__init__(f"The download client has no torrent of {download.name!r} ({download.state}).")


class GoalNotReached(Conflict):
    """A torrent that has to be seeded longer before it may go."""

    def __init__(self, download: Download) -> None:
        hours = (download.seeding_goal_seconds - download.seeding_seconds) / 3600
        super().__init__(
            f"{download.name!r} has to be seeded {max(hours, 0.1):.1f} hours more before it is removed. "
            "Wait for it; an administrator may use `force`, which may cost the account at the tracker."
        )


class NotDone(Conflict):
    """A download that only its end lets go of."""

    def __init__(self, download: Download) -> None:
        super().__init__(f"The download is {download.state}; only one that is DONE is removed. Cancel it instead.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks for; None where nothing was said."""

    release_id: int
    book_id: int | None = None
    root_id: int | None = None
    mode: ImportMode | None = None
    wedge: bool = False
    ignore_rejections: bool = False


async def asked_before(session: AsyncSession, actor: str, idempotency_key: str | None, wish: Wish) -> Download | None:
    """The download that the same request has made already; raises IdempotencyKeyReused.

    From here to the end of the transaction no other request comes between.
    """
    await next_version(session, _REQUESTS)
    if idempotency_key is None:
        return None
    job = await job_rows.by_key(session, actor, idempotency_key)
    if job is None:
        return None
    download = await session.get(Download, job.payload.get("download_id"))
    if job.kind is not JobKind.GRAB_DOWNLOAD or download is None or download.release_id != wish.release_id:
        raise IdempotencyKeyReused(idempotency_key)
    return download


async def release_for(session: AsyncSession, release_id: int, *, searched_by: str | None) -> Release:
    """The release, if this person (None: anybody) has searched for it; raises NotFound."""
    release = await session.get(Release, release_id, populate_existing=True)
    search = await session.get(ReleaseSearch, release.search_id) if release is not None else None
    if release is None or search is None or searched_by not in {None, search.created_by}:
        raise NotFound("release", release_id)
    return release


async def write(session: AsyncSession, release: Release, wish: Wish, *, actor: str) -> Download:
    """Write the QUEUED download; raises ReleaseRejected, NotFound or AlreadyRequested."""
    if not release.accepted and not wish.ignore_rejections:
        raise ReleaseRejected(release)
    search = await session.get_one(ReleaseSearch, release.search_id)
    await _must_exist(session, Book, "book", wish.book_id)
    await _must_exist(session, LibraryRoot, "library root", wish.root_id)
    same_book = wish.book_id in {None, search.book_id}
    options = await _client_options(session)
    download = await downloads.request(
        session,
        release,
        created_by=actor,
        mode=wish.mode or ImportMode(options.get("mode", ImportMode.HARDLINK)),
        book_id=wish.book_id or search.book_id,
        want_id=search.want_id if same_book else None,
        root_id=wish.root_id or options.get("root_id"),
        wedge=wish.wedge,
    )
    download.seeding_goal_seconds = _seeding_goal(release, options)
    return download


def pause(download: Download, *, paused: bool) -> None:
    """Wish that its torrent stands still, or goes on; raises DownloadEnded where there is nothing to wish."""
    over = {DownloadState.FAILED, DownloadState.CANCELLED, DownloadState.REPLACED}
    if paused:
        over.add(DownloadState.DONE)  # standing still, it would never reach its seeding goal
    if download.state in over:
        raise downloads.DownloadEnded(download, "paused" if paused else "resumed")
    download.paused, download.updated_at = paused, now()


def must_be_in_client(download: Download) -> None:
    """Raise NotInClient unless the client has its torrent, as far as anybody knows."""
    if download.info_hash is None or download.client_id is None or download.left_client_at is not None:
        raise NotInClient(download)


def let_go(download: Download, *, force: bool, is_admin: bool) -> None:
    """Allow that its torrent is removed: after its goal, or by an administrator's force, which ends the goal.

    Raises NotInClient, NotDone, GoalNotReached or Forbidden.
    """
    must_be_in_client(download)
    if download.state is not DownloadState.DONE:
        raise NotDone(download)
    if force and not is_admin:
        raise Forbidden(Role.ADMIN)
    if force:
        download.seeding_goal_seconds = 0
        download.updated_at = now()
    elif download.seeding_seconds < download.seeding_goal_seconds:
        raise GoalNotReached(download)


def _seeding_goal(release: Release, options: Mapping[str, Any]) -> int:
    """Seconds: what the options say, and of a tracker's torrent never less than the tracker asks for."""
    wished = timedelta(hours=options.get("seeding_goal_hours", SEEDING_GOAL / timedelta(hours=1)))
    least = SEEDING_GOAL if release.tracker_torrent_id is not None else timedelta()
    return int(max(wished, least).total_seconds())


async def _must_exist(session: AsyncSession, table: type[Any], name: str, row_id: int | None) -> None:
    if row_id is not None and await session.get(table, row_id) is None:
        raise NotFound(name, row_id)


async def _client_options(session: AsyncSession) -> Mapping[str, Any]:
    """The options of the download client that is used unless another is named."""
    clients = sa.select(Integration).where(Integration.kind == IntegrationKind.QBITTORRENT, Integration.enabled)
    client = await session.scalar(clients.order_by(Integration.id).limit(1))
    return client.options if client is not None else {}
