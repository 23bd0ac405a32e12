"""Jobs, the errors of their items, events and leases."""

import enum
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from library.models.tables import Id, Json, Table, enum_text, now


class JobKind(enum.StrEnum):
    """What a job does."""

    SCAN_LIBRARY = "SCAN_LIBRARY"
    EMBED_PASSAGES = "EMBED_PASSAGES"
    BUILD_INDEX = "BUILD_INDEX"
    CHECK_INTEGRATION = "CHECK_INTEGRATION"
    SEARCH_RELEASES = "SEARCH_RELEASES"
    GRAB_DOWNLOAD = "GRAB_DOWNLOAD"
    STEER_DOWNLOAD = "STEER_DOWNLOAD"
    IMPORT_DOWNLOAD = "IMPORT_DOWNLOAD"
    UNDO_IMPORT = "UNDO_IMPORT"
    REFRESH_TRACKER = "REFRESH_TRACKER"
    BUY_AT_TRACKER = "BUY_AT_TRACKER"
    INGEST_DOCUMENTS = "INGEST_DOCUMENTS"
    REINDEX = "REINDEX"
    ANSWER_QUESTION = "ANSWER_QUESTION"


class JobState(enum.StrEnum):
    """Where a job stands."""

    QUEUED = "QUEUED"  # written, waits for a worker
    RUNNING = "RUNNING"  # a worker has it and sends heartbeats
    SUCCEEDED = "SUCCEEDED"  # ended, every item done
    PARTIAL = "PARTIAL"  # ended, some items failed and say why
    FAILED = "FAILED"  # ended by an error, or lost too often
    CANCELLED = "CANCELLED"  # ended by a user's wish


FINISHED_STATES = frozenset({JobState.SUCCEEDED, JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED})


class Job(Table):
    """A row for every piece of slow work; the queue only carries its id."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.UniqueConstraint("created_by", "idempotency_key"),
        sa.Index("ix_jobs_state", "state", "heartbeat_at"),
        sa.Index("ix_jobs_kind_state", "kind", "state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[JobKind] = mapped_column(enum_text(JobKind))
    state: Mapped[JobState] = mapped_column(enum_text(JobState), default=JobState.QUEUED)
    payload: Mapped[dict[str, Any]] = mapped_column(Json)  # ids and flags only
    idempotency_key: Mapped[str | None] = mapped_column(sa.String(200))
    created_by: Mapped[str] = mapped_column(sa.String(80))  # "user:7", or "system"
    progress_done: Mapped[int] = mapped_column(default=0)
    progress_total: Mapped[int | None]
    message: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str | None] = mapped_column(sa.String(60))
    error_message: Mapped[str | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(Json)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    worker: Mapped[str | None] = mapped_column(sa.String(80))  # who holds it: a claim is void once another holds it
    heartbeat_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class JobItemError(Table):
    """Why one item of a job failed while the others went on."""

    __tablename__ = "job_item_errors"
    __table_args__ = (sa.Index("ix_job_item_errors_job_id", "job_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    job_id: Mapped[int] = mapped_column(sa.ForeignKey("jobs.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    item: Mapped[str]
    code: Mapped[str] = mapped_column(sa.String(60))
    message: Mapped[str]


class Event(Table):
    """Something that changed, written in the transaction of the change; its id is the sequence."""

    __tablename__ = "events"
    __table_args__ = (sa.Index("ix_events_topic", "topic", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    topic: Mapped[str] = mapped_column(sa.String(60))  # "job:7", "library", "index"
    kind: Mapped[str] = mapped_column(sa.String(40))
    entity_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    state: Mapped[dict[str, Any] | None] = mapped_column(Json)  # the new state, not a difference
    created_at: Mapped[datetime] = mapped_column(default=now)


class Lease(Table):
    """Who may do what only one may do, and until when."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    holder: Mapped[str] = mapped_column(sa.String(80))
    expires_at: Mapped[datetime]
