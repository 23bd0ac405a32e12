"""A library root to scan, and finished downloads to import into it."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from jobs.decoding import AudioDecoder
from jobs.events import Bus
from jobs.imports import Importing
from jobs.tagging import TagWriter
from library.database import Database
from library.scanning.file_reader import FileReader
from tests.jobs.import_fixtures import Depot
from tests.jobs.scan_fixtures import Shelf, open_shelf


@pytest.fixture
async def shelf(tmp_path: Path, database: Database, bus: Bus) -> AsyncIterator[Shelf]:
    """An empty root with one reading process."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    async with FileReader(processes=1) as reader:
        yield await open_shelf(folder, tmp_path / "covers", database, bus, reader)


@pytest.fixture
async def depot(shelf: Shelf, tmp_path: Path) -> AsyncIterator[Depot]:
    """An empty folder of finished downloads beside the shelf, with one decoding process."""
    folder = tmp_path / "depot"
    folder.mkdir()
    async with AudioDecoder() as decoder, TagWriter() as tagger:
        yield Depot(folder, shelf, Importing(shelf.scanning, decoder, tagger, tmp_path / "recycle"))


@pytest.fixture
def other_device(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the library."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to write to")
    place = Path(tempfile.mkdtemp(dir=memory))
    yield place
    shutil.rmtree(place)
