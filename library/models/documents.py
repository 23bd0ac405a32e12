"""Documents of the knowledge base, where they come from, and their sections."""

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from library.models.tables import Id, Json, SortText, Table, enum_text, now


class SourceKind(enum.StrEnum):
    """Where documents are read from."""

    FOLDER = "FOLDER"  # every readable file below it
    FILE = "FILE"  # one file of the server
    UPLOAD = "UPLOAD"  # bytes that somebody sent


class DocumentFormat(enum.StrEnum):
    """What a document was written in."""

    MARKDOWN = "MARKDOWN"
    HTML = "HTML"
    TEXT = "TEXT"
    PDF = "PDF"
    EPUB = "EPUB"


class DocumentSource(Table):
    """A folder, a file or an upload that somebody asked to ingest."""

    __tablename__ = "document_sources"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[SourceKind] = mapped_column(enum_text(SourceKind))
    path: Mapped[str | None] = mapped_column(unique=True)  # as the server sees it; null for uploads
    name: Mapped[str]
    content: Mapped[bytes | None]  # of an upload, until it has been read
    watched: Mapped[bool] = mapped_column(default=False)  # whether a worker follows the folder's changes
    created_by: Mapped[str] = mapped_column(sa.String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    last_ingested_at: Mapped[datetime | None]


class Document(Table):
    """A text of the knowledge base, as it was read last."""

    __tablename__ = "documents"
    __table_args__ = (
        sa.UniqueConstraint("source_id", "path"),
        sa.Index("ix_documents_sort_title_id", "sort_title", "id"),
        sa.Index("ix_documents_content_hash", "content_hash"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("document_sources.id"))
    path: Mapped[str]  # below the source; the file's name for files and uploads
    title: Mapped[str]
    sort_title: Mapped[str] = mapped_column(SortText)
    url: Mapped[str | None]  # where it can be read, when it says so itself
    format: Mapped[DocumentFormat] = mapped_column(enum_text(DocumentFormat))
    language: Mapped[str | None] = mapped_column(sa.String(40))
    text: Mapped[str]  # plain; sections, passages and citations are ranges of it
    content_hash: Mapped[str] = mapped_column(sa.String(64))  # SHA-256 of the bytes it was read from
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    modified_at: Mapped[datetime | None]  # of the file
    problem_code: Mapped[str | None] = mapped_column(sa.String(60))  # why the file's present state could not be read
    problem_message: Mapped[str | None]
    missing_since: Mapped[datetime | None]  # not seen at the last look: it is kept, and not found by searches
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class DocumentSection(Table):
    """What stands under one heading of a document, as a range of its text."""

    __tablename__ = "document_sections"
    __table_args__ = (sa.UniqueConstraint("document_id", "position"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("documents.id", ondelete="CASCADE"))
    position: Mapped[int]  # in reading order, from 0
    level: Mapped[int]  # of the heading, from 1; 0 for what stands before the first
    headings: Mapped[list[str]] = mapped_column(Json)  # from the outermost to its own
    start: Mapped[int]  # in characters of the document's text
    end: Mapped[int]
