"""Ingesting documents: what lies in a folder, a file or an upload becomes texts, sections and passages."""

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import anyio.to_thread
import structlog

from jobs import queue
from jobs.document_reading import Answer, DocumentReader, Wanted
from jobs.document_writing import new_text, pieces_of, write_document
from jobs.events import Work, unit_of_work
from jobs.execution import Run
from jobs.passages import Splitter
from library import documents
from library.document_places import FoundFile, Listing, SourceUnavailable, allowed_place, found_file, listed
from library.documents import Known
from library.events import INDEX_TOPIC, LIBRARY_TOPIC
from library.models.documents import DocumentSource, SourceKind
from library.models.tables import now
from rag.documents.errors import FileVanishedError
from rag.documents.reading import ENDINGS, ReadDocument, Unreadable

log = structlog.get_logger(__name__)

FEW_MISSING = 5  # so many may always go at once
MISSING_SHARE = 0.1
REMOVED_AFTER = timedelta(minutes=1)  # between the ingest that misses a document and the one that removes it
_EMBED_EVERY = 20  # documents, so that embedding goes on while others are read


class HasSplitter(Protocol):
    """The embedding model, as far as an ingest needs it."""

    @property
    def splitter(self) -> Splitter | None:
        """How texts are cut to its window; None while it is not ready."""


@dataclass(frozen=True, slots=True)
class Ingesting:
    """What ingests need from their process; `private` are folders of Shelfgraph's own."""

    reader: DocumentReader
    model: HasSplitter
    private: Collection[Path] = ()
    removed_after: timedelta = REMOVED_AFTER


@dataclass(slots=True)
class _Ingest:
    run: Run
    ingesting: Ingesting
    source: DocumentSource
    known: dict[str, Known]
    listing: Listing
    force: bool
    counts: Counter[str] = field(default_factory=Counter)
    done: int = 0
    # Documents whose path is gone, by the hash of their bytes: a new path with the same bytes is the same document.
    gone: dict[str, list[Known]] = field(default_factory=dict)


async def ingest_documents(run: Run, ingesting: Ingesting) -> None:
    """Read a source. Safe to run twice: a file whose size and time, or whose bytes, are known is not read again.

    Each document is written in one transaction; one that cannot be read is told of and keeps its last good text.
    """
    async with run.database.read() as session:
        source = await documents.get_source(session, run.job.payload["source_id"])
    if source.kind is SourceKind.UPLOAD:
        await _ingest_upload(run, ingesting, source)
        return
    ingest = await _begin(run, ingesting, source)
    changed = [file for path, file in ingest.listing.files.items() if ingest.force or _has_changed(ingest, path, file)]
    ingest.done = ingest.counts["unchanged"] = len(ingest.listing.files) - len(changed)
    for path in ingest.listing.unnameable:
        await run.item_failed(path, "NAME_NOT_TEXT", "The name is not valid UTF-8; rename the file and ingest again.")
    for folder in ingest.listing.unlisted:
        await run.item_failed(folder, "FOLDER_UNREADABLE", "The folder cannot be listed; give Shelfgraph the right to.")
    await _read(ingest, changed)
    await _note_gone(ingest)
    await _finish(ingest)


async def _begin(run: Run, ingesting: Ingesting, source: DocumentSource) -> _Ingest:
    await run.progress(0, None, "looking for documents")
    async with run.database.read() as session:
        known = await documents.known_in(session, source.id)
    place = allowed_place(Path(source.path or ""), ingesting.private)
    if source.kind is SourceKind.FOLDER:
        listing = await anyio.to_thread.run_sync(listed, source.name, place, ENDINGS)
        if not listing.files and any(one.missing_since is None for one in known.values()):
            raise SourceUnavailable(source.name, "is empty although documents were found in it before")
    else:
        found = await anyio.to_thread.run_sync(found_file, place)
        listing = Listing({found.path: found} if found is not None else {})
        if found is None:
            await run.item_failed(source.name, FileVanishedError.code, str(FileVanishedError()))
    ingest = _Ingest(run, ingesting, source, known, listing, force=bool(run.job.payload.get("force")))
    for one in _not_seen(ingest):
        ingest.gone.setdefault(one.content_hash, []).append(one)
    return ingest


def _has_changed(ingest: _Ingest, path: str, file: FoundFile) -> bool:
    known = ingest.known.get(path)
    if known is None or known.problem_code is not None or known.missing_since is not None:
        return True
    return (known.size_bytes, known.modified_at) != (file.size_bytes, file.modified_at)


def _not_seen(ingest: _Ingest) -> list[Known]:
    files, listing = ingest.listing.files, ingest.listing
    return [one for path, one in ingest.known.items() if path not in files and not listing.is_unknown(path)]


async def _read(ingest: _Ingest, changed: Sequence[FoundFile]) -> None:
    place = Path(ingest.source.path or "")
    root = place if ingest.source.kind is SourceKind.FOLDER else place.parent
    async with aclosing(ingest.ingesting.reader.read(str(root), _wanted(ingest, changed))) as answers:
        async for file, answer in answers:
            ingest.run.checkpoint()
            try:
                await _take(ingest, file.path, answer)
            except Exception:  # one odd document must not keep the others out
                log.exception("ingest_item_failed", job_id=ingest.run.job.id, item=file.path)
                message = "Something unexpected went wrong with this document; the worker's log has the details."
                await ingest.run.item_failed(file.path, "ITEM_FAILED", message)
            ingest.done += 1
            await ingest.run.progress(ingest.done, len(ingest.listing.files), file.path)


def _wanted(ingest: _Ingest, changed: Sequence[FoundFile]) -> list[Wanted]:
    # A missing document has no passages any more, so that its text is needed even when it returns unchanged.
    known = {} if ingest.force else ingest.known
    hashes = {path: one.content_hash for path, one in known.items() if one.missing_since is None}
    return [Wanted(file.path, hashes.get(file.path)) for file in changed]


async def _take(ingest: _Ingest, path: str, answer: Answer) -> None:
    known = ingest.known.get(path)
    if isinstance(answer, Unreadable):
        await _note_problem(ingest, path, known, answer)
    elif answer.text is None:
        await _note_same(ingest, path, known)
    else:
        await _write(ingest, path, known, answer)


async def _note_problem(ingest: _Ingest, path: str, known: Known | None, problem: Unreadable) -> None:
    if problem.code == FileVanishedError.code and known is not None:
        del ingest.listing.files[path]  # gone like those that were not listed
    elif known is not None:
        async with unit_of_work(ingest.run.database, ingest.run.bus) as work:
            await documents.note_problem(work.session, known.id, problem.code, problem.reason)
    await ingest.run.item_failed(path, problem.code, problem.reason)


async def _note_same(ingest: _Ingest, path: str, known: Known | None) -> None:
    ingest.counts["unchanged"] += 1
    file = ingest.listing.files[path]
    if known is not None:
        async with unit_of_work(ingest.run.database, ingest.run.bus) as work:
            await documents.note_seen(work.session, known.id, path, file.size_bytes, file.modified_at)


async def _write(ingest: _Ingest, path: str, known: Known | None, answer: ReadDocument) -> None:
    if answer.text is None:
        return
    moved = ingest.gone.get(answer.content_hash) if known is None else None
    if moved:
        known = moved.pop()
        outcome = "moved"
    else:
        outcome = "added" if known is None else "updated"
    split = ingest.ingesting.model.splitter
    pieces = await pieces_of(answer.text, split)
    async with unit_of_work(ingest.run.database, ingest.run.bus) as work:
        new = new_text(answer, answer.text, path, 0)
        await write_document(work, ingest.source.id, known.id if known is not None else None, new, pieces, split)
        if ingest.done % _EMBED_EVERY == 0:
            await queue.embed_passages(work)
    ingest.counts[outcome] += 1


async def _note_gone(ingest: _Ingest) -> None:
    """Note what was not seen, and remove what was not seen for the second time; too much at once is not believed."""
    found_again = {one.id for one in await _now_known(ingest) if one.path in ingest.listing.files}
    gone = [one for one in _not_seen(ingest) if one.id not in found_again]
    newly = [one for one in gone if one.missing_since is None]
    present = sum(one.missing_since is None for one in ingest.known.values())
    if len(newly) > FEW_MISSING and len(newly) > MISSING_SHARE * present and not ingest.force:
        message = (
            f"{len(newly)} of {present} known documents are gone, more than an ingest believes, so none was marked "
            "missing. Check that the whole folder is there; if they were removed on purpose, ingest with `force: true`."
        )
        await ingest.run.item_failed(ingest.source.name, "TOO_MANY_MISSING", message)
        return
    before = now() - ingest.ingesting.removed_after
    away = [one for one in gone if one.missing_since is not None and one.missing_since <= before]
    ingest.counts["missing"], ingest.counts["removed"] = len(gone) - len(away), len(away)
    if newly or away:
        async with unit_of_work(ingest.run.database, ingest.run.bus) as work:
            await documents.note_missing(work.session, [one.id for one in newly])
            await documents.remove(work.session, [one.id for one in away])
            for kind, some in (("DOCUMENT_MISSING", newly), ("DOCUMENT_REMOVED", away)):
                for one in some:
                    work.emit(LIBRARY_TOPIC, kind, one.id, {"title": one.path})
            work.emit(INDEX_TOPIC, "PASSAGES_CHANGED")


async def _now_known(ingest: _Ingest) -> Collection[Known]:
    async with ingest.run.database.read() as session:
        return (await documents.known_in(session, ingest.source.id)).values()


async def _finish(ingest: _Ingest) -> None:
    await ingest.run.progress(ingest.done, ingest.done, None)
    ingest.run.result = _result(ingest.run, ingest.source.id, ingest.counts)
    async with unit_of_work(ingest.run.database, ingest.run.bus) as work:
        await _note_ingested(work, ingest.source.id)


async def _ingest_upload(run: Run, ingesting: Ingesting, source: DocumentSource) -> None:
    """Read an upload once: its bytes go with the transaction that writes its document."""
    async with run.database.read() as session:
        content = await documents.upload_of(session, source.id)
        known = next(iter((await documents.known_in(session, source.id)).values()), None)
    counts: Counter[str] = Counter()
    if content is not None:
        answer = await ingesting.reader.read_upload(content, source.name, None)
        if isinstance(answer, Unreadable):
            await run.item_failed(source.name, answer.code, answer.reason)
        elif answer.text is not None:
            split = ingesting.model.splitter
            pieces = await pieces_of(answer.text, split)
            async with unit_of_work(run.database, run.bus) as work:
                new = new_text(answer, answer.text, source.name, len(content))
                await write_document(work, source.id, known.id if known else None, new, pieces, split)
                await documents.drop_upload(work.session, source.id)
            counts["added"] += 1
    run.result = _result(run, source.id, counts)
    async with unit_of_work(run.database, run.bus) as work:
        await documents.drop_upload(work.session, source.id)
        await _note_ingested(work, source.id)


def _result(run: Run, source_id: int, counts: Counter[str]) -> dict[str, int]:
    names = ("added", "updated", "moved", "unchanged", "missing", "removed")
    return {"source_id": source_id, **{name: counts[name] for name in names}, "failed": run.failed_items}


async def _note_ingested(work: Work, source_id: int) -> None:
    source = await documents.get_source(work.session, source_id)
    source.last_ingested_at = now()
    await queue.embed_passages(work)
