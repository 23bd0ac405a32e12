"""Wants at work: searched for when due and within the budget, and taken only where all of it was asked for."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from jobs import wants as want_jobs
from jobs.events import Bus
from library import budgets, downloads, wants
from library.database import Database
from library.downloads import Reason
from library.models import Download, Job, ReleaseSearch, Want
from library.models.downloads import DownloadState
from library.models.integrations import IntegrationKind
from library.models.jobs import JobKind
from library.models.tables import now
from tests.jobs.release_fixtures import asked, known_book, releases, run_search
from tests.jobs.town import Town
from tests.shelf import Volume

# What the fake indexers have of it reaches 80 points with the default profile.
ALL_KINDS = tuple(IntegrationKind)


async def wanted(database: Database, book_id: int, **given: Any) -> Want:
    """A want of user 7."""
    async with database.write() as session:
        return (await wants.want(session, book_id, created_by="user:7", **given)).want


async def grabbed(
    database: Database, bus: Bus, redis_url: str, town: Town | None = None, **given: Any
) -> list[Download]:
    """What a search for a want of A Study in Scarlet takes."""
    town = town or Town()
    for kind in ALL_KINDS:
        await town.configure(database, kind)
    want = await wanted(database, await known_book(database), **given)
    _, job_id = await asked(database, bus, want=want)
    await run_search(town, database, bus, redis_url, job_id)
    return await all_downloads(database)


async def all_downloads(database: Database) -> list[Download]:
    async with database.read() as session:
        return list(await session.scalars(sa.select(Download).order_by(Download.id)))


async def test_a_due_want_is_searched_for_once(database: Database, bus: Bus) -> None:
    town = Town()
    await town.configure(database, IntegrationKind.TORZNAB)
    want = await wanted(database, await known_book(database))
    await want_jobs.search_due(database, bus)
    await want_jobs.search_due(database, bus)
    async with database.read() as session:
        (search,) = await session.scalars(sa.select(ReleaseSearch))
        (job,) = await session.scalars(sa.select(Job))
        after = await wants.get(session, want.id)
    assert (search.want_id, search.created_by, search.job_id) == (want.id, "user:7", job.id)
    assert (job.kind, job.payload, job.created_by) == (JobKind.SEARCH_RELEASES, {"search_id": search.id}, "system")
    assert after.next_search_at is not None
    assert after.next_search_at > now()


async def test_nothing_is_searched_for_without_an_indexer_or_a_budget(database: Database, bus: Bus) -> None:
    want = await wanted(database, await known_book(database))
    await want_jobs.search_due(database, bus)
    await Town().configure(database, IntegrationKind.TORZNAB)
    async with database.write() as session:
        for _ in range(wants.SEARCHES_PER_DAY):
            await budgets.spend(session, wants.BUDGET, wants.SEARCHES_PER_DAY)
    await want_jobs.search_due(database, bus)
    async with database.read() as session:
        assert (await session.scalars(sa.select(ReleaseSearch.id))).all() == []
        assert [one.id for one in await wants.due(session, now(), 10)] == [want.id]


async def test_the_best_release_is_taken_where_the_want_says_so(database: Database, bus: Bus, redis_url: str) -> None:
    (download,) = await grabbed(database, bus, redis_url, grab_automatically=True, rules={"grab_threshold": 10.0})
    async with database.read() as session:
        want = (await session.scalars(sa.select(Want))).one()
        search_id = (await session.scalars(sa.select(ReleaseSearch.id))).one()
        (job,) = await session.scalars(sa.select(Job).where(Job.kind == JobKind.GRAB_DOWNLOAD))
    best = (await releases(database, search_id))[0]
    assert (download.state, download.release_id, download.want_id, download.book_id) == (
        DownloadState.QUEUED,
        best.id,
        want.id,
        want.book_id,
    )
    assert (download.created_by, download.wedge, job.payload) == ("user:7", False, {"download_id": download.id})


@pytest.mark.parametrize(
    "given",
    [
        {"rules": {"grab_threshold": 10.0}},
        {"rules": {"grab_threshold": 10.0, "grab_automatically": True}},
        {"rules": {"grab_threshold": 99.0}, "grab_automatically": True},
        {"rules": {"grab_threshold": 10.0, "max_bytes": 1000}, "grab_automatically": True},
    ],
)
async def test_nothing_is_taken_unless_all_of_it_was_asked_for(
    database: Database, bus: Bus, redis_url: str, given: dict[str, Any]
) -> None:
    assert await grabbed(database, bus, redis_url, **given) == []


async def test_nothing_more_is_taken_while_something_is_on_its_way(
    database: Database, bus: Bus, redis_url: str
) -> None:
    await grabbed(database, bus, redis_url, grab_automatically=True, rules={"grab_threshold": 10.0})
    async with database.read() as session:
        search_id = (await session.scalars(sa.select(ReleaseSearch.id))).one()
    assert await want_jobs.grab_best(database, bus, search_id) is None
    assert len(await all_downloads(database)) == 1


async def test_nothing_is_taken_by_a_search_during_which_the_book_has_come(
    database: Database, bus: Bus, redis_url: str
) -> None:
    rules = {"grab_threshold": 10.0, "dramatized": "ALLOWED"}
    (first,) = await grabbed(database, bus, redis_url, grab_automatically=True, rules=rules)
    async with database.write() as session:
        download = await downloads.get(session, first.id)
        download.state, download.finished_at = DownloadState.DONE, now()
        search_id = (await session.scalars(sa.select(ReleaseSearch.id))).one()
    assert await want_jobs.grab_best(database, bus, search_id) is None


async def test_what_failed_before_is_not_taken_again(database: Database, bus: Bus, redis_url: str) -> None:
    rules = {"grab_threshold": 10.0, "dramatized": "ALLOWED"}
    (first,) = await grabbed(database, bus, redis_url, grab_automatically=True, rules=rules)
    async with database.write() as session:
        download = await downloads.get(session, first.id)
        downloads.fail(session, download, Reason("RELEASE_GONE", "It is gone."))
        search_id = (await session.scalars(sa.select(ReleaseSearch.id))).one()
    second = await want_jobs.grab_best(database, bus, search_id)
    assert second is not None
    assert second.release_id != first.release_id


async def test_what_is_taken_unasked_spends_no_wedge(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    await town.configure(database, IntegrationKind.MYANONAMOUSE, options={"spend_wedges": True})
    await town.configure(database, IntegrationKind.QBITTORRENT)
    book_id = await known_book(database, Volume("The Time Machine", ("H. G. Wells",)))
    for automatically, cost in ((False, "WEDGE"), (True, "RATIO")):
        async with database.write() as session:
            await session.execute(sa.delete(Want).where(Want.id.not_in(sa.select(ReleaseSearch.want_id))))
            made = await wants.want(session, book_id, created_by=f"user:{cost}", grab_automatically=automatically)
        search_id, job_id = await asked(database, bus, want=made.want)
        await run_search(town, database, bus, redis_url, job_id)
        assert [row.cost for row in await releases(database, search_id)] == [cost]


async def test_each_search_in_vain_makes_the_next_pause_longer(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    await town.configure(database, IntegrationKind.TORZNAB)
    want = await wanted(database, await known_book(database, Volume("Nobody Has This", ("No One",))))
    pauses = []
    for _ in range(7):
        _, job_id = await asked(database, bus, want=want)
        await run_search(town, database, bus, redis_url, job_id)
        async with database.read() as session:
            after = await wants.get(session, want.id)
        assert after.next_search_at is not None
        pauses.append(after.next_search_at - now())
    assert after.searches == 7
    for pause, expected in zip(pauses, [*wants.BACK_OFF, wants.BACK_OFF[-1]], strict=True):
        assert abs(pause - expected) < expected * wants.JITTER + timedelta(seconds=30)


async def test_a_search_that_nobody_answered_counts_for_nothing(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    await town.configure(database, IntegrationKind.TORZNAB)
    town.torznab.switches.server_error = True
    want = await wanted(database, await known_book(database))
    _, job_id = await asked(database, bus, want=want)
    await run_search(town, database, bus, redis_url, job_id)
    async with database.read() as session:
        after = await wants.get(session, want.id)
    assert (after.searches, after.last_searched_at is not None) == (0, True)
