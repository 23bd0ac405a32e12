"""Wants, quality profiles, searches for releases, and what was offered with the decision on it."""

import enum
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from library.models.tables import Id, Json, Table, enum_text, now


class QualityProfile(Table):
    """Which recordings and files satisfy; belongs to wants and users."""

    __tablename__ = "quality_profiles"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    rules: Mapped[dict[str, Any]] = mapped_column(Json)  # as library.releases.profiles writes it
    created_by: Mapped[str] = mapped_column(sa.String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class UserQualityProfile(Table):
    """The profile of a user's wants and searches that name none."""

    __tablename__ = "user_quality_profiles"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    quality_profile_id: Mapped[int] = mapped_column(sa.ForeignKey("quality_profiles.id", ondelete="CASCADE"))


class WantState(enum.StrEnum):
    """Where a want stands."""

    OPEN = "OPEN"  # searched for now and then
    SATISFIED = "SATISFIED"  # an edition that fits is in the library; an upgrade may still be looked for
    CLOSED = "CLOSED"  # nobody wants it any more


class Want(Table):
    """A standing wish for one book, with the rules an edition must meet."""

    __tablename__ = "wants"
    __table_args__ = (sa.Index("ix_wants_state_next_search_at", "state", "next_search_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id"), index=True)
    state: Mapped[WantState] = mapped_column(enum_text(WantState), default=WantState.OPEN)
    quality_profile_id: Mapped[int | None] = mapped_column(sa.ForeignKey("quality_profiles.id"))
    rules: Mapped[dict[str, Any] | None] = mapped_column(Json)  # what differs from the profile for this want
    grab_automatically: Mapped[bool] = mapped_column(default=False)
    edition_id: Mapped[int | None] = mapped_column(sa.ForeignKey("editions.id"))  # what satisfied it
    searches: Mapped[int] = mapped_column(default=0)  # in a row without a release that fits: the back-off
    last_searched_at: Mapped[datetime | None]
    next_search_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(sa.String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    closed_at: Mapped[datetime | None]


class ReleaseSearch(Table):
    """One question to all indexers, with the rules its answers were judged by."""

    __tablename__ = "release_searches"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    job_id: Mapped[int | None] = mapped_column(sa.ForeignKey("jobs.id", ondelete="SET NULL"), index=True)
    want_id: Mapped[int | None] = mapped_column(sa.ForeignKey("wants.id"), index=True)
    book_id: Mapped[int | None] = mapped_column(sa.ForeignKey("books.id"), index=True)
    text: Mapped[str]  # what the indexers are asked
    wanted: Mapped[dict[str, Any] | None] = mapped_column(Json)  # the book as it was compared with; None: free text
    profile: Mapped[dict[str, Any]] = mapped_column(Json)
    created_by: Mapped[str] = mapped_column(sa.String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class ReportStatus(enum.StrEnum):
    """How an indexer answered a search."""

    PENDING = "PENDING"  # asked, no answer yet
    OK = "OK"  # answered with offers
    EMPTY = "EMPTY"  # answered that it has none
    FAILED = "FAILED"  # did not answer: see the error
    SKIPPED = "SKIPPED"  # was not asked: disabled, needs action, or its budget is spent


class ProviderReport(Table):
    """What one indexer answered to one search: a failure is never an empty list."""

    __tablename__ = "provider_reports"
    __table_args__ = (sa.UniqueConstraint("search_id", "provider"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    search_id: Mapped[int] = mapped_column(sa.ForeignKey("release_searches.id", ondelete="CASCADE"))
    integration_id: Mapped[int | None] = mapped_column(sa.ForeignKey("integrations.id", ondelete="SET NULL"))
    provider: Mapped[str]  # "Prowlarr: PublicTracker", "MyAnonamouse"
    status: Mapped[ReportStatus] = mapped_column(enum_text(ReportStatus), default=ReportStatus.PENDING)
    found: Mapped[int] = mapped_column(default=0)
    latency_seconds: Mapped[float | None]
    error_code: Mapped[str | None] = mapped_column(sa.String(60))
    error_message: Mapped[str | None]


class Release(Table):
    """One offer of a search, deduplicated over indexers, with the decision on it."""

    __tablename__ = "releases"
    __table_args__ = (
        sa.UniqueConstraint("search_id", "key"),
        sa.Index("ix_releases_search_id_order", "search_id", "accepted", "score", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    search_id: Mapped[int] = mapped_column(sa.ForeignKey("release_searches.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(sa.String(200))  # "mam:900101", "hash:…", "prowlarr:9:…": the same offer anywhere
    integration_id: Mapped[int | None] = mapped_column(sa.ForeignKey("integrations.id", ondelete="SET NULL"))
    indexer: Mapped[str]  # the one it would be taken from
    also_at: Mapped[list[str]] = mapped_column(Json, default=list)  # other indexers that offer the same
    title: Mapped[str]  # as offered
    info_hash: Mapped[str | None] = mapped_column(sa.String(64))
    tracker_torrent_id: Mapped[int | None]  # MyAnonamouse's id of it
    page_url: Mapped[str | None]
    size_bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    seeders: Mapped[int | None]
    leechers: Mapped[int | None]
    published_at: Mapped[datetime | None]
    facts: Mapped[dict[str, Any]] = mapped_column(Json)  # as library.releases.facts writes it
    sealed_link: Mapped[str | None]  # where its torrent is; a credential, so only sealed
    accepted: Mapped[bool]
    score: Mapped[float]
    cost: Mapped[str] = mapped_column(sa.String(20))
    decision: Mapped[dict[str, Any]] = mapped_column(Json)  # components and rejections
    created_at: Mapped[datetime] = mapped_column(default=now)
