"""Scanning a library root: what is on disk becomes books, and what is gone is noted, never deleted."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from jobs import queue
from jobs.events import Work, unit_of_work
from jobs.execution import Run
from jobs.passages import Splitter
from jobs.scan_places import Place, Places
from jobs.scan_reading import PreparedItem, Reading, prepare, read_items
from jobs.scan_writing import Outcome, write_item
from library import books, copies, roots
from library.errors import RootUnavailable
from library.events import LIBRARY_TOPIC
from library.models.editions import AudioFile, Copy, LibraryRoot
from library.models.tables import now
from library.names import KnownNames
from library.scanning.errors import Problem, RootUnavailableError
from library.scanning.file_reader import FileReader
from library.scanning.grouping import FoundItem, group, signature
from library.scanning.walking import walk

log = structlog.get_logger(__name__)

FEW_MISSING = 5  # so many may always go at once: a series that was given away is no broken disk
MISSING_SHARE = 0.1
_FILES_AT_ONCE = 400  # of so many files the known contents are looked up together
_CHECK_SECONDS = 0.25  # how often a scan that waits for a file looks whether it must stop
_EMBED_EVERY = 200  # items, so that a long scan can be searched while it runs


class HasSplitter(Protocol):
    """The embedding model, as far as a scan needs it."""

    @property
    def splitter(self) -> Splitter | None:
        """How texts are cut to its window; None while it is not ready."""


@dataclass(frozen=True, slots=True)
class Scanning:
    """What scans need from their process: who reads files, where covers are kept, how texts are cut."""

    reader: FileReader
    covers: Path
    model: HasSplitter


@dataclass(slots=True)
class _Survey:
    """What a root looks like now, compared with the copies known in it."""

    items: dict[str, FoundItem]
    changed: list[FoundItem]
    problems: list[Problem]
    unlisted: list[str]


@dataclass(slots=True)
class _Scan:
    run: Run
    scanning: Scanning
    root: LibraryRoot
    survey: _Survey
    places: Places
    force: bool
    known: KnownNames = field(default_factory=KnownNames)
    counts: Counter[str] = field(default_factory=Counter)
    done: int = 0


async def scan_library(run: Run, scanning: Scanning) -> None:
    """Scan one root.

    Safe to run twice: an item whose signature equals its copy's is not read again, and each other item is
    written in one transaction that begins by looking its copy up, by audio and by path.
    """
    scan = await _begin(run, scanning)
    for problem in scan.survey.problems:
        await _report(scan, problem)
    await _note_returned(scan)
    async with aclosing(_prepared_items(scan)) as items:
        deferred = [prepared async for prepared in items if not await _place(scan, prepared, is_last_chance=False)]
    for prepared in deferred:
        run.checkpoint()
        await _place(scan, prepared, is_last_chance=True)
    await _note_missing(scan)
    await _finish(scan)


async def _begin(run: Run, scanning: Scanning) -> _Scan:
    await run.progress(0, None, "looking for audiobooks")
    force = bool(run.job.payload.get("force"))
    async with run.database.read() as session:
        root = await roots.get(session, run.job.payload["root_id"])
        known = {copy.path: copy for copy in await roots.copies_in(session, root.id)}
    survey = await asyncio.to_thread(_look, root, known, force=force)
    run.checkpoint()
    places = Places(
        root=root,
        database=run.database,
        reader=scanning.reader,
        copies=known,
        items=survey.items.keys(),
        pending={item.path: item for item in survey.changed},
        unlisted=survey.unlisted,
    )
    scan = _Scan(run, scanning, root, survey, places, force)
    scan.done = scan.counts[Outcome.UNCHANGED] = len(survey.items) - len(survey.changed)
    return scan


def _look(root: LibraryRoot, known: Mapping[str, Copy], *, force: bool) -> _Survey:
    try:
        found = walk(Path(root.path))
    except RootUnavailableError as error:
        raise RootUnavailable(root.path, "cannot be listed") from error
    if not found.files and any(copy.missing_since is None for copy in known.values()):
        raise RootUnavailable(root.path, "is empty although books were found in it before")
    items = {item.path: item for item in group(found.files)}
    changed = [
        item for path, item in items.items() if force or path not in known or known[path].signature != signature(item)
    ]
    return _Survey(items, changed, found.problems, found.unlisted)


async def _prepared_items(scan: _Scan) -> AsyncGenerator[PreparedItem]:
    """Read what has changed, item by item; items of which nothing can be read are reported and left out."""
    for items in _batches(scan.survey.changed):
        known = await _known_files(scan, items)
        async with aclosing(read_items(scan.scanning.reader, scan.root.path, items, known)) as readings:
            while (reading := await _next(scan.run, readings)) is not None:
                prepared = await _prepare(scan, reading)
                if prepared is not None:
                    yield prepared
                else:
                    await _advance(scan, reading.item.path)


async def _next(run: Run, readings: AsyncGenerator[Reading]) -> Reading | None:
    """The next reading, None after the last; a job that must stop does so although a file may hang."""
    waiting = asyncio.ensure_future(anext(readings, None))
    try:
        while not (await asyncio.wait({waiting}, timeout=_CHECK_SECONDS))[0]:
            run.checkpoint()
        run.checkpoint()
        return waiting.result()
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


def _batches(items: Sequence[FoundItem]) -> Iterator[list[FoundItem]]:
    batch: list[FoundItem] = []
    files = 0
    for item in items:
        batch.append(item)
        files += len(item.audio)
        if files >= _FILES_AT_ONCE:
            yield batch
            batch, files = [], 0
    if batch:
        yield batch


async def _known_files(scan: _Scan, items: Sequence[FoundItem]) -> Mapping[str, Mapping[str, AudioFile]]:
    """What earlier scans read of these items: item path to file path to row."""
    if scan.force:
        return {}
    known = {copy.id: item.path for item in items if (copy := scan.places.copies.get(item.path)) is not None}
    async with scan.run.database.read() as session:
        files = await copies.files_of(session, known.keys())
    return {known[copy_id]: rows for copy_id, rows in files.items()}


async def _prepare(scan: _Scan, reading: Reading) -> PreparedItem | None:
    if not reading.heard:
        for problem in reading.broken:
            await _report(scan, problem)
        return None
    prepared = await prepare(Path(scan.root.path), reading, scan.scanning.covers)
    for problem in prepared.problems:
        await _report(scan, problem)
    return prepared


async def _place(scan: _Scan, prepared: PreparedItem, *, is_last_chance: bool) -> bool:
    """Write one item; False when it must wait until everything else has its place. A failure stops nothing."""
    try:
        place = await scan.places.find(prepared, is_last_chance=is_last_chance)
        if place is None:
            return False
        await _write(scan, prepared, place)
    except Exception:  # one odd item must not keep the others out of the library
        log.exception("scan_item_failed", job_id=scan.run.job.id, item=prepared.path)
        scan.known.forget()
        message = "Something unexpected went wrong with this item; the worker's log has the details. Scan again."
        await scan.run.item_failed(prepared.path, "ITEM_FAILED", message)
    await _advance(scan, prepared.path)
    return True


async def _write(scan: _Scan, prepared: PreparedItem, place: Place) -> None:
    async with unit_of_work(scan.run.database, scan.run.bus) as work:
        written = await write_item(
            work,
            prepared,
            place,
            root_id=scan.root.id,
            actor=f"job:{scan.run.job.id}",
            known=scan.known,
            split=scan.scanning.model.splitter,
        )
        if scan.done % _EMBED_EVERY == 0:
            await queue.embed_passages(work)
    scan.known.keep()
    if written is None:
        log.info("scan_item_overtaken", job_id=scan.run.job.id, item=prepared.path)
    else:
        scan.places.settle(written.copy, written.left, written.displaced)
    scan.counts[written.outcome if written is not None else Outcome.UNCHANGED] += 1


async def _advance(scan: _Scan, path: str) -> None:
    scan.done += 1
    scan.places.pending.pop(path, None)
    await scan.run.progress(scan.done, len(scan.survey.items), path)


async def _report(scan: _Scan, problem: Problem) -> None:
    await scan.run.item_failed(problem.path, problem.code, problem.reason)


async def _note_returned(scan: _Scan) -> None:
    """Copies that were missing and lie unchanged in their place again."""
    unchanged = scan.survey.items.keys() - scan.places.pending.keys()
    returned = [scan.places.copies[path] for path in unchanged if scan.places.copies[path].missing_since is not None]
    if returned:
        async with unit_of_work(scan.run.database, scan.run.bus) as work:
            await _mark(work, returned, missing_since=None)


async def _note_missing(scan: _Scan) -> None:
    """Note which copies were not seen; when too many are gone the disk is at fault, and nothing is noted."""
    async with scan.run.database.read() as session:
        present = [copy for copy in await roots.copies_in(session, scan.root.id) if copy.missing_since is None]
    gone = [copy for copy in present if copy.path not in scan.survey.items and not scan.places.is_unknown(copy.path)]
    if len(gone) > FEW_MISSING and len(gone) > MISSING_SHARE * len(present) and not scan.force:
        message = (
            f"{len(gone)} of {len(present)} known folders are gone, more than a scan believes, so none was marked "
            "missing. Check that the whole disk is there; if they were removed on purpose, scan with `force: true`."
        )
        await scan.run.item_failed(scan.root.name, "TOO_MANY_MISSING", message)
        return
    scan.counts["missing"] = len(gone)
    if gone:
        async with unit_of_work(scan.run.database, scan.run.bus) as work:
            await _mark(work, gone, missing_since=now())


async def _mark(work: Work, marked: Sequence[Copy], *, missing_since: datetime | None) -> None:
    book_ids = await copies.mark(work.session, [copy.id for copy in marked], missing_since=missing_since)
    for book_id, title, owned in await books.refresh_owned(work.session, book_ids):
        work.emit(LIBRARY_TOPIC, "BOOK_UPDATED" if owned else "BOOK_MISSING", book_id, {"title": title})


async def _finish(scan: _Scan) -> None:
    total = len(scan.survey.items)
    await scan.run.progress(total, total, None)
    names = (Outcome.ADDED, Outcome.UPDATED, Outcome.MOVED, Outcome.UNCHANGED, "missing")
    scan.run.result = {
        "root_id": scan.root.id,
        **{str(name): scan.counts[name] for name in names},
        "failed": scan.run.failed_items,
    }
    async with unit_of_work(scan.run.database, scan.run.bus) as work:
        root = await roots.get(work.session, scan.root.id)
        root.last_scanned_at = now()
        await queue.embed_passages(work)
