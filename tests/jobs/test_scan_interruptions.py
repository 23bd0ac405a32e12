"""Scans that are cancelled, cut off or killed, and what the next attempt makes of them."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from jobs import queue
from jobs.events import unit_of_work
from library import jobs as job_rows
from library.events import LIBRARY_TOPIC
from library.models.jobs import JobState
from library.models.tables import now
from library.scanning.file_reader import FileReader
from library.scanning.reading import read_item_file
from tests.jobs.scan_fixtures import Shelf, result_of, write_books


async def test_cancelling_ends_a_scan_at_once_even_when_a_file_hangs_and_a_retry_goes_on(shelf: Shelf) -> None:
    write_books(shelf, 4)
    os.mkfifo(shelf.folder / ".never")
    job_id = await shelf.start()
    reader = shelf.scanning.reader
    async with FileReader(processes=1, reader=_hang_after_two) as hanging:
        shelf.scanning = replace(shelf.scanning, reader=hanging)
        with shelf.bus.listening(LIBRARY_TOPIC) as woken:
            running = asyncio.create_task(shelf.run(job_id))
            await woken.wait()
        async with unit_of_work(shelf.database, shelf.bus) as work:
            await job_rows.request_cancel(work.session, job_id)
        cancelled_at = now()
        await running
    job = await shelf.job(job_id)
    assert job.state is JobState.CANCELLED
    assert job.finished_at is not None
    assert job.finished_at - cancelled_at < timedelta(seconds=2)
    written = await shelf.counts()
    (done,) = {written[table] for table in ("books", "editions", "copies", "audio_files", "passages")}
    assert done in (1, 2)

    shelf.scanning = replace(shelf.scanning, reader=reader)
    async with unit_of_work(shelf.database, shelf.bus) as work:
        await queue.retry(work, job_id)
    await shelf.run(job_id)
    assert (await shelf.job(job_id)).result == result_of(shelf, added=4 - done, unchanged=done)


def _hang_after_two(root: str, path: str) -> Any:
    if path > "Writer/Book 02":
        (Path(root) / ".never").read_bytes()  # a pipe that nobody writes to
    return read_item_file(root, path)


class PowerCut(BaseException):
    """The process ends here, as far as the scan can tell."""


@pytest.mark.parametrize("survives", range(1, 7))
async def test_a_scan_that_dies_at_any_commit_is_finished_by_the_next(shelf: Shelf, survives: int) -> None:
    write_books(shelf, 3)
    commits = 0

    def die(_connection: Any) -> None:
        nonlocal commits
        commits += 1
        if commits > survives:
            raise PowerCut

    job_id = await shelf.start()
    sa.event.listen(shelf.database.engine.sync_engine, "commit", die)
    try:
        with pytest.raises(PowerCut):
            await shelf.run(job_id)
    finally:
        sa.event.remove(shelf.database.engine.sync_engine, "commit", die)
    async with unit_of_work(shelf.database, shelf.bus) as work:
        await job_rows.sweep(work.session, now() + timedelta(minutes=1))
    await shelf.run(job_id, worker="the next")
    assert (await shelf.job(job_id)).state is JobState.SUCCEEDED
    counts = await shelf.counts()
    assert counts == {"books": 3, "editions": 3, "copies": 3, "audio_files": 3, "people": 1, "passages": 3}


async def test_a_process_killed_in_mid_scan_loses_and_doubles_nothing(
    shelf: Shelf, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    write_books(shelf, 9)
    job_id = await shelf.start()
    command = [
        sys.executable,
        "-m",
        "tests.jobs.scan_process",
        database_url,
        redis_url,
        str(job_id),
        str(tmp_path / "c"),
    ]
    for _ in range(2):
        with shelf.bus.listening(LIBRARY_TOPIC) as woken:
            process = await asyncio.create_subprocess_exec(*command, start_new_session=True)
            await woken.wait()  # a book was committed, and the next is being written
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        async with unit_of_work(shelf.database, shelf.bus) as work:
            await job_rows.sweep(work.session, now() + timedelta(minutes=1))
    assert 2 <= (await shelf.counts())["copies"] < 9
    await shelf.run(job_id)
    assert (await shelf.job(job_id)).state is JobState.SUCCEEDED
    counts = await shelf.counts()
    assert counts == {"books": 9, "editions": 9, "copies": 9, "audio_files": 9, "people": 1, "passages": 9}
