"""Embedding passages: vectors for every passage that has none, newest first, so that an edit overtakes a long scan."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

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
from library.models.passages import Passage
from library.passages import Lineage, PassageRow
from rag.passages import embedded_text
from rag.query_embedder import OnnxEmbedder, Places, Vectors

# Passages that are looked at together: of so many, those of like lengths fill a run without padding.
WINDOW = 256
# Between two looks for something newer the embedder goes on for so long, and an edit waits.
_LOOK_SECONDS = 0.3
_MANY = 32  # passages that wait: from here on it is worth looking for vectors of equal ones
_BOOKS_AT_ONCE = 100
_REUSED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class _Window:
    """Passages that wait, how many wait in all, and the newest version of any passage then."""

    rows: list[PassageRow]
    pending: int
    newest: int


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
    window = await _window(run.database, lineage, 0)
    while window.rows:
        done = await _embed(run, embedder, lineage, window, done)
        window = await _window(run.database, lineage, window.newest)
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


async def _window(database: Database, lineage: Lineage, seen: int) -> _Window:
    """What waits and is newer than version `seen`, alone, since lengths decide in a window; else what waits at all."""
    async with database.read() as session:
        newest = await passages.newest_version(session, lineage)
        rows = await passages.pending(session, lineage, WINDOW, after=seen) if newest > seen else []
        rows = rows or await passages.pending(session, lineage, WINDOW)
        return _Window(rows, (await passages.counts(session, lineage)).pending, newest)


async def _embed(run: Run, embedder: OnnxEmbedder, lineage: Lineage, window: _Window, done: int) -> int:
    """Embed a window, or as much of it as there is until something newer comes; gives how many are done in all."""
    total = done + window.pending
    async with aclosing(vectors_of(embedder, window.rows)) as found:
        async for vectors in found:
            run.checkpoint()
            async with unit_of_work(run.database, run.bus) as work:
                done += await passages.store_embeddings(work.session, lineage.model, vectors)
                newest = await passages.newest_version(work.session, lineage)
                work.emit(INDEX_TOPIC, "PASSAGES_EMBEDDED")
            await run.progress(done, max(total, done), "embedding passages")
            if newest != window.newest:
                break
    return done


async def vectors_of(
    embedder: OnnxEmbedder, rows: Sequence[PassageRow | Passage]
) -> AsyncGenerator[list[tuple[int, bytes]]]:
    """Vectors by the ids of passages, a third of a second's work at a time; not in the order of `rows`."""
    runs = embedder.embed_runs([embedded_text(row.header, row.text) for row in rows])
    while vectors := await asyncio.to_thread(_next_vectors, runs, rows):
        yield vectors


def _next_vectors(
    runs: Iterator[tuple[Places, Vectors]], rows: Sequence[PassageRow | Passage]
) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    begun = time.monotonic()
    for places, vectors in runs:
        found.extend((rows[place].id, vector.tobytes()) for place, vector in zip(places, vectors, strict=True))
        if time.monotonic() - begun >= _LOOK_SECONDS:
            break
    return found


async def _reuse(run: Run, lineage: Lineage) -> int:
    """Where many wait, as after another way of cutting, take the vectors of equal passages; gives how many.

    For a few it is quicker to embed them than to look.
    """
    async with run.database.read() as session:
        if len(await passages.pending(session, lineage, _MANY)) < _MANY:
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
