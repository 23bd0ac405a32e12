"""Library roots, the editions found in them, and the files, chapters and covers of an edition."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from library.models.tables import Id, Json, SortText, Table, now


class LibraryRoot(Table):
    """A folder that is scanned."""

    __tablename__ = "library_roots"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    path: Mapped[str] = mapped_column(unique=True)
    last_scanned_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Edition(Table):
    """One recording of a book; an owned one has copies on disk."""

    __tablename__ = "editions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id"), index=True)
    fingerprint: Mapped[str | None] = mapped_column(sa.String(64), index=True)  # of all audio payloads, in track order
    publisher: Mapped[str | None]
    asin: Mapped[str | None] = mapped_column(sa.String(10), index=True)
    isbn: Mapped[str | None] = mapped_column(sa.String(13), index=True)
    language: Mapped[str | None] = mapped_column(sa.String(40))
    published_date: Mapped[str | None] = mapped_column(sa.String(10))
    abridged: Mapped[bool | None]
    dramatized: Mapped[bool | None]
    duration_seconds: Mapped[float] = mapped_column(default=0.0)
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    cover_hash: Mapped[str | None] = mapped_column(sa.ForeignKey("covers.content_hash"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class EditionNarrator(Table):
    """A narrator of an edition, in the order of the cover."""

    __tablename__ = "edition_narrators"

    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)
    position: Mapped[int]


class Copy(Table):
    """One place on disk that holds an edition: a folder, or a single file in a root."""

    __tablename__ = "copies"
    __table_args__ = (sa.UniqueConstraint("root_id", "path"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id"), index=True)
    root_id: Mapped[int] = mapped_column(sa.ForeignKey("library_roots.id"))
    path: Mapped[str]  # relative to the root, with forward slashes
    signature: Mapped[str] = mapped_column(sa.String(64))  # of names, sizes and times: equal means nothing to read
    missing_since: Mapped[datetime | None]  # first scan that did not see it; absence is not deletion
    seen_at: Mapped[datetime] = mapped_column(default=now)


class AudioFile(Table):
    """A file of a copy, in track order, with what was read from it."""

    __tablename__ = "audio_files"
    __table_args__ = (
        sa.UniqueConstraint("copy_id", "path"),
        sa.Index("ix_audio_files_fingerprint", "fingerprint"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    copy_id: Mapped[int] = mapped_column(sa.ForeignKey("copies.id", ondelete="CASCADE"))
    path: Mapped[str]  # relative to the root
    position: Mapped[int]
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    mtime_ns: Mapped[int] = mapped_column(sa.BigInteger)
    fingerprint: Mapped[str | None] = mapped_column(sa.String(64))
    duration_seconds: Mapped[float]
    codec: Mapped[str | None] = mapped_column(sa.String(40))
    bit_rate: Mapped[int | None]
    sample_rate: Mapped[int | None]
    channels: Mapped[int | None]
    problem: Mapped[str | None]  # why it could not be read
    contents: Mapped[dict[str, Any] | None] = mapped_column(Json)  # tags and chapters as read, so that it is read once


class Chapter(Table):
    """A chapter on the edition's time line."""

    __tablename__ = "chapters"
    __table_args__ = (sa.Index("ix_chapters_edition_id", "edition_id", "position"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    edition_id: Mapped[int] = mapped_column(sa.ForeignKey("editions.id", ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str]
    start_seconds: Mapped[float]
    end_seconds: Mapped[float]


class Cover(Table):
    """A picture kept in the data directory under the hash of its bytes."""

    __tablename__ = "covers"

    content_hash: Mapped[str] = mapped_column(SortText, primary_key=True)
    media_type: Mapped[str] = mapped_column(sa.String(40))
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=now)
