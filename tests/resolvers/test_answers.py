"""Asking: sources first, then what is quoted, then the model's text as it grows; always a last event."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.index_reader import IndexReader
from jobs import queue
from jobs.answers import answer_question
from jobs.events import Bus, unit_of_work
from jobs.execution import execute
from library import models
from library.database import Database
from library.errors import BadInput
from library.models.accounts import Role
from library.models.integrations import IntegrationKind
from library.models.jobs import JobKind
from library.models.passages import OwnerKind
from library.passages import NewPassage, replace_passages, store_embeddings
from rag.embedder import DEFAULT_MODEL
from rag.passages import content_hash, cut_name, embedded_text
from rag.query_embedder import OnnxEmbedder, load_tokenizer
from resolvers import asked_questions
from resolvers.asked_questions import TooManySources
from resolvers.context import Context, Viewer
from resolvers.search import QuestionUnusable
from tests.jobs.town import Town, worker
from tests.resolvers.conftest import Ask, schema, viewer
from tests.shelf import Volume, add

MakeContext = Callable[[Viewer | None], Context]
QUESTION = "Why was the sailor alone on the island?"
BLURBS = {
    "Robinson Crusoe": "He reads the Bible. A sailor is shipwrecked and lives alone on a desert island.",
    "Dracula": "A count from Transylvania comes to England by ship and drinks blood.",
}
ASK = """subscription ($input: AskInput!) { askKnowledgeBase(input: $input) {
  stage done
  sources { number score context text range { start end } node { ... on Book { title } } }
  answer { found statements { text citations { number range { start end } source { text } } } }
  textDelta text written { id state text removedCitations citations { number source { context } } error { code } }
  error { code message } unavailable { code reason } } }"""

AGAIN = "query ($id: ID!) { node(id: $id) { ... on Answer { text sources { number } job { state } } } }"


@pytest.fixture
async def asking(
    database: Database, bus: Bus, exported_model: Path, tmp_path: Path, make_context: MakeContext
) -> MakeContext:
    """Contexts over two books whose index is loaded."""
    embedder = OnnxEmbedder.open(exported_model)
    cut = cut_name(load_tokenizer(exported_model), embedder.card.window)
    async with database.write() as session:
        ids = {title: await add(session, Volume(title)) for title in BLURBS}
        await replace_passages(
            session,
            OwnerKind.BOOK,
            {
                ids[title]: [NewPassage(0, title, blurb, content_hash(title, blurb), 7, 7 + len(blurb))]
                for title, blurb in BLURBS.items()
            },
            cut=cut,
        )
    async with database.write() as session:
        rows = (await session.scalars(sa.select(models.Passage))).all()
        vectors = embedder.embed_many([embedded_text(row.header, row.text) for row in rows])
        kept = [(row.id, vector.tobytes()) for row, vector in zip(rows, vectors, strict=True)]
        await store_embeddings(session, embedder.card.revision, kept)
    reader = IndexReader(database, bus, models=exported_model.parent, indexes=tmp_path, model=DEFAULT_MODEL)
    await reader._look()

    def make(who: Viewer | None) -> Context:
        context = make_context(who)
        context.search = reader
        return context

    return make


async def events(context: Context, **given: Any) -> list[dict[str, Any]]:
    """Every event of a question, to the end of the stream."""
    results = await schema.subscribe(
        ASK, variable_values={"input": {"question": QUESTION} | given}, context_value=context
    )
    found = []
    async for result in results:
        assert not result.errors, result.errors
        found.append((result.data or {})["askKnowledgeBase"])
    assert [event["done"] for event in found] == [False] * (len(found) - 1) + [True]
    assert context.bus.listener_count == 0
    return found


@asynccontextmanager
async def working(town: Town, database: Database, bus: Bus, redis_url: str) -> AsyncIterator[None]:
    """A worker that answers questions until the block ends."""

    async def work() -> None:
        async with worker(town, database, bus, redis_url) as integrations:
            handlers = {JobKind.ANSWER_QUESTION: partial(answer_question, integrations=integrations)}
            while True:
                async with database.read() as session:
                    queued = await session.scalar(sa.select(models.Job.id).where(models.Job.state == "QUEUED"))
                if queued is not None:
                    await execute(queued, handlers, database=database, bus=bus, worker="w")
                await asyncio.sleep(0.02)

    task = asyncio.create_task(work())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def first_job(database: Database) -> int | None:
    async with database.read() as session:
        return await session.scalar(sa.select(models.Job.id))


async def configured(town: Town, database: Database) -> None:
    kind = IntegrationKind.OPENAI_COMPATIBLE
    await town.configure(database, kind, options={"model": town.model.model})


async def test_sources_come_first_and_then_the_sentence_that_answers_with_its_place(asking: MakeContext) -> None:
    first, last = await events(asking(viewer(Role.VIEWER)))
    assert (first["stage"], last["stage"]) == ("SOURCES", "EXTRACTED")
    best = first["sources"][0]
    assert (best["number"], best["context"], best["node"]) == (1, "Robinson Crusoe", {"title": "Robinson Crusoe"})
    (said,) = last["answer"]["statements"]
    assert said["text"] == "A sailor is shipwrecked and lives alone on a desert island."
    start = 7 + BLURBS["Robinson Crusoe"].index("A sailor")
    (cited,) = said["citations"]
    assert (cited["number"], cited["range"]) == (1, {"start": start, "end": start + len(said["text"])})


async def test_nothing_relevant_is_an_answer_and_no_model_is_asked(asking: MakeContext, database: Database) -> None:
    await configured(Town(), database)
    who = asking(viewer(Role.MEMBER))
    first, last = await events(who, question="Interleukin-6 inhibits apoptosis of neutrophil granulocytes in vitro.")
    assert len(first["sources"]) == 2
    assert (last["stage"], last["answer"]) == ("NOT_FOUND", {"found": False, "statements": []})
    async with database.read() as session:
        assert await session.scalar(sa.select(models.Answer.id)) is None


async def test_a_model_s_text_is_seen_to_its_end_and_can_be_read_again_by_who_asked(
    asking: MakeContext, database: Database, bus: Bus, redis_url: str, ask: Ask
) -> None:
    town = Town()
    town.model.switches.invents_citations = True
    await configured(town, database)
    async with working(town, database, bus, redis_url):
        found = await events(asking(viewer(Role.MEMBER, 7)))
    assert [event["stage"] for event in found][:2] == ["SOURCES", "EXTRACTED"]
    last = found[-1]
    assert (last["stage"], last["error"]) == ("WRITTEN", None)
    assert last["text"] == last["written"]["text"]
    assert last["written"]["removedCitations"] == 2
    assert [cited["number"] for cited in last["written"]["citations"]] == [1, 2]
    growing = [event for event in found if event["stage"] == "WRITING"]
    assert "".join(event["textDelta"] for event in growing) == (growing[-1]["text"] if growing else "")
    again = await ask(AGAIN, {"id": last["written"]["id"]})
    assert again["node"] == {
        "text": last["text"],
        "sources": [{"number": 1}, {"number": 2}],
        "job": {"state": "SUCCEEDED"},
    }


async def test_where_the_model_fails_the_last_event_says_why_and_the_quotations_stand(
    asking: MakeContext, database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    town.model.switches.server_error = True
    await configured(town, database)
    async with working(town, database, bus, redis_url):
        found = await events(asking(viewer(Role.MEMBER, 7)))
    assert found[1]["answer"]["found"]
    assert (found[-1]["stage"], found[-1]["error"]["code"]) == ("NOT_WRITTEN", "UNAVAILABLE")


async def test_without_a_worker_the_stream_ends_all_the_same(
    asking: MakeContext, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked_questions, "PATIENCE_SECONDS", 0.0)
    await configured(Town(), database)
    found = await events(asking(viewer(Role.MEMBER, 7)))
    assert (found[-1]["stage"], found[-1]["error"]["code"]) == ("NOT_WRITTEN", "NO_WORKER")


async def test_a_job_that_is_cancelled_before_it_begins_ends_the_stream(
    asking: MakeContext, database: Database, bus: Bus
) -> None:
    await configured(Town(), database)
    results = await schema.subscribe(
        ASK, variable_values={"input": {"question": QUESTION}}, context_value=asking(viewer(Role.MEMBER, 7))
    )
    await anext(results)
    await anext(results)
    last = asyncio.ensure_future(anext(results))
    while (job_id := await first_job(database)) is None:
        await asyncio.sleep(0.02)
    async with unit_of_work(database, bus) as work:
        await queue.cancel(work, job_id)
    event = ((await asyncio.wait_for(last, 10)).data or {})["askKnowledgeBase"]
    assert (event["stage"], event["error"]["code"]) == ("NOT_WRITTEN", "CANCELLED")
    await results.aclose()


async def test_viewers_get_quotations_only(asking: MakeContext, database: Database) -> None:
    await configured(Town(), database)
    assert [event["stage"] for event in await events(asking(viewer(Role.VIEWER)))] == ["SOURCES", "EXTRACTED"]
    unwritten = await events(asking(viewer(Role.MEMBER)), written=False)
    assert [event["stage"] for event in unwritten] == ["SOURCES", "EXTRACTED"]


async def test_while_search_warms_up_that_is_the_answer(make_context: MakeContext) -> None:
    (only,) = await events(make_context(viewer(Role.VIEWER)))
    assert (only["stage"], only["unavailable"]["code"]) == ("UNAVAILABLE", "PROVIDER_UNAVAILABLE")


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"question": " "}, QuestionUnusable),
        ({"first": 0}, TooManySources),
        ({"first": 21}, TooManySources),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    make_context: MakeContext, given: dict[str, Any], refused: type[BadInput]
) -> None:
    context = make_context(viewer(Role.VIEWER))
    asked = {"input": {"question": QUESTION} | given}
    results = await schema.subscribe(ASK, variable_values=asked, context_value=context)
    result = await anext(results)
    assert [type(error.original_error) for error in result.errors or []] == [refused]
