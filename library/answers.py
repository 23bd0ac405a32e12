"""Answers as rows: what was asked and found, and what a language model wrote, or why it did not."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import budgets
from library.errors import Conflict, NotFound
from library.models.answers import Answer, AnswerState
from library.models.integrations import Integration, IntegrationKind
from library.models.tables import now

MODEL_KINDS = (IntegrationKind.OPENAI_COMPATIBLE, IntegrationKind.ANTHROPIC)


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage as it was found: its text stands at `start`..`end` (characters) of its owner's text."""

    number: int  # its rank, by which answers cite it
    passage_id: int
    owner_kind: str
    owner_id: int
    header: str
    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words of a source, at `start`..`end` (characters) of its owner's text."""

    number: int  # of the source
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class WrittenText:
    """What a model wrote, as far as it could be kept."""

    text: str
    cited: Sequence[int]
    invented_citations: int
    stripped: int
    input_tokens: int | None
    output_tokens: int | None


class AnswersSpent(Conflict):
    """Today's budget of written answers is used up."""

    def __init__(self, integration: Integration, limit: int) -> None:
        super().__init__(
            f"All {limit} answers that {integration.name} may write on one day (UTC) are written. Ask again tomorrow, "
            "or raise its option `dailyAnswers`."
        )

    @property
    def job_code(self) -> str:
        """See above."""
        return "BUDGET_SPENT"


async def create(
    session: AsyncSession,
    question: str,
    sources: Sequence[FoundPassage],
    quotations: Sequence[Quotation],
    *,
    created_by: str,
) -> Answer:
    """Write down what a model is to be asked; a job asks it."""
    answer = Answer(
        question=question,
        sources=[asdict(source) for source in sources],
        statements=[asdict(quotation) for quotation in quotations],
        created_by=created_by,
    )
    session.add(answer)
    await session.flush()
    return answer


async def get(session: AsyncSession, answer_id: int, *, locked: bool = False) -> Answer:
    """The answer with this id, on Postgres locked for change if asked; raises NotFound."""
    answer = await session.get(Answer, answer_id, populate_existing=True, with_for_update=locked)
    if answer is None:
        raise NotFound("answer", answer_id)
    return answer


def sources_of(answer: Answer) -> list[FoundPassage]:
    """The passages that were found for it, by number."""
    return [FoundPassage(**kept) for kept in answer.sources]


def quotations_of(answer: Answer) -> list[Quotation]:
    """What stands whatever the model says."""
    return [Quotation(**kept) for kept in answer.statements]


def finish(answer: Answer, written: WrittenText) -> None:
    """Keep what was written."""
    answer.state = AnswerState.WRITTEN
    answer.text = written.text
    answer.cited = list(written.cited)
    answer.invented_citations, answer.stripped = written.invented_citations, written.stripped
    answer.input_tokens, answer.output_tokens = written.input_tokens, written.output_tokens
    answer.error_code = answer.error_message = None
    answer.finished_at = now()


def give_up(answer: Answer, code: str, message: str) -> None:
    """Keep why nothing was written."""
    answer.state = AnswerState.NOT_WRITTEN
    answer.error_code, answer.error_message = code, message
    answer.finished_at = now()


async def writer(session: AsyncSession) -> Integration | None:
    """The language model that writes: the first that is on and does not wait for its user."""
    usable = (Integration.kind.in_(MODEL_KINDS), Integration.enabled, Integration.needs_action.is_(None))
    return await session.scalar(
        sa.select(Integration).where(*usable).order_by(Integration.source, Integration.id).limit(1)
    )


async def spend(session: AsyncSession, integration: Integration, limit: int) -> None:
    """Take one of today's answers; raises AnswersSpent."""
    if not await budgets.spend(session, f"answers:{integration.id}", limit):
        raise AnswersSpent(integration, limit)


async def prune(session: AsyncSession, older_than: datetime) -> None:
    """Forget answers of long ago."""
    await session.execute(sa.delete(Answer).where(Answer.created_at < older_than))
