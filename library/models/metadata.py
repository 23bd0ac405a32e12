"""Where every field's value comes from: evidence, the decision, and the history of decisions."""

import enum
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from library.models.tables import Id, Json, Table, enum_text, now


class EntityKind(enum.StrEnum):
    """What has fields."""

    BOOK = "BOOK"
    EDITION = "EDITION"


class MetadataSource(enum.StrEnum):
    """Who says something about a field."""

    FOLDER = "FOLDER"
    TAGS = "TAGS"
    SIDECAR = "SIDECAR"
    USER = "USER"


class Evidence(Table):
    """What one source says of one field, whether or not it won."""

    __tablename__ = "evidence"
    __table_args__ = (sa.UniqueConstraint("entity_kind", "entity_id", "field", "source", "detail"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    entity_kind: Mapped[EntityKind] = mapped_column(enum_text(EntityKind))
    entity_id: Mapped[int] = mapped_column(sa.BigInteger)
    field: Mapped[str] = mapped_column(sa.String(40))
    source: Mapped[MetadataSource] = mapped_column(enum_text(MetadataSource))
    detail: Mapped[str] = mapped_column(sa.String(200), default="")  # which copy and which sidecar said it
    rank: Mapped[int]  # of sources that disagree, the higher wins
    value: Mapped[Any] = mapped_column(Json, nullable=True)  # null says: known to be empty
    confidence: Mapped[float]
    fetched_at: Mapped[datetime] = mapped_column(default=now)


class Field(Table):
    """A field as decided: its value, who said so, and whether it is locked."""

    __tablename__ = "fields"

    entity_kind: Mapped[EntityKind] = mapped_column(enum_text(EntityKind), primary_key=True)
    entity_id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    value: Mapped[Any] = mapped_column(Json, nullable=True)
    source: Mapped[MetadataSource] = mapped_column(enum_text(MetadataSource))
    detail: Mapped[str] = mapped_column(sa.String(200), default="")
    confidence: Mapped[float]
    locked: Mapped[bool] = mapped_column(default=False)
    locked_by: Mapped[str | None]
    locked_at: Mapped[datetime | None]
    decided_at: Mapped[datetime] = mapped_column(default=now)


class MetadataChange(Table):
    """One change of a decided field, with what it was before."""

    __tablename__ = "metadata_changes"
    __table_args__ = (sa.Index("ix_metadata_changes_entity", "entity_kind", "entity_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    entity_kind: Mapped[EntityKind] = mapped_column(enum_text(EntityKind))
    entity_id: Mapped[int] = mapped_column(sa.BigInteger)
    field: Mapped[str] = mapped_column(sa.String(40))
    old_value: Mapped[Any] = mapped_column(Json, nullable=True)
    new_value: Mapped[Any] = mapped_column(Json, nullable=True)
    source: Mapped[MetadataSource] = mapped_column(enum_text(MetadataSource))
    actor: Mapped[str]  # the user's name, or the job that did it
    changed_at: Mapped[datetime] = mapped_column(default=now)
