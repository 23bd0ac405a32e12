"""Scanning from the terminal: a folder becomes a library root, its scan a job, and the job a bar."""

from rich.console import Console

from api.progress import Follower, bars, show_end
from jobs.events import Bus, unit_of_work
from jobs.queue import scan_library
from library import roots
from library.database import Database
from library.models.editions import LibraryRoot
from library.models.jobs import Job, JobKind, JobState

MEANING = (JobKind.INGEST_DOCUMENTS, JobKind.EMBED_PASSAGES, JobKind.BUILD_INDEX)


async def scan(database: Database, bus: Bus, console: Console, path: str, *, name: str | None, force: bool) -> Job:
    """Add a folder (an absolute path) as a library root if it is none, start its scan and follow it to its end.

    Raises FolderUnusable or RootsOverlap. When the caller is interrupted, the job goes on.
    """
    folder = await roots.usable_folder(path)
    async with unit_of_work(database, bus) as work:
        known = {root.path: root for root in await roots.all_roots(work.session)}
        root: LibraryRoot = known.get(str(folder)) or await roots.add(work.session, folder, name)
        job = await scan_library(work, root.id, force=force)
    console.print(f"Scanning {folder}", markup=False, highlight=False, soft_wrap=True)
    with bars(console) as shown:
        ended = await Follower(database, bus, shown).follow(job.id)
    await show_end(console, database, ended)
    return ended


async def follow_meaning(database: Database, bus: Bus, console: Console) -> bool:
    """Follow what a scan causes: embedding its passages, and publishing the index; returns whether all of it worked."""
    with bars(console) as shown:
        ended = await Follower(database, bus, shown).follow_unfinished(MEANING)
    failed = [job for job in ended if job.state is JobState.FAILED]
    for job in failed:
        await show_end(console, database, job)
    return not failed
