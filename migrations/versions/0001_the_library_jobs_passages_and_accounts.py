"""The library, jobs, passages and accounts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from library.models import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counters")),
    )
    op.create_table(
        "covers",
        sa.Column("content_hash", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("content_hash", name=op.f("pk_covers")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("entity_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.create_index("ix_events_topic", ["topic", "id"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "entity_kind", sa.Enum("BOOK", "EDITION", name="entitykind", native_enum=False, length=40), nullable=False
        ),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column(
            "source",
            sa.Enum("FOLDER", "TAGS", "SIDECAR", "USER", name="metadatasource", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column(
            "value",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("fetched_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        sa.UniqueConstraint(
            "entity_kind",
            "entity_id",
            "field",
            "source",
            "detail",
            name=op.f("uq_evidence_entity_kind_entity_id_field_source_detail"),
        ),
    )
    op.create_table(
        "fields",
        sa.Column(
            "entity_kind", sa.Enum("BOOK", "EDITION", name="entitykind", native_enum=False, length=40), nullable=False
        ),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column(
            "value",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column(
            "source",
            sa.Enum("FOLDER", "TAGS", "SIDECAR", "USER", name="metadatasource", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("locked_by", sa.String(), nullable=True),
        sa.Column("locked_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entity_kind", "entity_id", "name", name=op.f("pk_fields")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("SCAN_LIBRARY", "EMBED_PASSAGES", "BUILD_INDEX", name="jobkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "QUEUED",
                "RUNNING",
                "SUCCEEDED",
                "PARTIAL",
                "FAILED",
                "CANCELLED",
                name="jobstate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "payload",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("idempotency_key", sa.String(length=200), nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("progress_done", sa.Integer(), nullable=False),
        sa.Column("progress_total", sa.Integer(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(length=60), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column(
            "result",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("worker", sa.String(length=80), nullable=True),
        sa.Column("heartbeat_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("started_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("finished_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("created_by", "idempotency_key", name=op.f("uq_jobs_created_by_idempotency_key")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index("ix_jobs_kind_state", ["kind", "state"], unique=False)
        batch_op.create_index("ix_jobs_state", ["state", "heartbeat_at"], unique=False)

    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("expires_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "library_roots",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("last_scanned_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_roots")),
        sa.UniqueConstraint("path", name=op.f("uq_library_roots_path")),
    )
    op.create_table(
        "metadata_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "entity_kind", sa.Enum("BOOK", "EDITION", name="entitykind", native_enum=False, length=40), nullable=False
        ),
        sa.Column("entity_id", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False),
        sa.Column(
            "old_value",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column(
            "new_value",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column(
            "source",
            sa.Enum("FOLDER", "TAGS", "SIDECAR", "USER", name="metadatasource", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("changed_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metadata_changes")),
    )
    with op.batch_alter_table("metadata_changes", schema=None) as batch_op:
        batch_op.create_index("ix_metadata_changes_entity", ["entity_kind", "entity_id", "id"], unique=False)

    op.create_table(
        "passage_deletions",
        sa.Column("passage_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("passage_id", name=op.f("pk_passage_deletions")),
    )
    with op.batch_alter_table("passage_deletions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_passage_deletions_version"), ["version"], unique=False)

    op.create_table(
        "passages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("owner_kind", sa.Enum("BOOK", name="ownerkind", native_enum=False, length=40), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("header", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passages")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("passages", schema=None) as batch_op:
        batch_op.create_index("ix_passages_owner", ["owner_kind", "owner_id"], unique=False)
        batch_op.create_index("ix_passages_version", ["version"], unique=False)

    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sort_name", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("name_key", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("name_key", name=op.f("uq_people_name_key")),
    )
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.create_index("ix_people_sort_name_id", ["sort_name", "id"], unique=False)

    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sort_name", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("name_key", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint("name_key", name=op.f("uq_series_name_key")),
    )
    with op.batch_alter_table("series", schema=None) as batch_op:
        batch_op.create_index("ix_series_sort_name_id", ["sort_name", "id"], unique=False)

    op.create_table(
        "tags",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("kind", sa.Enum("GENRE", "TAG", name="tagkind", native_enum=False, length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("kind", "name_key", name=op.f("uq_tags_kind_name_key")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "role", sa.Enum("VIEWER", "MEMBER", "ADMIN", name="role", native_enum=False, length=40), nullable=False
        ),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "books",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("sort_title", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("title_key", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("subtitle", sa.String(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("language", sa.String(length=40), nullable=True),
        sa.Column("published_year", sa.Integer(), nullable=True),
        sa.Column("duration_seconds", sa.Double(), nullable=False),
        sa.Column("owned", sa.Boolean(), nullable=False),
        sa.Column("cover_hash", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["cover_hash"], ["covers.content_hash"], name=op.f("fk_books_cover_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_books")),
    )
    with op.batch_alter_table("books", schema=None) as batch_op:
        batch_op.create_index("ix_books_created_at_id", ["created_at", "id"], unique=False)
        batch_op.create_index("ix_books_published_year_id", ["published_year", "id"], unique=False)
        batch_op.create_index("ix_books_sort_title_id", ["sort_title", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_books_title_key"), ["title_key"], unique=False)

    op.create_table(
        "embeddings",
        sa.Column("passage_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["passage_id"], ["passages.id"], name=op.f("fk_embeddings_passage_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("passage_id", "model", name=op.f("pk_embeddings")),
    )
    with op.batch_alter_table("embeddings", schema=None) as batch_op:
        batch_op.create_index("ix_embeddings_model_version", ["model", "version"], unique=False)

    op.create_table(
        "job_item_errors",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_item_errors_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_item_errors")),
    )
    with op.batch_alter_table("job_item_errors", schema=None) as batch_op:
        batch_op.create_index("ix_job_item_errors_job_id", ["job_id", "id"], unique=False)

    op.create_table(
        "tokens",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind", sa.Enum("API", "SESSION", "SIGN_IN", name="tokenkind", native_enum=False, length=40), nullable=False
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "role", sa.Enum("VIEWER", "MEMBER", "ADMIN", name="role", native_enum=False, length=40), nullable=False
        ),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=12), nullable=False),
        sa.Column("expires_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tokens_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_tokens_secret_hash")),
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index("ix_tokens_user_id", ["user_id", "id"], unique=False)

    op.create_table(
        "book_authors",
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_book_authors_book_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_book_authors_person_id")),
        sa.PrimaryKeyConstraint("book_id", "person_id", name=op.f("pk_book_authors")),
    )
    with op.batch_alter_table("book_authors", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_book_authors_person_id"), ["person_id"], unique=False)

    op.create_table(
        "book_tags",
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tag_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_book_tags_book_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tag_id"], ["tags.id"], name=op.f("fk_book_tags_tag_id")),
        sa.PrimaryKeyConstraint("book_id", "tag_id", name=op.f("pk_book_tags")),
    )
    with op.batch_alter_table("book_tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_book_tags_tag_id"), ["tag_id"], unique=False)

    op.create_table(
        "book_words",
        sa.Column("word", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_book_words_book_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("word", "book_id", name=op.f("pk_book_words")),
    )
    with op.batch_alter_table("book_words", schema=None) as batch_op:
        batch_op.create_index("ix_book_words_book_id", ["book_id"], unique=False)

    op.create_table(
        "editions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("publisher", sa.String(), nullable=True),
        sa.Column("asin", sa.String(length=10), nullable=True),
        sa.Column("isbn", sa.String(length=13), nullable=True),
        sa.Column("language", sa.String(length=40), nullable=True),
        sa.Column("published_date", sa.String(length=10), nullable=True),
        sa.Column("abridged", sa.Boolean(), nullable=True),
        sa.Column("dramatized", sa.Boolean(), nullable=True),
        sa.Column("duration_seconds", sa.Double(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("cover_hash", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_editions_book_id")),
        sa.ForeignKeyConstraint(["cover_hash"], ["covers.content_hash"], name=op.f("fk_editions_cover_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_editions")),
    )
    with op.batch_alter_table("editions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_editions_asin"), ["asin"], unique=False)
        batch_op.create_index(batch_op.f("ix_editions_book_id"), ["book_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_editions_fingerprint"), ["fingerprint"], unique=False)
        batch_op.create_index(batch_op.f("ix_editions_isbn"), ["isbn"], unique=False)

    op.create_table(
        "series_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("series_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.String(length=60), nullable=True),
        sa.Column("sort_key", sa.Double(), nullable=False),
        sa.Column(
            "role",
            sa.Enum("MAIN", "NOVELLA", "OMNIBUS", "SIDE", name="seriesrole", native_enum=False, length=40),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["book_id"], ["books.id"], name=op.f("fk_series_entries_book_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_series_entries_series_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series_entries")),
        sa.UniqueConstraint("series_id", "book_id", name=op.f("uq_series_entries_series_id_book_id")),
    )
    with op.batch_alter_table("series_entries", schema=None) as batch_op:
        batch_op.create_index("ix_series_entries_book_id", ["book_id"], unique=False)
        batch_op.create_index("ix_series_entries_order", ["series_id", "sort_key", "id"], unique=False)

    op.create_table(
        "chapters",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("start_seconds", sa.Double(), nullable=False),
        sa.Column("end_seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_chapters_edition_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chapters")),
    )
    with op.batch_alter_table("chapters", schema=None) as batch_op:
        batch_op.create_index("ix_chapters_edition_id", ["edition_id", "position"], unique=False)

    op.create_table(
        "copies",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("root_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("missing_since", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("seen_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["edition_id"], ["editions.id"], name=op.f("fk_copies_edition_id")),
        sa.ForeignKeyConstraint(["root_id"], ["library_roots.id"], name=op.f("fk_copies_root_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copies")),
        sa.UniqueConstraint("root_id", "path", name=op.f("uq_copies_root_id_path")),
    )
    with op.batch_alter_table("copies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_copies_edition_id"), ["edition_id"], unique=False)

    op.create_table(
        "edition_narrators",
        sa.Column("edition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edition_id"], ["editions.id"], name=op.f("fk_edition_narrators_edition_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_edition_narrators_person_id")),
        sa.PrimaryKeyConstraint("edition_id", "person_id", name=op.f("pk_edition_narrators")),
    )
    with op.batch_alter_table("edition_narrators", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_edition_narrators_person_id"), ["person_id"], unique=False)

    op.create_table(
        "audio_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("copy_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("duration_seconds", sa.Double(), nullable=False),
        sa.Column("codec", sa.String(length=40), nullable=True),
        sa.Column("bit_rate", sa.Integer(), nullable=True),
        sa.Column("sample_rate", sa.Integer(), nullable=True),
        sa.Column("channels", sa.Integer(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column(
            "contents",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["copy_id"], ["copies.id"], name=op.f("fk_audio_files_copy_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audio_files")),
        sa.UniqueConstraint("copy_id", "path", name=op.f("uq_audio_files_copy_id_path")),
    )
    with op.batch_alter_table("audio_files", schema=None) as batch_op:
        batch_op.create_index("ix_audio_files_fingerprint", ["fingerprint"], unique=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("audio_files", schema=None) as batch_op:
        batch_op.drop_index("ix_audio_files_fingerprint")

    op.drop_table("audio_files")
    with op.batch_alter_table("edition_narrators", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_edition_narrators_person_id"))

    op.drop_table("edition_narrators")
    with op.batch_alter_table("copies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_copies_edition_id"))

    op.drop_table("copies")
    with op.batch_alter_table("chapters", schema=None) as batch_op:
        batch_op.drop_index("ix_chapters_edition_id")

    op.drop_table("chapters")
    with op.batch_alter_table("series_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_series_entries_order")
        batch_op.drop_index("ix_series_entries_book_id")

    op.drop_table("series_entries")
    with op.batch_alter_table("editions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_editions_isbn"))
        batch_op.drop_index(batch_op.f("ix_editions_fingerprint"))
        batch_op.drop_index(batch_op.f("ix_editions_book_id"))
        batch_op.drop_index(batch_op.f("ix_editions_asin"))

    op.drop_table("editions")
    with op.batch_alter_table("book_words", schema=None) as batch_op:
        batch_op.drop_index("ix_book_words_book_id")

    op.drop_table("book_words")
    with op.batch_alter_table("book_tags", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_book_tags_tag_id"))

    op.drop_table("book_tags")
    with op.batch_alter_table("book_authors", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_book_authors_person_id"))

    op.drop_table("book_authors")
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.drop_index("ix_tokens_user_id")

    op.drop_table("tokens")
    with op.batch_alter_table("job_item_errors", schema=None) as batch_op:
        batch_op.drop_index("ix_job_item_errors_job_id")

    op.drop_table("job_item_errors")
    with op.batch_alter_table("embeddings", schema=None) as batch_op:
        batch_op.drop_index("ix_embeddings_model_version")

    op.drop_table("embeddings")
    with op.batch_alter_table("books", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_books_title_key"))
        batch_op.drop_index("ix_books_sort_title_id")
        batch_op.drop_index("ix_books_published_year_id")
        batch_op.drop_index("ix_books_created_at_id")

    op.drop_table("books")
    op.drop_table("users")
    op.drop_table("tags")
    with op.batch_alter_table("series", schema=None) as batch_op:
        batch_op.drop_index("ix_series_sort_name_id")

    op.drop_table("series")
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_index("ix_people_sort_name_id")

    op.drop_table("people")
    with op.batch_alter_table("passages", schema=None) as batch_op:
        batch_op.drop_index("ix_passages_version")
        batch_op.drop_index("ix_passages_owner")

    op.drop_table("passages")
    with op.batch_alter_table("passage_deletions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_passage_deletions_version"))

    op.drop_table("passage_deletions")
    with op.batch_alter_table("metadata_changes", schema=None) as batch_op:
        batch_op.drop_index("ix_metadata_changes_entity")

    op.drop_table("metadata_changes")
    op.drop_table("library_roots")
    op.drop_table("leases")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_jobs_state")
        batch_op.drop_index("ix_jobs_kind_state")

    op.drop_table("jobs")
    op.drop_table("fields")
    op.drop_table("evidence")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index("ix_events_topic")

    op.drop_table("events")
    op.drop_table("covers")
    op.drop_table("counters")
