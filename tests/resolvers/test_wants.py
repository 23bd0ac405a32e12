"""Wants in the graph: exactly what is named is wanted, and everybody sees their own."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from library.database import Database
from library.models import Book, Job, ReleaseSearch, Want
from library.models.accounts import Role
from resolvers.context import Context, Viewer
from resolvers.ids import encode_id
from tests.resolvers.conftest import viewer
from tests.resolvers.release_schema import schema
from tests.shelf import Volume, add

WANT = """mutation($input: WantBookInput!) { wantBook(input: $input) {
  __typename
  ... on WantBookPayload { wants { id state searches grabAutomatically book { title owned authors { name } }
    rules { languages minSeeders weights { title } } lastSearch { text } }
    job { id kind } releaseSearch { id text finishedAt job { id } want { id } providerReports { provider } } }
  ... on Error { code message } } }"""
WANTS = "query($states: [WantState!]) { wants(states: $states) { totalCount nodes { id state } } }"
UPDATE = """mutation($input: UpdateWantInput!) { updateWant(input: $input) { __typename
  ... on UpdateWantPayload { want { grabAutomatically qualityProfile { name } rules { minSeeders languages } } }
  ... on Error { code } } }"""
UNWANT = """mutation($input: UnwantBookInput!) { unwantBook(input: $input) { __typename
  ... on UnwantBookPayload { want { state nextSearchAt closedAt } } ... on Error { code } } }"""

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


async def shelve(database: Database, *titles: str) -> list[str]:
    async with database.write() as session:
        ids = [await add(session, Volume(title, series=(("Classics", None),))) for title in titles]
    return [encode_id("Book", book_id) for book_id in ids]


async def counted(database: Database) -> dict[str, int]:
    async with database.read() as session:
        tables = (Book, Want, ReleaseSearch, Job)
        return {
            table.__name__: await session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables
        }


async def test_wanting_one_book_makes_exactly_one_want_and_one_search(database: Database, ask: Asking) -> None:
    first, *_ = await shelve(database, "Robinson Crusoe", "The Further Adventures", "Moll Flanders")
    before = await counted(database)
    given = await ask(WANT, input={"book": {"id": first}})
    (want,) = given["wants"]
    assert (want["book"]["title"], want["state"], given["job"]["kind"]) == (
        "Robinson Crusoe",
        "OPEN",
        "SEARCH_RELEASES",
    )
    assert given["releaseSearch"]["text"] == "Robinson Crusoe Defoe"
    assert given["releaseSearch"]["want"] == {"id": want["id"]}
    assert given["releaseSearch"]["job"] == {"id": given["job"]["id"]}
    after = await counted(database)
    assert {name: after[name] - before[name] for name in after} == {"Book": 0, "Want": 1, "ReleaseSearch": 1, "Job": 1}


async def test_wanting_it_again_gives_the_same_want_search_and_job(database: Database, ask: Asking) -> None:
    first, second = await shelve(database, "Robinson Crusoe", "Moll Flanders")
    asked = {"book": {"id": first}, "idempotencyKey": "k1"}
    made = await ask(WANT, input=asked)
    assert await ask(WANT, input=asked) == made
    assert (await ask(WANT, input={"book": {"id": first}}))["job"] == made["job"]
    reused = await ask(WANT, input={"book": {"id": second}, "idempotencyKey": "k1"})
    assert (reused["__typename"], reused["code"]) == ("ConflictError", "CONFLICT")
    assert await counted(database) == {"Book": 2, "Want": 1, "ReleaseSearch": 1, "Job": 1}


async def test_a_book_that_is_not_known_yet_comes_into_the_graph_unowned(database: Database, ask: Asking) -> None:
    new = {"title": "Roxana", "authors": ["Daniel Defoe"], "series": "Classics", "position": "4"}
    given = await ask(WANT, input={"book": {"newBook": new}, "search": False})
    again = await ask(WANT, input={"book": {"newBook": new}, "search": False})
    assert given["wants"][0]["book"] == {"title": "Roxana", "owned": False, "authors": [{"name": "Daniel Defoe"}]}
    assert (given["job"], again["wants"][0]["id"]) == (None, given["wants"][0]["id"])
    assert (await counted(database))["Book"] == 1


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"book": {"newBook": {"title": "It", "authors": []}}}, "BadInputError"),
        ({"book": {"newBook": {"title": "", "authors": ["A. Uthor"]}}}, "BadInputError"),
        ({"book": {"id": encode_id("Book", 999)}}, "NotFoundError"),
        ({"book": {"id": encode_id("Want", 1)}}, "BadInputError"),
        ({"book": {"id": encode_id("Book", 1)}, "rules": {"languages": ["Klingon"]}}, "BadInputError"),
        ({"book": {"id": encode_id("Book", 1)}, "qualityProfile": encode_id("QualityProfile", 9)}, "NotFoundError"),
    ],
)
async def test_what_cannot_be_wanted_says_why_and_leaves_nothing(
    database: Database, ask: Asking, given: dict[str, Any], error: str
) -> None:
    await shelve(database, "Robinson Crusoe")
    assert (await ask(WANT, input=given))["__typename"] == error
    assert await counted(database) == {"Book": 1, "Want": 0, "ReleaseSearch": 0, "Job": 0}


async def test_members_see_and_change_their_own_wants_and_administrators_all(database: Database, ask: Asking) -> None:
    first, second = await shelve(database, "Robinson Crusoe", "Moll Flanders")
    mine = (await ask(WANT, input={"book": {"id": first}, "search": False}))["wants"][0]["id"]
    theirs = (await ask(WANT, BOB, input={"book": {"id": second}, "search": False}))["wants"][0]["id"]
    assert (await ask(WANTS))["nodes"] == [{"id": mine, "state": "OPEN"}]
    assert (await ask(WANTS, viewer(Role.ADMIN)))["totalCount"] == 2
    assert (await ask(UNWANT, input={"id": theirs}))["__typename"] == "NotFoundError"
    assert (await ask(UPDATE, input={"id": theirs, "grabAutomatically": True}))["__typename"] == "NotFoundError"
    closed = await ask(UNWANT, input={"id": mine})
    assert (closed["want"]["state"], closed["want"]["nextSearchAt"]) == ("CLOSED", None)
    assert (await ask(WANTS, states=["OPEN"]))["totalCount"] == 0
    assert (await ask(UPDATE, input={"id": mine, "grabAutomatically": True}))["code"] == "CONFLICT"


async def test_a_want_is_changed_field_by_field(database: Database, ask: Asking) -> None:
    (first,) = await shelve(database, "Robinson Crusoe")
    rules = {"minSeeders": 4, "weights": {"title": 30}}
    want = (await ask(WANT, input={"book": {"id": first}, "rules": rules, "search": False}))["wants"][0]
    assert want["rules"] == {"languages": [], "minSeeders": 4, "weights": {"title": 30.0}}
    changed = await ask(UPDATE, input={"id": want["id"], "grabAutomatically": True, "rules": {"languages": ["en"]}})
    assert changed["want"] == {
        "grabAutomatically": True,
        "qualityProfile": None,
        "rules": {"minSeeders": 4, "languages": ["en"]},
    }
    emptied = await ask(UPDATE, input={"id": want["id"], "rules": None})
    assert emptied["want"]["rules"] == {"minSeeders": 1, "languages": []}
    refused = await ask(UPDATE, input={"id": want["id"], "rules": {"minSeeders": -1}})
    assert refused["__typename"] == "BadInputError"


async def test_many_wants_cost_no_more_statements_than_few(
    database: Database, ask: Asking, count_statements: Callable[[], Any]
) -> None:
    query = """{ wants(first: 100) { nodes { book { title } edition { id } qualityProfile { name } rules { minSeeders }
      lastSearch { text providerReports { provider } job { id } } } } }"""
    counts = []
    for titles in (["A"], [f"B{number}" for number in range(9)]):
        for book in await shelve(database, *titles):
            await ask(WANT, input={"book": {"id": book}})
        with count_statements() as statements:
            await ask(query)
        counts.append(len(statements))
    assert counts[0] == counts[1]
