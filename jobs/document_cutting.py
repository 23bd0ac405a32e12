"""Documents are cut again from their rows, when the model or the splitter is another, or when somebody asks."""

from collections.abc import AsyncIterator

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from jobs.document_writing import pieces_of, write_passages
from jobs.events import unit_of_work
from jobs.execution import Run
from jobs.passages import Splitter
from library import documents
from library.models.documents import Document
from rag.documents.text import DocumentText, Section

_PAGE = 100


async def cut_new_documents(run: Run, split: Splitter) -> None:
    """Make the passages of documents that have none of this cut, beside those of other cuts."""
    last = 0
    while ids := await _uncut(run, split.cut, last):
        for document_id in ids:
            await _cut(run, split, document_id)
        last = ids[-1]


async def cut_documents(run: Run, split: Splitter, only: int | None) -> None:
    """Make the passages of one document, or of all, anew; those that come out the same keep their rows."""
    async for document_id in _every(run, only):
        await _cut(run, split, document_id)


async def _cut(run: Run, split: Splitter, document_id: int) -> None:
    run.checkpoint()
    async with run.database.read() as session:
        document = await session.get(Document, document_id)
        if document is None or document.missing_since is not None:
            return
        text = await _text_of(session, document)
    pieces = await pieces_of(text, split)
    async with unit_of_work(run.database, run.bus) as work:
        present = await work.session.get(Document, document_id, with_for_update=True)
        # An ingest may have written another text meanwhile, with its passages.
        if present is not None and present.missing_since is None and present.content_hash == document.content_hash:
            await write_passages(work, document_id, pieces, split, keep_other_cuts=True)


async def _text_of(session: AsyncSession, document: Document) -> DocumentText:
    rows = await documents.sections_of(session, document.id)
    parts = tuple(Section(tuple(row.headings), row.level, row.start, row.end) for row in rows)
    return DocumentText(document.title, document.text, parts, document.language, document.url)


async def _uncut(run: Run, cut: str, last: int) -> list[int]:
    async with run.database.read() as session:
        return await documents.without_passages(session, cut, last, _PAGE)


async def _every(run: Run, only: int | None) -> AsyncIterator[int]:
    if only is not None:
        yield only
        return
    last = 0
    while True:
        select = sa.select(Document.id).where(Document.id > last).order_by(Document.id).limit(_PAGE)
        async with run.database.read() as session:
            ids = list(await session.scalars(select))
        if not ids:
            return
        for document_id in ids:
            yield document_id
        last = ids[-1]
