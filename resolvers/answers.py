"""Answers in the graph: the passages that were found, the words quoted from them, and what a language model wrote."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from library import answers as rows
from library import models
from library.answers import FoundPassage, Quotation
from library.models.accounts import Role
from library.models.answers import AnswerState
from library.models.passages import OwnerKind
from resolvers.books import Book
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.documents import document_by_id
from resolvers.ids import encode_id
from resolvers.nodes import Node
from resolvers.passages import Passage
from resolvers.permissions import has_role
from resolvers.search import SearchHit
from resolvers.snippets import TextRange

if TYPE_CHECKING:
    from resolvers.jobs import Job

describe_enum(
    AnswerState,
    "Where the writing of an answer stands.",
    {
        AnswerState.WAITING: "A worker or the language model is at it.",
        AnswerState.WRITTEN: "Its text is there, and cites passages that were found.",
        AnswerState.NOT_WRITTEN: "There is no text: see the error. The quotations stand.",
    },
    name="AnswerState",
)


@strawberry.type(description="A passage that was found for a question.")
class AnswerSource:
    """As it was when the question was asked."""

    number: int = strawberry.field(description="Its place, from 1; answers cite it by this number.")
    score: float = strawberry.field(description="How well it fits, from 0 to 1; comparable within one answer.")
    context: str = strawberry.field(description="Where it is from: title, headings, or what a book is.")
    text: str = strawberry.field(description="The passage, word for word.")
    range: TextRange = strawberry.field(
        description="Where it stands in the document's `text` or the book's `description`."
    )
    row: strawberry.Private[FoundPassage]

    @classmethod
    def of(cls, row: FoundPassage) -> "AnswerSource":
        """View a passage."""
        return cls(
            number=row.number,
            score=row.score,
            context=row.header,
            text=row.text,
            range=TextRange(start=row.start, end=row.end),
            row=row,
        )

    @strawberry.field(description="What it is a piece of; null when that is gone.")
    async def node(self, info: Info) -> SearchHit | None:
        """The owner, by its loader."""
        if self.row.owner_kind == OwnerKind.DOCUMENT:
            return await document_by_id(info, self.row.owner_id)
        book = await info.context.loaders.book.load(self.row.owner_id)
        return Book.of(book) if book is not None else None

    @strawberry.field(description="The passage itself; null once its text has changed.")
    async def passage(self, info: Info) -> Passage | None:
        """The passage, by its loader."""
        row = await info.context.loaders.passage.load(self.row.passage_id)
        return Passage.of(row) if row is not None else None


@strawberry.type(description="Where words are from.")
class AnswerCitation:
    """A place in a source."""

    number: int = strawberry.field(description="Number of the source; written text names it as `[1]`.")
    range: TextRange = strawberry.field(
        description="The words that are cited, in the document's `text` or the book's `description`."
    )
    source: AnswerSource = strawberry.field(description="The source.")


@strawberry.type(description="Something that is said, and what it rests on.")
class AnswerStatement:
    """A quotation."""

    text: str = strawberry.field(description="Quoted word for word. It may hold markup: show it as plain text.")
    citations: list[AnswerCitation] = strawberry.field(description="Where it stands.")


@strawberry.type(description="The sentences that answer a question, quoted and cited; no language model takes part.")
class ExtractiveAnswer:
    """Found, or not."""

    found: bool = strawberry.field(
        description="Whether anything is relevant enough. If not, nothing is quoted, whatever was found."
    )
    relevance: float = strawberry.field(
        description="How well the best sentence fits; comparable between questions of one embedding model."
    )
    statements: list[AnswerStatement] = strawberry.field(description="The most telling first.")


@strawberry.type(description="Why nothing was written.")
class AnswerError:
    """Code and sentence."""

    code: str = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong and what to do, for people.")


@strawberry.type(
    description="A question that a language model was asked to answer, seen by who asked and administrators."
)
class Answer(Node):
    """A row of answers."""

    question: str = strawberry.field(description="What was asked.")
    state: AnswerState = strawberry.field(description="Where the writing stands.")
    text: str | None = strawberry.field(
        description="What the model wrote: plain text with citations such as `[1]`, each of a source below. Links, "
        "pictures and markup have been taken out; show it as plain text all the same."
    )
    citations: list[AnswerCitation] = strawberry.field(description="What the text cites, in its order, each once.")
    statements: list[AnswerStatement] = strawberry.field(description="What is quoted, whatever the model says.")
    sources: list[AnswerSource] = strawberry.field(description="The passages that the model was shown.")
    removed_citations: int = strawberry.field(description="Citations that the model invented, taken out of the text.")
    removed_markup: int = strawberry.field(description="Links, pictures and tags that were taken out of the text.")
    model: str | None = strawberry.field(description="Name of the model that wrote.")
    error: AnswerError | None = strawberry.field(description="Why nothing was written; null otherwise.")
    created_at: datetime = strawberry.field(description="When it was asked.")
    finished_at: datetime | None = strawberry.field(description="When the writing ended.")
    row: strawberry.Private[models.Answer]

    @classmethod
    def of(cls, row: models.Answer) -> "Answer":
        """View a row."""
        sources = rows.sources_of(row)
        views = {source.number: AnswerSource.of(source) for source in sources}
        failed = row.error_code is not None
        return cls(
            id=encode_id("Answer", row.id),
            question=row.question,
            state=row.state,
            text=row.text,
            citations=[AnswerCitation(number=n, range=views[n].range, source=views[n]) for n in row.cited],
            statements=statements_of(rows.quotations_of(row), list(views.values())),
            sources=list(views.values()),
            removed_citations=row.invented_citations,
            removed_markup=row.stripped,
            model=row.model,
            error=AnswerError(code=row.error_code or "", message=row.error_message or "") if failed else None,
            created_at=row.created_at,
            finished_at=row.finished_at,
            row=row,
        )

    @strawberry.field(description="The job that has it written; null once that is forgotten.")
    async def job(self, info: Info) -> Annotated["Job", strawberry.lazy("resolvers.jobs")] | None:
        """The job."""
        from resolvers.jobs import job_by_id  # noqa: PLC0415 jobs' results refer to Answer

        return await job_by_id(info, self.row.job_id) if self.row.job_id is not None else None


@strawberry.type(description="What a writing job has made.")
class AnswerResult:
    """An answer."""

    answer_id: strawberry.Private[int]

    @strawberry.field(description="The answer; null once it is forgotten.")
    async def answer(self, info: Info) -> Answer | None:
        """The row."""
        return await answer_by_id(info, self.answer_id)


def statements_of(quotations: Sequence[Quotation], sources: Sequence[AnswerSource]) -> list[AnswerStatement]:
    """View quotations."""
    by_number = {source.number: source for source in sources}
    return [
        AnswerStatement(
            text=quotation.text,
            citations=[
                AnswerCitation(
                    number=quotation.number,
                    range=TextRange(start=quotation.start, end=quotation.end),
                    source=by_number[quotation.number],
                )
            ],
        )
        for quotation in quotations
    ]


async def answer_by_id(info: Info, answer_id: int) -> Answer | None:
    """For `node(id:)`: members see the answers they asked for, administrators all."""
    viewer = info.context.viewer
    async with info.context.database.read() as session:
        row = await session.get(models.Answer, answer_id)
    if row is None or viewer is None or not has_role(viewer, Role.MEMBER):
        return None
    return Answer.of(row) if row.created_by == viewer.actor or has_role(viewer, Role.ADMIN) else None
