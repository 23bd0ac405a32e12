"""What tests of ingests share: a folder of documents, and a way to ingest it and look at the result."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from jobs import queue
from jobs.document_reading import DocumentReader
from jobs.documents import Ingesting, ingest_documents
from jobs.events import Bus, unit_of_work
from jobs.execution import execute
from library import documents
from library.database import Database
from library.models.documents import Document, DocumentSection, DocumentSource
from library.models.jobs import Job, JobItemError, JobKind
from library.models.passages import Passage
from tests.jobs.scan_fixtures import WHOLE_TEXT


@dataclass
class Desk:
    """A folder of documents on disk and the means to ingest it."""

    folder: Path
    source_id: int
    database: Database
    bus: Bus
    ingesting: Ingesting

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file below the folder."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text.encode() if isinstance(text, str) else text)
        return place

    async def ingest(self, *, force: bool = False, source_id: int | None = None) -> Job:
        """Ingest to the end and return the job's row."""
        async with unit_of_work(self.database, self.bus) as work:
            job_id = (await queue.ingest_documents(work, source_id or self.source_id, force=force)).id
        handlers = {JobKind.INGEST_DOCUMENTS: partial(ingest_documents, ingesting=self.ingesting)}
        await execute(job_id, handlers, database=self.database, bus=self.bus, worker="test")
        async with self.database.read() as session:
            job = await session.get(Job, job_id)
        assert job is not None
        return job

    async def problems(self, job: Job) -> list[tuple[str, str]]:
        """Item and code of everything a job could not do."""
        rows = await self.rows(sa.select(JobItemError.item, JobItemError.code).where(JobItemError.job_id == job.id))
        return sorted((item, code) for item, code in rows)

    async def rows(self, select: Any) -> list[tuple[Any, ...]]:
        """What a select gives."""
        async with self.database.read() as session:
            return [tuple(row) for row in await session.execute(select)]

    async def shown(self) -> list[tuple[str, str, bool, str | None]]:
        """Of every document: path, text, whether it is missing, and what is wrong with it."""
        columns = (Document.path, Document.text, Document.missing_since.is_not(None), Document.problem_code)
        return [(a, b, bool(c), d) for a, b, c, d in await self.rows(sa.select(*columns).order_by(Document.path))]

    async def passages(self) -> list[tuple[int, str]]:
        """Id and text of every passage."""
        return [(a, b) for a, b in await self.rows(sa.select(Passage.id, Passage.text).order_by(Passage.text))]

    async def counts(self) -> list[int]:
        """How many sources, documents, sections and passages there are."""
        tables = (DocumentSource, Document, DocumentSection, Passage)
        return [(await self.rows(sa.select(sa.func.count()).select_from(table)))[0][0] for table in tables]


def outcome(job: Job) -> dict[str, int]:
    """What a job counted, zeros left out."""
    return {name: count for name, count in (job.result or {}).items() if count and name != "source_id"}


async def open_desk(folder: Path, database: Database, bus: Bus, reader: DocumentReader) -> Desk:
    """Make the folder a source of documents."""
    async with database.write() as session:
        source = await documents.add_place(session, folder, is_folder=True, watched=False, actor="user:1")
    # No minute passes in a test: what a second ingest misses is removed.
    return Desk(folder, source.id, database, bus, Ingesting(reader, WHOLE_TEXT, removed_after=timedelta(0)))
