"""The tool that asks books and documents, and waits for the answer."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from api.mcp_graph import Graph, ToolFailed
from api.mcp_tools.search import Kinds, owner_kinds
from api.mcp_tools.tool import (
    LONGEST_NAME,
    LONGEST_PIECE,
    LONGEST_TEXT,
    LONGEST_WAIT,
    Given,
    Report,
    Seconds,
    Told,
    Tool,
    cut,
)
from library.errors import ErrorCode

MOST_SOURCES = 12
_TOO_SLOW = "Nothing was found within the wait. Ask again with a longer `wait_seconds`."
_STILL_WRITING = "STILL_WRITING: The language model was not done within the wait. The quotations stand."
_NOBODY_WRITES = (
    "NO_WRITER: No language model is configured, or this token's role may not ask it. The quotations stand."
)
_STEPS = {"SOURCES": (0.2, "passages found"), "EXTRACTED": (0.5, "quoted"), "WRITING": (0.6, "writing")}


class Question(Given):
    """What is asked, and of what."""

    question: Annotated[str, Field(min_length=1, max_length=1000, description="The question, as a whole sentence.")]
    kinds: Kinds = Field("both", description="Of what to ask.")
    written: bool = Field(
        default=False,
        description="true: a language model of the user's writes an answer, too, which may cost money. Leave it false "
        "where you can write one yourself from the quotations.",
    )
    first: int = Field(8, ge=1, le=MOST_SOURCES, description="From how many passages to answer.")
    wait_seconds: Seconds = Field(LONGEST_WAIT, description="How long to wait for the whole answer.")


class CitationTold(Told):
    """Where words stand."""

    number: int = Field(description="The source's number; the written text names it as `[1]`.")
    document_id: str | None = Field(description="For `look_at_document`; null: it is a book, or gone.")
    book_id: str | None = Field(description="For `look_at_book`.")
    title: str | None = Field(description="Of the document or book; null: it is gone.")
    path: str | None
    url: str | None
    passage_id: str | None = Field(description="For `look_at_passage`; null: the text has changed since.")
    start: int = Field(description="In characters of the document's text or the book's description.")
    end: int


class StatementTold(Told):
    """A quotation."""

    text: str = Field(description="Word for word.")
    citations: list[CitationTold]


class AnswerTold(Told):
    """What was found, and what was made of it."""

    found: bool = Field(description="false: nothing is relevant enough. Say so instead of guessing.")
    statements: list[StatementTold] = Field(description="Sentences that answer, the most telling first.")
    written: str | None = Field(description="What the language model wrote.")
    written_citations: list[CitationTold] = Field(description="The sources that the written text names.")
    not_written: str | None = Field(description="Why there is no written text, where one was asked for and found.")


@dataclass(slots=True)
class _Heard:
    """What the events have said by now."""

    sources: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    answer: Mapping[str, Any] | None = None
    last: Mapping[str, Any] = field(default_factory=dict)
    in_time: bool = False


async def ask(graph: Graph, given: Question, report: Report) -> AnswerTold:
    """Ask, and collect the answer to its end or that of the wait."""
    heard = await _listen(graph, given, report)
    if heard.answer is None:
        raise ToolFailed(ErrorCode.PROVIDER_UNAVAILABLE, _TOO_SLOW)
    is_written = heard.last["stage"] == "WRITTEN"
    cited = heard.last["written"]["citations"] if is_written else ()
    return AnswerTold(
        found=heard.answer["found"],
        statements=[_statement(one, heard.sources) for one in heard.answer["statements"]],
        written=cut(heard.last["text"], LONGEST_PIECE) if is_written else None,
        written_citations=_citations([heard.sources[one["number"]] for one in cited], heard.sources),
        not_written=_why_not_written(heard) if given.written and heard.answer["found"] else None,
    )


async def _listen(graph: Graph, given: Question, report: Report) -> _Heard:
    """Follow the events; raises ToolFailed while search warms up."""
    heard = _Heard()
    asked = {
        "question": given.question,
        "kinds": owner_kinds(given.kinds),
        "first": given.first,
        "written": given.written,
    }
    async with aclosing(graph.follow("Ask", {"input": asked})) as events:
        try:
            async with asyncio.timeout(given.wait_seconds):
                async for data in events:
                    _take(heard, data["askKnowledgeBase"])
                    await report(*_STEPS.get(heard.last["stage"], (1.0, "done")))
                heard.in_time = True
        except TimeoutError:
            pass
    return heard


def _take(heard: _Heard, event: Mapping[str, Any]) -> None:
    unavailable = event["unavailable"]
    if unavailable is not None:
        raise ToolFailed(unavailable["code"], unavailable["message"])
    heard.last = event
    heard.answer = event["answer"] or heard.answer
    heard.sources.update({source["number"]: source for source in event["sources"] or ()})


def _why_not_written(heard: _Heard) -> str | None:
    """Why there is no text; None where there is."""
    if heard.last["stage"] == "WRITTEN":
        return None
    if not heard.in_time:
        return _STILL_WRITING
    error = heard.last["error"]
    return cut(f"{error['code']}: {error['message']}", LONGEST_TEXT) if error is not None else _NOBODY_WRITES


def _statement(statement: Mapping[str, Any], sources: Mapping[int, Mapping[str, Any]]) -> StatementTold:
    return StatementTold(
        text=cut(statement["text"], LONGEST_TEXT) or "", citations=_citations(statement["citations"], sources)
    )


def _citations(places: Sequence[Mapping[str, Any]], sources: Mapping[int, Mapping[str, Any]]) -> list[CitationTold]:
    """Each place, which has a number and a range, with what its source is."""
    return [_citation(place, sources[place["number"]]) for place in places]


def _citation(place: Mapping[str, Any], source: Mapping[str, Any]) -> CitationTold:
    node, passage = source["node"] or {}, source["passage"] or {}
    is_document = node.get("__typename") == "Document"
    return CitationTold(
        number=place["number"],
        document_id=node.get("id") if is_document else None,
        book_id=None if is_document else node.get("id"),
        title=cut(node.get("title"), LONGEST_NAME),
        path=cut(node.get("path"), LONGEST_NAME),
        url=cut(node.get("url"), LONGEST_NAME),
        passage_id=passage.get("id"),
        start=place["range"]["start"],
        end=place["range"]["end"],
    )


ASK = Tool(
    name="ask",
    title="Ask books and documents",
    description="Ask the user's documents and the descriptions of books. Gives the sentences that answer, quoted, each "
    "with where it stands; or that nothing was found.",
    given=Question,
    told=AnswerTold,
    call=ask,
    open_world=True,
)
