"""Ingesting from the terminal: a path becomes a source of documents, reading it a job, and the job a bar."""

from collections.abc import Collection, Iterable
from pathlib import Path

import anyio
from rich.console import Console

from api.progress import Follower, bars, show_end
from jobs.events import Bus, unit_of_work
from jobs.queue import SYSTEM, ingest_documents
from library import documents
from library.database import Database
from library.document_places import usable_place
from library.models.jobs import Job


async def ingest(
    database: Database, bus: Bus, console: Console, path: str, private: Collection[Path], *, watch: bool, force: bool
) -> Job:
    """Ingest a folder or file (an absolute path) and follow the job to its end.

    Raises PlaceForbidden, PlaceUnreadable or SourcesOverlap. When the caller is interrupted, the job goes on.
    """
    is_folder = await anyio.Path(path).is_dir()
    place = await usable_place(path, private, is_folder=is_folder)
    async with unit_of_work(database, bus) as work:
        source = await documents.add_place(
            work.session, place, is_folder=is_folder, watched=watch and is_folder, actor=SYSTEM
        )
        job = await ingest_documents(work, source.id, force=force)
    console.print(f"Reading the documents of {place}", markup=False, highlight=False, soft_wrap=True)
    with bars(console) as shown:
        ended = await Follower(database, bus, shown).follow(job.id)
    await show_end(console, database, ended)
    return ended


async def ingest_guides(database: Database, bus: Bus, guides: Iterable[tuple[str, bytes]]) -> None:
    """Start to read documents that are not there yet; they go the way of uploads."""
    async with unit_of_work(database, bus) as work:
        known = await documents.upload_names(work.session)
        for name, content in guides:
            if name not in known:
                source = await documents.add_upload(work.session, name, content, actor=SYSTEM)
                await ingest_documents(work, source.id)
