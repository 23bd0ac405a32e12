"""A watched folder is ingested when something in it changes."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from jobs.events import Bus
from jobs.watching import Watcher
from library import documents
from library.database import Database
from library.models.jobs import Job, JobKind


async def test_a_change_below_a_watched_folder_starts_an_ingest(tmp_path: Path, database: Database, bus: Bus) -> None:
    folder = tmp_path / "guides"
    (folder / "sub").mkdir(parents=True)
    async with database.write() as session:
        source = await documents.add_place(session, folder, is_folder=True, watched=True, actor="user:1")
    watching = asyncio.create_task(Watcher(database, bus, look_seconds=0.2).run())
    payloads: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        for number in range(300):
            (folder / "sub" / "new.md").write_text(f"New {number}.")  # the watch begins at some moment
            await asyncio.sleep(0.2)
            async with database.read() as session:
                jobs = sa.select(Job.payload).where(Job.kind == JobKind.INGEST_DOCUMENTS)
                payloads = list(await session.scalars(jobs))
            if payloads:
                break
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    assert payloads == [{"source_id": source.id, "force": False}]
