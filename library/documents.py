"""Documents of the knowledge base: their sources, their texts, and what becomes of those that vanish."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
import sqlalchemy.orm
from sqlalchemy.ext.asyncio import AsyncSession

from library.errors import BadInput, NotFound
from library.models.documents import Document, DocumentFormat, DocumentSection, DocumentSource, SourceKind
from library.models.passages import OwnerKind, Passage
from library.models.tables import now
from library.passages import replace_passages
from library.text_search import sort_title


class SourcesOverlap(BadInput):
    """A folder or file inside a folder that is ingested already."""

    def __init__(self, path: str, other: str) -> None:
        super().__init__(f"'{path}' overlaps with '{other}', which is ingested already; its documents are found there.")


@dataclass(frozen=True, slots=True)
class NewSection:
    """A range of a document's text under a heading; `headings` lead to it from the outermost."""

    level: int
    headings: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NewText:
    """What was read from a document's bytes."""

    path: str
    title: str
    url: str | None
    format: DocumentFormat
    language: str | None
    text: str
    sections: Sequence[NewSection]
    content_hash: str
    size_bytes: int
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """A document as an earlier ingest left it, without its text."""

    id: int
    path: str
    content_hash: str
    size_bytes: int
    modified_at: datetime | None
    problem_code: str | None
    missing_since: datetime | None


async def add_place(
    session: AsyncSession, place: Path, *, is_folder: bool, watched: bool, actor: str
) -> DocumentSource:
    """The source that a path stands for, new if need be; raises SourcesOverlap for what is found elsewhere."""
    select = sa.select(DocumentSource).where(DocumentSource.path.is_not(None))
    for other in await session.scalars(select.order_by(DocumentSource.id)):
        known = Path(other.path or "")
        if known == place:
            other.watched = watched
            return other
        if known in place.parents or (is_folder and place in known.parents):
            raise SourcesOverlap(str(place), str(known))
    source = DocumentSource(
        kind=SourceKind.FOLDER if is_folder else SourceKind.FILE,
        path=str(place),
        name=place.name,
        watched=watched,
        created_by=actor,
    )
    session.add(source)
    await session.flush()
    return source


async def add_upload(session: AsyncSession, name: str, content: bytes, *, actor: str) -> DocumentSource:
    """Keep bytes that were sent until a worker has read them."""
    source = DocumentSource(kind=SourceKind.UPLOAD, name=name, content=content, created_by=actor)
    session.add(source)
    await session.flush()
    return source


async def upload_names(session: AsyncSession) -> set[str]:
    """Names of all uploads that were ever sent and not removed."""
    select = sa.select(DocumentSource.name).where(DocumentSource.kind == SourceKind.UPLOAD)
    return set(await session.scalars(select))


async def get_source(session: AsyncSession, source_id: int) -> DocumentSource:
    """The source with this id, without the bytes of an upload unless they are asked for; raises NotFound."""
    deferred = sa.orm.defer(DocumentSource.content)
    source = await session.get(DocumentSource, source_id, options=[deferred], populate_existing=True)
    if source is None:
        raise NotFound("document source", source_id)
    return source


async def upload_of(session: AsyncSession, source_id: int) -> bytes | None:
    """The bytes of an upload that has not been read yet."""
    return await session.scalar(sa.select(DocumentSource.content).where(DocumentSource.id == source_id))


async def drop_upload(session: AsyncSession, source_id: int) -> None:
    """Forget the bytes of an upload, which has been read or cannot be."""
    await session.execute(sa.update(DocumentSource).where(DocumentSource.id == source_id).values(content=None))


async def sources_on_disk(session: AsyncSession) -> Sequence[DocumentSource]:
    """Every folder and file that was ever asked for."""
    select = sa.select(DocumentSource).where(DocumentSource.kind != SourceKind.UPLOAD)
    select = select.options(sa.orm.defer(DocumentSource.content)).order_by(DocumentSource.id)
    return (await session.scalars(select)).all()


async def known_in(session: AsyncSession, source_id: int) -> dict[str, Known]:
    """What is known of a source's documents, by path."""
    select = sa.select(
        Document.id,
        Document.path,
        Document.content_hash,
        Document.size_bytes,
        Document.modified_at,
        Document.problem_code,
        Document.missing_since,
    ).where(Document.source_id == source_id)
    return {row.path: Known(*row) for row in await session.execute(select)}


async def get(session: AsyncSession, document_id: int) -> Document:
    """The document with this id; raises NotFound."""
    document = await session.get(Document, document_id)
    if document is None:
        raise NotFound("document", document_id)
    return document


async def write(session: AsyncSession, source_id: int, known_id: int | None, new: NewText) -> Document:
    """Write what was read, over the document `known_id` where there is one; its passages are the caller's."""
    document = await session.get(Document, known_id) if known_id is not None else None
    if document is None:
        document = Document(source_id=source_id)
        session.add(document)
    document.path, document.title, document.sort_title = new.path, new.title, sort_title(new.title)
    document.url, document.format, document.language, document.text = new.url, new.format, new.language, new.text
    document.content_hash, document.size_bytes, document.modified_at = (
        new.content_hash,
        new.size_bytes,
        new.modified_at,
    )
    document.problem_code = document.problem_message = document.missing_since = None
    document.updated_at = now()
    await session.flush()
    await session.execute(sa.delete(DocumentSection).where(DocumentSection.document_id == document.id))
    rows = [
        {
            "document_id": document.id,
            "position": position,
            "level": section.level,
            "headings": list(section.headings),
            "start": section.start,
            "end": section.end,
        }
        for position, section in enumerate(new.sections)
    ]
    if rows:
        await session.execute(sa.insert(DocumentSection), rows)
    return document


async def note_seen(session: AsyncSession, document_id: int, path: str, size_bytes: int, modified_at: datetime) -> None:
    """Note that a file with known bytes is there, perhaps under another name or with another time."""
    seen = {"path": path, "size_bytes": size_bytes, "modified_at": modified_at}
    well = {"problem_code": None, "problem_message": None, "missing_since": None}
    await session.execute(sa.update(Document).where(Document.id == document_id).values(**seen, **well))


async def note_problem(session: AsyncSession, document_id: int, code: str, message: str) -> None:
    """Note why a file's present state cannot be read; the last good text stays."""
    values = {"problem_code": code, "problem_message": message, "missing_since": None}
    await session.execute(sa.update(Document).where(Document.id == document_id).values(**values))


async def note_missing(session: AsyncSession, document_ids: Collection[int]) -> bool:
    """Note that documents were not seen and take them out of the search; returns whether passages went."""
    for some in _portions(document_ids):
        await session.execute(sa.update(Document).where(Document.id.in_(some)).values(missing_since=now()))
    return await drop_passages(session, document_ids)


async def remove(session: AsyncSession, document_ids: Collection[int]) -> bool:
    """Delete documents with sections and passages; returns whether passages went."""
    had_passages = await drop_passages(session, document_ids)
    for some in _portions(document_ids):
        await session.execute(sa.delete(DocumentSection).where(DocumentSection.document_id.in_(some)))
        await session.execute(sa.delete(Document).where(Document.id.in_(some)))
    return had_passages


async def remove_source(session: AsyncSession, source_id: int) -> list[tuple[int, str]]:
    """Delete a source with all its documents; returns their ids and titles."""
    titles = [(row.id, row.title) for row in await session.execute(titles_in(source_id))]
    await remove(session, [document_id for document_id, _ in titles])
    await session.execute(sa.delete(DocumentSource).where(DocumentSource.id == source_id))
    return titles


def titles_in(source_id: int) -> sa.Select[int, str]:
    """Select id and title of a source's documents."""
    return sa.select(Document.id, Document.title).where(Document.source_id == source_id).order_by(Document.id)


async def drop_passages(session: AsyncSession, document_ids: Collection[int]) -> bool:
    """Delete the passages of documents, of every cut; returns whether there were any."""
    changed = False
    for some in _portions(document_ids):
        nothing = dict.fromkeys(some, ())
        changed |= bool(await replace_passages(session, OwnerKind.DOCUMENT, nothing, cut=""))
    return changed


async def without_passages(session: AsyncSession, cut: str, after: int, limit: int) -> list[int]:
    """Ids, greater than `after`, of some documents that are there and have no passage of this cut yet."""
    owned = Passage.owner_kind == OwnerKind.DOCUMENT, Passage.owner_id == Document.id, Passage.cut == cut
    select = sa.select(Document.id).where(Document.missing_since.is_(None), ~sa.exists().where(*owned))
    return list(await session.scalars(select.where(Document.id > after).order_by(Document.id).limit(limit)))


async def sections_of(session: AsyncSession, document_id: int) -> Sequence[DocumentSection]:
    """A document's sections in reading order."""
    select = sa.select(DocumentSection).where(DocumentSection.document_id == document_id)
    return (await session.scalars(select.order_by(DocumentSection.position))).all()


def _portions(document_ids: Collection[int]) -> Sequence[Sequence[int]]:
    # Databases take so many values in one statement.
    ids = list(document_ids)
    return [ids[place : place + 500] for place in range(0, len(ids), 500)]
