"""Steering and ending downloads by their rows; workers bring the download client in line with them."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import strawberry

from jobs import queue
from jobs.events import Work, unit_of_work
from library import download_requests, downloads, models
from library.download_jobs import KINDS
from library.errors import NotFound
from library.models.accounts import Role
from library.models.downloads import DownloadState
from library.models.jobs import JobKind
from resolvers.context import Info
from resolvers.download_requests import DownloadRequestMutation, actor_of
from resolvers.downloads import Download, may_see
from resolvers.errors import ConflictError, NotFoundError
from resolvers.ids import decode_id_of
from resolvers.permissions import IsMember, has_role

if TYPE_CHECKING:
    from resolvers.jobs import Job

LazyJob = Annotated["Job", strawberry.lazy("resolvers.jobs")]
Change = Callable[[Work, models.Download], Awaitable[models.Job]]


@strawberry.input(description="Which download to cancel.")
class CancelDownloadInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The download's id.")
    with_data: bool = strawberry.field(
        default=False, description="Whether the download client deletes what it has fetched; the library keeps its own."
    )


@strawberry.input(description="Which download to start again.")
class RetryDownloadInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The download's id.")
    ignore_warnings: bool = strawberry.field(
        default=False, description="Import it although its files are not what was expected."
    )


@strawberry.input(description="Which download shall stand still.")
class PauseDownloadInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The download's id.")


@strawberry.input(description="Which download shall go on.")
class ResumeDownloadInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The download's id.")


@strawberry.input(description="Which download to announce to its trackers again.")
class AnnounceDownloadInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The download's id.")


@strawberry.input(description="Which download to remove from its client.")
class RemoveDownloadInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The download's id.")
    force: bool = strawberry.field(
        default=False,
        description="Before its seeding goal, which may cost the account at the tracker; only administrators may.",
    )


@strawberry.type(description="A download that was cancelled.")
class CancelDownloadPayload:
    """The download and its job."""

    download: Download = strawberry.field(description="The download.")
    job: LazyJob = strawberry.field(description="What takes it out of the client.")


@strawberry.type(description="A download that was started again.")
class RetryDownloadPayload:
    """The download and its job."""

    download: Download = strawberry.field(description="The download, in the state it goes on from.")
    job: LazyJob = strawberry.field(description="What moves it on.")


@strawberry.type(description="A download that shall stand still.")
class PauseDownloadPayload:
    """The download and its job."""

    download: Download = strawberry.field(description="The download.")
    job: LazyJob = strawberry.field(description="What tells the client.")


@strawberry.type(description="A download that shall go on.")
class ResumeDownloadPayload:
    """The download and its job."""

    download: Download = strawberry.field(description="The download.")
    job: LazyJob = strawberry.field(description="What tells the client.")


@strawberry.type(description="A download that is announced to its trackers again.")
class AnnounceDownloadPayload:
    """The download and its job."""

    download: Download = strawberry.field(description="The download.")
    job: LazyJob = strawberry.field(description="What tells the client.")


@strawberry.type(description="A download whose torrent leaves the client; what is in the library stays.")
class RemoveDownloadPayload:
    """The download and its job."""

    download: Download = strawberry.field(description="The download; `seeding.leftClientAt` is set once it has left.")
    job: LazyJob = strawberry.field(description="What tells the client.")


CancelDownloadResult = Annotated[
    CancelDownloadPayload | NotFoundError | ConflictError,
    strawberry.union("CancelDownloadResult", description="The download, or why it cannot be cancelled."),
]
RetryDownloadResult = Annotated[
    RetryDownloadPayload | NotFoundError | ConflictError,
    strawberry.union("RetryDownloadResult", description="The download, or why it cannot be retried."),
]
PauseDownloadResult = Annotated[
    PauseDownloadPayload | NotFoundError | ConflictError,
    strawberry.union("PauseDownloadResult", description="The download, or why it cannot be paused."),
]
ResumeDownloadResult = Annotated[
    ResumeDownloadPayload | NotFoundError | ConflictError,
    strawberry.union("ResumeDownloadResult", description="The download, or why it cannot be resumed."),
]
AnnounceDownloadResult = Annotated[
    AnnounceDownloadPayload | NotFoundError | ConflictError,
    strawberry.union("AnnounceDownloadResult", description="The download, or why it cannot be announced."),
]
RemoveDownloadResult = Annotated[
    RemoveDownloadPayload | NotFoundError | ConflictError,
    strawberry.union("RemoveDownloadResult", description="The download, or why it stays."),
]


@strawberry.type
class DownloadMutation(DownloadRequestMutation):
    """Mutations of downloads."""

    @strawberry.mutation(
        description="End a download. Doing it again gives the same answer.", permission_classes=[IsMember]
    )
    async def cancel_download(
        self,
        info: Info,
        input: Annotated[CancelDownloadInput, strawberry.argument(description="Which download.")],  # noqa: A002 the contract's name
    ) -> CancelDownloadResult:
        """Change the row; a job takes it out of the client."""

        async def change(work: Work, download: models.Download) -> models.Job:
            if download.state is not DownloadState.CANCELLED:
                downloads.cancel(work.session, download, with_data=input.with_data)
                work.download_changed(download)
            return await queue.steer_download(work, download.id, created_by=actor_of(info))

        download, job = await _change(info, input.id, change)
        return CancelDownloadPayload(download=download, job=job)

    @strawberry.mutation(
        description="Start a download again where it stopped: one that is BLOCKED, FAILED or CANCELLED.",
        permission_classes=[IsMember],
    )
    async def retry_download(
        self,
        info: Info,
        input: Annotated[RetryDownloadInput, strawberry.argument(description="Which download.")],  # noqa: A002 the contract's name
    ) -> RetryDownloadResult:
        """Change the row; the job of its state goes on."""

        async def change(work: Work, download: models.Download) -> models.Job:
            downloads.retry(work.session, download, ignore_warnings=input.ignore_warnings)
            work.download_changed(download)
            return await _start(work, download, actor_of(info))

        download, job = await _change(info, input.id, change)
        return RetryDownloadPayload(download=download, job=job)

    @strawberry.mutation(
        description="Let a download stand still. Doing it again gives the same answer.", permission_classes=[IsMember]
    )
    async def pause_download(
        self,
        info: Info,
        input: Annotated[PauseDownloadInput, strawberry.argument(description="Which download.")],  # noqa: A002 the contract's name
    ) -> PauseDownloadResult:
        """Change the row; a job tells the client."""
        download, job = await _change(info, input.id, _pacing(info, paused=True))
        return PauseDownloadPayload(download=download, job=job)

    @strawberry.mutation(
        description="Let a paused download go on. Doing it again gives the same answer.", permission_classes=[IsMember]
    )
    async def resume_download(
        self,
        info: Info,
        input: Annotated[ResumeDownloadInput, strawberry.argument(description="Which download.")],  # noqa: A002 the contract's name
    ) -> ResumeDownloadResult:
        """Change the row; a job tells the client."""
        download, job = await _change(info, input.id, _pacing(info, paused=False))
        return ResumeDownloadPayload(download=download, job=job)

    @strawberry.mutation(
        description="Announce a download to its trackers again, which may bring new peers.",
        permission_classes=[IsMember],
    )
    async def announce_download(
        self,
        info: Info,
        input: Annotated[AnnounceDownloadInput, strawberry.argument(description="Which download.")],  # noqa: A002 the contract's name
    ) -> AnnounceDownloadResult:
        """Start a job that tells the client."""

        async def change(work: Work, download: models.Download) -> models.Job:
            download_requests.must_be_in_client(download)
            return await queue.steer_download(work, download.id, action="ANNOUNCE", created_by=actor_of(info))

        download, job = await _change(info, input.id, change)
        return AnnounceDownloadPayload(download=download, job=job)

    @strawberry.mutation(
        description="Take a download that is DONE out of its client, once it has reached its seeding goal.",
        permission_classes=[IsMember],
    )
    async def remove_download(
        self,
        info: Info,
        input: Annotated[RemoveDownloadInput, strawberry.argument(description="Which download.")],  # noqa: A002 the contract's name
    ) -> RemoveDownloadResult:
        """Check the goal, start a job that tells the client."""

        async def change(work: Work, download: models.Download) -> models.Job:
            is_admin = has_role(info.context.viewer, Role.ADMIN)
            download_requests.let_go(download, force=input.force, is_admin=is_admin)
            if input.force:
                work.download_changed(download)
            return await queue.steer_download(work, download.id, action="REMOVE", created_by=actor_of(info))

        download, job = await _change(info, input.id, change)
        return RemoveDownloadPayload(download=download, job=job)


def _pacing(info: Info, *, paused: bool) -> Change:
    async def change(work: Work, download: models.Download) -> models.Job:
        download_requests.pause(download, paused=paused)
        work.download_changed(download)
        return await queue.steer_download(work, download.id, created_by=actor_of(info))

    return change


async def _start(work: Work, download: models.Download, actor: str) -> models.Job:
    """The job that moves a download on from its state; where none does, the client is brought in line."""
    kind = KINDS.get(download.state)
    if kind is JobKind.GRAB_DOWNLOAD:
        return await queue.grab_download(work, download.id, created_by=actor)
    if kind is JobKind.IMPORT_DOWNLOAD:
        return await queue.import_download(work, download.id, created_by=actor)
    return await queue.steer_download(work, download.id, created_by=actor)


async def _change(info: Info, given_id: strawberry.ID, change: Change) -> "tuple[Download, Job]":
    """Change a download that the viewer may see; raises NotFound also for the others."""
    from resolvers.jobs import Job  # noqa: PLC0415 jobs' results refer to Download

    download_id = decode_id_of("Download", given_id)
    async with unit_of_work(info.context.database, info.context.bus) as work:
        download = await downloads.get(work.session, download_id, locked=True)
        if not may_see(info.context.viewer, download):
            raise NotFound("download", download_id)
        job = await change(work, download)
    return Download.of(download), Job.of(job)
