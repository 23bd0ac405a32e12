"""Ingesting, removing and reindexing: what administrators do to the knowledge base."""

from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import Annotated

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile as UploadedFile

from jobs import queue
from jobs.events import Work, unit_of_work
from library import document_places, documents
from library import jobs as job_rows
from library.errors import BadInput, IdempotencyKeyReused, NotFound
from library.events import INDEX_TOPIC, LIBRARY_TOPIC
from library.models.books import Book
from library.models.documents import DocumentSource as SourceRow
from library.models.jobs import Job as JobRow
from library.models.jobs import JobKind
from library.models.passages import OwnerKind
from resolvers.context import Info
from resolvers.documents import DocumentSource
from resolvers.errors import BadInputError, ConflictError, NotFoundError
from resolvers.ids import decode_id_of
from resolvers.jobs import Job
from resolvers.permissions import IsAdmin
from resolvers.scalars import Upload

LONGEST_NAME = 200


class UploadNameUnusable(BadInput):
    """A file name that tells nothing."""

    def __init__(self) -> None:
        super().__init__(
            f"An upload's file name must have 1 to {LONGEST_NAME} characters; its ending tells the format."
        )


@strawberry.input(description="A folder of documents.")
class IngestFolderInput:
    """A path on the server."""

    path: str = strawberry.field(description="Absolute path of the folder, as the server sees it.")
    watch: bool = strawberry.field(default=False, description="Whether to follow its changes from now on.")


@strawberry.input(description="One file.")
class IngestFileInput:
    """A path on the server."""

    path: str = strawberry.field(description="Absolute path of the file, as the server sees it.")


@strawberry.input(one_of=True, description="What to ingest: exactly one of these.")
class IngestSourceInput:
    """A folder, a file, an upload, or a source that is known."""

    folder: IngestFolderInput | None = strawberry.field(
        default=strawberry.UNSET, description="A folder with all Markdown, HTML, text, PDF and EPUB files below it."
    )
    file: IngestFileInput | None = strawberry.field(default=strawberry.UNSET, description="One file of the server.")
    upload: Upload | None = strawberry.field(
        default=strawberry.UNSET,
        description="A file that is sent, by the GraphQL multipart request specification.",
    )
    again: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The id of a folder or file that was ingested before."
    )


@strawberry.input(description="What to ingest, and how.")
class IngestDocumentsInput:
    """A source."""

    source: IngestSourceInput = strawberry.field(description="Where the documents are.")
    force: bool = strawberry.field(
        default=False, description="Read unchanged files again too, and believe that many are gone at once."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same job."
    )


@strawberry.input(description="Which document to remove.")
class RemoveDocumentInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The document's id.")


@strawberry.input(description="Which source to remove, with all its documents.")
class RemoveDocumentSourceInput:
    """An id."""

    id: strawberry.ID = strawberry.field(description="The source's id.")


@strawberry.input(one_of=True, description="One thing to index again: exactly one of these.")
class ReindexOnlyInput:
    """A book or a document."""

    book: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="A book's id.")
    document: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="A document's id.")


@strawberry.input(description="What to cut and embed again.")
class ReindexInput:
    """Everything, or one thing."""

    only: ReindexOnlyInput | None = strawberry.field(default=None, description="One thing; everything when left out.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same job."
    )


@strawberry.type(description="An ingest that was started, or the one that is going on already.")
class IngestDocumentsPayload:
    """The job and its source."""

    job: Job = strawberry.field(description="The ingest.")
    source: DocumentSource | None = strawberry.field(description="What is read.")


@strawberry.type(description="A document that was removed, with its sections and passages; its file stays.")
class RemoveDocumentPayload:
    """An id."""

    removed_id: strawberry.ID = strawberry.field(description="The id it had.")


@strawberry.type(description="A source that was removed, with all its documents; their files stay.")
class RemoveDocumentSourcePayload:
    """An id and a count."""

    removed_id: strawberry.ID = strawberry.field(description="The id it had.")
    documents: int = strawberry.field(description="How many documents went with it.")


@strawberry.type(description="Indexing that was started, or is going on already.")
class ReindexPayload:
    """The job."""

    job: Job = strawberry.field(description="The job. What it replaces serves on until the new is there.")


IngestDocumentsResult = Annotated[
    IngestDocumentsPayload | BadInputError | NotFoundError | ConflictError,
    strawberry.union("IngestDocumentsResult", description="The ingest, or why there is none."),
]
RemoveDocumentResult = Annotated[
    RemoveDocumentPayload | BadInputError | NotFoundError,
    strawberry.union("RemoveDocumentResult", description="The document that is gone, or why it is not."),
]
RemoveDocumentSourceResult = Annotated[
    RemoveDocumentSourcePayload | BadInputError | NotFoundError,
    strawberry.union("RemoveDocumentSourceResult", description="The source that is gone, or why it is not."),
]
ReindexResult = Annotated[
    ReindexPayload | BadInputError | NotFoundError | ConflictError,
    strawberry.union("ReindexResult", description="The job, or why there is none."),
]


@strawberry.type
class DocumentMutation:
    """Mutations of documents."""

    @strawberry.mutation(
        description="Read documents from a folder, a file or an upload; unchanged files are not read again.",
        permission_classes=[IsAdmin],
    )
    async def ingest_documents(
        self,
        info: Info,
        input: Annotated[IngestDocumentsInput, strawberry.argument(description="What.")],  # noqa: A002 the contract's name
    ) -> IngestDocumentsResult:
        """Check the place, write its row, start a job."""
        add = await _adder(info, input.source)
        async with unit_of_work(info.context.database, info.context.bus) as work:
            job = await _begun_before(work, info, input)
            if job is None:
                source = await add(work)
                job = await queue.ingest_documents(
                    work,
                    source.id,
                    created_by=_actor(info),
                    idempotency_key=input.idempotency_key,
                    force=input.force,
                )
            source = await documents.get_source(work.session, job.payload["source_id"])
        return IngestDocumentsPayload(job=Job.of(job), source=DocumentSource.of(source))

    @strawberry.mutation(
        description="Remove a document from the knowledge base. While its file is in a folder that is ingested, the "
        "next ingest brings it back: remove the file, or the source.",
        permission_classes=[IsAdmin],
    )
    async def remove_document(
        self,
        info: Info,
        input: Annotated[RemoveDocumentInput, strawberry.argument(description="Which document.")],  # noqa: A002 the contract's name
    ) -> RemoveDocumentResult:
        """Delete rows."""
        row_id = decode_id_of("Document", input.id)
        async with unit_of_work(info.context.database, info.context.bus) as work:
            document = await documents.get(work.session, row_id)
            work.emit(LIBRARY_TOPIC, "DOCUMENT_REMOVED", row_id, {"title": document.title})
            await documents.remove(work.session, [row_id])
            work.emit(INDEX_TOPIC, "PASSAGES_CHANGED")
        return RemoveDocumentPayload(removed_id=input.id)

    @strawberry.mutation(
        description="Forget a folder, file or upload, and remove all its documents from the knowledge base.",
        permission_classes=[IsAdmin],
    )
    async def remove_document_source(
        self,
        info: Info,
        input: Annotated[RemoveDocumentSourceInput, strawberry.argument(description="Which source.")],  # noqa: A002 the contract's name
    ) -> RemoveDocumentSourceResult:
        """Delete rows."""
        row_id = decode_id_of("DocumentSource", input.id)
        async with unit_of_work(info.context.database, info.context.bus) as work:
            await documents.get_source(work.session, row_id)
            gone = await documents.remove_source(work.session, row_id)
            for document_id, title in gone:
                work.emit(LIBRARY_TOPIC, "DOCUMENT_REMOVED", document_id, {"title": title})
            work.emit(INDEX_TOPIC, "PASSAGES_CHANGED")
        return RemoveDocumentSourcePayload(removed_id=input.id, documents=len(gone))

    @strawberry.mutation(
        description="Cut and embed everything again, or one book or document; searches go on meanwhile.",
        permission_classes=[IsAdmin],
    )
    async def reindex(
        self,
        info: Info,
        input: Annotated[ReindexInput, strawberry.argument(description="What.")],  # noqa: A002 the contract's name
    ) -> ReindexResult:
        """Start a job."""
        owner = _owner(input.only) if input.only is not None else None
        async with unit_of_work(info.context.database, info.context.bus) as work:
            if owner is not None:
                await _require(work.session, *owner)
            job = await queue.reindex(
                work,
                owner=(owner[0].value, owner[1]) if owner is not None else None,
                created_by=_actor(info),
                idempotency_key=input.idempotency_key,
            )
        return ReindexPayload(job=Job.of(job))


Add = Callable[[Work], Awaitable[SourceRow]]


async def _adder(info: Info, given: IngestSourceInput) -> Add:
    """What writes the source's row: the disk is looked at, and an upload read, before the transaction begins."""
    actor = _actor(info)
    if isinstance(given.upload, UploadedFile):
        name, content = _file_name(given.upload), await given.upload.read()
        return lambda work: documents.add_upload(work.session, name, content, actor=actor)
    if isinstance(given.again, str):
        source_id = decode_id_of("DocumentSource", given.again)
        return lambda work: documents.get_source(work.session, source_id)
    folder = given.folder if isinstance(given.folder, IngestFolderInput) else None
    file = given.file if isinstance(given.file, IngestFileInput) else None
    path = folder.path if folder is not None else file.path if file is not None else ""
    place = await document_places.usable_place(path, info.context.private_folders, is_folder=folder is not None)
    watched = folder is not None and folder.watch
    return lambda work: documents.add_place(
        work.session, place, is_folder=folder is not None, watched=watched, actor=actor
    )


def _file_name(upload: UploadedFile) -> str:
    name = PurePosixPath((upload.filename or "").replace("\\", "/")).name
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise UploadNameUnusable
    return name


async def _begun_before(work: Work, info: Info, given: IngestDocumentsInput) -> JobRow | None:
    """The ingest of an upload that the same request has started already: its bytes need not be kept twice."""
    if given.idempotency_key is None or not isinstance(given.source.upload, UploadedFile):
        return None
    job = await job_rows.by_key(work.session, _actor(info), given.idempotency_key)
    if job is not None and job.kind is not JobKind.INGEST_DOCUMENTS:
        raise IdempotencyKeyReused(given.idempotency_key)
    return job


def _owner(only: ReindexOnlyInput) -> tuple[OwnerKind, int]:
    if isinstance(only.book, str):
        return OwnerKind.BOOK, decode_id_of("Book", only.book)
    return OwnerKind.DOCUMENT, decode_id_of("Document", str(only.document))


async def _require(session: AsyncSession, kind: OwnerKind, row_id: int) -> None:
    if kind is OwnerKind.DOCUMENT:
        await documents.get(session, row_id)
    elif await session.get(Book, row_id) is None:
        raise NotFound("book", row_id)


def _actor(info: Info) -> str:
    viewer = info.context.viewer
    return viewer.actor if viewer is not None else queue.SYSTEM
