"""Reading just-imported folders into the library, by the same means as a scan of their root."""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from jobs.events import unit_of_work
from jobs.execution import Run
from jobs.scan_places import Places
from jobs.scan_reading import PreparedItem, prepare, read_items
from jobs.scan_writing import write_item
from jobs.scans import Scanning
from library import books, copies, editions, roots
from library.events import LIBRARY_TOPIC
from library.models.editions import Copy, LibraryRoot
from library.models.tables import now
from library.names import KnownNames
from library.scanning.errors import RootUnavailableError
from library.scanning.grouping import FoundItem, group
from library.scanning.walking import Walk, walk


@dataclass(frozen=True, slots=True)
class Entered:
    """What a folder is in the library now."""

    book_id: int
    edition_id: int


class PathsOnDisk(Collection[str]):
    """The items of a root as far as anybody asks: those that were just found, and whatever else is on disk."""

    def __init__(self, root: Path, found: Iterable[str]) -> None:
        self._root = root
        self._found = frozenset(found)

    def __contains__(self, path: object) -> bool:
        """Whether there is something at a path of the root."""
        return path in self._found or (isinstance(path, str) and (self._root / path).exists())

    def __iter__(self) -> Iterator[str]:
        """Those that were just found."""
        return iter(self._found)

    def __len__(self) -> int:
        """How many were just found."""
        return len(self._found)


async def enter(run: Run, scanning: Scanning, root: LibraryRoot, folder: str) -> list[Entered]:
    """Bring the library up to date with one folder of a root; empty when there is no audiobook in it.

    Safe to run twice: what was written before is found again by its audio and its path.
    """
    walked = await asyncio.to_thread(_walk, root, folder)
    items = {item.path: item for item in group(walked.files)}
    places = await _places(run, scanning, root, walked, items)
    entered = []
    async with aclosing(read_items(scanning.reader, root.path, list(items.values()), {})) as readings:
        async for reading in readings:
            run.checkpoint()
            if reading.heard:
                prepared = await prepare(Path(root.path), reading, scanning.covers)
                entered.append(await _write(run, scanning, places, prepared))
    return entered


async def note_gone(run: Run, root: LibraryRoot, folder: str) -> None:
    """Note as missing what was known in a folder and is not there any more; nothing of it is deleted."""
    async with run.database.read() as session:
        known = [copy for copy in await roots.copies_in(session, root.id) if _is_below(copy.path, folder)]
    gone = [copy.id for copy in known if not await asyncio.to_thread((Path(root.path) / copy.path).exists)]
    if not gone:
        return
    async with unit_of_work(run.database, run.bus) as work:
        book_ids = await copies.mark(work.session, gone, missing_since=now())
        for book_id, title, owned in await books.refresh_owned(work.session, book_ids):
            work.emit(LIBRARY_TOPIC, "BOOK_UPDATED" if owned else "BOOK_MISSING", book_id, {"title": title})


def _walk(root: LibraryRoot, folder: str) -> Walk:
    try:
        found = walk(Path(root.path) / folder)
    except RootUnavailableError:  # the folder is gone
        return Walk([], [], [])
    files = [replace(file, path=f"{folder}/{file.path}") for file in found.files]
    return Walk(files, found.problems, [f"{folder}/{path}" for path in found.unlisted])


async def _places(run: Run, scanning: Scanning, root: LibraryRoot, walked: Walk, items: dict[str, FoundItem]) -> Places:
    async with run.database.read() as session:
        here = await session.scalars(sa.select(Copy).where(Copy.root_id == root.id, Copy.path.in_(list(items))))
        known = {copy.path: copy for copy in here}
    return Places(
        root=root,
        database=run.database,
        reader=scanning.reader,
        copies=known,
        items=PathsOnDisk(Path(root.path), items),
        pending=dict(items),
        unlisted=walked.unlisted,
    )


async def _write(run: Run, scanning: Scanning, places: Places, prepared: PreparedItem) -> Entered:
    written = None
    while written is None:  # a scan of the whole root came between: look again where it belongs
        place = await places.find(prepared, is_last_chance=True)
        if place is None:
            raise AssertionError("the last chance gives a place")
        async with unit_of_work(run.database, run.bus) as work:
            actor, split = f"job:{run.job.id}", scanning.model.splitter
            written = await write_item(
                work, prepared, place, root_id=places.root.id, actor=actor, known=KnownNames(), split=split
            )
        if written is None:
            run.checkpoint()
            places = await _places_again(run, places)
    places.settle(written.copy, written.left, written.displaced)
    async with run.database.read() as session:
        edition = await editions.get(session, written.copy.edition_id)
    return Entered(edition.book_id, edition.id)


async def _places_again(run: Run, places: Places) -> Places:
    async with run.database.read() as session:
        select = sa.select(Copy).where(Copy.root_id == places.root.id, Copy.path.in_(list(places.items)))
        return replace(places, copies={copy.path: copy for copy in await session.scalars(select)})


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")
