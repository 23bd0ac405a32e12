"""Ingesting: passages a second from a folder to vectors by the real worker, beside a bare encode of the same."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from benchmarks.cache import exported_model
from benchmarks.measures import Measure, at_least
from benchmarks.servers import SQLITE, migrated, valkey
from jobs import queue
from jobs.events import Bus, unit_of_work
from library import documents
from library import jobs as job_rows
from library.database import open_database
from library.models.jobs import JobKind
from library.models.passages import Embedding, Passage
from rag.passages import embedded_text
from rag.query_embedder import OnnxEmbedder
from tests.processes import environment, wait_until, working

SHARE = 0.9
PATIENCE_SECONDS = 1_800.0
FOLDER = "SHELFGRAPH_BENCH_DOCUMENTS"  # Markdown files to ingest; the demo's own where it is not set
_BATCH = 32


def measure() -> Iterator[Measure]:
    """Ingest a folder with a worker as it is run, then embed the passages that it made, and nothing else."""
    given = Path(os.environ.get(FOLDER) or Path(__file__).parent.parent / "demo" / "documents")
    with valkey() as redis_url, migrated(SQLITE) as url, TemporaryDirectory(prefix="sgb-") as folder:
        shutil.copytree(exported_model().parent, Path(folder) / "models")
        settings = environment(url, redis_url, Path(folder), LOG_LEVEL="WARNING")
        with working(settings) as worker:
            # A first document opens the model and starts the reading process.
            asyncio.run(_ingest(url, redis_url, _first_folder(Path(folder))))
            wait_until(lambda: asyncio.run(_is_done(url, 0)), "a first ingest", worker, PATIENCE_SECONDS)
            before = len(asyncio.run(_texts(url)))
            begun = time.perf_counter()
            asyncio.run(_ingest(url, redis_url, given))
            wait_until(lambda: asyncio.run(_is_done(url, before)), "all vectors", worker, PATIENCE_SECONDS)
            whole = time.perf_counter() - begun
        texts = asyncio.run(_texts(url))[before:]
    embedder = OnnxEmbedder.open(exported_model(), threads=os.cpu_count() or 1, arena=True)
    embedder.embed_many(texts[:_BATCH])
    begun = time.perf_counter()
    for place in range(0, len(texts), _BATCH):
        embedder.embed_many(texts[place : place + _BATCH])
    bare = time.perf_counter() - begun
    beside = f"{len(texts) / whole:.0f} against {len(texts) / bare:.0f} passages a second, {len(texts):,} passages"
    yield at_least("ingest of a folder, as a share of a bare batched encode", bare / whole, SHARE, "×", baseline=beside)


def _first_folder(folder: Path) -> Path:
    place = folder.parent / f"{folder.name}-first"
    place.mkdir()
    (place / "first.md").write_text("# First\n\nA first document.")
    return place


async def _ingest(url: str, redis_url: str, folder: Path) -> None:
    database, bus = open_database(url), Bus.open(redis_url)
    try:
        async with unit_of_work(database, bus) as work:
            source = await documents.add_place(work.session, folder, is_folder=True, watched=False, actor=queue.SYSTEM)
            await queue.ingest_documents(work, source.id)
    finally:
        await bus.close()
        await database.close()


async def _is_done(url: str, before: int) -> bool:
    """Whether an ingest has ended, has made passages, and each has its vector."""
    database = open_database(url)
    try:
        async with database.read() as session:
            busy = await job_rows.unfinished(session, JobKind.INGEST_DOCUMENTS)
            made = await session.scalar(sa.select(sa.func.count()).select_from(Passage)) or 0
            embedded = await session.scalar(sa.select(sa.func.count()).select_from(Embedding)) or 0
    finally:
        await database.close()
    return busy is None and before < made == embedded


async def _texts(url: str) -> list[str]:
    database = open_database(url)
    try:
        async with database.read() as session:
            rows = await session.execute(sa.select(Passage.header, Passage.text).order_by(Passage.id))
            return [embedded_text(header, text) for header, text in rows]
    finally:
        await database.close()
