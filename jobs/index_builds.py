"""Publishing generations of the search index: one builder at a time, readers undisturbed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from jobs import queue
from jobs.embedding_model import EmbeddingModel, lineage_of
from jobs.events import Bus, unit_of_work
from jobs.execution import Run
from jobs.index_rows import index_home, open_index
from jobs.stored_builds import build_stored_index, is_built
from library import jobs as job_rows
from library import leases, passages
from library.background import end_task
from library.database import Database
from library.errors import Conflict
from library.events import INDEX_TOPIC
from library.models.jobs import JobKind
from library.passage_vectors import VectorTable
from library.passages import Lineage
from rag.errors import IndexFileError
from rag.generations import generation_folder, generation_numbers, open_newest, publish
from rag.index import SearchIndex

LEASE = "index-builder"
_LASTING = timedelta(seconds=60)  # a dead builder blocks no longer; a living one prolongs it
_PROLONGED_SECONDS = 20.0
_SMALLEST_TAIL = 500  # a tail this small costs a search nothing
_LARGEST_SHARE = 0.1


class BuilderBusy(Conflict):
    """Another process publishes a generation now."""

    def __init__(self) -> None:
        super().__init__("Another worker is building the index. Retry this job when it is done.")


# Number of a generation, and size and time of each of its files: while they are the same, it is not read again.
Looks = tuple[int, frozenset[tuple[str, int, int]]]


@dataclass(frozen=True, slots=True)
class Indexing:
    """Where generations are published, and for which model; `seen` is what this worker has found there."""

    folder: Path
    model: EmbeddingModel
    stored: bool = False  # in Postgres, by pgvector, instead of in the folder
    seen: dict[Path, tuple[Looks, int | None]] = field(default_factory=dict)

    def newest_version(self, home: Path, revision: str, dimension: int) -> int | None:
        """Up to which version the newest usable generation goes; None when there is none, so that one is built."""
        looks = _looks(home, revision)
        if home not in self.seen or self.seen[home][0] != looks:
            self.seen[home] = looks, newest_version(home, revision, dimension)
        return self.seen[home][1]


async def build_index(run: Run, indexing: Indexing) -> None:
    """Publish the next generation. Safe to run twice: it holds whatever the rows say, and numbers only rise."""
    await run.progress(0, None, "building the index")
    embedder, split = await indexing.model.open()
    card, lineage = embedder.card, lineage_of(embedder, split)
    if indexing.stored:
        async with _builder(run):
            await build_stored_index(run, VectorTable(lineage.model, card.dimension))
        return
    async with _builder(run):
        home = await index_home(run.database, indexing.folder, lineage)
        index = await open_index(run.database, home, lineage, card.dimension)
        run.checkpoint()
        published: SearchIndex = await asyncio.to_thread(publish, home, index, model=card.model)
    run.result = {"generation": published.generation, "passages": published.count}
    async with unit_of_work(run.database, run.bus) as work:
        work.emit(INDEX_TOPIC, "GENERATION_PUBLISHED", published.generation)
    await run.progress(published.count, published.count, None)


async def publish_when_due(database: Database, bus: Bus, indexing: Indexing) -> None:
    """Start a build when there is no generation yet, or when the tail behind it has grown long."""
    embedder, split = await indexing.model.open()
    card, lineage = embedder.card, lineage_of(embedder, split)
    if indexing.stored:
        await _build_stored_when_due(database, bus, lineage, VectorTable(lineage.model, card.dimension))
        return
    home = await index_home(database, indexing.folder, lineage)
    newest = await asyncio.to_thread(indexing.newest_version, home, card.revision, card.dimension)
    async with unit_of_work(database, bus) as work:
        if await _is_due(work.session, lineage, newest):
            await queue.build_index(work)


async def _build_stored_when_due(database: Database, bus: Bus, lineage: Lineage, table: VectorTable) -> None:
    async with unit_of_work(database, bus) as work:
        if not await is_built(work.session, table) and await _is_due(work.session, lineage, None):
            await queue.build_index(work)


@asynccontextmanager
async def _builder(run: Run) -> AsyncIterator[None]:
    """Hold the lease of the one builder, and prolong it while the block runs. Raises BuilderBusy."""
    if not await _hold(run):
        raise BuilderBusy
    prolonging = asyncio.create_task(_prolong(run), name="index-builder")
    try:
        yield
    finally:
        await end_task(prolonging)
        async with run.database.write() as session:
            await leases.release(session, LEASE, run.worker)


async def _hold(run: Run) -> bool:
    async with run.database.write() as session:
        return await leases.acquire(session, LEASE, run.worker, _LASTING)


async def _prolong(run: Run) -> None:
    while True:
        await asyncio.sleep(_PROLONGED_SECONDS)
        with suppress(SQLAlchemyError, OSError):  # the next turn comes before the lease ends
            await _hold(run)


async def _is_due(session: AsyncSession, lineage: Lineage, newest: int | None) -> bool:
    counts = await passages.counts(session, lineage)
    if newest is None:
        # An empty generation says "there is nothing to find"; while a scan runs nobody knows that yet.
        return counts.passages > 0 or await job_rows.unfinished(session, JobKind.SCAN_LIBRARY) is None
    tail = await passages.count_since(session, lineage, newest)
    return tail > max(_SMALLEST_TAIL, counts.passages * _LARGEST_SHARE)


def _looks(home: Path, revision: str) -> Looks:
    newest = max(generation_numbers(home, revision), default=0)
    files = frozenset(
        (file.name, stat.st_size, stat.st_mtime_ns)
        for file in generation_folder(home / revision, newest).glob("*")
        for stat in [file.stat()]
    )
    return newest, files


def newest_version(folder: Path, revision: str, dimension: int) -> int | None:
    """Up to which version the newest usable generation goes; None when there is none, so that one is built."""
    try:
        return open_newest(folder, revision, dimension).up_to_version
    except IndexFileError:
        return None
