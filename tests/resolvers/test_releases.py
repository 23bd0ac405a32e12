"""Searches for releases in the graph: asked for, read with their decisions, and followed to the end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from jobs import queue
from jobs.events import Bus, unit_of_work
from library.database import Database
from library.errors import NotFound
from library.models import Release
from library.models.accounts import Role
from library.models.integrations import IntegrationKind
from resolvers.context import Context, Viewer
from resolvers.ids import decode_id, encode_id
from resolvers.releases import release_by_id
from tests.jobs.release_fixtures import SCARLET, run_search
from tests.jobs.town import Town
from tests.resolvers.conftest import viewer
from tests.resolvers.release_schema import schema
from tests.shelf import add

SEARCH = """mutation($input: SearchReleasesInput!) { searchReleases(input: $input) { __typename
  ... on SearchReleasesPayload { job { id } releaseSearch { id text finishedAt book { title } want { id }
    providerReports { provider status found latencySeconds error { code message } } } }
  ... on Error { code message } } }"""
READ = """query($id: ID!, $accepted: Boolean) { releaseSearch(id: $id) { text finishedAt
  providerReports { provider status error { code } }
  releases(accepted: $accepted, first: 10) { totalCount nodes {
    id title indexer alsoAt sizeBytes seeders formats narrators freeleech pageUrl
    decision { accepted score cost components { rule points evidence } rejections { code message } } } } } }"""
FOLLOW = """subscription($id: ID!, $a: String) { releaseSearchUpdated(id: $id, after: $a) {
  search { finishedAt } releases { title } omitted reports { provider status } sequence resyncRequired } }"""

Asking = Callable[..., Awaitable[Any]]
ADA, BOB = viewer(Role.MEMBER, 7), viewer(Role.MEMBER, 8)


@pytest.fixture
def ask(make_context: Callable[[Viewer | None], Context]) -> Asking:
    """Run an operation as somebody and give the value of its only field."""

    async def run(query: str, who: Viewer = ADA, **variables: Any) -> Any:
        result = await schema.execute(query, variable_values=variables, context_value=make_context(who))
        assert result.errors is None, result.errors
        (value,) = (result.data or {}).values()
        return value

    return run


@pytest.fixture
async def town(database: Database) -> Town:
    """Two indexers, one of which fails."""
    town = Town()
    town.torznab.switches.server_error = True
    for kind in (IntegrationKind.PROWLARR, IntegrationKind.TORZNAB):
        await town.configure(database, kind)
    return town


async def known_book(database: Database) -> str:
    async with database.write() as session:
        return encode_id("Book", await add(session, SCARLET))


def row_of(node_id: str) -> int:
    return decode_id(node_id)[1]


async def test_a_search_says_at_once_who_is_asked(database: Database, ask: Asking, town: Town) -> None:
    book = await known_book(database)
    given = await ask(SEARCH, input={"by": {"book": book}})
    assert (given["releaseSearch"]["text"], given["releaseSearch"]["book"]) == (
        "A Study in Scarlet Doyle",
        {"title": "A Study in Scarlet"},
    )
    waiting = {"status": "PENDING", "found": 0, "latencySeconds": None, "error": None}
    assert given["releaseSearch"]["providerReports"] == [
        {"provider": "Prowlarr"} | waiting,
        {"provider": "Torznab"} | waiting,
    ]


async def test_what_was_found_is_read_with_its_decision_and_without_its_link(
    database: Database, bus: Bus, redis_url: str, ask: Asking, town: Town
) -> None:
    given = await ask(SEARCH, input={"by": {"text": "study in scarlet"}})
    search_id = given["releaseSearch"]["id"]
    await run_search(town, database, bus, redis_url, row_of(given["job"]["id"]))
    found = await ask(READ, id=search_id)
    assert [(one["provider"], one["status"], one["error"]) for one in found["providerReports"]] == [
        ("Prowlarr: MyAnonamouse", "OK", None),
        ("Prowlarr: PublicTracker", "OK", None),
        ("Torznab", "FAILED", {"code": "UNAVAILABLE"}),
    ]
    nodes = found["releases"]["nodes"]
    assert [node["decision"]["accepted"] for node in nodes] == sorted(
        (node["decision"]["accepted"] for node in nodes), reverse=True
    )
    for node in nodes:
        decision = node["decision"]
        assert decision["score"] == pytest.approx(sum(one["points"] for one in decision["components"]))
        assert decision["accepted"] == (decision["rejections"] == [])
    assert town.prowlarr.api_key not in str(found)
    accepted = await ask(READ, id=search_id, accepted=True)
    assert accepted["releases"]["totalCount"] == sum(node["decision"]["accepted"] for node in nodes)


async def test_the_same_key_gives_the_same_search_and_for_another_is_refused(
    database: Database, ask: Asking, town: Town
) -> None:
    book = await known_book(database)
    asked = {"by": {"text": "a study"}, "idempotencyKey": "k"}
    first = await ask(SEARCH, input=asked)
    assert await ask(SEARCH, input=asked) == first
    for by in ({"text": "another study"}, {"book": book}):
        assert (await ask(SEARCH, input={"by": by, "idempotencyKey": "k"}))["code"] == "CONFLICT"


@pytest.mark.parametrize(
    ("by", "error"),
    [
        ({"text": " - "}, "BadInputError"),
        ({"text": "x" * 201}, "BadInputError"),
        ({"book": encode_id("Book", 99)}, "NotFoundError"),
        ({"want": encode_id("Want", 99)}, "NotFoundError"),
        ({"want": encode_id("Book", 99)}, "BadInputError"),
    ],
)
async def test_what_cannot_be_searched_says_why(
    database: Database, ask: Asking, by: dict[str, str], error: str
) -> None:
    assert (await ask(SEARCH, input={"by": by}))["__typename"] == error


async def test_a_search_is_seen_by_who_asked_and_by_administrators(
    database: Database, bus: Bus, redis_url: str, ask: Asking, town: Town, make_context: Callable[..., Context]
) -> None:
    given = await ask(SEARCH, input={"by": {"text": "study in scarlet"}})
    search_id = given["releaseSearch"]["id"]
    await run_search(town, database, bus, redis_url, row_of(given["job"]["id"]))
    assert await ask(READ, BOB, id=search_id) is None
    assert (await ask(READ, viewer(Role.ADMIN), id=search_id))["text"] == "study in scarlet"
    async with database.read() as session:
        release_id = (await session.scalars(sa.select(Release.id).limit(1))).one()
    seen = []
    for who in (ADA, BOB, viewer(Role.VIEWER, 7), viewer(Role.ADMIN)):
        info: Any = type("Info", (), {"context": make_context(who)})
        seen.append(await release_by_id(info, release_id) is not None)
    assert seen == [True, False, False, True]


@asynccontextmanager
async def following(context: Context, **variables: Any) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """Subscribe; the value awaits the next event."""
    results: Any = await schema.subscribe(FOLLOW, variable_values=variables, context_value=context)

    async def take() -> Any:
        result = await asyncio.wait_for(anext(results), 10)
        if result.errors:
            raise result.errors[0].original_error or result.errors[0]
        return result.data["releaseSearchUpdated"]

    yield take
    await results.aclose()


async def test_a_search_is_followed_as_indexers_answer_to_its_end(
    database: Database, bus: Bus, redis_url: str, ask: Asking, town: Town, make_context: Callable[..., Context]
) -> None:
    given = await ask(SEARCH, input={"by": {"text": "study in scarlet"}})
    search_id, told = given["releaseSearch"]["id"], []
    async with following(make_context(ADA), id=search_id) as take:
        told.append(await take())
        await run_search(town, database, bus, redis_url, row_of(given["job"]["id"]))
        while told[-1]["search"]["finishedAt"] is None:
            told.append(await take())
        with pytest.raises(StopAsyncIteration):
            await take()
    assert (told[0]["releases"], [one["status"] for one in told[0]["reports"]]) == ([], ["PENDING", "PENDING"])
    assert len([one for event in told for one in event["releases"]]) == 4
    assert [one["status"] for one in told[-1]["reports"]] == ["OK", "OK", "FAILED"]
    assert bus.listener_count == 0
    async with following(make_context(ADA), id=search_id, a=told[0]["sequence"]) as take:
        resumed = await take()
    assert (len(resumed["releases"]), resumed["omitted"], resumed["resyncRequired"]) == (4, 0, False)


async def test_who_comes_late_gets_the_best_and_how_many_more_there_are(
    database: Database,
    bus: Bus,
    redis_url: str,
    ask: Asking,
    town: Town,
    make_context: Callable[..., Context],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("resolvers.release_search_changes.MOST_RELEASES", 3)
    given = await ask(SEARCH, input={"by": {"text": "study in scarlet"}})
    await run_search(town, database, bus, redis_url, row_of(given["job"]["id"]))
    async with following(make_context(ADA), id=given["releaseSearch"]["id"]) as take:
        event = await take()
        with pytest.raises(StopAsyncIteration):
            await take()
    assert (len(event["releases"]), event["omitted"]) == (3, 1)


async def test_the_stream_ends_also_when_the_job_was_cancelled_before_it_began(
    database: Database, bus: Bus, ask: Asking, town: Town, make_context: Callable[..., Context]
) -> None:
    given = await ask(SEARCH, input={"by": {"text": "study in scarlet"}})
    async with following(make_context(ADA), id=given["releaseSearch"]["id"]) as take:
        await take()
        async with unit_of_work(database, bus) as work:
            await queue.cancel(work, row_of(given["job"]["id"]))
        assert (await take())["search"] == {"finishedAt": None}
        with pytest.raises(StopAsyncIteration):
            await take()
    assert bus.listener_count == 0


async def test_another_member_s_search_is_not_followed(
    database: Database, bus: Bus, ask: Asking, town: Town, make_context: Callable[..., Context]
) -> None:
    given = await ask(SEARCH, input={"by": {"text": "study in scarlet"}})
    async with following(make_context(BOB), id=given["releaseSearch"]["id"]) as take:
        with pytest.raises(NotFound):
            await take()
