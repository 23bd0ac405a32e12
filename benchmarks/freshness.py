"""Freshness: seconds from an edit's answer to its book being found by meaning, while the worker embeds a long queue."""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.cache import cache_folder, exported_model
from benchmarks.measures import Measure, at_most
from benchmarks.servers import SQLITE, migrated, valkey
from demo.books import load_books
from jobs.passages import Splitter, refresh_passages
from library.database import open_database
from rag.embedder import ensure_exported
from rag.query_embedder import ModelCard, load_tokenizer
from tests.processes import Served, environment, serving, wait_until, working
from tests.shelf import Volume, add

PASSAGES = 10_000
SECONDS = 1.0
PATIENCE_SECONDS = 60.0
_PASSAGES_OF_A_BOOK = 10
_BOOKS_PER_COMMIT = 50

# Told in other words than they are asked for, so that only the vector leg can find them.
EDITS = (
    ("Beekeepers defend their hives.", "apiarists guarding honey"),
    ("A lighthouse attendant saves drowning mariners.", "rescue of sailors at sea by the keeper of a beacon"),
    ("The orchestra's violinist loses her hearing.", "a musician goes deaf"),
    ("Miners are trapped below ground after an explosion.", "colliers buried by a blast wait for help"),
    ("A chess prodigy defeats the reigning champion.", "young genius wins the board game title"),
    ("Smugglers hide brandy in the vicar's cellar.", "contraband liquor beneath a parsonage"),
    ("Astronauts repair their damaged capsule in orbit.", "cosmonauts fix a broken spacecraft"),
    ("A gardener breeds a black tulip to win a prize.", "horticulturist grows a dark flower for a contest"),
)
BOOKS = "{ books(first: 20) { nodes { id } } }"
EDIT = """mutation ($id: ID!, $text: String!) { updateBook(input: {id: $id, description: $text}) { __typename
  ... on Error { message } } }"""
FIND = """query ($question: String!) { semanticSearch(query: $question, mode: VECTOR, first: 3) { __typename
  ... on SemanticSearchPayload { edges { node { ... on Book { id } } } info { generation pendingPassages } } } }"""


class Found(NamedTuple):
    """Ids of the best three, the index's generation, and how many passages wait for their vectors."""

    books: list[str]
    generation: int  # 0 while search is warming up as well
    pending: int


def measure() -> Iterator[Measure]:
    """Edit books one by one while their library is being embedded, with API and worker as they are run."""
    with valkey() as redis_url, migrated(SQLITE) as url, TemporaryDirectory(prefix="sgb-") as folder:
        shutil.copytree(exported_model().parent, Path(folder) / "models")
        settings = environment(url, redis_url, Path(folder), LOG_LEVEL="WARNING")
        asyncio.run(_fill(url, [Volume(f"Edited {number}", description="To be edited.") for number in range(20)]))
        with serving(settings) as served:
            with working(settings) as worker:
                wait_until(lambda: _find(served, "x").generation > 0, "a first index", worker, PATIENCE_SECONDS)
            asyncio.run(_fill(url, _long_books()))  # while nobody else writes, who would have to wait for it
            wait_until(lambda: _waiting(served) >= PASSAGES, "the API knows the queue", seconds=PATIENCE_SECONDS)
            waiting = _waiting(served)
            with working(settings) as worker:
                wait_until(lambda: _waiting(served) < waiting, "the queue is embedded", worker, PATIENCE_SECONDS)
                times = [_seconds_until_found(served, *edit) for edit in zip(_books(served), EDITS, strict=False)]
                left = _waiting(served)
    name = f"edit to found by the vector leg, while {PASSAGES:,} passages are embedded"
    beside = f"{left:,} still waiting after the last edit"
    yield at_most(f"{name}: p50 of {len(times)}", round(median(times), 2), SECONDS, "s", baseline=beside)
    yield at_most(f"{name}: longest", round(max(times), 2), SECONDS, "s")


def _seconds_until_found(served: Served, book: str, edit: tuple[str, str]) -> float:
    text, question = edit
    began = time.perf_counter()
    answer: Any = served.ask(EDIT, {"id": book, "text": text})
    assert answer["updateBook"]["__typename"] == "UpdateBookPayload", answer
    wait_until(lambda: book in _find(served, question).books, f"{text} is found", seconds=60)
    return time.perf_counter() - began


def _find(served: Served, question: str) -> Found:
    data: Any = served.ask(FIND, {"question": question})
    found = data["semanticSearch"]
    if "edges" not in found:
        return Found([], 0, 0)
    info = found["info"]
    return Found([edge["node"]["id"] for edge in found["edges"]], info["generation"], info["pendingPassages"])


def _waiting(served: Served) -> int:
    return _find(served, "x").pending


def _books(served: Served) -> list[str]:
    data: Any = served.ask(BOOKS)
    return [book["id"] for book in data["books"]["nodes"]]


def _long_books() -> list[Volume]:
    """Books whose texts are ten passages long, made of the demo's sentences."""
    chance = random.Random(1)
    sentences = [sentence for book in load_books() for sentence in book.blurb.split(". ")]
    words = 180 * _PASSAGES_OF_A_BOOK
    return [
        Volume(f"Long book {number}", description=" ".join(". ".join(chance.choices(sentences, k=200)).split()[:words]))
        for number in range(PASSAGES // _PASSAGES_OF_A_BOOK)
    ]


async def _fill(url: str, volumes: Sequence[Volume]) -> None:
    """Write books and their passages, as a scan does."""
    folder = await ensure_exported(cache_folder() / "models")
    split = Splitter.of(load_tokenizer(folder), ModelCard.read(folder).window)
    database = open_database(url)
    for first in range(0, len(volumes), _BOOKS_PER_COMMIT):
        async with database.write() as session:
            written = [await add(session, volume) for volume in volumes[first : first + _BOOKS_PER_COMMIT]]
            await refresh_passages(session, written, split, are_new=True)
    await database.close()
