"""Ingesting: passages a second from a folder to vectors by the real worker, beside a bare encode of the same."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime
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
from rag.query_embedder import GRAPH, ModelCard, OnnxEmbedder, load_tokenizer
from tests.processes import environment, wait_until, working

SHARE = 0.9
ROUNDS = 2
PATIENCE_SECONDS = 1_800.0
FOLDER = "SHELFGRAPH_BENCH_DOCUMENTS"  # Markdown files to ingest; the demo's own where it is not set
_BATCH = 32
_LOOK_SECONDS = 0.5  # a look is work for the machine, too


def measure() -> Iterator[Measure]:
    """By turns ingest a folder with a worker as it is run, and embed the passages that it made and nothing else."""
    given = Path(os.environ.get(FOLDER) or Path(__file__).parent.parent / "demo" / "documents")
    bare = BareEncoder(exported_model())
    ours = OnnxEmbedder.open(exported_model(), threads=os.cpu_count() or 1)
    spent = np.zeros(3)
    for _ in range(ROUNDS):
        seconds, texts = _ingested(given)
        spent += (seconds, _seconds(bare.encode, texts), _seconds(ours.embed_many, texts))
    by_job, by_bare, by_ours = ROUNDS * len(texts) / spent
    beside = f"{by_job:.0f} against {by_bare:.0f} passages a second, {len(texts):,} passages"
    yield at_least(
        "ingest of a folder, as a share of a bare batched encode", by_job / by_bare, SHARE, "×", baseline=beside
    )
    yield Measure(
        "the same, as a share of our embedder in one call", f"{by_job / by_ours:.4f} × ({by_ours:.0f} a second)"
    )


class BareEncoder:
    """What `SentenceTransformer.encode` does with onnxruntime as its backend: all by length, in batches of 32."""

    def __init__(self, folder: Path) -> None:
        self._session = onnxruntime.InferenceSession(str(folder / GRAPH), providers=["CPUExecutionProvider"])
        self._tokenizer = load_tokenizer(folder)
        self._tokenizer.enable_truncation(ModelCard.read(folder).window)
        self._tokenizer.enable_padding()

    def encode(self, texts: Sequence[str]) -> None:
        """Embed them all; the vectors are not kept."""
        ordered = sorted(texts, key=len, reverse=True)
        for start in range(0, len(ordered), _BATCH):
            rows = self._tokenizer.encode_batch_fast(ordered[start : start + _BATCH])
            given = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
            columns = {name: np.array([getattr(row, of) for row in rows], np.int64) for name, of in given.items()}
            self._session.run(None, {wanted.name: columns[wanted.name] for wanted in self._session.get_inputs()})


def _seconds(embed: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    embed(texts[:_BATCH])
    begun = time.perf_counter()
    embed(texts)
    return time.perf_counter() - begun


def _ingested(given: Path) -> tuple[float, list[str]]:
    """Seconds from the request to the last vector, and what was embedded."""
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
            seconds = time.perf_counter() - begun
        return seconds, asyncio.run(_texts(url))[before:]


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
    await asyncio.sleep(_LOOK_SECONDS)
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
