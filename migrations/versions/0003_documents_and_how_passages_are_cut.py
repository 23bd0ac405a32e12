"""Documents, and how passages are cut and where they stand."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from library.models import tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "document_sources",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("FOLDER", "FILE", "UPLOAD", name="sourcekind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("path", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("watched", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("last_ingested_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_sources")),
        sa.UniqueConstraint("path", name=op.f("uq_document_sources_path")),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("sort_title", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column(
            "format",
            sa.Enum("MARKDOWN", "HTML", "TEXT", "PDF", "EPUB", name="documentformat", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("language", sa.String(length=40), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("problem_code", sa.String(length=60), nullable=True),
        sa.Column("problem_message", sa.String(), nullable=True),
        sa.Column("missing_since", tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("updated_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["document_sources.id"], name=op.f("fk_documents_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("source_id", "path", name=op.f("uq_documents_source_id_path")),
    )
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.create_index("ix_documents_content_hash", ["content_hash"], unique=False)
        batch_op.create_index("ix_documents_sort_title_id", ["sort_title", "id"], unique=False)

    op.create_table(
        "document_sections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column(
            "headings",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=False,
        ),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_document_sections_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_sections")),
        sa.UniqueConstraint("document_id", "position", name=op.f("uq_document_sections_document_id_position")),
    )
    # Passages of before were cut in a way that has no name: they are cut anew.
    with op.batch_alter_table("passages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cut", sa.String(length=40), server_default="unknown", nullable=False))
        batch_op.add_column(sa.Column("start", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("end", sa.Integer(), server_default="0", nullable=False))
        batch_op.create_index("ix_passages_cut_id", ["cut", "id"], unique=False)
        batch_op.create_index("ix_passages_content_hash", ["content_hash"], unique=False)


def downgrade() -> None:
    """Revert."""
    with op.batch_alter_table("passages", schema=None) as batch_op:
        batch_op.drop_index("ix_passages_content_hash")
        batch_op.drop_index("ix_passages_cut_id")
        batch_op.drop_column("end")
        batch_op.drop_column("start")
        batch_op.drop_column("cut")
    op.drop_table("document_sections")
    op.drop_table("documents")
    op.drop_table("document_sources")
