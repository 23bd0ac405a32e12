"""`askKnowledgeBase`: the sources first, then what is quoted from them, then a language model's text as it grows."""

import asyncio
import enum
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Annotated

import strawberry

from jobs import queue
from jobs.events import START, unit_of_work
from library import answers as rows
from library import jobs as job_rows
from library import models
from library.answers import Quotation
from library.errors import BadInput, Forbidden
from library.events import answer_topic
from library.models.accounts import Role
from library.models.answers import AnswerState
from library.models.jobs import FINISHED_STATES, JobState
from library.models.passages import OwnerKind
from resolvers.answers import Answer, AnswerError, AnswerSource, ExtractiveAnswer, statements_of
from resolvers.context import Context, Info
from resolvers.descriptions import describe_enum
from resolvers.found_passages import Asked, Found, find, quotations, quote
from resolvers.permissions import CanRead, has_role, may_read
from resolvers.search import MAXIMUM_QUESTION, QuestionUnusable, SearchFilter, SearchUnavailable
from resolvers.search_access import Warming

MOST_SOURCES = 20
POLL_SECONDS = 2.0  # rows are read again this often whatever Valkey says
COALESCE_SECONDS = 0.25  # at most four events a second
PATIENCE_SECONDS = 20.0  # for a worker to begin


class AnswerStage(enum.StrEnum):
    """What an event of an answer is about."""

    SOURCES = "SOURCES"
    EXTRACTED = "EXTRACTED"
    NOT_FOUND = "NOT_FOUND"
    WRITING = "WRITING"
    WRITTEN = "WRITTEN"
    NOT_WRITTEN = "NOT_WRITTEN"
    UNAVAILABLE = "UNAVAILABLE"


describe_enum(
    AnswerStage,
    "What an event of an answer is about.",
    {
        AnswerStage.SOURCES: "The passages that were found: always the first event.",
        AnswerStage.EXTRACTED: "The sentences that answer, quoted.",
        AnswerStage.NOT_FOUND: "Nothing that was found is relevant enough: that is the answer.",
        AnswerStage.WRITING: "The language model's text has grown. It may yet be taken back, by NOT_WRITTEN.",
        AnswerStage.WRITTEN: "The language model's text is complete, and cites passages that were found.",
        AnswerStage.NOT_WRITTEN: "The language model's text does not come, or was not kept: see `error`. Forget what "
        "was shown of it; the quotations stand.",
        AnswerStage.UNAVAILABLE: "Search is warming up: see `unavailable`.",
    },
    name="AnswerStage",
)


class TooManySources(BadInput):
    """More passages than an answer is made of, or none."""

    def __init__(self, first: int) -> None:
        super().__init__(f"`first` must be from 1 to {MOST_SOURCES}, not {first}.")


@strawberry.input(description="What to ask of books and documents.")
class AskInput:
    """A question."""

    question: str = strawberry.field(description="The question, in your own words.")
    kinds: list[OwnerKind] | None = strawberry.field(
        default=None, description="Where to look; everywhere when left out."
    )
    filter: SearchFilter | None = strawberry.field(default=None, description="Which of it.")
    first: int = strawberry.field(default=8, description="How many passages to answer from, from 1 to 20.")
    written: bool = strawberry.field(
        default=True,
        description="Whether a language model shall write an answer, too: where one is configured, and for members.",
    )


@strawberry.type(description="A step of an answer.")
class AnswerEvent:
    """What has come of a question by now."""

    stage: AnswerStage = strawberry.field(description="What this event is about.")
    done: bool = strawberry.field(description="Whether this is the last event.")
    sources: list[AnswerSource] | None = strawberry.field(
        default=None, description="The passages that were found, best first; in the event SOURCES only."
    )
    answer: ExtractiveAnswer | None = strawberry.field(
        default=None, description="What is quoted; in the events EXTRACTED and NOT_FOUND only."
    )
    text_delta: str | None = strawberry.field(
        default=None,
        description="Text that has been added since the event before; null where it begins anew: take `text` then.",
    )
    text: str | None = strawberry.field(
        default=None, description="All text so far; plain, with citations such as `[1]`, which name sources."
    )
    written: Answer | None = strawberry.field(
        default=None, description="The answer to read again by its id; null where no language model is asked."
    )
    error: AnswerError | None = strawberry.field(default=None, description="Why there is no text.")
    unavailable: SearchUnavailable | None = strawberry.field(
        default=None, description="Why nothing can be found yet; in the event UNAVAILABLE only."
    )


@strawberry.type
class AnswerSubscription:
    """The root field of answers."""

    @strawberry.subscription(
        description="Ask books and documents. First come the passages that were found, then the sentences that answer, "
        "quoted and cited, or that nothing was found. Where a language model is configured, its text follows for "
        "members, cites only these passages, and is taken back if it does not. The last event says `done`.",
        permission_classes=[CanRead],
    )
    async def ask_knowledge_base(
        self,
        info: Info,
        input: Annotated[AskInput, strawberry.argument(description="What to ask.")],  # noqa: A002 the contract's name
    ) -> AsyncGenerator[AnswerEvent, None]:
        """Find, quote, and have it written."""
        asked = _asked(input)
        state = info.context.search.state
        if isinstance(state, Warming):
            unavailable = SearchUnavailable.of(state)
            yield AnswerEvent(stage=AnswerStage.UNAVAILABLE, done=True, unavailable=unavailable)
            return
        found = await find(info, state, asked)
        sources = [AnswerSource.of(passage) for passage in found.passages]
        yield AnswerEvent(stage=AnswerStage.SOURCES, done=False, sources=sources)
        made = await quote(state, found)
        quoted = quotations(made, found)
        is_written = input.written and made.found and await _has_writer(info.context)
        yield AnswerEvent(
            stage=AnswerStage.EXTRACTED if made.found else AnswerStage.NOT_FOUND,
            done=not is_written,
            answer=ExtractiveAnswer(
                found=made.found, relevance=made.relevance, statements=statements_of(quoted, sources)
            ),
        )
        if is_written:
            async with aclosing(_written(info.context, asked, found, quoted)) as events:
                async for event in events:
                    yield event


def _asked(given: AskInput) -> Asked:
    question = given.question.strip()
    if not 1 <= len(question) <= MAXIMUM_QUESTION:
        raise QuestionUnusable(len(question))
    if not 1 <= given.first <= MOST_SOURCES:
        raise TooManySources(given.first)
    return Asked(question, given.kinds, given.filter, given.first)


async def _has_writer(context: Context) -> bool:
    """Whether a language model may write for this viewer."""
    if not has_role(context.viewer, Role.MEMBER):
        return False
    async with context.database.read() as session:
        return await rows.writer(session) is not None


async def _written(
    context: Context, asked: Asked, found: Found, quoted: list[Quotation]
) -> AsyncGenerator[AnswerEvent, None]:
    """Have a worker ask the language model, and follow its text to the end."""
    answer_id = await _begun(context, asked, found, quoted)
    begun_at = time.monotonic()
    text, position, topic = "", START, answer_topic(answer_id)
    with context.bus.listening(topic) as woken:
        while True:
            if not may_read(context) or not has_role(context.viewer, Role.MEMBER):
                raise Forbidden(Role.MEMBER)
            answer, job = await _rows(context, answer_id)
            last = _last_event(answer, job, waited=time.monotonic() - begun_at)
            if last is not None:
                yield last
                return
            growth = await context.bus.text_since(topic, position)
            position = growth.position
            if growth.restarted or growth.text:
                is_new = growth.restarted and bool(text)
                text = growth.text if growth.restarted else text + growth.text
                yield AnswerEvent(
                    stage=AnswerStage.WRITING,
                    done=False,
                    text_delta=None if is_new else growth.text,
                    text=text,
                    written=Answer.of(answer),
                )
                await asyncio.sleep(COALESCE_SECONDS)
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), POLL_SECONDS)
            woken.clear()


async def _begun(context: Context, asked: Asked, found: Found, quoted: list[Quotation]) -> int:
    viewer = context.viewer
    actor = viewer.actor if viewer is not None else queue.SYSTEM
    async with unit_of_work(context.database, context.bus) as work:
        answer = await rows.create(work.session, asked.question, found.passages, quoted, created_by=actor)
        job = await queue.answer_question(work, answer.id, created_by=actor)
        answer.job_id = job.id
        return answer.id


async def _rows(context: Context, answer_id: int) -> tuple[models.Answer, models.Job | None]:
    # The answer after the job: when the job is seen to have ended, the answer then has its last state.
    async with context.database.read() as session:
        known = await rows.get(session, answer_id)
        job = await job_rows.get(session, known.job_id) if known.job_id is not None else None
    async with context.database.read() as session:
        return await rows.get(session, answer_id), job


def _last_event(answer: models.Answer, job: models.Job | None, *, waited: float) -> AnswerEvent | None:
    """The event that ends it, once it has ended, or nobody will end it."""
    if answer.state is AnswerState.WRITTEN:
        return AnswerEvent(stage=AnswerStage.WRITTEN, done=True, text=answer.text, written=Answer.of(answer))
    error: AnswerError | None = None
    if answer.state is AnswerState.NOT_WRITTEN:
        error = AnswerError(code=answer.error_code or "", message=answer.error_message or "")
    elif job is None or job.state in FINISHED_STATES:
        message = (job.error_message if job is not None else None) or "The writing was stopped."
        error = AnswerError(code=(job.error_code if job is not None else None) or "CANCELLED", message=message)
    elif job.state is JobState.QUEUED and waited > PATIENCE_SECONDS:
        error = AnswerError(
            code="NO_WORKER",
            message="No worker has begun to write. See whether `shelfgraph work` runs; the answer can be read by its "
            "id once it is written.",
        )
    if error is None:
        return None
    return AnswerEvent(stage=AnswerStage.NOT_WRITTEN, done=True, error=error, written=Answer.of(answer))
