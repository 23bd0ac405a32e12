"""Embedding passages: vectors for every passage that has none, newest first, so that an edit overtakes a long scan."""

import asyncio
from collections.abc import Sequence
from itertools import accumulate

from sqlalchemy.ext.asyncio import AsyncSession

from jobs import queue
from jobs.document_cutting import cut_new_documents
from jobs.embedding_model import EmbeddingModel, lineage_of
from jobs.events import Bus, unit_of_work
from jobs.execution import Run
from jobs.index_builds import Indexing, publish_when_due
from jobs.passages import Splitter, refresh_passages
from jobs.stored_builds import write_postings
from library import documents, lineages, passages
from library import jobs as job_rows
from library.database import Database
from library.events import INDEX_TOPIC
from library.models.jobs import JobKind
from library.passages import Lineage, PassageRow
from rag.passages import embedded_text

BATCH = 32
# An edit waits for one batch at most, and is embedded in the next: a quarter of a second on two cores each.
_BATCH_LETTERS = 8_000
_BOOKS_AT_ONCE = 100
_REUSED_AT_ONCE = 1_000


async def embed_passages(run: Run, indexing: Indexing) -> None:
    """Embed until nothing is pending. Safe to run twice: only passages without a vector are taken."""
    await run.progress(0, None, "preparing the model")
    embedder, split = await indexing.model.open()
    await _split_books(run, split)
    await cut_new_documents(run, split)
    if indexing.stored:
        await write_postings(run.database)
    lineage = lineage_of(embedder, split)
    done = await _reuse(run, lineage)
    while batch := await _pending(run.database, lineage):
        run.checkpoint()
        vectors = await asyncio.to_thread(embedder.embed_many, [embedded_text(row.header, row.text) for row in batch])
        async with unit_of_work(run.database, run.bus) as work:
            given = [(row.id, vector.tobytes()) for row, vector in zip(batch, vectors, strict=True)]
            done += await passages.store_embeddings(work.session, lineage.model, given)
            counts = await passages.counts(work.session, lineage)
            work.emit(INDEX_TOPIC, "PASSAGES_EMBEDDED")
        await run.progress(done, done + counts.pending, "embedding passages")
    run.result = {"passages": done}
    await publish_when_due(run.database, run.bus, indexing)


async def start_when_due(database: Database, bus: Bus, model: EmbeddingModel) -> bool:
    """Start a job when something waits for its vectors and no job is at it; on a fresh start also to open the model.

    After a job this finds what was written after it last looked and before it ended. Gives whether nothing waits.
    """
    async with unit_of_work(database, bus) as work:
        if await job_rows.unfinished(work.session, JobKind.EMBED_PASSAGES) is not None:
            return False
        if model.lineage is None or await _anything_waits(work.session, model.lineage):
            await queue.embed_passages(work)
            return False
    return True


async def _anything_waits(session: AsyncSession, lineage: Lineage) -> bool:
    uncut = await passages.books_without_passages(session, lineage.cut, 1)
    uncut = uncut or await documents.without_passages(session, lineage.cut, 0, 1)
    return bool(uncut or await passages.pending(session, lineage, 1))


async def _pending(database: Database, lineage: Lineage) -> Sequence[PassageRow]:
    async with database.read() as session:
        rows = await passages.pending(session, lineage, BATCH)
    lengths = accumulate(len(row.header) + len(row.text) for row in rows)
    return rows[: max(1, sum(length <= _BATCH_LETTERS for length in lengths))]


async def _reuse(run: Run, lineage: Lineage) -> int:
    """Where many wait, as after another way of cutting, take the vectors of equal passages; gives how many.

    For a few it is quicker to embed them than to look.
    """
    async with run.database.read() as session:
        if len(await passages.pending(session, lineage, BATCH)) < BATCH:
            return 0
    done = 0
    while True:
        run.checkpoint()
        async with run.database.read() as session:
            found = await lineages.reusable(session, lineage, _REUSED_AT_ONCE)
        if not found:
            return done
        async with unit_of_work(run.database, run.bus) as work:
            await lineages.reuse_vectors(work.session, lineage.model, found)
            work.emit(INDEX_TOPIC, "PASSAGES_EMBEDDED")
        done += len(found)


async def _split_books(run: Run, split: Splitter) -> None:
    """Make the passages of books that have none of this cut, such as those written before the model was there."""
    while True:
        async with unit_of_work(run.database, run.bus) as work:
            books = await passages.books_without_passages(work.session, split.cut, _BOOKS_AT_ONCE)
            if not books:
                return
            await refresh_passages(work.session, books, split, keep_other_cuts=True)
            work.emit(INDEX_TOPIC, "PASSAGES_CHANGED")
        run.checkpoint()
