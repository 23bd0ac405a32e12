"""Follows the folders of documents that are watched, and starts an ingest when something in one changes."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from watchfiles import DefaultFilter, awatch

from jobs import queue
from jobs.events import Bus, unit_of_work
from library import documents
from library.database import Database
from library.models.documents import SourceKind
from library.models.jobs import JobState

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0  # how often rows are read for folders that are watched since, or no more
SETTLE_MILLISECONDS = 1_600  # after the first change, so that a copied folder is one ingest


@dataclass(slots=True)
class Watcher:
    """Follows folders until its task is cancelled; with `poll` it looks itself instead of being told by the kernel."""

    database: Database
    bus: Bus
    poll: bool = False
    look_seconds: float = LOOK_SECONDS
    _changed: set[int] = field(default_factory=set)  # sources with changes that no ingest has seen yet

    async def run(self) -> None:
        """Watch, and begin anew when the folders to watch are others."""
        while True:
            try:
                watched = await self._watched()
                if watched:
                    await self._follow(watched)
                else:
                    await asyncio.sleep(self.look_seconds)
            except (SQLAlchemyError, OSError, RuntimeError) as error:
                # A folder that went away, or more folders than the kernel follows: then by looking.
                self.poll = self.poll or not isinstance(error, SQLAlchemyError)
                log.warning("watching_failed", error=type(error).__name__, hint="beginning anew")
                await asyncio.sleep(self.look_seconds)

    async def _watched(self) -> Mapping[Path, int]:
        async with self.database.read() as session:
            sources = await documents.sources_on_disk(session)
        places = {Path(row.path or ""): row.id for row in sources if row.watched and row.kind is SourceKind.FOLDER}
        return {place: row_id for place, row_id in places.items() if await asyncio.to_thread(place.is_dir)}

    async def _follow(self, watched: Mapping[Path, int]) -> None:
        stop = asyncio.Event()
        async with aclosing(self._changes(watched, stop)) as changes:
            async for paths in changes:
                self._changed |= {source for path in paths if (source := _source_of(watched, path)) is not None}
                await self._start_ingests()
                if await self._watched() != watched:
                    return

    async def _changes(self, watched: Mapping[Path, int], stop: asyncio.Event) -> AsyncGenerator[set[str]]:
        try:
            async for changes in awatch(
                *watched,
                watch_filter=DefaultFilter(),
                debounce=SETTLE_MILLISECONDS,
                rust_timeout=int(self.look_seconds * 1000),
                yield_on_timeout=True,
                stop_event=stop,
                force_polling=self.poll,
                ignore_permission_denied=True,
            ):
                yield {path for _, path in changes}
        finally:
            stop.set()

    async def _start_ingests(self) -> None:
        for source_id in sorted(self._changed):
            async with unit_of_work(self.database, self.bus) as work:
                job = await queue.ingest_documents(work, source_id)
            # A job that runs already may have listed the folder before the change.
            if job.state is JobState.QUEUED:
                self._changed.discard(source_id)


def _source_of(watched: Mapping[Path, int], path: str) -> int | None:
    return next((row_id for place, row_id in watched.items() if Path(path).is_relative_to(place)), None)
