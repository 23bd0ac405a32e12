"""Runs one queued scan, for tests that kill it: python -m tests.jobs.scan_process DATABASE REDIS JOB COVERS."""

import asyncio
import sys
from functools import partial
from pathlib import Path

from jobs.events import Bus
from jobs.execution import execute
from jobs.scans import Scanning, scan_library
from library.database import open_database
from library.models.jobs import JobKind
from library.scanning.file_reader import FileReader
from tests.jobs.scan_fixtures import WHOLE_TEXT


async def main(database_url: str, redis_url: str, job_id: str, covers: str) -> None:
    """Run the job to its end, unless somebody ends the process first."""
    database, bus = open_database(database_url), Bus.open(redis_url)
    async with FileReader(processes=1) as reader:
        scanning = Scanning(reader, Path(covers), WHOLE_TEXT)
        handlers = {JobKind.SCAN_LIBRARY: partial(scan_library, scanning=scanning)}
        await execute(int(job_id), handlers, database=database, bus=bus, worker=f"process {job_id}")
    await bus.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
