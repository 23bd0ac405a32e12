"""Asking for a download of a release that was found."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from jobs import queue
from jobs.events import Work, unit_of_work
from library import download_requests, downloads, models
from library.download_requests import Wish
from library.errors import ErrorCode, Forbidden
from library.models.accounts import Role
from resolvers.context import Info
from resolvers.downloads import Download, may_see
from resolvers.errors import BadInputError, ConflictError, Error, NotFoundError
from resolvers.ids import decode_id_of
from resolvers.import_modes import ImportMode
from resolvers.permissions import IsMember, has_role

if TYPE_CHECKING:
    from resolvers.jobs import Job


@strawberry.input(description="Which release to take, and how.")
class RequestDownloadInput:
    """A release and wishes."""

    release: strawberry.ID = strawberry.field(description="The release's id, of a search of yours.")
    book: strawberry.ID | None = strawberry.field(
        default=None, description="The book it is; the one that was searched for when left out."
    )
    library_root: strawberry.ID | None = strawberry.field(
        default=None, description="Where it goes; as the download client is configured when left out."
    )
    mode: ImportMode | None = strawberry.field(
        default=None, description="How its files get there; as the download client is configured when left out."
    )
    use_wedge: bool = strawberry.field(
        default=False,
        description="Spend a freeleech wedge on it. It cannot be given back, so only administrators may.",
    )
    ignore_rejections: bool = strawberry.field(
        default=False,
        description="Take it although it was rejected. What the tracker allows still holds.",
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same download."
    )


@strawberry.type(description="A download that was asked for.")
class RequestDownloadPayload:
    """The download and its job."""

    download: Download = strawberry.field(description="The download.")
    job: Annotated["Job", strawberry.lazy("resolvers.jobs")] = strawberry.field(
        description="What fetches its torrent and gives it to the client."
    )


@strawberry.type(description="The release is being downloaded already.")
class AlreadyRequestedError(Error):
    """CONFLICT."""

    existing: Download | None = strawberry.field(description="That download; null when it is somebody else's.")


RequestDownloadResult = Annotated[
    RequestDownloadPayload | AlreadyRequestedError | BadInputError | NotFoundError | ConflictError,
    strawberry.union("RequestDownloadResult", description="The download, or why there is none."),
]


@strawberry.type
class DownloadRequestMutation:
    """Mutations that begin downloads."""

    @strawberry.mutation(
        description="Take a release: its torrent is fetched, given to the download client, and imported when complete.",
        permission_classes=[IsMember],
    )
    async def request_download(
        self,
        info: Info,
        input: Annotated[RequestDownloadInput, strawberry.argument(description="Which release, and how.")],  # noqa: A002 the contract's name
    ) -> RequestDownloadResult:
        """Write the row and its job, or find those of the same request."""
        from resolvers.jobs import Job  # noqa: PLC0415 jobs' results refer to Download

        wish, actor = _wish(info, input), actor_of(info)
        async with unit_of_work(info.context.database, info.context.bus) as work:
            download = await download_requests.asked_before(work.session, actor, input.idempotency_key, wish)
            if download is None:
                release = await _release(info, work, wish)
                going_on = await downloads.active_of_key(work.session, release.key)
                if going_on is not None:
                    return _already_requested(info, going_on)
                download = await download_requests.write(work.session, release, wish, actor=actor)
                work.download_changed(download)
            job = await queue.grab_download(work, download.id, created_by=actor, idempotency_key=input.idempotency_key)
        return RequestDownloadPayload(download=Download.of(download), job=Job.of(job))


def actor_of(info: Info) -> str:
    """Who asks, as rows name them."""
    viewer = info.context.viewer
    return viewer.actor if viewer is not None else queue.SYSTEM


def _wish(info: Info, given: RequestDownloadInput) -> Wish:
    if given.use_wedge and not has_role(info.context.viewer, Role.ADMIN):
        raise Forbidden(Role.ADMIN)
    return Wish(
        release_id=decode_id_of("Release", given.release),
        book_id=decode_id_of("Book", given.book) if given.book is not None else None,
        root_id=decode_id_of("LibraryRoot", given.library_root) if given.library_root is not None else None,
        mode=given.mode,
        wedge=given.use_wedge,
        ignore_rejections=given.ignore_rejections,
    )


async def _release(info: Info, work: Work, wish: Wish) -> models.Release:
    searched_by = None if has_role(info.context.viewer, Role.ADMIN) else actor_of(info)
    return await download_requests.release_for(work.session, wish.release_id, searched_by=searched_by)


def _already_requested(info: Info, going_on: models.Download) -> AlreadyRequestedError:
    existing = Download.of(going_on) if may_see(info.context.viewer, going_on) else None
    message = str(downloads.AlreadyRequested(going_on))
    return AlreadyRequestedError(code=ErrorCode.CONFLICT, message=message, existing=existing)
