"""Written answers: a language model makes text of the passages that were found, and every citation in it is checked."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from integrations.errors import IntegrationError
from integrations.language_models import Ended, LanguageModel, Piece, Prompt, StopReason
from jobs.events import Work, unit_of_work
from jobs.execution import JobCancelled, Run
from jobs.integrations import IntegrationFailed, Integrations, Opened
from library import answers as rows
from library.answers import WrittenText
from library.errors import ShelfgraphError
from library.events import answer_topic
from library.integration_options import LanguageModelOptions
from library.models.answers import Answer, AnswerState
from rag.written_answers import Checked, Checking, Passage, task

TOLD_EVERY_SECONDS = 0.15  # those who follow see text grow, and Valkey has few parts to keep


class NothingToKeep(ShelfgraphError):
    """What the model wrote is no answer; the quotations stand."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self._job_code = code

    @property
    def job_code(self) -> str:
        """Why not."""
        return self._job_code


async def answer_question(run: Run, integrations: Integrations) -> None:
    """Have a language model write an answer.

    Safe to run twice: an answer that has ended is left as it is. One whose worker died is asked for once more, which
    takes one more of the day's budget.
    """
    answer_id: int = run.job.payload["answer_id"]
    async with integrations.database.read() as session:
        answer = await rows.get(session, answer_id)
    if answer.state is not AnswerState.WAITING:
        return
    try:
        written, model = await _written(run, integrations, answer)
    except Exception as error:
        code, message = _reason(error, integrations)
        async with unit_of_work(integrations.database, integrations.bus) as work:
            rows.give_up(await _row(work, answer_id), code, message)
        if isinstance(error, IntegrationError):
            raise IntegrationFailed(error) from None
        raise
    async with unit_of_work(integrations.database, integrations.bus) as work:
        row = await _row(work, answer_id)
        row.model = model
        rows.finish(row, written)
    run.result = {"answer_id": answer_id}


async def _row(work: Work, answer_id: int) -> Answer:
    work.emit(answer_topic(answer_id), "ENDED", answer_id)
    return await rows.get(work.session, answer_id, locked=True)


async def _written(run: Run, integrations: Integrations, answer: Answer) -> tuple[WrittenText, str]:
    """What the model wrote and its name; raises what kept it from writing."""
    opened = await integrations.language_model()
    options = LanguageModelOptions.model_validate(opened.integration.options)
    async with integrations.database.write() as session:
        await rows.spend(session, opened.integration, options.daily_answers)
    await run.progress(0, 1, f"asking {opened.integration.name}")
    async with integrations.calling(opened.integration):
        checked, ended = await _followed(run, integrations, opened, answer, options)
    return _kept(checked, ended), options.model


async def _followed(
    run: Run, integrations: Integrations, opened: Opened[LanguageModel], answer: Answer, options: LanguageModelOptions
) -> tuple[Checked, Ended]:
    """Read the text to its end, telling those who follow as it grows."""
    passages = [Passage(source.number, source.header, source.text) for source in rows.sources_of(answer)]
    asked = task(answer.question, passages)
    checking, teller, ended = Checking(passages), _Teller(integrations, answer.id), None
    await integrations.bus.begin_text(answer_topic(answer.id))
    writing = opened.client.write(
        Prompt(asked.instructions, asked.question),
        maximum_tokens=options.maximum_tokens,
        seconds=options.timeout_seconds,
    )
    async with aclosing(cast("AsyncGenerator[Piece | Ended, None]", writing)) as parts:
        async for part in parts:
            run.checkpoint()
            if isinstance(part, Ended):
                ended = part
                break
            await teller.add(checking.add(part.text))
    checked = checking.end()
    await teller.flush()
    if ended is None:
        raise AssertionError
    return checked, ended


class _Teller:
    """Hands text on a few times a second."""

    def __init__(self, integrations: Integrations, answer_id: int) -> None:
        self._bus = integrations.bus
        self._topic = answer_topic(answer_id)
        self._waiting = ""
        self._told_at = 0.0

    async def add(self, text: str) -> None:
        """Take some more."""
        self._waiting += text
        if time.monotonic() - self._told_at >= TOLD_EVERY_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Hand on what waits."""
        if self._waiting:
            await self._bus.add_text(self._topic, self._waiting)
            self._waiting, self._told_at = "", time.monotonic()


def _kept(checked: Checked, ended: Ended) -> WrittenText:
    """The text that may be shown as an answer; raises NothingToKeep."""
    if ended.reason is StopReason.FILTERED:
        raise NothingToKeep("MODEL_REFUSED", "The model's server would not let it answer this.")
    if checked.finds_nothing:
        raise NothingToKeep("MODEL_FOUND_NOTHING", "The model found no answer in the passages. Read them yourself.")
    if not checked.cited:
        raise NothingToKeep(
            "NO_CITATIONS",
            "The model's text cited none of the passages, so it was not kept. Ask again, or choose a model that "
            "follows instructions better.",
        )
    return WrittenText(
        text=checked.text,
        cited=checked.cited,
        invented_citations=checked.invented,
        stripped=checked.stripped,
        input_tokens=ended.usage.input_tokens,
        output_tokens=ended.usage.output_tokens,
    )


def _reason(error: Exception, integrations: Integrations) -> tuple[str, str]:
    """Code and sentence for the one who asked."""
    if isinstance(error, IntegrationError):
        return error.code, integrations.outside.redact(str(error))
    if isinstance(error, JobCancelled):
        return "CANCELLED", "The writing was stopped."
    if isinstance(error, ShelfgraphError):
        return error.job_code, str(error)
    return "INTERNAL_SERVER_ERROR", "Something unexpected went wrong; the worker's log has the details."
