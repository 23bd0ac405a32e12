"""Library roots, what is in the library by number, and the server itself."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
import strawberry

from jobs import queue
from jobs.events import Work, unit_of_work
from library import jobs as job_rows
from library import models, roots
from library.models.accounts import Role
from resolvers.context import Context, Info
from resolvers.errors import BadInputError, ConflictError, NotFoundError
from resolvers.ids import decode_id_of, encode_id
from resolvers.nodes import Node
from resolvers.permissions import CanRead, Everybody, IsAdmin, has_role
from resolvers.scalars import BigInt

if TYPE_CHECKING:
    from resolvers.jobs import Job


@strawberry.type(description="A folder that is scanned.")
class LibraryRoot(Node):
    """A row of library roots."""

    name: str = strawberry.field(description="Its name.")
    last_scanned_at: datetime | None = strawberry.field(description="When a scan of it last ended.")
    created_at: datetime = strawberry.field(description="When it was added.")
    absolute_path: strawberry.Private[str]

    @classmethod
    def of(cls, row: models.LibraryRoot) -> "LibraryRoot":
        """View a row."""
        return cls(
            id=encode_id("LibraryRoot", row.id),
            name=row.name,
            last_scanned_at=row.last_scanned_at,
            created_at=row.created_at,
            absolute_path=row.path,
        )

    @strawberry.field(description="Where it is on the server; null for all but administrators.")
    def path(self, info: Info) -> str | None:
        """The path, for those who may know it."""
        return self.absolute_path if has_role(info.context.viewer, Role.ADMIN) else None


async def library_root_by_id(info: Info, root_id: int) -> LibraryRoot | None:
    """For `node(id:)` and results."""
    row = await info.context.loaders.library_root.load(root_id)
    return LibraryRoot.of(row) if row is not None else None


@strawberry.type(description="The library in numbers.")
class LibraryStats:
    """Counts and sums."""

    books: int = strawberry.field(description="Books in the graph.")
    owned_books: int = strawberry.field(description="Books whose audio files are there.")
    editions: int = strawberry.field(description="Editions.")
    audio_files: int = strawberry.field(description="Audio files.")
    people: int = strawberry.field(description="Authors and narrators.")
    series: int = strawberry.field(description="Series.")
    duration_seconds: float = strawberry.field(description="Playing time of all editions, in seconds.")
    size_bytes: BigInt = strawberry.field(description="Size of all audio files, in bytes.")


@strawberry.type(description="The server itself.")
class ServerInfo:
    """What a client may want to know before it signs in."""

    name: str = strawberry.field(description="The program's name.")
    version: str = strawberry.field(description="The program's version.")
    demo: bool = strawberry.field(description="Whether anonymous visitors may read.")


@strawberry.type
class LibraryQuery:
    """Root fields over the library as a whole."""

    @strawberry.field(description="The folders that are scanned.", permission_classes=[CanRead])
    async def library_roots(self, info: Info) -> list[LibraryRoot] | None:
        """All roots; their number is small and chosen by administrators."""
        async with info.context.database.read() as session:
            rows = (await session.scalars(sa.select(models.LibraryRoot).order_by(models.LibraryRoot.id))).all()
        return [LibraryRoot.of(row) for row in rows]

    @strawberry.field(description="The library in numbers.", permission_classes=[CanRead])
    async def library_stats(self, info: Info) -> LibraryStats | None:
        """The numbers now."""
        return await library_stats(info.context)

    @strawberry.field(description="The server itself.", permission_classes=[Everybody])
    def server_info(self, info: Info) -> ServerInfo:
        """What it is and which version."""
        return ServerInfo(name="Shelfgraph", version=info.context.version, demo=info.context.demo)


async def library_stats(context: Context) -> LibraryStats:
    """Count by one statement."""
    count = sa.func.count()
    statement = sa.select(
        sa.select(count).select_from(models.Book).scalar_subquery(),
        sa.select(count).select_from(models.Book).where(models.Book.owned).scalar_subquery(),
        sa.select(count).select_from(models.Edition).scalar_subquery(),
        sa.select(count).select_from(models.AudioFile).scalar_subquery(),
        sa.select(count).select_from(models.Person).scalar_subquery(),
        sa.select(count).select_from(models.Series).scalar_subquery(),
        sa.select(sa.func.coalesce(sa.func.sum(models.Edition.duration_seconds), 0.0)).scalar_subquery(),
        sa.select(sa.func.coalesce(sa.func.sum(models.Edition.size_bytes), 0)).scalar_subquery(),
    )
    async with context.database.read() as session:
        row = (await session.execute(statement)).one()
    return LibraryStats(
        books=row[0],
        owned_books=row[1],
        editions=row[2],
        audio_files=row[3],
        people=row[4],
        series=row[5],
        duration_seconds=row[6],
        size_bytes=BigInt(int(row[7])),
    )


@strawberry.input(description="A folder to scan.")
class AddLibraryRootInput:
    """A path on the server."""

    path: str = strawberry.field(description="Absolute path of the folder, as the server sees it.")
    name: str | None = strawberry.field(default=None, description="Its name; the folder's own when left out.")
    scan: bool = strawberry.field(default=True, description="Whether to scan it at once.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same job."
    )


@strawberry.input(description="Which folder to scan.")
class ScanLibraryInput:
    """A library root."""

    library_root: strawberry.ID = strawberry.field(description="The library root's id.")
    force: bool = strawberry.field(default=False, description="Read unchanged files again too.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same job."
    )


@strawberry.type(description="A new library root.")
class AddLibraryRootPayload:
    """The root and its first scan."""

    library_root: LibraryRoot = strawberry.field(description="The library root.")
    job: Annotated["Job", strawberry.lazy("resolvers.jobs")] | None = strawberry.field(
        description="Its first scan; null when none was asked for."
    )


@strawberry.type(description="A scan that was started, or the one that is going on already.")
class ScanLibraryPayload:
    """The job."""

    job: Annotated["Job", strawberry.lazy("resolvers.jobs")] = strawberry.field(description="The scan.")


AddLibraryRootResult = Annotated[
    AddLibraryRootPayload | BadInputError | ConflictError,
    strawberry.union("AddLibraryRootResult", description="The new library root, or why the folder cannot be one."),
]
ScanLibraryResult = Annotated[
    ScanLibraryPayload | NotFoundError | ConflictError,
    strawberry.union("ScanLibraryResult", description="The scan, or why there is none."),
]


@strawberry.type
class LibraryMutation:
    """Mutations of library roots."""

    @strawberry.mutation(description="Add a folder to the library and scan it.", permission_classes=[IsAdmin])
    async def add_library_root(
        self,
        info: Info,
        input: Annotated[AddLibraryRootInput, strawberry.argument(description="Which folder.")],  # noqa: A002 the contract's name
    ) -> AddLibraryRootResult:
        """Check the folder, write its row, start a scan."""
        from resolvers.jobs import Job  # noqa: PLC0415 jobs' results refer to LibraryRoot

        folder = await roots.usable_folder(input.path)
        async with unit_of_work(info.context.database, info.context.bus) as work:
            root = await _added_before(work, info, folder, input) or await roots.add(work.session, folder, input.name)
            job = await _scan(work, info, root.id, input) if input.scan else None
        return AddLibraryRootPayload(library_root=LibraryRoot.of(root), job=Job.of(job) if job is not None else None)

    @strawberry.mutation(
        description="Bring the graph up to date with a folder; unchanged files are not read again.",
        permission_classes=[IsAdmin],
    )
    async def scan_library(
        self,
        info: Info,
        input: Annotated[ScanLibraryInput, strawberry.argument(description="Which folder.")],  # noqa: A002 the contract's name
    ) -> ScanLibraryResult:
        """Start a scan."""
        from resolvers.jobs import Job  # noqa: PLC0415 jobs' results refer to LibraryRoot

        async with unit_of_work(info.context.database, info.context.bus) as work:
            root = await roots.get(work.session, decode_id_of("LibraryRoot", input.library_root))
            job = await _scan(work, info, root.id, input)
        return ScanLibraryPayload(job=Job.of(job))


async def _added_before(work: Work, info: Info, folder: Path, given: AddLibraryRootInput) -> models.LibraryRoot | None:
    """The root that the same request has added already, by the key of its first scan."""
    if given.idempotency_key is None:
        return None
    job = await job_rows.by_key(work.session, _creator(info), given.idempotency_key)
    root = await roots.get(work.session, job.payload["root_id"]) if job is not None else None
    return root if root is not None and root.path == str(folder) else None


def _creator(info: Info) -> str:
    viewer = info.context.viewer
    return viewer.actor if viewer is not None else queue.SYSTEM


async def _scan(work: Work, info: Info, root_id: int, given: AddLibraryRootInput | ScanLibraryInput) -> models.Job:
    return await queue.scan_library(
        work,
        root_id,
        created_by=_creator(info),
        idempotency_key=given.idempotency_key,
        force=isinstance(given, ScanLibraryInput) and given.force,
    )
