"""A library root to scan, and finished downloads to import into it."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from jobs.decoding import AudioDecoder
from jobs.events import Bus
from jobs.imports import Importing
from jobs.tagging import TagWriter
from library.database import Database
from library.scanning.file_reader import FileReader
from tests.jobs.import_fixtures import Depot
from tests.jobs.scan_fixtures import Shelf, open_shelf

Pool = TypeVar("Pool")


@contextmanager
def kept(pool: AbstractAsyncContextManager[Pool]) -> Iterator[Pool]:
    """A pool of processes that tests use one after the other: starting one takes longer than most of them."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        yield runner.run(pool.__aenter__())
        runner.run(pool.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def reader() -> Iterator[FileReader]:
    """One reading process."""
    with kept(FileReader(processes=1)) as pool:
        yield pool


@pytest.fixture(scope="session")
def decoder() -> Iterator[AudioDecoder]:
    """One decoding process."""
    with kept(AudioDecoder()) as pool:
        yield pool


@pytest.fixture(scope="session")
def tagger() -> Iterator[TagWriter]:
    """One process that writes tags."""
    with kept(TagWriter()) as pool:
        yield pool


@pytest.fixture
async def shelf(tmp_path: Path, database: Database, bus: Bus, reader: FileReader) -> Shelf:
    """An empty root."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    return await open_shelf(folder, tmp_path / "covers", database, bus, reader)


@pytest.fixture
def depot(shelf: Shelf, tmp_path: Path, decoder: AudioDecoder, tagger: TagWriter) -> Depot:
    """An empty folder of finished downloads beside the shelf."""
    folder = tmp_path / "depot"
    folder.mkdir()
    return Depot(folder, shelf, Importing(shelf.scanning, decoder, tagger, tmp_path / "recycle"))


@pytest.fixture
def other_device(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the library."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to write to")
    place = Path(tempfile.mkdtemp(dir=memory))
    yield place
    shutil.rmtree(place)
