"""Searching for releases: every indexer at once, each release once, a failure never an empty list."""

import sqlalchemy as sa

from jobs.events import Bus
from library import events
from library import integrations as rows
from library.database import Database
from library.models import DailyBudget, Event, JobItemError
from library.models.integrations import IntegrationKind
from library.models.jobs import JobState
from library.models.releases import ReportStatus
from tests.jobs.release_fixtures import (
    again,
    asked,
    known_book,
    releases,
    reports,
    run_search,
    search_row,
)
from tests.jobs.town import SEAL, Town
from tests.shelf import Volume

TRACKER, PROWLARR, TORZNAB = IntegrationKind.MYANONAMOUSE, IntegrationKind.PROWLARR, IntegrationKind.TORZNAB
ALL = (TRACKER, PROWLARR, TORZNAB)


async def configured(town: Town, database: Database, *kinds: IntegrationKind) -> None:
    for kind in kinds or ALL:
        await town.configure(database, kind)


async def test_all_indexers_are_asked_and_each_release_is_kept_once(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    await configured(town, database)
    search_id, job_id = await asked(database, bus, book_id=await known_book(database))
    job = await run_search(town, database, bus, redis_url, job_id)
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"search_id": search_id})
    said = [(one.provider, one.status, one.found) for one in await reports(database, search_id)]
    assert said == [
        ("MyAnonamouse", ReportStatus.OK, 2),
        ("Prowlarr: MyAnonamouse", ReportStatus.OK, 2),
        ("Prowlarr: PublicTracker", ReportStatus.OK, 2),
        ("Torznab", ReportStatus.OK, 2),
    ]
    found = await releases(database, search_id)
    # By the tracker's number, and by info-hash where the indexers know it.
    assert sorted(({row.indexer, *row.also_at} for row in found), key=sorted) == [
        {"MyAnonamouse", "Prowlarr: MyAnonamouse"},
        {"MyAnonamouse", "Prowlarr: MyAnonamouse"},
        {"Prowlarr: PublicTracker", "Torznab"},
        {"Prowlarr: PublicTracker", "Torznab"},
    ]
    assert (await search_row(database, search_id)).finished_at is not None


async def test_the_tracker_s_own_word_is_kept_and_its_link_never(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    await configured(town, database)
    search_id, job_id = await asked(database, bus, book_id=await known_book(database))
    await run_search(town, database, bus, redis_url, job_id)
    native = {row.tracker_torrent_id: row for row in await releases(database, search_id) if row.tracker_torrent_id}
    assert native[900102].title == "A Study in Scarlet"
    assert native[900102].sealed_link is None
    assert native[900102].facts["narrators"] == ["John Voice", "Ann Other"]
    assert (native[900103].facts["abridged"], native[900103].accepted) == (True, False)
    assert "ABRIDGED" in [one["code"] for one in native[900103].decision["rejections"]]


async def test_links_are_sealed_and_nowhere_else(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    await configured(town, database)
    search_id, job_id = await asked(database, bus, book_id=await known_book(database))
    await run_search(town, database, bus, redis_url, job_id)
    found = await releases(database, search_id)
    links = [SEAL.open(row.sealed_link) for row in found if row.sealed_link is not None]
    assert any(town.torznab.api_key in link or town.prowlarr.api_key in link for link in links)
    async with database.read() as session:
        written = [str(row.__dict__) for row in found]
        written += [str(event.state) for event in await session.scalars(sa.select(Event))]
        written += [error.message for error in await session.scalars(sa.select(JobItemError))]
    secrets = (town.torznab.api_key, town.prowlarr.api_key, town.tracker.session, *links)
    assert [secret for secret in secrets for text in written if secret in text] == []


async def test_running_it_again_adds_and_asks_nothing(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    await configured(town, database)
    search_id, job_id = await asked(database, bus, book_id=await known_book(database))
    await run_search(town, database, bus, redis_url, job_id)
    before = [(row.id, row.key, row.also_at, row.score) for row in await releases(database, search_id)]
    requests = len(town.requests)
    await again(database, job_id)
    job = await run_search(town, database, bus, redis_url, job_id)
    assert [(row.id, row.key, row.also_at, row.score) for row in await releases(database, search_id)] == before
    assert (job.state, len(town.requests)) == (JobState.SUCCEEDED, requests)


async def test_an_answer_that_comes_twice_changes_nothing(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    await configured(town, database)
    search_id, job_id = await asked(database, bus, book_id=await known_book(database))
    await run_search(town, database, bus, redis_url, job_id)
    before = [(row.id, row.key, row.indexer, row.also_at, row.score) for row in await releases(database, search_id)]
    async with database.write() as session:
        await session.execute(sa.text("DELETE FROM provider_reports"))
    await again(database, job_id)
    await run_search(town, database, bus, redis_url, job_id)
    after = [(row.id, row.key, row.indexer, row.also_at, row.score) for row in await releases(database, search_id)]
    assert after == before


async def test_who_fails_is_shown_as_failed_and_the_others_count(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    await configured(town, database)
    town.prowlarr.switches.failing = {9}
    town.torznab.switches.server_error = True
    search_id, job_id = await asked(database, bus, book_id=await known_book(database))
    job = await run_search(town, database, bus, redis_url, job_id)
    said = {one.provider: one for one in await reports(database, search_id)}
    assert job.state is JobState.PARTIAL
    assert {name: one.status for name, one in said.items()} == {
        "MyAnonamouse": ReportStatus.OK,
        "Prowlarr: MyAnonamouse": ReportStatus.OK,
        "Prowlarr: PublicTracker": ReportStatus.FAILED,
        "Torznab": ReportStatus.FAILED,
    }
    assert said["Prowlarr: PublicTracker"].error_code == "INDEXER_FAILING"
    assert said["Torznab"].error_code == "UNAVAILABLE"
    assert len(await releases(database, search_id)) == 2
    async with database.read() as session:
        failed = (await session.execute(sa.select(JobItemError.item, JobItemError.code))).all()
    assert sorted(map(tuple, failed)) == [("Prowlarr: PublicTracker", "INDEXER_FAILING"), ("Torznab", "UNAVAILABLE")]


async def test_retrying_asks_only_who_failed(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    await configured(town, database, PROWLARR, TORZNAB)
    town.torznab.switches.refuse_key = True
    search_id, job_id = await asked(database, bus, book_id=await known_book(database))
    assert (await run_search(town, database, bus, redis_url, job_id)).state is JobState.PARTIAL
    town.torznab.switches.refuse_key = False
    async with database.write() as session:
        (torznab,) = await rows.of_kind(session, TORZNAB)
        torznab.needs_action = None
    searches = len(town.prowlarr.searches)
    await again(database, job_id)
    assert (await run_search(town, database, bus, redis_url, job_id)).state is JobState.SUCCEEDED
    assert (len(town.prowlarr.searches), len(town.torznab.searches)) == (searches, 1)
    assert {one.status for one in await reports(database, search_id)} == {ReportStatus.OK}


async def test_who_does_not_answer_in_time_is_no_longer_waited_for(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    await configured(town, database, PROWLARR, TORZNAB)
    town.torznab.switches.hang = True
    search_id, job_id = await asked(database, bus, book_id=await known_book(database))
    job = await run_search(town, database, bus, redis_url, job_id, deadline=2.0)
    said = {one.provider: (one.status, one.error_code) for one in await reports(database, search_id)}
    assert job.state is JobState.PARTIAL
    assert said["Torznab"] == (ReportStatus.FAILED, "TIMEOUT")
    assert said["Prowlarr: PublicTracker"] == (ReportStatus.OK, None)


async def test_who_is_off_waits_for_action_or_was_asked_enough_is_skipped(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    await town.configure(database, TRACKER, options={"searches_per_day": 0})
    await town.configure(database, PROWLARR, enabled=False)
    torznab = await town.configure(database, TORZNAB)
    async with database.write() as session:
        (await rows.get(session, torznab.id)).needs_action = "Enter its key anew."
    search_id, job_id = await asked(database, bus, text="study in scarlet")
    await run_search(town, database, bus, redis_url, job_id)
    said = [(one.provider, one.status, one.error_code) for one in await reports(database, search_id)]
    assert said == [
        ("MyAnonamouse", ReportStatus.SKIPPED, "BUDGET_SPENT"),
        ("Prowlarr", ReportStatus.SKIPPED, "DISABLED"),
        ("Torznab", ReportStatus.SKIPPED, "NEEDS_ACTION"),
    ]
    assert [path for path in town.requests if "loadSearch" in path or "9802" in path or "9803" in path] == []


async def test_each_search_is_counted_in_the_day_s_budget(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    tracker = await town.configure(database, TRACKER)
    _, job_id = await asked(database, bus, text="study in scarlet")
    await run_search(town, database, bus, redis_url, job_id)
    async with database.read() as session:
        assert (await session.scalars(sa.select(DailyBudget.used))).all() == [1]
        assert (await session.scalars(sa.select(DailyBudget.name))).all() == [f"searches:{tracker.id}"]


async def test_without_any_indexer_the_search_ends_and_says_so(database: Database, bus: Bus, redis_url: str) -> None:
    search_id, job_id = await asked(database, bus, text="anything")
    job = await run_search(Town(), database, bus, redis_url, job_id)
    assert (job.state, job.error_code) == (JobState.FAILED, "NOT_CONFIGURED")
    assert (await search_row(database, search_id)).finished_at is not None


async def test_a_short_title_finds_no_longer_one(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    it, darker = town.tracker.catalogue[900101], town.tracker.catalogue[900102]
    for entry, title in ((it, "It"), (darker, "You Like It Darker")):
        object.__setattr__(entry, "title", title)
        object.__setattr__(entry, "authors", ("Stephen King",))
    await configured(town, database, TRACKER)
    book_id = await known_book(database, Volume("It", ("Stephen King",)))
    search_id, job_id = await asked(database, bus, book_id=book_id)
    await run_search(town, database, bus, redis_url, job_id)
    assert {row.title: row.accepted for row in await releases(database, search_id)} == {
        "It": True,
        "You Like It Darker": False,
    }


async def test_each_answer_is_told_as_it_comes_and_the_end_last(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    await configured(town, database)
    search_id, job_id = await asked(database, bus, text="study in scarlet")
    await run_search(town, database, bus, redis_url, job_id)
    async with database.read() as session:
        told = await events.since(session, events.search_topic(search_id), 0, 100)
    assert (told[0].kind, told[-1].kind) == ("STARTED", "FINISHED")
    named = {row_id for event in told for row_id in (event.state or {}).get("releases", ())}
    assert named == {row.id for row in await releases(database, search_id)}


async def test_what_only_prowlarr_told_of_is_looked_up_at_the_tracker(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    await configured(town, database, TRACKER, PROWLARR)
    # Its own search says it has nothing, as it does while its index is rebuilt.
    original = town.tracker._search

    async def by_id_only(request: object) -> object:
        body = await request.json()  # type: ignore[attr-defined]  # a starlette request
        town.tracker.switches.nothing_returned = "id" not in body["tor"]
        return await original(request)  # type: ignore[arg-type]  # see above

    town.tracker._search = by_id_only  # type: ignore[method-assign,assignment]  # a fake's own habit, changed for once
    town.tracker.app.router.routes[:] = town.tracker._routes()
    search_id, job_id = await asked(database, bus, book_id=await known_book(database))
    await run_search(town, database, bus, redis_url, job_id)
    rows_of_tracker = [row for row in await releases(database, search_id) if row.tracker_torrent_id is not None]
    assert [row.indexer for row in rows_of_tracker] == ["MyAnonamouse", "MyAnonamouse"]
    assert rows_of_tracker[0].facts["narrators"] == ["John Voice", "Ann Other"]
