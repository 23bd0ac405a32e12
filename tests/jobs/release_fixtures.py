"""Searches for releases over the fakes: asked for as the API does, and run as a worker does."""

from functools import partial
from typing import Any

import sqlalchemy as sa

from jobs import queue
from jobs.events import Bus, unit_of_work
from jobs.execution import execute
from jobs.release_searches import Searching, search_releases
from library import books, provider_reports, release_searches
from library import jobs as job_rows
from library.database import Database
from library.models import Job, ProviderReport, Release, ReleaseSearch, Want
from library.models.jobs import JobKind
from tests.jobs.town import Town, worker
from tests.shelf import Volume, add

SCARLET = Volume("A Study in Scarlet", ("Arthur Conan Doyle",), series=(("Sherlock Holmes", "1"),), seconds=16_000)


async def known_book(database: Database, volume: Volume = SCARLET, *, owned: bool = False) -> int:
    """A book of the graph that nobody owns."""
    async with database.write() as session:
        book_id = await add(session, volume)
        (await books.get(session, book_id)).owned = owned
    return book_id


async def asked(database: Database, bus: Bus, *, want: Want | None = None, **what: Any) -> tuple[int, int]:
    """Ask for a search of a want, a book by `book_id`, or `text`: the ids of search and job."""
    async with unit_of_work(database, bus) as work:
        book = await books.get(work.session, what.pop("book_id")) if "book_id" in what else None
        search = await release_searches.create(work.session, created_by="user:7", want=want, book=book, **what)
        await provider_reports.expect(work.session, search.id)
        job = await queue.search_releases(work, search.id)
        search.job_id = job.id
    return search.id, job.id


async def run_search(
    town: Town, database: Database, bus: Bus, redis_url: str, job_id: int, *, deadline: float = 75.0
) -> Job:
    """Run the job of a search to its end."""
    async with worker(town, database, bus, redis_url) as integrations:
        handler = partial(search_releases, searching=Searching(integrations, deadline))
        await execute(job_id, {JobKind.SEARCH_RELEASES: handler}, database=database, bus=bus, worker="w1")
    async with database.read() as session:
        return await job_rows.get(session, job_id)


async def again(database: Database, job_id: int) -> None:
    """Let a job that has ended run once more, as after a crash just before its end."""
    async with database.write() as session:
        job = await job_rows.get(session, job_id)
        job_rows._requeue(job)


async def releases(database: Database, search_id: int) -> list[Release]:
    """What a search found, best first."""
    async with database.read() as session:
        order = (Release.accepted.desc(), Release.score.desc(), Release.id)
        return list(await session.scalars(sa.select(Release).where(Release.search_id == search_id).order_by(*order)))


async def reports(database: Database, search_id: int) -> list[ProviderReport]:
    """How each indexer answered."""
    async with database.read() as session:
        return list(await provider_reports.of_search(session, search_id))


async def search_row(database: Database, search_id: int) -> ReleaseSearch:
    """The search as it stands."""
    async with database.read() as session:
        return await release_searches.get(session, search_id)
