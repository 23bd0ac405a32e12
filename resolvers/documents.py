"""Documents of the knowledge base in the graph: texts, their sections, and where they come from."""

from datetime import datetime

import strawberry

from library.models.accounts import Role
from library.models.documents import Document as DocumentRow
from library.models.documents import DocumentSection as SectionRow
from library.models.documents import DocumentSource as SourceRow
from library.models.documents import SourceKind
from library.pagination import Page
from resolvers.connection import After, Before, Connection, First, Last, connect_children
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.document_formats import DocumentFormat
from resolvers.ids import encode_id
from resolvers.nodes import Node
from resolvers.passages import Passage
from resolvers.permissions import has_role
from resolvers.scalars import URL, BigInt

describe_enum(
    SourceKind,
    "Where documents are read from.",
    {
        SourceKind.FOLDER: "A folder of the server, with all below it.",
        SourceKind.FILE: "One file of the server.",
        SourceKind.UPLOAD: "A file that was sent.",
    },
    name="DocumentSourceKind",
)


@strawberry.type(description="A folder, a file or an upload that documents are read from.")
class DocumentSource(Node):
    """A row of document sources."""

    kind: SourceKind = strawberry.field(description="What it is.")
    name: str = strawberry.field(description="Its name, without the folders above it.")
    watched: bool = strawberry.field(description="Whether a worker follows its changes.")
    created_at: datetime = strawberry.field(description="When it was first asked for.")
    last_ingested_at: datetime | None = strawberry.field(description="When it was last read to its end.")
    absolute_path: strawberry.Private[str | None]

    @classmethod
    def of(cls, row: SourceRow) -> "DocumentSource":
        """View a row."""
        return cls(
            id=encode_id("DocumentSource", row.id),
            kind=row.kind,
            name=row.name,
            watched=row.watched,
            created_at=row.created_at,
            last_ingested_at=row.last_ingested_at,
            absolute_path=row.path,
        )

    @strawberry.field(description="Where it is on the server; null for uploads, and for all but administrators.")
    def path(self, info: Info) -> str | None:
        """The path, for those who may know it."""
        return self.absolute_path if has_role(info.context.viewer, Role.ADMIN) else None


@strawberry.type(description="Why the present state of a document's file could not be read; its last good text stays.")
class DocumentProblem:
    """Code and sentence."""

    code: str = strawberry.field(description="What is wrong, for programs.")
    message: str = strawberry.field(description="What is wrong and what to do, for people.")


@strawberry.type(description="What stands under one heading of a document.")
class DocumentSection(Node):
    """A row of document sections."""

    level: int = strawberry.field(description="Level of its heading, from 1; 0 for what stands before the first.")
    headings: list[str] = strawberry.field(description="The headings that lead to it, its own last; at most six.")
    start: int = strawberry.field(description="Its first character in the document's text, heading included.")
    end: int = strawberry.field(description="The character after its last.")
    document_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: SectionRow) -> "DocumentSection":
        """View a row."""
        return cls(
            id=encode_id("DocumentSection", row.id),
            level=row.level,
            headings=row.headings,
            start=row.start,
            end=row.end,
            document_id=row.document_id,
        )

    @strawberry.field(description="Its text.")
    async def text(self, info: Info) -> str:
        """The range of the document's text."""
        return (await info.context.loaders.text_of_document.load(self.document_id))[self.start : self.end]

    @strawberry.field(description="The document it is in.")
    async def document(self, info: Info) -> "Document | None":
        """The document, by its loader."""
        return await document_by_id(info, self.document_id)


@strawberry.type(description="A text of the knowledge base, as it was read last.")
class Document(Node):
    """A row of documents."""

    title: str = strawberry.field(description="Its title: what it says itself, its first heading, or its file's name.")
    path: str = strawberry.field(description="Its path below its source; the file's name for files and uploads.")
    url: URL | None = strawberry.field(description="Where it can be read, when it says so itself.")
    format: DocumentFormat = strawberry.field(description="What it was written in.")
    language: str | None = strawberry.field(description="Its language as a code such as `en`, when the text tells.")
    size_bytes: BigInt = strawberry.field(description="Size of the file it was read from, in bytes.")
    content_hash: str = strawberry.field(description="SHA-256 of the bytes it was read from.")
    modified_at: datetime | None = strawberry.field(description="When its file was last written; null for uploads.")
    missing_since: datetime | None = strawberry.field(
        description="Since when its file is gone; such a document is found by no search, and removed at the next look."
    )
    created_at: datetime = strawberry.field(description="When it was first read.")
    updated_at: datetime = strawberry.field(description="When it was last read.")
    problem: DocumentProblem | None = strawberry.field(description="Why its file cannot be read now; null if it can.")
    row_id: strawberry.Private[int]
    source_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: DocumentRow) -> "Document":
        """View a row; its text is not looked at."""
        problem = row.problem_code
        return cls(
            id=encode_id("Document", row.id),
            title=row.title,
            path=row.path,
            url=URL(row.url) if row.url is not None else None,
            format=row.format,
            language=row.language,
            size_bytes=BigInt(row.size_bytes),
            content_hash=row.content_hash,
            modified_at=row.modified_at,
            missing_since=row.missing_since,
            created_at=row.created_at,
            updated_at=row.updated_at,
            problem=DocumentProblem(code=problem, message=row.problem_message or "") if problem else None,
            row_id=row.id,
            source_id=row.source_id,
        )

    @strawberry.field(
        description="The whole text, plain: headings are lines, tables have bars, code stands between ```. "
        "All offsets count its characters (Unicode code points) from 0."
    )
    async def text(self, info: Info) -> str:
        """The text, by its loader."""
        return await info.context.loaders.text_of_document.load(self.row_id)

    @strawberry.field(description="Where it is read from.")
    async def source(self, info: Info) -> DocumentSource | None:
        """The source, by its loader."""
        return await document_source_by_id(info, self.source_id)

    @strawberry.field(description="Its sections, in reading order.")
    async def sections(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[DocumentSection]:
        """A page of sections."""
        page = Page.of(first, after, last, before)
        return await connect_children(info.context.loaders.sections_of_document, self.row_id, page, DocumentSection.of)

    @strawberry.field(description="The pieces that are searched, in reading order.")
    async def passages(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Passage]:
        """A page of passages."""
        page = Page.of(first, after, last, before)
        return await connect_children(info.context.loaders.passages_of_document, self.row_id, page, Passage.of)


async def document_by_id(info: Info, row_id: int) -> Document | None:
    """For `node(id:)` and edges."""
    row = await info.context.loaders.document.load(row_id)
    return Document.of(row) if row is not None else None


async def document_source_by_id(info: Info, row_id: int) -> DocumentSource | None:
    """For `node(id:)` and edges."""
    row = await info.context.loaders.document_source.load(row_id)
    return DocumentSource.of(row) if row is not None else None


@strawberry.type(description="What an ingest found.")
class IngestResult:
    """Counts of documents."""

    added: int = strawberry.field(description="New documents.")
    updated: int = strawberry.field(description="Documents that were read again.")
    moved: int = strawberry.field(description="Documents found under another path; they stayed the same documents.")
    unchanged: int = strawberry.field(description="Documents that did not have to be read.")
    missing: int = strawberry.field(description="Documents that were not there; searches do not find them any more.")
    removed: int = strawberry.field(description="Documents that were not there for the second time, and were removed.")
    failed: int = strawberry.field(description="Files that could not be read and say why.")
    source_id: strawberry.Private[int]

    @strawberry.field(description="What was read.")
    async def source(self, info: Info) -> DocumentSource | None:
        """The source, by its loader."""
        return await document_source_by_id(info, self.source_id)


async def section_by_id(info: Info, row_id: int) -> DocumentSection | None:
    """For `node(id:)`."""
    async with info.context.database.read() as session:
        row = await session.get(SectionRow, row_id)
    return DocumentSection.of(row) if row is not None else None
