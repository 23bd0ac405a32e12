"""Downloads in the graph: where each stands, why it cannot go on, how far it is, and what it has been through."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import sqlalchemy as sa
import sqlalchemy.orm
import strawberry

from integrations.qbittorrent.states import ClientState, state_of
from library import models
from library.models.accounts import Role
from library.models.downloads import DownloadState
from library.pagination import Page
from resolvers.books import Book, Edition
from resolvers.connection import After, Before, Connection, First, Last, connect_children
from resolvers.context import Info, Viewer
from resolvers.descriptions import describe_enum
from resolvers.ids import encode_id
from resolvers.import_modes import ImportMode
from resolvers.libraries import LibraryRoot, library_root_by_id
from resolvers.nodes import Node
from resolvers.permissions import has_role
from resolvers.scalars import BigInt

if TYPE_CHECKING:
    from resolvers.imports import Import
    from resolvers.releases import Release
    from resolvers.wants import Want

NodeType = TypeVar("NodeType")

describe_enum(
    DownloadState,
    "Where a download stands.",
    {
        DownloadState.QUEUED: "Asked for; waits for a worker.",
        DownloadState.GRABBING: "Its torrent is being fetched and given to the download client.",
        DownloadState.DOWNLOADING: "The download client has it and fetches it.",
        DownloadState.VERIFYING: "Complete; its files are being checked.",
        DownloadState.IMPORTING: "Checked; its files are being placed in the library.",
        DownloadState.IMPORTED: "Placed; the library has yet to read them.",
        DownloadState.ENRICHING: "A book of the library; it becomes searchable by meaning.",
        DownloadState.DONE: "All is done; it seeds until its goal.",
        DownloadState.BLOCKED: "Cannot go on now: `blockedReason` says why, and when or how it will.",
        DownloadState.FAILED: "Cannot go on: `blockedReason` says why. It may be retried.",
        DownloadState.CANCELLED: "Ended by a user's wish.",
        DownloadState.REPLACED: "Another download does its work.",
    },
    name="DownloadState",
)
describe_enum(
    ClientState,
    "What the download client does with a torrent, in the words of no version of it.",
    {
        ClientState.DOWNLOADING: "Bytes are asked for.",
        ClientState.METADATA: "It waits for the description of its files, so sizes are not known.",
        ClientState.STALLED: "Nobody gives it bytes.",
        ClientState.QUEUED: "It waits until others are done.",
        ClientState.CHECKING: "Its bytes on the disk are being looked at.",
        ClientState.MOVING: "Its files go to another folder.",
        ClientState.STOPPED: "Somebody stopped it before it was whole.",
        ClientState.COMPLETE: "Everything is there, whether it seeds or not.",
        ClientState.ERROR: "It met an error, mostly of the disk.",
        ClientState.MISSING_FILES: "Its files are gone from the disk.",
        ClientState.UNKNOWN: "A word that this server does not know; see the word itself.",
    },
    name="ClientState",
)


@strawberry.type(description="Why a download is blocked or has failed.")
class BlockedReason:
    """As library.downloads.Reason."""

    code: str = strawberry.field(description="Why, for programs.")
    message: str = strawberry.field(description="Why, for people.")
    hint: str | None = strawberry.field(description="What you can do.")
    retry_at: datetime | None = strawberry.field(
        description="When it is tried again by itself; null: never, it waits for you."
    )


@strawberry.type(description="How far a download is, as its client last showed it.")
class DownloadProgress:
    """Bytes and pace."""

    done_bytes: BigInt = strawberry.field(description="Bytes that are there.")
    total_bytes: BigInt = strawberry.field(description="Bytes in all; 0 while that is not known.")
    ratio: float = strawberry.field(description="The part that is there, from 0 to 1.")
    bytes_per_second: BigInt = strawberry.field(description="Bytes that come in a second.")
    eta_seconds: float | None = strawberry.field(description="Seconds until all is there; null: nobody can tell.")


@strawberry.type(description="How much of a download has been given back to others.")
class Seeding:
    """Time, ratio and goal."""

    ratio: float | None = strawberry.field(description="Bytes given for each byte taken; null while not known.")
    seconds: float = strawberry.field(description="How long it has been seeded, in seconds.")
    goal_seconds: float = strawberry.field(description="How long it is seeded before it may be removed, in seconds.")
    left_client_at: datetime | None = strawberry.field(
        description="When it left the download client; null: it has not, or was never there."
    )


@strawberry.type(description="One step in the history of a download.")
class DownloadChange(Node):
    """A row of download changes."""

    at: datetime = strawberry.field(description="When.")
    from_state: DownloadState | None = strawberry.field(description="Where it stood; null for the first step.")
    to_state: DownloadState = strawberry.field(description="Where it stood then.")
    code: str | None = strawberry.field(description="Why it was blocked or failed, for programs.")
    message: str | None = strawberry.field(description="What happened, for people.")

    @classmethod
    def of(cls, row: models.DownloadChange) -> "DownloadChange":
        """View a row."""
        return cls(
            id=encode_id("DownloadChange", row.id),
            at=row.created_at,
            from_state=row.from_state,
            to_state=row.to_state,
            code=row.code,
            message=row.message,
        )


@strawberry.type(description="A file of a download, as its torrent lists it.")
class DownloadFile(Node):
    """A row of download files."""

    path: str = strawberry.field(description="Path below the download's folder, with forward slashes.")
    size_bytes: BigInt = strawberry.field(description="Size in bytes.")
    duration_seconds: float | None = strawberry.field(description="Playing time as decoded; null before that.")
    problem: str | None = strawberry.field(description="What is wrong with it; null: nothing that is known.")
    row: strawberry.Private[models.DownloadFile]

    @classmethod
    def of(cls, row: models.DownloadFile) -> "DownloadFile":
        """View a row."""
        return cls(
            id=encode_id("DownloadFile", row.id),
            path=row.path,
            size_bytes=BigInt(row.size_bytes),
            duration_seconds=row.duration_seconds,
            problem=row.problem,
            row=row,
        )

    @strawberry.field(description="The book it belongs to, in a download of several books.")
    async def book(self, info: Info) -> Book | None:
        """The book, by its loader."""
        return await _book(info, self.row.book_id)


@strawberry.type(description="One release on its way into the library, or what became of it.")
class Download(Node):
    """A row of downloads."""

    name: str = strawberry.field(description="The release's title as offered.")
    state: DownloadState = strawberry.field(description="Where it stands.")
    state_since: datetime = strawberry.field(description="Since when.")
    blocked_reason: BlockedReason | None = strawberry.field(
        description="Why it is BLOCKED or FAILED; null in all other states."
    )
    paused: bool = strawberry.field(description="Whether somebody wants it to stand still.")
    progress: DownloadProgress = strawberry.field(description="How far it is.")
    client_state: str | None = strawberry.field(description="The download client's own word for what it does.")
    client_state_kind: ClientState | None = strawberry.field(description="What that word means.")
    mode: ImportMode = strawberry.field(description="How its files get into the library.")
    info_hash: str | None = strawberry.field(description="The torrent's info-hash; null until it has been fetched.")
    seeding: Seeding = strawberry.field(description="How much of it has been given back.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    finished_at: datetime | None = strawberry.field(description="When it ended; null: it has not.")
    row: strawberry.Private[models.Download]

    @classmethod
    def of(cls, row: models.Download) -> "Download":
        """View a row."""
        return cls(
            id=encode_id("Download", row.id),
            name=row.name,
            state=row.state,
            state_since=row.state_since,
            blocked_reason=_reason(row),
            paused=row.paused,
            progress=_progress(row),
            client_state=row.client_state,
            client_state_kind=_client_state(row),
            mode=row.mode,
            info_hash=row.info_hash,
            seeding=_seeding(row),
            created_at=row.created_at,
            finished_at=row.finished_at,
            row=row,
        )

    @strawberry.field(description="The offer it takes.")
    async def release(self, info: Info) -> Annotated["Release", strawberry.lazy("resolvers.releases")] | None:
        """The release, by its loader."""
        from resolvers.releases import Release  # noqa: PLC0415 releases may come to refer to downloads

        row = await info.context.loaders.release.load(self.row.release_id)
        return Release.of(row) if row is not None else None

    @strawberry.field(description="The book it was asked for; null where nobody has said which.")
    async def book(self, info: Info) -> Book | None:
        """The book, by its loader."""
        return await _book(info, self.row.book_id)

    @strawberry.field(description="The edition it has become; null before, or when it became several.")
    async def edition(self, info: Info) -> Edition | None:
        """The edition, by its loader."""
        edition_id = self.row.edition_id
        row = await info.context.loaders.edition.load(edition_id) if edition_id is not None else None
        return Edition.of(row) if row is not None else None

    @strawberry.field(description="The want it was asked for; null where there was none, or it is somebody else's.")
    async def want(self, info: Info) -> Annotated["Want", strawberry.lazy("resolvers.wants")] | None:
        """The want, by its loader."""
        from resolvers.wants import want_by_id  # noqa: PLC0415 as above

        return await want_by_id(info, self.row.want_id) if self.row.want_id is not None else None

    @strawberry.field(description="What has been made of it: an import for each book in it, oldest first.")
    async def imports(self, info: Info) -> list[Annotated["Import", strawberry.lazy("resolvers.imports")]]:
        """The imports, by their loader."""
        from resolvers.imports import Import  # noqa: PLC0415 imports refer to downloads

        return [Import.of(row) for row in await info.context.loaders.imports_of_download.load(self.row.id)]

    @strawberry.field(description="The library root it goes to; null: the first.")
    async def library_root(self, info: Info) -> LibraryRoot | None:
        """The root, by its loader."""
        return await library_root_by_id(info, self.row.root_id) if self.row.root_id is not None else None

    @strawberry.field(description="Every step it has taken, oldest first.")
    async def history(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[DownloadChange]:
        """A page of its history; pages of many downloads take one statement."""
        page = Page.of(first, after, last, before)
        return await connect_children(info.context.loaders.changes_of_download, self.row.id, page, DownloadChange.of)

    @strawberry.field(description="The files of its torrent, in the torrent's order; none until it has been fetched.")
    async def files(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[DownloadFile]:
        """A page of its files; pages of many downloads take one statement."""
        page = Page.of(first, after, last, before)
        return await connect_children(info.context.loaders.files_of_download, self.row.id, page, DownloadFile.of)


@strawberry.type(description="What a job about a download has moved.")
class DownloadResult:
    """A download."""

    download_id: strawberry.Private[int]

    @strawberry.field(description="The download as it is now; null where the viewer may not see it.")
    async def download(self, info: Info) -> Download | None:
        """The download, by its loader."""
        return await download_by_id(info, self.download_id)


def may_see(viewer: Viewer | None, download: models.Download) -> bool:
    """Members see the downloads they asked for, administrators all."""
    if has_role(viewer, Role.ADMIN):
        return True
    return viewer is not None and has_role(viewer, Role.MEMBER) and download.created_by == viewer.actor


def visible(viewer: Viewer | None) -> sa.ColumnElement[bool]:
    """The same as a condition."""
    if has_role(viewer, Role.ADMIN):
        return sa.true()
    if viewer is None or not has_role(viewer, Role.MEMBER):
        return sa.false()
    return models.Download.created_by == viewer.actor


async def download_by_id(info: Info, download_id: int) -> Download | None:
    """For `node(id:)` and results: as `may_see` says."""
    row = await info.context.loaders.download.load(download_id)
    return Download.of(row) if row is not None and may_see(info.context.viewer, row) else None


async def download_change_by_id(info: Info, change_id: int) -> DownloadChange | None:
    """For `node(id:)`: as visible as its download."""
    row = await _child(info, models.DownloadChange, change_id)
    return DownloadChange.of(row) if row is not None else None


async def download_file_by_id(info: Info, file_id: int) -> DownloadFile | None:
    """For `node(id:)`: as visible as its download."""
    row = await _child(info, models.DownloadFile, file_id)
    return DownloadFile.of(row) if row is not None else None


def shown(rows: Sequence[models.Download]) -> list[Download]:
    """View rows."""
    return [Download.of(row) for row in rows]


async def _child(info: Info, table: type[Any], row_id: int) -> Any:
    async with info.context.database.read() as session:
        row = await session.get(table, row_id)
    return row if row is not None and await download_by_id(info, row.download_id) is not None else None


async def _book(info: Info, book_id: int | None) -> Book | None:
    row = await info.context.loaders.book.load(book_id) if book_id is not None else None
    return Book.of(row) if row is not None else None


def _reason(row: models.Download) -> BlockedReason | None:
    if row.reason_code is None:
        return None
    return BlockedReason(
        code=row.reason_code, message=row.reason_message or "", hint=row.reason_hint, retry_at=row.retry_at
    )


def _progress(row: models.Download) -> DownloadProgress:
    return DownloadProgress(
        done_bytes=BigInt(row.done_bytes),
        total_bytes=BigInt(row.total_bytes),
        ratio=_part(row),
        bytes_per_second=BigInt(row.bytes_per_second),
        eta_seconds=row.eta_seconds,
    )


def _seeding(row: models.Download) -> Seeding:
    return Seeding(
        ratio=row.share_ratio,
        seconds=row.seeding_seconds,
        goal_seconds=row.seeding_goal_seconds,
        left_client_at=row.left_client_at,
    )


def _client_state(row: models.Download) -> ClientState | None:
    if row.client_state is None:
        return None
    return state_of(row.client_state, progress=_part(row), left_bytes=max(row.total_bytes - row.done_bytes, 0))


def _part(row: models.Download) -> float:
    return min(row.done_bytes / row.total_bytes, 1.0) if row.total_bytes else 0.0
