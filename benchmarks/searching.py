"""Server time of `semanticSearch` beside embedding the question alone, and a filter that leaves the worst book.

Server time is the time around the execution of the operation: from its text, through gate, resolvers, search and
database, to the answer's map. It is measured in one process with bare calls of the embedder in between, question by
question, so that whatever else the machine does slows both. What HTTP adds is measured from a client's side.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from api.operations import Operation
from api.schema import create_schema
from benchmarks.contexts import answer, context_of, run
from benchmarks.demo_site import database_url, demo_site
from benchmarks.measures import Measure, at_least, at_most
from benchmarks.servers import valkey
from demo.questions import EXAMPLE_QUESTIONS
from rag.index import SearchIndex
from rag.search import search
from rag.segment import PassageRow
from rag.sources import Scope
from resolvers.context import Context
from resolvers.search_access import Ready
from tests.processes import environment, serving

QUESTION = """query ($question: String!) { semanticSearch(query: $question) { ... on SemanticSearchPayload { edges {
  rank score matchedBy snippet { text } node { ... on Book { title authors { name } } } } } } }"""
# The same search, fetched books and passages included, with nothing of them selected.
FOUND = """query ($question: String!) { semanticSearch(query: $question) { ... on SemanticSearchPayload {
  info { model } } } }"""
ROUNDS = 20  # of fifteen questions
WARM_UP_ROUNDS = 3
TIMES_EMBEDDING = 1.5
BOOKS = 1_000


class Times(NamedTuple):
    """Seconds: of the whole operation, of one that selects nothing of what was found, of embedding the question."""

    answer: float
    found: float
    embedding: float


def measure() -> Iterator[Measure]:
    """Ask the demo collection, in this process and through HTTP."""
    site = demo_site()
    with valkey() as redis_url:
        times = run(_server_times(site, redis_url))
        name = "semanticSearch, one client, demo collection: server time p50 / embedding alone"
        ratio = round(times.answer / times.embedding, 2)
        beside = f"{_milliseconds(times.answer)}, embedding alone {_milliseconds(times.embedding)}"
        yield at_most(name, ratio, TIMES_EMBEDDING, "×", baseline=beside)
        found = f"{times.found / times.embedding:.2f} ×"
        yield Measure("of it, with no field of what was found selected", found, "", _milliseconds(times.found))
        settings = environment(database_url(site), redis_url, site, LOG_LEVEL="WARNING")
        yield Measure("semanticSearch through HTTP p50", _milliseconds(_through_http(settings)))
    yield _worst_of_all()


async def _server_times(site: Path, redis_url: str) -> Times:
    schema = create_schema()
    times: list[Times] = []
    async with context_of(database_url(site), redis_url, site) as context:
        embedder = (await _ready(context)).embedder
        for _ in range(WARM_UP_ROUNDS + ROUNDS):
            for example in EXAMPLE_QUESTIONS:
                variables: dict[str, object] = {"question": example.question}
                moments = [time.perf_counter()]
                data = await answer(schema, context, Operation(QUESTION, variables))
                moments.append(time.perf_counter())
                embedder.embed_query(example.question)
                moments.append(time.perf_counter())
                await answer(schema, context, Operation(FOUND, variables))
                moments.append(time.perf_counter())
                _check(data, example.title)
                whole, embedding, found = (end - start for start, end in pairwise(moments))
                times.append(Times(whole, found, embedding))
    measured = times[WARM_UP_ROUNDS * len(EXAMPLE_QUESTIONS) :]
    return Times(*(median(column) for column in zip(*measured, strict=True)))


def _through_http(settings: dict[str, str]) -> float:
    times: list[float] = []
    with serving(settings) as served, served.client as client:
        for _ in range(WARM_UP_ROUNDS + ROUNDS):
            for example in EXAMPLE_QUESTIONS:
                body = {"query": QUESTION, "variables": {"question": example.question}}
                start = time.perf_counter()
                client.post("/graphql", json=body).raise_for_status()
                times.append(time.perf_counter() - start)
    return median(times[WARM_UP_ROUNDS * len(EXAMPLE_QUESTIONS) :])


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


async def _ready(context: Context) -> Ready:
    while not isinstance(context.search.state, Ready):  # noqa: ASYNC110 the reader tells nobody
        await asyncio.sleep(0.01)
    return context.search.state


def _check(data: Any, title: str) -> None:
    found = [edge["node"]["title"] for edge in data["semanticSearch"]["edges"]]
    assert title in found, f"{title} is not among {found}"


def _worst_of_all() -> Measure:
    """Ask for the nearest of a thousand books, and leave only the farthest."""
    chance = np.random.default_rng(1)
    vectors = chance.standard_normal((BOOKS, 384), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    question = vectors[0]
    rows = [PassageRow(n, "BOOK", n, "", f"book {n}", vector, n) for n, vector in enumerate(vectors, start=1)]
    index = SearchIndex("bench", 384).with_changes(rows)
    worst = int(np.argmin(vectors @ question)) + 1
    scope = Scope(np.array([worst], np.int64))
    hits = run(search(index, "nothing that is written", question, first=10, scope=scope))
    found = sum(hit.owner.id == worst for hit in hits)
    return at_least(f"a filter that leaves only the worst of {BOOKS:,} books: books found", found, 1, "")
