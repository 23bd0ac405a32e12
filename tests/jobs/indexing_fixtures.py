"""What tests of embedding and indexing share: a worker's jobs, run to the last one."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from jobs import queue
from jobs.embeddings import embed_passages
from jobs.events import Bus, unit_of_work
from jobs.execution import execute
from jobs.index_builds import Indexing, build_index
from jobs.reindexing import reindex
from library.database import Database
from library.models import Job
from library.models.jobs import JobKind, JobState
from tests.shelf import Volume, add
from tests.toy_model import ToyModel

BOOKS = {
    "Moby-Dick": "A captain hunts a whale.",
    "Robinson Crusoe": "A sailor alone on an island.",
    "Dune": "A desert of spice.",
    "Frankenstein": "A monster of a dead body.",
}


@dataclass
class Worker:
    """What a worker has open, for one model."""

    database: Database
    bus: Bus
    indexing: Indexing

    @classmethod
    def of(cls, database: Database, bus: Bus, model: ToyModel, indexes: Path, *, stored: bool = False) -> "Worker":
        """A worker that starts with this model as its setting; with `stored` its index lies in Postgres."""
        return cls(database, bus, Indexing(indexes, model.wanted(), stored))

    async def index(self) -> list[JobState]:
        """Embed all that waits and publish what is due; gives how the jobs ended."""
        async with unit_of_work(self.database, self.bus) as work:
            await queue.embed_passages(work)
        return await self.work()

    async def work(self) -> list[JobState]:
        """Run what is queued, and what that queues."""
        handlers = {
            JobKind.EMBED_PASSAGES: partial(embed_passages, indexing=self.indexing),
            JobKind.BUILD_INDEX: partial(build_index, indexing=self.indexing),
            JobKind.REINDEX: partial(reindex, indexing=self.indexing),
        }
        ended = []
        while (job_id := await self._next()) is not None:
            await execute(job_id, handlers, database=self.database, bus=self.bus, worker="host:1:worker000")
            async with self.database.read() as session:
                ended.append((await session.get_one(Job, job_id)).state)
        return ended

    async def _next(self) -> int | None:
        async with self.database.read() as session:
            return await session.scalar(sa.select(sa.func.min(Job.id)).where(Job.state == JobState.QUEUED))


async def fill(database: Database) -> dict[str, int]:
    """Four books without passages; gives their ids."""
    async with database.write() as session:
        return {title: await add(session, Volume(title, description=text)) for title, text in BOOKS.items()}
