"""Reindexing: everything, or one book or document, is cut and embedded again, while the old vectors serve on."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

import sqlalchemy as sa

from jobs import queue
from jobs.document_cutting import cut_documents
from jobs.embeddings import WINDOW, vectors_of
from jobs.events import unit_of_work
from jobs.execution import Run
from jobs.index_builds import Indexing
from jobs.passages import Splitter, refresh_passages
from library import passages
from library.events import INDEX_TOPIC
from library.models.books import Book
from library.models.passages import OwnerKind, Passage

_BOOKS_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class _Scope:
    """One owner of passages; all where both are None."""

    kind: OwnerKind | None
    owner_id: int | None


async def reindex(run: Run, indexing: Indexing) -> None:
    """Cut every text of the scope again, then replace its vectors batch by batch, then publish a generation.

    Safe to run twice: cutting the same text gives the same passages, which keep their rows, and a vector replaces
    the one before it, so that nothing is missing from the search at any moment.
    """
    await run.progress(0, None, "preparing the model")
    embedder, split = await indexing.model.open()
    payload = run.job.payload
    scope = _Scope(OwnerKind(payload["owner_kind"]) if "owner_kind" in payload else None, payload.get("owner_id"))
    if scope.kind is not OwnerKind.DOCUMENT:
        await _cut_books(run, split, scope.owner_id)
    if scope.kind is not OwnerKind.BOOK:
        await cut_documents(run, split, scope.owner_id)
    total = await _count(run, scope, split.cut)
    done = last = 0
    while rows := await _next(run, scope, split.cut, last):
        async with aclosing(vectors_of(embedder, rows)) as found:
            async for vectors in found:
                run.checkpoint()
                async with unit_of_work(run.database, run.bus) as work:
                    done += await passages.store_embeddings(work.session, embedder.card.revision, vectors)
                    work.emit(INDEX_TOPIC, "PASSAGES_EMBEDDED")
                await run.progress(done, max(total, done), "embedding passages")
        last = rows[-1].id
    run.result = {"passages": done}
    async with unit_of_work(run.database, run.bus) as work:
        await queue.build_index(work)


async def _cut_books(run: Run, split: Splitter, only: int | None) -> None:
    last = 0
    while True:
        select = sa.select(Book.id).where(Book.id > last).order_by(Book.id).limit(_BOOKS_AT_ONCE)
        async with run.database.read() as session:
            ids = list(await session.scalars(select if only is None else select.where(Book.id == only)))
        if not ids:
            return
        async with unit_of_work(run.database, run.bus) as work:
            if await refresh_passages(work.session, ids, split, keep_other_cuts=True):
                work.emit(INDEX_TOPIC, "PASSAGES_CHANGED")
        run.checkpoint()
        last = ids[-1]


def _within(scope: _Scope, cut: str) -> list[sa.ColumnElement[bool]]:
    conditions = [Passage.cut == cut]
    if scope.kind is not None:
        conditions += [Passage.owner_kind == scope.kind, Passage.owner_id == scope.owner_id]
    return conditions


async def _count(run: Run, scope: _Scope, cut: str) -> int:
    select = sa.select(sa.func.count()).select_from(Passage).where(*_within(scope, cut))
    async with run.database.read() as session:
        return await session.scalar(select) or 0


async def _next(run: Run, scope: _Scope, cut: str, last: int) -> Sequence[Passage]:
    select = sa.select(Passage).where(*_within(scope, cut), Passage.id > last).order_by(Passage.id)
    async with run.database.read() as session:
        return (await session.scalars(select.limit(WINDOW))).all()
