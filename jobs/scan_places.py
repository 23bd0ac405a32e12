"""Where an item of a scan belongs: a copy that is known, one that has moved here, one more copy, or something new."""

import asyncio
import os
from collections.abc import Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from jobs.scan_reading import PreparedItem, read_items
from library import copies
from library.copies import SharedAudio
from library.database import Database
from library.models.editions import Copy, LibraryRoot
from library.scanning.file_reader import FileReader
from library.scanning.grouping import FoundItem


@dataclass(frozen=True, slots=True)
class Place:
    """Which copy an item is (None: a new one), and of which edition (None: the copy's own, or a new one)."""

    copy: Copy | None = None
    edition_id: int | None = None
    moved: bool = False


@dataclass(slots=True)
class Places:
    """What one scan knows of the places on disk.

    `copies` maps the paths of this root to their copies, `pending` the paths whose audio has not been compared yet
    to their items; below `unlisted` folders nothing is known.
    """

    root: LibraryRoot
    database: Database
    reader: FileReader
    copies: dict[str, Copy]
    items: Collection[str]
    pending: dict[str, FoundItem]
    unlisted: Collection[str]
    _settled: set[int] = field(default_factory=set)

    async def find(self, prepared: PreparedItem, *, is_last_chance: bool) -> Place | None:
        """Tell where an item belongs.

        None when other audio than before lies at its path and it should be asked about again when everything else
        has its place: what lay here may have moved to a folder that comes later.
        """
        here = self.copies.get(prepared.path)
        async with self.database.read() as session:
            sharing = await copies.sharing_audio(session, prepared.sizes)
        if here is not None and any(one.copy_id == here.id for one in sharing):
            return Place(copy=here)
        for one in sharing:
            if not await self._is_there(one):
                return Place(copy=await self._copy(one), moved=True)
        twin = next((one.edition_id for one in sharing if one.edition_fingerprint == prepared.fingerprint), None)
        if here is None or twin is not None or is_last_chance:
            return Place(copy=here, edition_id=twin)
        return None

    def settle(self, copy: Copy, left: str | None, displaced: Copy | None) -> None:
        """Note that a copy has its place; `displaced` was at that place and now stands for the one left behind."""
        self._settled.add(copy.id)
        self.pending.pop(copy.path, None)
        if left is not None:
            self.copies.pop(left, None)
            if displaced is not None:
                self.copies[left] = displaced
        self.copies[copy.path] = copy

    def is_unknown(self, path: str) -> bool:
        """Whether a path lies below a folder that could not be listed."""
        return any(path == folder or path.startswith(f"{folder}/") for folder in self.unlisted)

    async def _copy(self, one: SharedAudio) -> Copy | None:
        known = self.copies.get(one.path) if one.root_id == self.root.id else None
        if known is not None and known.id == one.copy_id:
            return known
        async with self.database.read() as session:
            return await session.get(Copy, one.copy_id)

    async def _is_there(self, one: SharedAudio) -> bool:
        """Whether a copy is still where it was last seen; in doubt it is."""
        if one.root_id != self.root.id:
            return await asyncio.to_thread(_exists, Path(one.root_path), one.path)
        if one.copy_id in self._settled or self.is_unknown(one.path):
            return True
        if one.path not in self.items:
            return False
        item = self.pending.get(one.path)
        return item is None or await self._still_holds(item, one)

    async def _still_holds(self, item: FoundItem, one: SharedAudio) -> bool:
        """Whether the audio at a path is that of a copy; read for this only when two folders contradict each other."""
        async with aclosing(read_items(self.reader, self.root.path, [item], {})) as readings:
            reading = await anext(readings)
        if not reading.heard:
            return True
        async with self.database.read() as session:
            sharing = await copies.sharing_audio(session, reading.sizes)
        return any(other.copy_id == one.copy_id for other in sharing)


def _exists(root: Path, path: str) -> bool:
    """Whether a path exists in another root; when that root is away or empty, in doubt."""
    try:
        with os.scandir(root) as entries:
            return next(entries, None) is None or (root / path).exists()
    except OSError:
        return True
