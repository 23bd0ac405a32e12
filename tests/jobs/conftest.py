"""A library root to scan."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jobs.events import Bus
from library.database import Database
from library.scanning.file_reader import FileReader
from tests.jobs.scan_fixtures import Shelf, open_shelf


@pytest.fixture
async def shelf(tmp_path: Path, database: Database, bus: Bus) -> AsyncIterator[Shelf]:
    """An empty root with one reading process."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    async with FileReader(processes=1) as reader:
        yield await open_shelf(folder, tmp_path / "covers", database, bus, reader)
