"""Downloads: grabs with their state, files and history, and the imports that make editions of them."""

import enum
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from library.models.tables import Id, Json, Table, enum_text, now


class DownloadState(enum.StrEnum):
    """Where a download stands."""

    QUEUED = "QUEUED"  # asked for; waits for a worker
    GRABBING = "GRABBING"  # its torrent is being fetched and given to the client
    DOWNLOADING = "DOWNLOADING"  # the client has it and fetches it
    VERIFYING = "VERIFYING"  # complete; its files are being checked
    IMPORTING = "IMPORTING"  # checked; its files are being placed in the library
    IMPORTED = "IMPORTED"  # placed; the library has yet to read them
    ENRICHING = "ENRICHING"  # a book of the library; it becomes searchable by meaning
    DONE = "DONE"  # all is done; it seeds until its goal
    BLOCKED = "BLOCKED"  # cannot go on now: says why, and when or how it will
    FAILED = "FAILED"  # cannot go on: says why; may be retried
    CANCELLED = "CANCELLED"  # ended by a user's wish
    REPLACED = "REPLACED"  # another download does its work


ENDED_STATES = frozenset({DownloadState.DONE, DownloadState.FAILED, DownloadState.CANCELLED, DownloadState.REPLACED})


class ImportMode(enum.StrEnum):
    """How files get into the library."""

    HARDLINK = "HARDLINK"  # one file, two names: seeding goes on and no space is used
    COPY = "COPY"  # a second file
    MOVE = "MOVE"  # the file leaves the client's folder, which ends seeding


class Download(Table):
    """One tracked grab; its info-hash and our tag are its identity in the client."""

    __tablename__ = "downloads"
    __table_args__ = (
        sa.Index("ix_downloads_state_retry_at", "state", "retry_at"),
        sa.Index("ix_downloads_created_by", "created_by", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    state: Mapped[DownloadState] = mapped_column(enum_text(DownloadState), default=DownloadState.QUEUED)
    state_since: Mapped[datetime] = mapped_column(default=now)
    deadline_at: Mapped[datetime | None] = mapped_column(index=True)  # by when it should have left its state
    returns_to: Mapped[DownloadState | None] = mapped_column(enum_text(DownloadState))  # from BLOCKED
    reason_code: Mapped[str | None] = mapped_column(sa.String(60))  # of BLOCKED and FAILED
    reason_message: Mapped[str | None]
    reason_hint: Mapped[str | None]
    retry_at: Mapped[datetime | None]  # when BLOCKED is tried again by itself; None: never by itself
    attempts: Mapped[int] = mapped_column(default=0)  # of the present state; grows the pause before the next
    paused: Mapped[bool] = mapped_column(default=False)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    cancel_with_data: Mapped[bool] = mapped_column(default=False)

    release_id: Mapped[int] = mapped_column(sa.ForeignKey("releases.id"), index=True)
    want_id: Mapped[int | None] = mapped_column(sa.ForeignKey("wants.id"), index=True)
    book_id: Mapped[int | None] = mapped_column(sa.ForeignKey("books.id"), index=True)
    edition_id: Mapped[int | None] = mapped_column(sa.ForeignKey("editions.id"))
    client_id: Mapped[int | None] = mapped_column(sa.ForeignKey("integrations.id"))
    root_id: Mapped[int | None] = mapped_column(sa.ForeignKey("library_roots.id"))
    mode: Mapped[ImportMode] = mapped_column(enum_text(ImportMode))
    ignore_warnings: Mapped[bool] = mapped_column(default=False)  # the user said to import it all the same

    info_hash: Mapped[str | None] = mapped_column(sa.String(40), index=True)  # the client's id of the torrent
    name: Mapped[str]
    save_path: Mapped[str | None]  # as the client sees it
    content_path: Mapped[str | None]  # as the client sees it

    done_bytes: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    total_bytes: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    bytes_per_second: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    eta_seconds: Mapped[int | None]
    client_state: Mapped[str | None] = mapped_column(sa.String(40))  # the client's own word
    share_ratio: Mapped[float | None]
    seeding_seconds: Mapped[int] = mapped_column(default=0)
    seeding_goal_seconds: Mapped[int] = mapped_column(default=0)
    left_client_at: Mapped[datetime | None]  # when it was removed from the client, by us or by hand
    seen_at: Mapped[datetime | None]  # when the client was last seen to have it
    missing_polls: Mapped[int] = mapped_column(default=0)  # absence counts only when it is seen twice

    wedge: Mapped[bool] = mapped_column(default=False)  # a wedge was asked for with this grab
    created_by: Mapped[str] = mapped_column(sa.String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class DownloadTorrent(Table):
    """The torrent file of a download; apart, since progress is written often and this is larger than all the rest."""

    __tablename__ = "download_torrents"

    download_id: Mapped[int] = mapped_column(sa.ForeignKey("downloads.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[str]  # it holds the user's passkey


class DownloadChange(Table):
    """One step of a download's history."""

    __tablename__ = "download_changes"
    __table_args__ = (sa.Index("ix_download_changes_download_id", "download_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    download_id: Mapped[int] = mapped_column(sa.ForeignKey("downloads.id", ondelete="CASCADE"))
    from_state: Mapped[DownloadState | None] = mapped_column(enum_text(DownloadState))
    to_state: Mapped[DownloadState] = mapped_column(enum_text(DownloadState))
    code: Mapped[str | None] = mapped_column(sa.String(60))
    message: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class DownloadFile(Table):
    """A file of a torrent, as the torrent lists it."""

    __tablename__ = "download_files"
    __table_args__ = (sa.UniqueConstraint("download_id", "position"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    download_id: Mapped[int] = mapped_column(sa.ForeignKey("downloads.id", ondelete="CASCADE"))
    position: Mapped[int]
    path: Mapped[str]  # relative to the save path, with forward slashes
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    book_id: Mapped[int | None] = mapped_column(sa.ForeignKey("books.id"))  # of a torrent with several books
    duration_seconds: Mapped[float | None]  # as decoded
    problem: Mapped[str | None]


class ImportState(enum.StrEnum):
    """Where an import stands."""

    PLANNED = "PLANNED"  # the final paths are fixed; files may have begun to appear
    APPLIED = "APPLIED"  # every file is in its place
    UNDONE = "UNDONE"  # its files were taken out again, into the recycle folder


class Import(Table):
    """Files of one download that become one edition of one book."""

    __tablename__ = "imports"
    __table_args__ = (sa.UniqueConstraint("download_id", "folder"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    download_id: Mapped[int] = mapped_column(sa.ForeignKey("downloads.id"), index=True)
    book_id: Mapped[int | None] = mapped_column(sa.ForeignKey("books.id"))
    edition_id: Mapped[int | None] = mapped_column(sa.ForeignKey("editions.id"))
    root_id: Mapped[int] = mapped_column(sa.ForeignKey("library_roots.id"))
    folder: Mapped[str]  # relative to the root
    mode: Mapped[ImportMode] = mapped_column(enum_text(ImportMode))
    state: Mapped[ImportState] = mapped_column(enum_text(ImportState), default=ImportState.PLANNED)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class ImportedFile(Table):
    """A file we placed, with what proves that it is ours: only such files are ever taken away again."""

    __tablename__ = "imported_files"
    __table_args__ = (sa.UniqueConstraint("import_id", "target"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    import_id: Mapped[int] = mapped_column(sa.ForeignKey("imports.id", ondelete="CASCADE"))
    source: Mapped[str | None]  # relative to the save path; None: a sidecar we wrote
    target: Mapped[str]  # relative to the root
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    content_hash: Mapped[str | None] = mapped_column(sa.String(64))  # of copies and sidecars
    device: Mapped[int | None] = mapped_column(sa.BigInteger)
    inode: Mapped[str | None] = mapped_column(sa.String(20))  # unsigned 64 bits do not fit a column
    placed: Mapped[bool] = mapped_column(default=False)
    recycled_to: Mapped[str | None]  # relative to the recycle folder
    details: Mapped[dict[str, Any] | None] = mapped_column(Json)
