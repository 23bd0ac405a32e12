"""Publishing generations of the search index: one builder at a time, readers undisturbed."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from jobs import queue
from jobs.embedding_model import EmbeddingModel, lineage_of
from jobs.events import unit_of_work
from jobs.execution import Run
from jobs.index_rows import index_home, open_index
from library import jobs as job_rows
from library import leases, passages
from library.errors import Conflict
from library.events import INDEX_TOPIC
from library.models.jobs import JobKind
from library.passages import Lineage
from rag.errors import IndexFileError
from rag.generations import open_newest, publish
from rag.index import SearchIndex

LEASE = "index-builder"
_LASTING = timedelta(minutes=30)  # far beyond the building of a large index; a dead builder blocks no longer
_SMALLEST_TAIL = 500  # a tail this small costs a search nothing
_LARGEST_SHARE = 0.1


class BuilderBusy(Conflict):
    """Another process publishes a generation now."""

    def __init__(self) -> None:
        super().__init__("Another worker is building the index. Retry this job when it is done.")


@dataclass(frozen=True, slots=True)
class Indexing:
    """Where generations are published, and for which model."""

    folder: Path
    model: EmbeddingModel


async def build_index(run: Run, indexing: Indexing) -> None:
    """Publish the next generation. Safe to run twice: it holds whatever the rows say, and numbers only rise."""
    await run.progress(0, None, "building the index")
    embedder, split = await indexing.model.open()
    card, lineage = embedder.card, lineage_of(embedder, split)
    async with run.database.write() as session:
        if not await leases.acquire(session, LEASE, run.worker, _LASTING):
            raise BuilderBusy
    try:
        home = await index_home(run.database, indexing.folder, lineage)
        index = await open_index(run.database, home, lineage, card.dimension)
        run.checkpoint()
        published: SearchIndex = await asyncio.to_thread(publish, home, index, model=card.model)
    finally:
        async with run.database.write() as session:
            await leases.release(session, LEASE, run.worker)
    run.result = {"generation": published.generation, "passages": published.count}
    async with unit_of_work(run.database, run.bus) as work:
        work.emit(INDEX_TOPIC, "GENERATION_PUBLISHED", published.generation)
    await run.progress(published.count, published.count, None)


async def publish_when_due(run: Run, indexing: Indexing) -> None:
    """Start a build when there is no generation yet, or when the tail behind it has grown long."""
    embedder, split = await indexing.model.open()
    card, lineage = embedder.card, lineage_of(embedder, split)
    home = await index_home(run.database, indexing.folder, lineage)
    newest = await asyncio.to_thread(newest_version, home, card.revision, card.dimension)
    async with unit_of_work(run.database, run.bus) as work:
        if await _is_due(work.session, lineage, newest):
            await queue.build_index(work)


async def _is_due(session: AsyncSession, lineage: Lineage, newest: int | None) -> bool:
    counts = await passages.counts(session, lineage)
    if newest is None:
        # An empty generation says "there is nothing to find"; while a scan runs nobody knows that yet.
        return counts.passages > 0 or await job_rows.unfinished(session, JobKind.SCAN_LIBRARY) is None
    tail = await passages.count_since(session, lineage, newest)
    return tail > max(_SMALLEST_TAIL, counts.passages * _LARGEST_SHARE)


def newest_version(folder: Path, revision: str, dimension: int) -> int | None:
    """Up to which version the newest usable generation goes; None when there is none, so that one is built."""
    try:
        return open_newest(folder, revision, dimension).up_to_version
    except IndexFileError:
        return None
