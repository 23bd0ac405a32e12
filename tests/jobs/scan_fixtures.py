"""What scan tests share: a root with a few recordings, and a way to scan it and look at the result."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from jobs import queue
from jobs.events import Bus, unit_of_work
from jobs.execution import execute
from jobs.passages import Splitter
from jobs.scans import Scanning, scan_library
from library import models, roots
from library.database import Database
from library.models.jobs import Job, JobItemError, JobKind
from library.scanning.file_reader import FileReader
from rag.documents.text import DocumentText
from rag.passages import PassageText
from tests.library.scanning.audio_files import write_audio

_NOTHING_DONE = {"added": 0, "updated": 0, "moved": 0, "unchanged": 0, "missing": 0, "failed": 0}


@dataclass
class WholeText:
    """A model whose window holds everything: one passage a book."""

    splitter: Splitter | None


def _whole(text: str, header: str) -> Sequence[PassageText]:
    return [PassageText(0, header, text, 0, len(text))]


def _whole_document(document: DocumentText) -> Sequence[PassageText]:
    return [PassageText(0, document.title, document.text, 0, len(document.text))]


WHOLE_TEXT = WholeText(Splitter("whole", _whole, _whole_document))


@dataclass
class Shelf:
    """A library root on disk and the means to scan it."""

    folder: Path
    root_id: int
    database: Database
    bus: Bus
    scanning: Scanning

    def record(self, path: str, *, tone: float, seconds: float = 0.3, **tags: str) -> Path:
        """Write a recording with its own audio; tags are written into the file."""
        return write_audio(self.folder / path, tone=tone, seconds=seconds, tags=tags)

    def rename(self, old: str, new: str) -> None:
        """Move a file or folder within the root."""
        place = self.folder / new
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(self.folder / old, place)

    async def scan(self, *, force: bool = False) -> Job:
        """Scan to the end and return the job's row."""
        job_id = await self.start(force=force)
        await self.run(job_id)
        return await self.job(job_id)

    async def start(self, *, force: bool = False) -> int:
        """Queue a scan."""
        async with unit_of_work(self.database, self.bus) as work:
            return (await queue.scan_library(work, self.root_id, force=force)).id

    async def run(self, job_id: int, worker: str = "test") -> None:
        """Run a queued scan in this process."""
        handlers = {JobKind.SCAN_LIBRARY: partial(scan_library, scanning=self.scanning)}
        await execute(job_id, handlers, database=self.database, bus=self.bus, worker=worker)

    async def job(self, job_id: int) -> Job:
        """The job's row."""
        async with self.database.read() as session:
            job = await session.get(Job, job_id)
        assert job is not None
        return job

    async def item_errors(self, job: Job) -> list[tuple[str, str]]:
        """Item and code of everything a job could not do."""
        rows = await self.rows(sa.select(JobItemError.item, JobItemError.code).where(JobItemError.job_id == job.id))
        return sorted(rows)

    async def rows(self, select: Any) -> list[tuple[Any, ...]]:
        """What a select gives."""
        async with self.database.read() as session:
            return [tuple(row) for row in await session.execute(select)]

    async def copies(self) -> list[tuple[str, int, int, bool]]:
        """Of every copy: path, edition, book, and whether it is missing."""
        select = (
            sa.select(
                models.Copy.path, models.Edition.id, models.Edition.book_id, models.Copy.missing_since.is_not(None)
            )
            .join(models.Edition)
            .order_by(models.Copy.path)
        )
        return [(path, edition, book, bool(missing)) for path, edition, book, missing in await self.rows(select)]

    async def counts(self) -> dict[str, int]:
        """How many rows of each kind there are."""
        tables = (models.Book, models.Edition, models.Copy, models.AudioFile, models.Person, models.Passage)
        return {
            table.__tablename__: (await self.rows(sa.select(sa.func.count()).select_from(table)))[0][0]
            for table in tables
        }


async def open_shelf(folder: Path, covers: Path, database: Database, bus: Bus, reader: FileReader) -> Shelf:
    """Make the folder a library root."""
    async with database.write() as session:
        root = await roots.add(session, await roots.usable_folder(str(folder)))
    return Shelf(folder, root.id, database, bus, Scanning(reader, covers, WHOLE_TEXT))


def write_books(shelf: Shelf, count: int, *, first: int = 0) -> None:
    """Single files with one author and a title each."""
    for number in range(first, first + count):
        shelf.record(f"Writer/Book {number:02}/a.mp3", tone=300 + 10 * number, TPE1="Writer")


def result_of(shelf: Shelf, **counts: int) -> dict[str, int]:
    """The result of a scan that did nothing but this."""
    return {"root_id": shelf.root_id, **_NOTHING_DONE, **counts}
