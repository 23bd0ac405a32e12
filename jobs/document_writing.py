"""What was read of a document becomes rows: its text, its sections and its passages in one transaction."""

import asyncio
from datetime import UTC, datetime

from jobs.events import Work
from jobs.passages import Splitter, new_passage, write_words
from library import documents
from library.documents import NewSection, NewText
from library.events import INDEX_TOPIC, LIBRARY_TOPIC
from library.models.documents import Document, DocumentFormat
from library.models.passages import OwnerKind
from library.passages import NewPassage, replace_passages
from rag.documents.reading import ReadDocument
from rag.documents.text import DocumentText


async def pieces_of(text: DocumentText, split: Splitter | None) -> list[NewPassage]:
    """Cut a text in a thread; nothing without a splitter, while the model is not ready."""
    if split is None:
        return []
    return [new_passage(piece) for piece in await asyncio.to_thread(split.document_pieces, text)]


def new_text(read: ReadDocument, text: DocumentText, path: str, size_bytes: int) -> NewText:
    """What the rows need of a document that was read."""
    return NewText(
        path=path,
        title=text.title,
        url=text.url,
        format=DocumentFormat(read.format.value),
        language=text.language,
        text=text.text,
        sections=[NewSection(part.level, part.path, part.start, part.end) for part in text.sections],
        content_hash=read.content_hash,
        size_bytes=read.state.size_bytes if read.state is not None else size_bytes,
        # Whole microseconds, as a column keeps them.
        modified_at=datetime.fromtimestamp(read.state.mtime_ns // 1000 / 1e6, UTC) if read.state is not None else None,
    )


async def write_document(
    work: Work, source_id: int, known_id: int | None, new: NewText, passages: list[NewPassage], split: Splitter | None
) -> Document:
    """Write text, sections and passages; a passage whose hash is unchanged keeps its id and its vector."""
    document = await documents.write(work.session, source_id, known_id, new)
    await write_passages(work, document.id, passages, split, is_new=known_id is None)
    kind = "DOCUMENT_ADDED" if known_id is None else "DOCUMENT_UPDATED"
    work.emit(LIBRARY_TOPIC, kind, document.id, {"title": document.title})
    return document


async def write_passages(
    work: Work,
    document_id: int,
    passages: list[NewPassage],
    split: Splitter | None,
    *,
    is_new: bool = False,
    keep_other_cuts: bool = False,
) -> None:
    """Make these the passages of a document."""
    changed = await replace_passages(
        work.session,
        OwnerKind.DOCUMENT,
        {document_id: passages},
        cut=split.cut if split is not None else "",
        are_new=is_new,
        keep_other_cuts=keep_other_cuts,
    )
    await write_words(work.session, OwnerKind.DOCUMENT, changed)
    if changed:
        work.emit(INDEX_TOPIC, "PASSAGES_CHANGED")
