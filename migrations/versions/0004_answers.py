"""Answers that a language model is asked to write."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from library.models import tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
)


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "state",
            sa.Enum("WAITING", "WRITTEN", "NOT_WRITTEN", name="answerstate", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("sources", _JSON, nullable=False),
        sa.Column("statements", _JSON, nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("cited", _JSON, nullable=False),
        sa.Column("invented_citations", sa.Integer(), nullable=False),
        sa.Column("stripped", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("input_tokens", sa.Integer(), nullable=True),
        sa.Column("output_tokens", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(length=60), nullable=True),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("finished_at", tables.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_answers_job_id_jobs"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
    )
    op.create_index("ix_answers_created_at", "answers", ["created_at"])
    op.create_index(op.f("ix_answers_job_id"), "answers", ["job_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index(op.f("ix_answers_job_id"), table_name="answers")
    op.drop_index("ix_answers_created_at", table_name="answers")
    op.drop_table("answers")
