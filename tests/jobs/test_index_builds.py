"""Publishing: a builder that is killed leaves nothing half, and takes nobody's place for long."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs.embeddings import start_when_due
from jobs.events import Bus
from jobs.index_builds import publish_when_due
from jobs.index_rows import index_home, open_index
from library.database import Database
from library.models import Lease
from library.models.jobs import JobState
from library.models.tables import now
from rag.generations import VECTORS, generation_folder, generation_numbers
from rag.publishing import PREFIX
from tests.jobs.indexing_fixtures import BOOKS, Worker, fill
from tests.toy_model import ToyModel

# A worker's build that stops in the middle of writing its generation.
BUILDER = """
import asyncio, sys, time
from pathlib import Path
import rag.generations
from jobs import queue
from jobs.events import Bus, unit_of_work
from library.database import open_database
from tests.jobs.indexing_fixtures import Worker
from tests.toy_model import ToyModel

def stand_still(segment, folder):
    write(segment, folder)
    print("writing", flush=True)
    time.sleep(600)

write, rag.generations._write = rag.generations._write, stand_still
url, redis_url, source, models, indexes = sys.argv[1:]

async def main():
    database, bus = open_database(url), Bus.open(redis_url)
    bus.start()
    worker = Worker.of(database, bus, ToyModel(Path(source), Path(models), 8, 32), Path(indexes))
    await worker.work()

asyncio.run(main())
"""


@pytest.fixture
def model(tmp_path: Path) -> ToyModel:
    """A model that is exported."""
    return ToyModel.made(tmp_path, "toy", dimension=8, window=32).export()


@pytest.fixture
async def worker(database: Database, bus: Bus, model: ToyModel, tmp_path: Path) -> Worker:
    """A worker that has published its first generation."""
    await fill(database)
    worker = Worker.of(database, bus, model, tmp_path / "index")
    await worker.index()
    return worker


@contextmanager
def stopped_builder(worker: Worker, model: ToyModel, database_url: str, redis_url: str) -> Iterator[None]:
    """Another worker that has written half of a generation, and is then killed."""
    arguments = [database_url, redis_url, str(model.source), str(model.models), str(worker.indexing.folder)]
    builder = subprocess.Popen([sys.executable, "-c", BUILDER, *arguments], stdout=subprocess.PIPE)
    assert builder.stdout is not None
    assert any(line.startswith(b"writing") for line in builder.stdout)
    yield
    builder.kill()
    builder.wait()
    builder.stdout.close()


async def test_a_builder_that_is_killed_while_it_publishes_is_replaced_by_the_next(
    worker: Worker, model: ToyModel, database_url: str, redis_url: str, database: Database
) -> None:
    home = await index_home(database, worker.indexing.folder, model.lineage)
    torn = generation_folder(home / model.revision, 1) / VECTORS
    torn.write_bytes(b"torn")  # so that a new one is due
    await publish_when_due(database, worker.bus, worker.indexing)
    with stopped_builder(worker, model, database_url, redis_url):
        assert generation_numbers(home, model.revision) == [1]
        index = await open_index(database, home, model.lineage, 8)
        assert (index.generation, index.count) == (0, len(BOOKS))
    assert [folder.name.startswith(PREFIX) for folder in (home / model.revision).iterdir()].count(True) == 1
    async with database.write() as session:  # a minute later
        await session.execute(sa.update(Lease).values(expires_at=now()))
    assert await nothing_waits(worker)
    await publish_when_due(database, worker.bus, worker.indexing)
    assert generation_numbers(home, model.revision) == [1]  # the killed one's job is not given up yet
    async with database.write() as session:
        await session.execute(sa.text("UPDATE jobs SET state = 'QUEUED', worker = NULL WHERE state = 'RUNNING'"))
    assert await worker.work() == [JobState.SUCCEEDED]
    index = await open_index(database, home, model.lineage, 8)
    assert (index.generation, index.count) == (2, len(BOOKS))


async def nothing_waits(worker: Worker) -> bool:
    """Whether all passages have their vectors."""
    return await start_when_due(worker.database, worker.bus, worker.indexing.model)


async def test_a_generation_is_read_through_once_and_again_when_it_has_changed(
    worker: Worker, model: ToyModel, database: Database
) -> None:
    home = await index_home(database, worker.indexing.folder, model.lineage)
    seen = worker.indexing.newest_version(home, model.revision, 8)
    assert seen is not None
    file = generation_folder(home / model.revision, 1) / VECTORS
    status, content = file.stat(), file.read_bytes()
    file.write_bytes(content[:-1] + b"?")
    assert worker.indexing.newest_version(home, model.revision, 8) is None
    file.write_bytes(content)
    assert worker.indexing.newest_version(home, model.revision, 8) == seen
    assert file.stat().st_size == status.st_size
    worker.indexing.seen[home] = worker.indexing.seen[home][0], seen + 1
    assert worker.indexing.newest_version(home, model.revision, 8) == seen + 1
