"""Passages, their vectors, and the versions by which readers follow them."""

import enum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from library.models.tables import Id, Table, enum_text


class OwnerKind(enum.StrEnum):
    """What a passage is a piece of."""

    BOOK = "BOOK"  # of its description
    DOCUMENT = "DOCUMENT"  # of its text


class Passage(Table):
    """A piece of text that is embedded and searched; ids are never used twice."""

    __tablename__ = "passages"
    __table_args__ = (
        sa.Index("ix_passages_owner", "owner_kind", "owner_id"),
        sa.Index("ix_passages_cut_id", "cut", "id"),
        sa.Index("ix_passages_content_hash", "content_hash"),
        sa.Index("ix_passages_version", "version"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_kind: Mapped[OwnerKind] = mapped_column(enum_text(OwnerKind))
    owner_id: Mapped[int] = mapped_column(sa.BigInteger)
    cut: Mapped[str] = mapped_column(sa.String(40), server_default="unknown")  # how the owner's text was cut
    position: Mapped[int]
    start: Mapped[int] = mapped_column(server_default="0")  # of `text` in the owner's text, in characters
    end: Mapped[int] = mapped_column(server_default="0")
    header: Mapped[str]
    text: Mapped[str]
    content_hash: Mapped[str] = mapped_column(sa.String(64))
    version: Mapped[int] = mapped_column(sa.BigInteger)


class Embedding(Table):
    """A passage's vector by one model: float32, little-endian, unit length."""

    __tablename__ = "embeddings"
    __table_args__ = (sa.Index("ix_embeddings_model_version", "model", "version"),)

    passage_id: Mapped[int] = mapped_column(sa.ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True)
    model: Mapped[str] = mapped_column(sa.String(80), primary_key=True)  # the hash of the model's weights
    vector: Mapped[bytes]
    version: Mapped[int] = mapped_column(sa.BigInteger)


class PassageDeletion(Table):
    """A passage that is gone, kept so that readers of an older generation learn of it."""

    __tablename__ = "passage_deletions"

    passage_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(sa.BigInteger, index=True)
