"""Following jobs on the terminal: from the request to every item's reason."""

import asyncio
import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from api.collection import follow_meaning, scan
from api.ingesting import ingest
from jobs import queue
from jobs.events import Bus, unit_of_work
from jobs.execution import Handler, Run, execute
from library import jobs as job_rows
from library.database import Database
from library.errors import FolderUnusable, RootsOverlap
from library.models.jobs import Job, JobKind, JobState


async def broken_file(run: Run) -> None:
    for done in range(3):
        await run.progress(done + 1, 3, f"book {done}")
    await run.item_failed("A/[b]roken.mp3", "UNREADABLE", "there is no audio in it")
    run.result = {"books_added": 2}


async def nothing_to_do(run: Run) -> None:
    await run.progress(0, 0)


async def fails(run: Run) -> None:
    raise FolderUnusable("/gone")


async def test_a_new_folder_is_scanned_and_what_failed_is_named(database: Database, bus: Bus, tmp_path: Path) -> None:
    job, said = await scanned(database, bus, tmp_path, broken_file)

    assert job.state is JobState.PARTIAL
    assert f"Scanning {tmp_path}" in said
    assert "3/3" in said
    assert "done, except for some items" in said
    assert "books added 2" in said
    assert "A/[b]roken.mp3: there is no audio in it" in said


async def test_a_known_folder_is_scanned_again_as_the_same_root(database: Database, bus: Bus, tmp_path: Path) -> None:
    first, _said = await scanned(database, bus, tmp_path, nothing_to_do)
    second, said = await scanned(database, bus, tmp_path, nothing_to_do)

    assert (first.state, second.state) == (JobState.SUCCEEDED, JobState.SUCCEEDED)
    assert first.payload["root_id"] == second.payload["root_id"]
    assert "Scanning: done" in said


async def test_a_scan_that_fails_says_why(database: Database, bus: Bus, tmp_path: Path) -> None:
    job, said = await scanned(database, bus, tmp_path, fails)

    assert job.state is JobState.FAILED
    assert "'/gone' is not a folder the server can read" in said


async def test_a_folder_that_cannot_be_scanned_starts_nothing(database: Database, bus: Bus, tmp_path: Path) -> None:
    await scanned(database, bus, tmp_path, nothing_to_do)
    inside = tmp_path / "inside"
    inside.mkdir()

    for path, refusal in ((tmp_path / "none", FolderUnusable), (inside, RootsOverlap)):
        with pytest.raises(refusal):
            await scan(database, bus, Console(file=io.StringIO()), str(path), name=None, force=False)


async def test_what_a_scan_causes_is_followed_until_nothing_is_left(database: Database, bus: Bus) -> None:
    async def embed(run: Run) -> None:
        async with unit_of_work(database, bus) as work:
            await queue.build_index(work)

    async with unit_of_work(database, bus) as work:
        await queue.embed_passages(work)
    out = io.StringIO()
    handlers = {JobKind.EMBED_PASSAGES: embed, JobKind.BUILD_INDEX: fails}
    working = asyncio.create_task(work_off(database, bus, handlers))

    worked = await follow_meaning(database, bus, Console(file=out, width=120))
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    assert not worked
    assert "Learning what the books mean" in out.getvalue()
    assert "Building the index: failed" in out.getvalue()


async def test_documents_are_ingested_and_what_failed_is_named(database: Database, bus: Bus, tmp_path: Path) -> None:
    folder, out = tmp_path / "guides", io.StringIO()
    folder.mkdir()
    working = asyncio.create_task(work_off(database, bus, {JobKind.INGEST_DOCUMENTS: broken_file}))
    console = Console(file=out, width=120, soft_wrap=True)
    job = await ingest(database, bus, console, str(folder), [], watch=True, force=False)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    assert job.state is JobState.PARTIAL
    assert f"Reading the documents of {folder}" in out.getvalue()
    assert "3/3" in out.getvalue()
    assert "A/[b]roken.mp3: there is no audio in it" in out.getvalue()


async def scanned(database: Database, bus: Bus, folder: Path, handler: Handler) -> tuple[Job, str]:
    """Scan while a worker of the test's own does the job as the handler says."""
    out = io.StringIO()
    working = asyncio.create_task(work_off(database, bus, {JobKind.SCAN_LIBRARY: handler}))
    console = Console(file=out, width=120, soft_wrap=True)
    job = await scan(database, bus, console, str(folder), name=None, force=False)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    return job, out.getvalue()


async def work_off(database: Database, bus: Bus, handlers: Mapping[JobKind, Handler]) -> None:
    """Do jobs as they come, until cancelled."""
    with bus.listening("*") as woken:
        while True:
            async with database.read() as session:
                waiting = [await job_rows.unfinished(session, kind) for kind in handlers]
            for job in waiting:
                if job is not None:
                    await execute(job.id, handlers, database=database, bus=bus, worker="test")
            try:
                async with asyncio.timeout(0.02):
                    await woken.wait()
            except TimeoutError:
                continue
