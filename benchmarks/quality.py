"""Retrieval quality: what `semanticSearch` and `similar` find, beside each leg alone and their plain fusion.

The index of ours is made from rows by the product's own path, on SQLite and on Postgres, and must answer exactly
like one made in memory. Its constants come from training queries (benchmarks/tune.py), which are not asked here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.baselines import SYSTEMS, Baselines
from benchmarks.cache import KeptEmbedder
from benchmarks.collections import SCIFACT, SOURCES, TEST, Collection, Query, data_folder
from benchmarks.measures import Measure, at_least, at_most
from benchmarks.servers import DATABASES, migrated
from benchmarks.shelves import Shelf, asked, in_memory
from jobs.index_rows import open_index
from library.database import open_database
from library.models.passages import OwnerKind
from library.passages import Lineage, NewPassage, pending, replace_passages, store_embeddings
from rag.evaluation import ndcg
from rag.generations import publish
from rag.index import SearchIndex
from rag.passages import content_hash
from rag.segment import Floats, PassageRow

SCIFACT_AT_LEAST = 0.71
SCIFACT_VECTOR, SCIFACT_VECTOR_OFF = 0.645, 0.005
EMPTY_AT_MOST = 0.01


def measure() -> Iterator[Measure]:
    """Judge every collection whose files are there."""
    embedder = KeptEmbedder()
    for name, source in SOURCES.items():
        if missing := source.missing(data_folder()):
            yield Measure(f"{name}: nDCG@10", f"skipped: no {data_folder() / missing[0]}")
        else:
            yield from _judged(name, source.read(data_folder(), (TEST,)), embedder)


def score(queries: Sequence[Query], ranked: Sequence[Sequence[str]]) -> float:
    """Mean nDCG@10."""
    return float(np.mean([ndcg(ids, query.grades) for ids, query in zip(ranked, queries, strict=True)]))


def baseline_scores(collection: Collection, split: str, embedder: KeptEmbedder) -> dict[str, float]:
    """nDCG@10 of each baseline on the queries of a split."""
    texts, baselines = collection.texts, Baselines.build(embedder, collection.texts)
    places = {text.id: place for place, text in enumerate(texts)}
    ranked: dict[str, list[list[str]]] = {system: [] for system in SYSTEMS}
    for query, vector in asked(collection, split, embedder):
        banned = np.array([places[other] for other in query.excluded], np.intp)
        for system, order in baselines.rank(query.text, vector, banned).items():
            ranked[system].append([texts[place].id for place in order])
    return {system: score(collection.queries[split], found) for system, found in ranked.items()}


def _judged(name: str, collection: Collection, embedder: KeptEmbedder) -> Iterator[Measure]:
    queries = collection.queries[TEST]
    baselines = baseline_scores(collection, TEST, embedder)
    best = round(max(baselines.values()), 4)
    beside = ", ".join(f"{system} {value:.4f}" for system, value in baselines.items())
    if name == SCIFACT:
        yield _vector_alone(baselines["vector"])
    remembered = Shelf.build(embedder, collection.texts, in_memory)
    expected = _answers(remembered, collection, embedder)
    for kind in DATABASES:
        found = _answers_from(kind, collection, embedder)
        bound = max(best, SCIFACT_AT_LEAST) if name == SCIFACT else best
        reached = round(score(queries, found), 4)
        yield at_least(f"{name}, {len(queries)} test queries, {kind}: nDCG@10", reached, bound, "", baseline=beside)
        same = sum(answer == other for answer, other in zip(found, expected, strict=True))
        yield at_least(f"{name}, {kind}: answers like those from memory", same, len(queries), "")
    empty = round(1 - sum(map(remembered.finds_words, queries)) / len(queries), 4)
    yield at_most(f"{name}: share of empty keyword legs", empty, EMPTY_AT_MOST, "")


def _vector_alone(found: float) -> Measure:
    bound = f"{SCIFACT_VECTOR} ± {SCIFACT_VECTOR_OFF}"
    holds = abs(found - SCIFACT_VECTOR) <= SCIFACT_VECTOR_OFF
    return Measure(f"{SCIFACT}: nDCG@10 of vectors of whole texts cut at the window", f"{found:.4f}", bound, "", holds)


def _answers(shelf: Shelf, collection: Collection, embedder: KeptEmbedder) -> list[list[str]]:
    return [shelf.ask(query, vector) for query, vector in asked(collection, TEST, embedder)]


def _answers_from(kind: str, collection: Collection, embedder: KeptEmbedder) -> list[list[str]]:
    with migrated(kind) as url, TemporaryDirectory(prefix="sgb-") as folder:
        make_index = partial(_through_rows, url, Path(folder), embedder.card.model)
        return _answers(Shelf.build(embedder, collection.texts, make_index), collection, embedder)


def _through_rows(
    url: str, folder: Path, model: str, rows: list[PassageRow], revision: str, dimension: int
) -> SearchIndex:
    return asyncio.run(_written_and_opened(url, folder, model, rows, revision, dimension))


async def _written_and_opened(
    url: str, folder: Path, model: str, rows: list[PassageRow], revision: str, dimension: int
) -> SearchIndex:
    """Write rows as the worker does, publish a generation of them, and open it as the API does."""
    database = open_database(url)
    lineage = Lineage(revision, "benchmark")
    texts: dict[int, list[NewPassage]] = {}
    for row in rows:
        digest = content_hash(row.header, row.text)
        mine = texts.setdefault(row.owner_id, [])
        mine.append(NewPassage(len(mine), row.header, row.text, digest))
    vectors = {(row.owner_id, content_hash(row.header, row.text)): row.vector for row in rows}
    async with database.write() as session:
        await replace_passages(session, OwnerKind.BOOK, texts, cut=lineage.cut, are_new=True)
    async with database.write() as session:
        waiting = await pending(session, lineage, len(rows))
        given = [(row.id, _bytes(vectors[row.owner_id, content_hash(row.header, row.text)])) for row in waiting]
        await store_embeddings(session, revision, given)
    index = await open_index(database, folder, lineage, dimension)
    publish(folder, index, model=model)
    opened = await open_index(database, folder, lineage, dimension)
    await database.close()
    return opened


def _bytes(vector: Floats | None) -> bytes:
    return b"" if vector is None else vector.tobytes()
