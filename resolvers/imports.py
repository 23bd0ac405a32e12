"""Imports in the graph: where the files of a download will go, where they went, and taking them out again."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from jobs import queue
from jobs.events import unit_of_work
from library import downloads, imports, models
from library.downloads import Reason
from library.errors import NotFound
from library.import_errors import ImportBlocked
from library.import_plans import Plan, PlannedFile, PlannedImport
from library.models.downloads import ImportState
from library.pagination import Keyset, Page, SortKey
from resolvers.books import Book, Edition
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.downloads import BlockedReason, Download, download_by_id, may_see
from resolvers.errors import BadInputError, ConflictError, NotFoundError
from resolvers.ids import decode_id_of, encode_id
from resolvers.import_modes import ImportMode
from resolvers.libraries import LibraryRoot, library_root_by_id
from resolvers.nodes import Node
from resolvers.permissions import IsMember
from resolvers.scalars import BigInt

if TYPE_CHECKING:
    from resolvers.jobs import Job

describe_enum(
    ImportState,
    "Where an import stands.",
    {
        ImportState.PLANNED: "The final paths are fixed; the files appear all at once.",
        ImportState.APPLIED: "Every file is in its place.",
        ImportState.UNDONE: "Its files were taken out of the library again.",
    },
    name="ImportState",
)


@strawberry.type(description="A file that an import places in the library.")
class ImportedFile(Node):
    """A row of imported files."""

    source: str | None = strawberry.field(
        description="Path below the download's folder; null: a description of the book that the server writes."
    )
    target: str = strawberry.field(description="Path below the library root.")
    size_bytes: BigInt = strawberry.field(description="Size in bytes.")
    placed: bool = strawberry.field(description="Whether it is in its place.")
    recycled: bool = strawberry.field(description="Whether it was taken out into the recycle folder.")

    @classmethod
    def of(cls, row: models.ImportedFile) -> "ImportedFile":
        """View a row."""
        return cls(
            id=encode_id("ImportedFile", row.id),
            source=row.source,
            target=row.target,
            size_bytes=BigInt(row.size_bytes),
            placed=row.placed,
            recycled=row.recycled_to is not None,
        )


@strawberry.type(description="Files of a download that become one edition of one book.")
class Import(Node):
    """A row of imports."""

    state: ImportState = strawberry.field(description="Where it stands.")
    mode: ImportMode = strawberry.field(description="How the files get into the library.")
    folder: str = strawberry.field(description="Their folder, below the library root.")
    created_at: datetime = strawberry.field(description="When it was planned.")
    row: strawberry.Private[models.Import]

    @classmethod
    def of(cls, row: models.Import) -> "Import":
        """View a row."""
        return cls(
            id=encode_id("Import", row.id),
            state=row.state,
            mode=row.mode,
            folder=row.folder,
            created_at=row.created_at,
            row=row,
        )

    @strawberry.field(description="The book it is for; null while nobody knows.")
    async def book(self, info: Info) -> Book | None:
        """The book, by its loader."""
        row = await info.context.loaders.book.load(self.row.book_id) if self.row.book_id is not None else None
        return Book.of(row) if row is not None else None

    @strawberry.field(description="The edition it has become; null before the library has read the files.")
    async def edition(self, info: Info) -> Edition | None:
        """The edition, by its loader."""
        row = await info.context.loaders.edition.load(self.row.edition_id) if self.row.edition_id is not None else None
        return Edition.of(row) if row is not None else None

    @strawberry.field(description="The library root it goes to.")
    async def library_root(self, info: Info) -> LibraryRoot | None:
        """The root, by its loader."""
        return await library_root_by_id(info, self.row.root_id)

    @strawberry.field(description="Its files, in the order of the plan.")
    async def files(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[ImportedFile]:
        """A page of its files."""
        row = models.ImportedFile
        keyset = Keyset(sa.select(row).where(row.import_id == self.row.id), (SortKey(row.id),))
        return await connect(info, keyset, Page.of(first, after, last, before), ImportedFile.of)


@strawberry.type(description="Where one file would go.")
class PlannedImportFile:
    """A way from the download into the library."""

    source: str | None = strawberry.field(
        description="Path below the download's folder; null: a description of the book that the server writes."
    )
    target: str = strawberry.field(description="Path below the library root.")
    size_bytes: BigInt = strawberry.field(description="Size in bytes.")


@strawberry.type(description="Files that would become one edition of one book.")
class ImportPlan:
    """A folder of the plan."""

    folder: str = strawberry.field(description="Their folder, below the library root.")
    files: list[PlannedImportFile] = strawberry.field(description="Each file with its final path.")
    book_id: strawberry.Private[int | None]

    @strawberry.field(description="The book they are for; null: one that is not known yet.")
    async def book(self, info: Info) -> Book | None:
        """The book, by its loader."""
        row = await info.context.loaders.book.load(self.book_id) if self.book_id is not None else None
        return Book.of(row) if row is not None else None


@strawberry.type(description="What the import of a download will do; nothing is touched for it.")
class ImportPreview:
    """A plan, made now or kept with the import."""

    mode: ImportMode | None = strawberry.field(description="How the files would get into the library.")
    imports: list[ImportPlan] = strawberry.field(description="One for each edition it would become.")
    left_out: list[str] = strawberry.field(
        description="Files that would stay out, by path below the download's folder."
    )
    warnings: list[str] = strawberry.field(description="What is odd about it.")
    reason: BlockedReason | None = strawberry.field(description="Why it cannot be imported; null: it can.")
    root_id: strawberry.Private[int | None]

    @strawberry.field(description="The library root it would go to; null: there is none.")
    async def library_root(self, info: Info) -> LibraryRoot | None:
        """The root, by its loader."""
        return await library_root_by_id(info, self.root_id) if self.root_id is not None else None


@strawberry.type(description="What an import has placed, or what was taken out of the library again.")
class ImportResult:
    """A download and its imports."""

    download_id: strawberry.Private[int]
    import_ids: strawberry.Private[list[int]]

    @strawberry.field(description="The download as it is now; null where the viewer may not see it.")
    async def download(self, info: Info) -> Download | None:
        """The download, by its loader."""
        return await download_by_id(info, self.download_id)

    @strawberry.field(description="The imports, one for each edition; empty where the viewer may not see them.")
    async def imports(self, info: Info) -> list[Import]:
        """The imports by their ids."""
        found = [await import_by_id(info, import_id) for import_id in self.import_ids]
        return [one for one in found if one is not None]


@strawberry.input(description="Which import to take out of the library again.")
class UndoImportInput:
    """An import."""

    id: strawberry.ID = strawberry.field(description="The import's id.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same job."
    )


@strawberry.type(description="An import that is being undone.")
class UndoImportPayload:
    """The job."""

    job: Annotated["Job", strawberry.lazy("resolvers.jobs")] = strawberry.field(
        description="It moves the files to the recycle folder, or back to where they were moved from."
    )


UndoImportResult = Annotated[
    UndoImportPayload | BadInputError | NotFoundError | ConflictError,
    strawberry.union("UndoImportResult", description="The job, or why there is none."),
]


@strawberry.type
class ImportQuery:
    """Root fields over imports."""

    @strawberry.field(
        description="Where the files of a download would go, or where they go by the plan that is kept. "
        "Members ask for their own downloads, administrators for all; null where there is none such.",
        permission_classes=[IsMember],
    )
    async def preview_import(
        self, info: Info, download: Annotated[strawberry.ID, strawberry.argument(description="The download's id.")]
    ) -> ImportPreview | None:
        """Plan from rows."""
        async with info.context.database.read() as session:
            row = await session.get(models.Download, decode_id_of("Download", download))
            if row is None or not may_see(info.context.viewer, row):
                return None
            try:
                return _preview(await _kept_plan(session, row) or await imports.plan(session, row))
            except ImportBlocked as error:
                return _refused(row, error.reason)


@strawberry.type
class ImportMutation:
    """Mutations of imports."""

    @strawberry.mutation(
        description="Take the files of an import out of the library again: into the recycle folder, or, where they "
        "were moved, back. Only files that are provably those that were placed are taken; the edition stays known.",
        permission_classes=[IsMember],
    )
    async def undo_import(
        self,
        info: Info,
        input: Annotated[UndoImportInput, strawberry.argument(description="Which import.")],  # noqa: A002 the contract's name
    ) -> UndoImportResult:
        """Start the job."""
        from resolvers.jobs import Job  # noqa: PLC0415 jobs' results refer to imports

        viewer, import_id = info.context.viewer, decode_id_of("Import", input.id)
        async with unit_of_work(info.context.database, info.context.bus) as work:
            row = await imports.get(work.session, import_id)
            if viewer is None or not may_see(viewer, await downloads.get(work.session, row.download_id)):
                raise NotFound("import", input.id)
            if row.state is not ImportState.APPLIED:
                raise imports.NotUndoable(row.state)
            key = input.idempotency_key
            job = await queue.undo_import(work, import_id, created_by=viewer.actor, idempotency_key=key)
        return UndoImportPayload(job=Job.of(job))


async def import_by_id(info: Info, import_id: int) -> Import | None:
    """For `node(id:)` and results: as visible as its download."""
    async with info.context.database.read() as session:
        row = await session.get(models.Import, import_id)
    return Import.of(row) if row is not None and await download_by_id(info, row.download_id) is not None else None


async def imported_file_by_id(info: Info, file_id: int) -> ImportedFile | None:
    """For `node(id:)`: as visible as its import."""
    async with info.context.database.read() as session:
        row = await session.get(models.ImportedFile, file_id)
    return ImportedFile.of(row) if row is not None and await import_by_id(info, row.import_id) is not None else None


def shown_imports(rows: Sequence[models.Import]) -> list[Import]:
    """View the imports of a download."""
    return [Import.of(row) for row in rows]


async def _kept_plan(session: AsyncSession, download: models.Download) -> Plan | None:
    rows = await imports.going_on(session, download.id)
    if not rows:
        return None
    planned = [
        PlannedImport(
            row.book_id,
            row.folder,
            tuple(
                PlannedFile(one.source, one.target, one.size_bytes) for one in await imports.files_of(session, row.id)
            ),
        )
        for row in rows
    ]
    sources = {file.source for one in planned for file in one.files}
    listed = await downloads.files_of(session, download.id)
    left_out = tuple(file.path for file in listed if file.path not in sources)
    warnings = imports.tag_warnings(await imports.options_of(session, download), rows[0].mode)
    return Plan(rows[0].root_id, rows[0].mode, tuple(planned), left_out, tuple(warnings))


def _preview(plan: Plan) -> ImportPreview:
    return ImportPreview(
        mode=plan.mode,
        imports=[_planned(one) for one in plan.imports],
        left_out=list(plan.left_out),
        warnings=list(plan.warnings),
        reason=None,
        root_id=plan.root_id,
    )


def _planned(one: PlannedImport) -> ImportPlan:
    files = [
        PlannedImportFile(source=file.source, target=file.target, size_bytes=BigInt(file.size_bytes))
        for file in one.files
    ]
    return ImportPlan(folder=one.folder, files=files, book_id=one.book_id)


def _refused(download: models.Download, reason: Reason) -> ImportPreview:
    told = BlockedReason(code=reason.code, message=reason.message, hint=reason.hint, retry_at=None)
    return ImportPreview(
        mode=download.mode, imports=[], left_out=[], warnings=[], reason=told, root_id=download.root_id
    )
