"""Agents and the knowledge base: the SDK's own client against a served process whose search is ready."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from jobs.document_writing import new_text, pieces_of, write_document
from jobs.events import Bus, unit_of_work
from jobs.passages import Splitter, refresh_passages
from library import documents, models
from library.database import Database, open_database
from library.passages import store_embeddings
from rag.documents.bounds import Bounds
from rag.documents.reading import ReadDocument, read_content
from rag.passages import embedded_text
from rag.query_embedder import OnnxEmbedder, load_tokenizer
from tests.api.agent_fixtures import connected, failure, new_token, told
from tests.conftest import _numbers
from tests.jobs.town import Town
from tests.processes import Served, environment, serving, wait_until
from tests.resolvers.test_answers import configured, working
from tests.shelf import Volume, add

SENTENCE = "Hard links between two volumes fail, because a link is a second name within one file system."
GUIDE = f"""---
url: https://guides.example/links
---
# Keeping links

## Why links fail

{SENTENCE}

## Lighthouses

{"The keeper of the lighthouse writes down the weather of the evening. " * 90}

## Last words

Goodbye.
"""
CRUSOE = "A sailor is shipwrecked and lives alone on a desert island."
QUESTION = "Why do hard links between two volumes fail?"


@dataclass(frozen=True)
class Knowing:
    """A server that knows a guide and two books."""

    served: Served
    database_url: str
    redis_url: str


@pytest.fixture(scope="module")
def knowing(
    sqlite_template: Path, valkey_url: str, exported_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Knowing]:
    """Serve them, once search is ready."""
    folder = tmp_path_factory.mktemp("knowing")
    shutil.copy(sqlite_template, folder / "shelfgraph.db")
    (folder / "models").symlink_to(exported_model.parent)
    url, redis_url = f"sqlite+aiosqlite:///{folder / 'shelfgraph.db'}", f"{valkey_url}?db={next(_numbers)}"
    asyncio.run(_fill(url, redis_url, exported_model))
    ready = '{ semanticSearch(query: "links") { __typename } }'
    with serving(environment(url, redis_url, folder)) as served:
        wait_until(
            lambda: served.ask(ready) == {"semanticSearch": {"__typename": "SemanticSearchPayload"}},
            "search is ready",
            served.process,
        )
        yield Knowing(served, url, redis_url)


async def _fill(url: str, redis_url: str, model: Path) -> None:
    database, bus, embedder = open_database(url), Bus.open(redis_url), OnnxEmbedder.open(model)
    split = Splitter.of(load_tokenizer(model), embedder.card.window)
    read = read_content(GUIDE.encode(), "links.md", None, Bounds())
    assert isinstance(read, ReadDocument)
    assert read.text is not None
    try:
        async with unit_of_work(database, bus) as work:
            source = await documents.add_upload(work.session, "links.md", b"", actor="test")
            new = new_text(read, read.text, "guides/links.md", len(GUIDE))
            await write_document(work, source.id, None, new, await pieces_of(read.text, split), split)
            books = [
                await add(work.session, Volume("Robinson Crusoe", description=CRUSOE)),
                await add(work.session, Volume("Dracula", description="A count drinks blood.", seconds=90_000.0)),
            ]
            await refresh_passages(work.session, books, split)
        await _embed(database, embedder)
    finally:
        await bus.close()
        await database.close()


async def _embed(database: Database, embedder: OnnxEmbedder) -> None:
    async with database.write() as session:
        rows = (await session.scalars(sa.select(models.Passage))).all()
        vectors = embedder.embed_many([embedded_text(row.header, row.text) for row in rows])
        given = [(row.id, vector.tobytes()) for row, vector in zip(rows, vectors, strict=True)]
        await store_embeddings(session, embedder.card.revision, given)


async def called(knowing: Knowing, tool: str, role: str = "VIEWER", **arguments: object) -> Any:
    """What a tool tells an agent of this role."""
    secret, _ = await asyncio.to_thread(new_token, knowing.served, role)
    async with connected(knowing.served, secret) as client:
        return told(await client.call_tool(tool, arguments))


async def test_a_question_is_answered_in_quotations_that_lead_to_their_place(knowing: Knowing) -> None:
    answer = await called(knowing, "ask", question=QUESTION)
    assert (answer["found"], answer["written"], answer["not_written"]) == (True, None, None)
    said = answer["statements"][0]
    assert said["text"] == SENTENCE
    [cited] = said["citations"]
    assert (cited["title"], cited["path"], cited["url"], cited["book_id"]) == (
        "Keeping links",
        "guides/links.md",
        "https://guides.example/links",
        None,
    )
    place = {"document_id": cited["document_id"], "start": cited["start"], "end": cited["end"]}
    assert (await called(knowing, "look_at_document", **place))["text"] == SENTENCE
    passage = await called(knowing, "look_at_passage", passage_id=cited["passage_id"])
    assert SENTENCE in passage["text"]
    assert passage["document"]["id"] == cited["document_id"]


async def test_books_are_asked_alone_and_nothing_relevant_is_an_answer(knowing: Knowing) -> None:
    of_books = await called(knowing, "ask", question="Who lives alone on a desert island?", kinds="books")
    assert of_books["statements"][0]["citations"][0]["title"] == "Robinson Crusoe"
    assert of_books["statements"][0]["citations"][0]["document_id"] is None
    elsewhere = await called(knowing, "ask", question=QUESTION, kinds="books")
    assert not [cited for said in elsewhere["statements"] for cited in said["citations"] if cited["document_id"]]
    nothing = await called(
        knowing, "ask", question="Which interleukin inhibits apoptosis of neutrophils?", written=True
    )
    assert (nothing["found"], nothing["statements"], nothing["not_written"]) == (False, [], None)


async def test_a_language_model_writes_for_members_who_ask_for_it_and_the_reason_is_told_where_it_does_not(
    knowing: Knowing,
) -> None:
    written = {"question": QUESTION, "written": True}
    assert (await called(knowing, "ask", "MEMBER", **written))["not_written"].startswith("NO_WRITER: ")
    town, database, bus = Town(), open_database(knowing.database_url), Bus.open(knowing.redis_url)
    bus.start()
    try:
        await configured(town, database)
        late = await called(knowing, "ask", "MEMBER", **written, wait_seconds=2)
        async with working(town, database, bus, knowing.redis_url):
            answer = await called(knowing, "ask", "MEMBER", **written)
        refused = await called(knowing, "ask", "VIEWER", **written)
    finally:
        await bus.close()
        await database.close()
    assert (late["written"], late["not_written"].partition(":")[0]) == (None, "STILL_WRITING")
    assert late["statements"] == answer["statements"]
    assert "[1]" in answer["written"]
    assert answer["written_citations"][0]["number"] == 1
    assert answer["not_written"] is None
    assert (refused["written"], refused["not_written"].partition(":")[0]) == (None, "NO_WRITER")


async def test_a_search_finds_documents_beside_books_and_says_what_it_understood(knowing: Knowing) -> None:
    both = await called(knowing, "search", query="hard links between volumes")
    assert both["hits"][0]["document"]["path"] == "guides/links.md"
    assert both["hits"][0]["book"] is None
    assert both["hits"][0]["snippet"] == SENTENCE
    of_books = await called(knowing, "search", query="hard links between volumes", kinds="books")
    assert [hit["document"] for hit in of_books["hits"]] == [None] * len(of_books["hits"])
    short = await called(knowing, "search", query="alone on an island, under ten hours")
    assert [hit["book"]["title"] for hit in short["hits"]] == ["Robinson Crusoe"]
    [sentence] = short["understood"]
    assert "10 hours" in sentence
    literally = await called(knowing, "search", query="alone on an island, under ten hours", literally=True)
    assert (literally["understood"], len(literally["hits"])) == ([], 3)
    given_up = await called(knowing, "search", query="alone on an island, under ten minutes")
    assert given_up["understood"][0].startswith("Not applied: ")


async def test_a_document_is_read_piece_by_piece_and_around_a_passage(knowing: Knowing) -> None:
    hit = (await called(knowing, "search", query="goodbye, last words", kinds="documents"))["hits"][0]
    document_id = hit["document"]["id"]
    begun = await called(knowing, "look_at_document", document_id=document_id)
    rest = await called(knowing, "look_at_document", document_id=document_id, start=begun["end"])
    assert (len(begun["text"]), begun["start"], rest["end"]) == (4000, 0, begun["length"])
    assert begun["note"].endswith(f"{begun['length'] - 4000} after it; read on with start=4000]")
    assert [one["headings"] for one in begun["sections"]][1:] == [
        "Keeping links › Why links fail",
        "Keeping links › Lighthouses",
        "Keeping links › Last words",
    ]
    last = begun["sections"][-1]
    assert rest["text"][last["start"] - 4000 :].startswith("Last words")
    around = await called(knowing, "look_at_document", document_id=document_id, passage_id=hit["passage_id"])
    assert "Goodbye." in around["text"]
    assert len(around["text"]) <= 4000


async def test_a_passage_of_another_text_is_refused(knowing: Knowing) -> None:
    of_document = (await called(knowing, "search", query="hard links", kinds="documents"))["hits"][0]
    of_book = (await called(knowing, "search", query="desert island", kinds="books"))["hits"][0]
    asked = {"document_id": of_document["document"]["id"], "passage_id": of_book["passage_id"]}
    async with connected(knowing.served) as client:
        said = failure(await client.call_tool("look_at_document", asked))
    assert said.startswith("BAD_USER_INPUT: The passage is not of this document")
