"""The tracker's account and its purchases in the graph."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import strawberry
from strawberry.schema.config import StrawberryConfig

from library import tracker_accounts
from library.database import Database
from library.models import Integration, Job, Purchase, TrackerAccount
from library.models.accounts import Role
from library.models.integrations import PurchaseState
from library.models.tables import now
from resolvers.context import Context, Viewer
from resolvers.errors import HANDLERS
from resolvers.ids import encode_id
from resolvers.scalars import SCALARS
from resolvers.trackers import PurchaseResult, TrackerMutation, TrackerQuery, TrackerRefreshResult
from tests.library.test_tracker_accounts import VALUES, add_download, client_with, tracker_with
from tests.resolvers.conftest import viewer

Asking = Callable[..., Awaitable[dict[str, Any]]]
ACCOUNT = """
{
  trackerAccount {
    username ratio ratioFloor belowFloor uploadedBytes downloadedBytes points wedges userClass vipUntil unsatisfied
    unsatisfiedLimit freeSlots connectable announcesRejected frozenUntil staleSince
  }
}
"""
BUY = """
mutation ($input: BuyAtTrackerInput!) {
  buyAtTracker(input: $input) {
    __typename
    ... on BuyAtTrackerPayload { purchase { id kind state amount points maximumPoints releaseId } job { id kind } }
    ... on Error { code message }
  }
}
"""
WEDGE = {"kind": "WEDGE", "maximumPoints": 50_000, "maximumWedges": 0}


@strawberry.type
class Query(TrackerQuery):
    """The fields under test, and the results of jobs."""

    @strawberry.field
    def refreshed(self) -> TrackerRefreshResult:
        """As a job's result is shown."""
        return TrackerRefreshResult(integration_id=1)

    @strawberry.field
    def bought(self) -> PurchaseResult:
        """As a job's result is shown."""
        return PurchaseResult(purchase_id=1)


@strawberry.type
class Mutation(TrackerMutation):
    """The fields under test."""


SCHEMA = strawberry.Schema(
    query=Query, mutation=Mutation, config=StrawberryConfig(scalar_map=SCALARS), exception_handlers=HANDLERS
)


@pytest.fixture
def ask(make_context: Callable[[Viewer | None], Context]) -> Asking:
    """Run an operation that must succeed, as an administrator unless told otherwise."""

    async def run(query: str, role: Role = Role.ADMIN, **variables: Any) -> dict[str, Any]:
        context = make_context(viewer(role))
        result = await SCHEMA.execute(query, variable_values=variables, context_value=context)
        assert result.errors is None, result.errors
        assert result.data is not None
        return result.data

    return run


async def read(database: Database, tracker: Integration) -> TrackerAccount:
    """Let the account have been read now."""
    async with database.write() as session:
        return await tracker_accounts.save(session, tracker, VALUES)


async def test_an_account_shows_the_larger_count_of_unsatisfied_torrents(ask: Asking, database: Database) -> None:
    assert await ask(ACCOUNT) == {"trackerAccount": None}
    tracker = await tracker_with(database, reserved_slots=10)
    await client_with(database, unsatisfied=12)
    await read(database, tracker)
    seen = (await ask(ACCOUNT))["trackerAccount"]
    assert seen == {
        "username": "example",
        "ratio": 2.0,
        "ratioFloor": 1.0,
        "belowFloor": False,
        "uploadedBytes": 2 << 40,
        "downloadedBytes": 1 << 40,
        "points": 48_211,
        "wedges": 9,
        "userClass": "VIP",
        "vipUntil": "2027-02-01T00:00:00+00:00",
        "unsatisfied": 12,
        "unsatisfiedLimit": 150,
        "freeSlots": 128,
        "connectable": True,
        "announcesRejected": False,
        "frozenUntil": None,
        "staleSince": None,
    }
    assert (await ask(ACCOUNT, Role.MEMBER))["trackerAccount"] == seen | {"username": None}


async def test_an_old_account_says_since_when_and_a_freeze_until_when(ask: Asking, database: Database) -> None:
    tracker = await tracker_with(database)
    assert (await ask(ACCOUNT))["trackerAccount"]["freeSlots"] is None
    await read(database, tracker)
    read_at, until = now() - timedelta(hours=3), now() + timedelta(days=1)
    async with database.write() as session:
        account = await tracker_accounts.freeze(session, tracker.id, until)
        account.fetched_at = read_at
    seen = (await ask(ACCOUNT))["trackerAccount"]
    assert (seen["staleSince"], seen["frozenUntil"]) == (read_at.isoformat(), until.isoformat())


async def test_reading_anew_is_a_job(ask: Asking, database: Database) -> None:
    refresh = """mutation { refreshTrackerAccount(input: {}) { __typename
        ... on RefreshTrackerAccountPayload { job { kind } } ... on Error { code } } }"""
    assert await ask(refresh) == {"refreshTrackerAccount": {"__typename": "ConflictError", "code": "CONFLICT"}}
    tracker = await tracker_with(database)
    assert (await ask(refresh, Role.MEMBER))["refreshTrackerAccount"]["job"] == {"kind": "REFRESH_TRACKER"}
    await read(database, tracker)
    assert (await ask("{ refreshed { account { points } } }"))["refreshed"] == {"account": {"points": 48_211}}


async def test_nothing_is_bought_unless_it_is_said(ask: Asking, database: Database) -> None:
    await tracker_with(database)
    await ask(BUY, input=WEDGE)
    await ask(BUY, input=WEDGE | {"dryRun": False})
    async with database.read() as session:
        rows = (await session.scalars(sa.select(Purchase).order_by(Purchase.id))).all()
        jobs = {job.id: job.payload for job in await session.scalars(sa.select(Job))}
    assert [row.state for row in rows] == [PurchaseState.ESTIMATED, PurchaseState.PENDING]
    assert [jobs[row.job_id] for row in rows if row.job_id is not None] == [{"purchase_id": row.id} for row in rows]
    listed = await ask("{ purchases(first: 1) { totalCount nodes { state } } bought { purchase { state } } }")
    assert listed == {
        "purchases": {"totalCount": 2, "nodes": [{"state": "PENDING"}]},
        "bought": {"purchase": {"state": "ESTIMATED"}},
    }


async def test_the_same_key_buys_once_and_another_order_under_it_is_refused(ask: Asking, database: Database) -> None:
    await tracker_with(database)
    keyed = WEDGE | {"dryRun": False, "idempotencyKey": "one"}
    first, again = [(await ask(BUY, input=keyed))["buyAtTracker"] for _ in range(2)]
    assert first == again
    for other in ({"kind": "VIP"}, {"dryRun": True}, {"maximumPoints": 60_000}):
        refused = (await ask(BUY, input=keyed | other))["buyAtTracker"]
        assert (refused["__typename"], "idempotency key" in refused["message"]) == ("ConflictError", True)
    async with database.read() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(Purchase)) == 1


async def test_a_wedge_is_only_for_what_the_tracker_offers(ask: Asking, database: Database) -> None:
    await tracker_with(database)
    await add_download(database, "time-machine")
    offered = {"kind": "PERSONAL_FREELEECH", "maximumPoints": 0, "maximumWedges": 1}
    bought = (await ask(BUY, input=offered | {"release": encode_id("Release", 1)}))["buyAtTracker"]
    assert bought["purchase"]["releaseId"] == encode_id("Release", 1)
    missing = (await ask(BUY, input=offered | {"release": encode_id("Release", 99)}))["buyAtTracker"]
    unclear = (await ask(BUY, input=offered))["buyAtTracker"]
    assert [each["__typename"] for each in (missing, unclear)] == ["NotFoundError", "BadInputError"]


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.MEMBER])
async def test_only_administrators_buy(
    make_context: Callable[[Viewer | None], Context], database: Database, role: Role | None
) -> None:
    await tracker_with(database)
    context = make_context(viewer(role) if role is not None else None)
    for query, variables in ((BUY, {"input": WEDGE}), ("{ purchases { totalCount } }", {})):
        result = await SCHEMA.execute(query, variable_values=variables, context_value=context)
        assert result.errors is not None
    async with database.read() as session:
        assert (await session.scalars(sa.select(Purchase))).all() == []
