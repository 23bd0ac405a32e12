"""How often an answer calls itself relevant though nothing answers, and irrelevant though something does.

Unanswerable are the questions of one collection asked of another: documentation knows no half-remembered novel,
novels no claims of medicine. Titles of the collection's own books must never be refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from benchmarks.cache import KeptEmbedder
from benchmarks.collections import DOCUMENTATION, SCIFACT, SOURCES, TEST, TOT, data_folder
from benchmarks.measures import Measure, at_most
from benchmarks.shelves import Shelf, in_memory
from rag.search import search

ASKED = 200
REFUSED_AT_MOST = 0.02
TITLES_AT_MOST = 0.01


def measure() -> Iterator[Measure]:
    """Ask test questions of their own collection and of others'."""
    names = (TOT, DOCUMENTATION, SCIFACT)
    if missing := [file for name in names for file in SOURCES[name].missing(data_folder())]:
        yield Measure("relevance", f"skipped: no {data_folder() / missing[0]}")
        return
    embedder = KeptEmbedder()
    read = {name: SOURCES[name].read(data_folder(), (TEST,)) for name in names}
    asked = {name: [query.text for query in read[name].queries[TEST]][:ASKED] for name in names}
    for name in (TOT, DOCUMENTATION):
        shelf = Shelf.build(embedder, read[name], in_memory)
        for other in names:
            refused = _refused(shelf, asked[other], embedder)
            if other == name:
                yield at_most(f"{name}: own questions called unanswerable", refused, REFUSED_AT_MOST, "")
            else:
                yield Measure(f"{name}: questions of {other} taken as answerable", f"{1 - refused:.4f}")
        if name == TOT:
            titles = [text.header for text in shelf.texts][:ASKED]
            yield at_most(f"{name}: titles called unanswerable", _refused(shelf, titles, embedder), TITLES_AT_MOST, "")


def _refused(shelf: Shelf, questions: Sequence[str], embedder: KeptEmbedder) -> float:
    return asyncio.run(_share(shelf, questions, embedder))


async def _share(shelf: Shelf, questions: Sequence[str], embedder: KeptEmbedder) -> float:
    refused = 0
    for question, vector in zip(questions, embedder.embed_questions(questions), strict=True):
        hits = await search(shelf.index, question, vector, first=1)
        refused += not any(hit.relevant for hit in hits)
    return round(refused / len(questions), 4)
