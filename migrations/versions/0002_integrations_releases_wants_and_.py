"""Integrations, releases, wants and downloads."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from library.models import tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "daily_budgets",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "day", name=op.f("pk_daily_budgets")),
    )
    op.create_table(
        "integrations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "PROWLARR",
                "MYANONAMOUSE",
                "TORZNAB",
                "QBITTORRENT",
                name="integrationkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column(
            "options",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column(
            "source",
            sa.Enum("ENVIRONMENT", "MUTATION", name="integrationsource", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("last_success_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_error_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_error_code", sa.String(length=60), nullable=True),
        sa.Column("last_error_message", sa.String(), nullable=True),
        sa.Column("needs_action", sa.String(), nullable=True),
        sa.Column(
            "circuit",
            sa.Enum("CLOSED", "OPEN", "HALF_OPEN", name="circuit", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column(
            "seen",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("checked_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integrations")),
        sa.UniqueConstraint("name", name=op.f("uq_integrations_name")),
    )
    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_integrations_kind"), ["kind"], unique=False)

    op.create_table(
        "notification_targets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind", sa.Enum("WEBHOOK", "APPRISE", name="notificationkind", native_enum=False, length=40), nullable=False
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sealed_url", sa.String(), nullable=False),
        sa.Column("sealed_key", sa.String(), nullable=True),
        sa.Column(
            "topics",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("delivered_event_id", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_success_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("last_error_message", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_targets")),
        sa.UniqueConstraint("name", name=op.f("uq_notification_targets_name")),
    )
    op.create_table(
        "quality_profiles",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "rules",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_profiles")),
        sa.UniqueConstraint("name", name=op.f("uq_quality_profiles_name")),
    )
    op.create_table(
        "integration_secrets",
        sa.Column("integration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["integration_id"],
            ["integrations.id"],
            name=op.f("fk_integration_secrets_integration_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("integration_id", "name", name=op.f("pk_integration_secrets")),
    )
    op.create_table(
        "tracker_accounts",
        sa.Column("integration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("username", sa.String(), nullable=True),
        sa.Column("user_class", sa.String(), nullable=True),
        sa.Column("ratio", sa.Double(), nullable=True),
        sa.Column("uploaded_bytes", sa.BigInteger(), nullable=True),
        sa.Column("downloaded_bytes", sa.BigInteger(), nullable=True),
        sa.Column("points", sa.Integer(), nullable=True),
        sa.Column("wedges", sa.Integer(), nullable=True),
        sa.Column("vip_until", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("unsatisfied", sa.Integer(), nullable=True),
        sa.Column("unsatisfied_limit", sa.Integer(), nullable=True),
        sa.Column("connectable", sa.Boolean(), nullable=True),
        sa.Column("frozen_until", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("below_floor", sa.Boolean(), nullable=False),
        sa.Column("announces_rejected", sa.Boolean(), nullable=False),
        sa.Column("fetched_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_tracker_accounts_integration_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("integration_id", name=op.f("pk_tracker_accounts")),
    )
    op.create_table(
        "user_quality_profiles",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quality_profile_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["quality_profile_id"],
            ["quality_profiles.id"],
            name=op.f("fk_user_quality_profiles_quality_profile_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_user_quality_profiles_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_quality_profiles")),
    )
    op.create_table(
        "wants",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum("OPEN", "SATISFIED", "CLOSED", name="wantstate", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("quality_profile_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "rules",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("grab_automatically", sa.Boolean(), nullable=False),
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("searches", sa.Integer(), nullable=False),
        sa.Column("last_searched_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("next_search_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_wants_book_id")),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_wants_edition_id")),
        sa.ForeignKeyConstraint(
            ["quality_profile_id"], ["quality_profiles.id"], name=op.f("fk_wants_quality_profile_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wants")),
    )
    with op.batch_alter_table("wants", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wants_book_id"), ["book_id"], unique=False)
        batch_op.create_index("ix_wants_state_next_search_at", ["state", "next_search_at"], unique=False)

    op.create_table(
        "release_searches",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("want_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column(
            "wanted",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column(
            "profile",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_release_searches_book_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_release_searches_job_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["want_id"], ["wants.id"], name=op.f("fk_release_searches_want_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_searches")),
    )
    with op.batch_alter_table("release_searches", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_release_searches_book_id"), ["book_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_release_searches_job_id"), ["job_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_release_searches_want_id"), ["want_id"], unique=False)

    op.create_table(
        "provider_reports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("search_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("integration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("PENDING", "OK", "EMPTY", "FAILED", "SKIPPED", name="reportstatus", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("latency_seconds", sa.Double(), nullable=True),
        sa.Column("error_code", sa.String(length=60), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["integration_id"],
            ["integrations.id"],
            name=op.f("fk_provider_reports_integration_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["search_id"], ["release_searches.id"], name=op.f("fk_provider_reports_search_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_reports")),
        sa.UniqueConstraint("search_id", "provider", name=op.f("uq_provider_reports_search_id_provider")),
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("search_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("integration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("indexer", sa.String(), nullable=False),
        sa.Column(
            "also_at",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("info_hash", sa.String(length=64), nullable=True),
        sa.Column("tracker_torrent_id", sa.Integer(), nullable=True),
        sa.Column("page_url", sa.String(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("seeders", sa.Integer(), nullable=True),
        sa.Column("leechers", sa.Integer(), nullable=True),
        sa.Column("published_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "facts",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("sealed_link", sa.String(), nullable=True),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("cost", sa.String(length=20), nullable=False),
        sa.Column(
            "decision",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_releases_integration_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["search_id"], ["release_searches.id"], name=op.f("fk_releases_search_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("search_id", "key", name=op.f("uq_releases_search_id_key")),
    )
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.create_index("ix_releases_search_id_order", ["search_id", "accepted", "score", "id"], unique=False)

    op.create_table(
        "downloads",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "QUEUED",
                "GRABBING",
                "DOWNLOADING",
                "VERIFYING",
                "IMPORTING",
                "IMPORTED",
                "ENRICHING",
                "DONE",
                "BLOCKED",
                "FAILED",
                "CANCELLED",
                "REPLACED",
                name="downloadstate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("state_since", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "returns_to",
            sa.Enum(
                "QUEUED",
                "GRABBING",
                "DOWNLOADING",
                "VERIFYING",
                "IMPORTING",
                "IMPORTED",
                "ENRICHING",
                "DONE",
                "BLOCKED",
                "FAILED",
                "CANCELLED",
                "REPLACED",
                name="downloadstate",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("reason_code", sa.String(length=60), nullable=True),
        sa.Column("reason_message", sa.String(), nullable=True),
        sa.Column("reason_hint", sa.String(), nullable=True),
        sa.Column("retry_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("cancel_with_data", sa.Boolean(), nullable=False),
        sa.Column("release_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("want_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("client_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("root_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "mode", sa.Enum("HARDLINK", "COPY", "MOVE", name="importmode", native_enum=False, length=40), nullable=False
        ),
        sa.Column("ignore_warnings", sa.Boolean(), nullable=False),
        sa.Column("info_hash", sa.String(length=40), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("save_path", sa.String(), nullable=True),
        sa.Column("content_path", sa.String(), nullable=True),
        sa.Column("done_bytes", sa.BigInteger(), nullable=False),
        sa.Column("total_bytes", sa.BigInteger(), nullable=False),
        sa.Column("bytes_per_second", sa.BigInteger(), nullable=False),
        sa.Column("eta_seconds", sa.Integer(), nullable=True),
        sa.Column("client_state", sa.String(length=40), nullable=True),
        sa.Column("share_ratio", sa.Double(), nullable=True),
        sa.Column("seeding_seconds", sa.Integer(), nullable=False),
        sa.Column("seeding_goal_seconds", sa.Integer(), nullable=False),
        sa.Column("left_client_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("seen_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("missing_polls", sa.Integer(), nullable=False),
        sa.Column("wedge", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_downloads_book_id")),
        sa.ForeignKeyConstraint(["client_id"], ["integrations.id"], name=op.f("fk_downloads_client_id")),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_downloads_edition_id")),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_downloads_release_id")),
        sa.ForeignKeyConstraint(["root_id"], ["library_roots.id"], name=op.f("fk_downloads_root_id")),
        sa.ForeignKeyConstraint(["want_id"], ["wants.id"], name=op.f("fk_downloads_want_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_downloads")),
    )
    with op.batch_alter_table("downloads", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_downloads_book_id"), ["book_id"], unique=False)
        batch_op.create_index("ix_downloads_created_by", ["created_by", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_downloads_deadline_at"), ["deadline_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_downloads_info_hash"), ["info_hash"], unique=False)
        batch_op.create_index(batch_op.f("ix_downloads_release_id"), ["release_id"], unique=False)
        batch_op.create_index("ix_downloads_state_retry_at", ["state", "retry_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_downloads_want_id"), ["want_id"], unique=False)

    op.create_table(
        "purchases",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("integration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "kind",
            sa.Enum("WEDGE", "VIP", "UPLOAD", "PERSONAL_FREELEECH", name="purchasekind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "ESTIMATED", "PENDING", "DONE", "REFUSED", "UNKNOWN", name="purchasestate", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("release_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("amount", sa.Integer(), nullable=True),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("wedges", sa.Integer(), nullable=False),
        sa.Column("maximum_points", sa.Integer(), nullable=False),
        sa.Column("maximum_wedges", sa.Integer(), nullable=False),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["integration_id"], ["integrations.id"], name=op.f("fk_purchases_integration_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_purchases_job_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_purchases_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchases")),
    )
    with op.batch_alter_table("purchases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_purchases_integration_id"), ["integration_id"], unique=False)

    op.create_table(
        "download_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("download_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "from_state",
            sa.Enum(
                "QUEUED",
                "GRABBING",
                "DOWNLOADING",
                "VERIFYING",
                "IMPORTING",
                "IMPORTED",
                "ENRICHING",
                "DONE",
                "BLOCKED",
                "FAILED",
                "CANCELLED",
                "REPLACED",
                name="downloadstate",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "to_state",
            sa.Enum(
                "QUEUED",
                "GRABBING",
                "DOWNLOADING",
                "VERIFYING",
                "IMPORTING",
                "IMPORTED",
                "ENRICHING",
                "DONE",
                "BLOCKED",
                "FAILED",
                "CANCELLED",
                "REPLACED",
                name="downloadstate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.String(length=60), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["download_id"], ["downloads.id"], name=op.f("fk_download_changes_download_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_download_changes")),
    )
    with op.batch_alter_table("download_changes", schema=None) as batch_op:
        batch_op.create_index("ix_download_changes_download_id", ["download_id", "id"], unique=False)

    op.create_table(
        "download_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("download_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("duration_seconds", sa.Double(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_download_files_book_id")),
        sa.ForeignKeyConstraint(
            ["download_id"], ["downloads.id"], name=op.f("fk_download_files_download_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_download_files")),
        sa.UniqueConstraint("download_id", "position", name=op.f("uq_download_files_download_id_position")),
    )
    op.create_table(
        "download_torrents",
        sa.Column("download_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["download_id"], ["downloads.id"], name=op.f("fk_download_torrents_download_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("download_id", name=op.f("pk_download_torrents")),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("download_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("root_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column(
            "mode", sa.Enum("HARDLINK", "COPY", "MOVE", name="importmode", native_enum=False, length=40), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum("PLANNED", "APPLIED", "UNDONE", name="importstate", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_imports_book_id")),
        sa.ForeignKeyConstraint(["download_id"], ["downloads.id"], name=op.f("fk_imports_download_id")),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_imports_edition_id")),
        sa.ForeignKeyConstraint(["root_id"], ["library_roots.id"], name=op.f("fk_imports_root_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sa.UniqueConstraint("download_id", "folder", name=op.f("uq_imports_download_id_folder")),
    )
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_imports_download_id"), ["download_id"], unique=False)

    op.create_table(
        "imported_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("import_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(), nullable=True),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=True),
        sa.Column("device", sa.BigInteger(), nullable=True),
        sa.Column("inode", sa.String(length=20), nullable=True),
        sa.Column("placed", sa.Boolean(), nullable=False),
        sa.Column("recycled_to", sa.String(), nullable=True),
        sa.Column(
            "details",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_imported_files_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_files")),
        sa.UniqueConstraint("import_id", "target", name=op.f("uq_imported_files_import_id_target")),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("imported_files")
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_imports_download_id"))

    op.drop_table("imports")
    op.drop_table("download_torrents")
    op.drop_table("download_files")
    with op.batch_alter_table("download_changes", schema=None) as batch_op:
        batch_op.drop_index("ix_download_changes_download_id")

    op.drop_table("download_changes")
    with op.batch_alter_table("purchases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_purchases_integration_id"))

    op.drop_table("purchases")
    with op.batch_alter_table("downloads", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_downloads_want_id"))
        batch_op.drop_index("ix_downloads_state_retry_at")
        batch_op.drop_index(batch_op.f("ix_downloads_release_id"))
        batch_op.drop_index(batch_op.f("ix_downloads_info_hash"))
        batch_op.drop_index(batch_op.f("ix_downloads_deadline_at"))
        batch_op.drop_index("ix_downloads_created_by")
        batch_op.drop_index(batch_op.f("ix_downloads_book_id"))

    op.drop_table("downloads")
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.drop_index("ix_releases_search_id_order")

    op.drop_table("releases")
    op.drop_table("provider_reports")
    with op.batch_alter_table("release_searches", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_release_searches_want_id"))
        batch_op.drop_index(batch_op.f("ix_release_searches_job_id"))
        batch_op.drop_index(batch_op.f("ix_release_searches_book_id"))

    op.drop_table("release_searches")
    with op.batch_alter_table("wants", schema=None) as batch_op:
        batch_op.drop_index("ix_wants_state_next_search_at")
        batch_op.drop_index(batch_op.f("ix_wants_book_id"))

    op.drop_table("wants")
    op.drop_table("user_quality_profiles")
    op.drop_table("tracker_accounts")
    op.drop_table("integration_secrets")
    op.drop_table("quality_profiles")
    op.drop_table("notification_targets")
    with op.batch_alter_table("integrations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_integrations_kind"))

    op.drop_table("integrations")
    op.drop_table("daily_budgets")
