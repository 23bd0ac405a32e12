"""Answers that a language model was asked to write."""

import enum
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from library.models.tables import Id, Json, Table, enum_text, now


class AnswerState(enum.StrEnum):
    """Where the writing of an answer stands."""

    WAITING = "WAITING"  # for a worker, or for the model, which is at it
    WRITTEN = "WRITTEN"  # its text cites passages that were found
    NOT_WRITTEN = "NOT_WRITTEN"  # it says why; the quotations stand


class Answer(Table):
    """A question with the passages that were found for it, their quotations, and what a model made of them."""

    __tablename__ = "answers"
    __table_args__ = (sa.Index("ix_answers_created_at", "created_at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    job_id: Mapped[int | None] = mapped_column(sa.ForeignKey("jobs.id", ondelete="SET NULL"), index=True)
    state: Mapped[AnswerState] = mapped_column(enum_text(AnswerState), default=AnswerState.WAITING)
    question: Mapped[str]
    sources: Mapped[list[dict[str, Any]]] = mapped_column(Json)  # as library.answers.FoundPassage
    statements: Mapped[list[dict[str, Any]]] = mapped_column(Json)  # as library.answers.Quotation
    text: Mapped[str | None]
    cited: Mapped[list[int]] = mapped_column(Json, default=list)  # numbers of sources, in the order of the text
    invented_citations: Mapped[int] = mapped_column(default=0)  # taken out of the text
    stripped: Mapped[int] = mapped_column(default=0)  # links, pictures and tags taken out of the text
    model: Mapped[str | None]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    error_code: Mapped[str | None] = mapped_column(sa.String(60))
    error_message: Mapped[str | None]
    created_by: Mapped[str] = mapped_column(sa.String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
