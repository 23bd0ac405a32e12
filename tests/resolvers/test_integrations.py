"""Integrations in the graph: configured by mutation, seen by members without their secrets, checked by a job."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa
import strawberry
from strawberry.schema.config import StrawberryConfig

from library import events, integration_health, integrations
from library.database import Database
from library.integrations import EnvironmentIntegration
from library.models import Integration, IntegrationSecret, Job
from library.models.accounts import Role
from library.models.integrations import IntegrationKind
from library.models.jobs import JobKind
from library.sealing import Seal
from resolvers.context import Context, Viewer
from resolvers.errors import HANDLERS
from resolvers.ids import encode_id
from resolvers.integrations import IntegrationCheckResult, IntegrationMutation, IntegrationQuery, integration_by_id
from resolvers.scalars import SCALARS
from tests.processes import SECRET_KEY
from tests.resolvers.conftest import viewer

Asking = Callable[..., Awaitable[dict[str, Any]]]
KEY = "s3cret-key-of-prowlarr"
PASSWORD = "hunter22-of-qbittorrent"
CONFIGURE = """
mutation ($input: ConfigureIntegrationInput!) {
  configureIntegration(input: $input) {
    __typename
    ... on ConfigureIntegrationPayload { integration { id name kind configured enabled source } job { kind state } }
    ... on Error { code message }
  }
}
"""
EVERYTHING = """
{
  integrations {
    id kind name url configured enabled healthy source circuit needsAction version lastSuccess checkedAt
    lastError { code message at }
    budget { remaining capacity resetsAt }
    options {
      __typename
      ... on ProwlarrOptions { indexerIds categories }
      ... on QBittorrentOptions {
        category savePath pathMappings { theirs ours } mode libraryRootId removeAfterGoal seedingGoalHours
        freeSpaceReserveBytes namingTemplate writeSidecar
      }
    }
  }
}
"""
PROWLARR = {"service": {"prowlarr": {"apiKey": KEY, "indexerIds": [7]}}, "url": "http://127.0.0.1:9696", "check": False}


@strawberry.type
class Query(IntegrationQuery):
    """The fields under test, and the result of a check."""

    @strawberry.field
    async def checked(self) -> IntegrationCheckResult:
        """As a job's result is shown."""
        finding = {"code": "SIGNED_IN", "level": "OK", "message": "It answers."}
        return IntegrationCheckResult.of(integration_id=1, findings=[finding])


@strawberry.type
class Mutation(IntegrationMutation):
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


async def test_configuring_gives_the_integration_and_starts_its_check(ask: Asking, database: Database) -> None:
    answer = (await ask(CONFIGURE, input=PROWLARR | {"check": True}))["configureIntegration"]
    assert answer == {
        "__typename": "ConfigureIntegrationPayload",
        "integration": {
            "id": encode_id("Integration", 1),
            "name": "Prowlarr",
            "kind": "PROWLARR",
            "configured": True,
            "enabled": True,
            "source": "MUTATION",
        },
        "job": {"kind": "CHECK_INTEGRATION", "state": "QUEUED"},
    }
    async with database.read() as session:
        job = (await session.scalars(sa.select(Job))).one()
        told = await events.since(session, events.INTEGRATIONS_TOPIC, 0, 10)
    assert (job.kind, job.payload) == (JobKind.CHECK_INTEGRATION, {"integration_id": 1})
    assert [event.state for event in told] == [{"name": "Prowlarr", "healthy": None, "needs_action": None}]


async def test_members_see_how_it_is_and_only_administrators_where_and_how_it_is_set(ask: Asking) -> None:
    await ask(CONFIGURE, input=PROWLARR)
    [seen] = (await ask(EVERYTHING))["integrations"]
    [by_member] = (await ask(EVERYTHING, Role.MEMBER))["integrations"]
    assert seen == {
        "id": encode_id("Integration", 1),
        "kind": "PROWLARR",
        "name": "Prowlarr",
        "url": "http://127.0.0.1:9696",
        "configured": True,
        "enabled": True,
        "healthy": None,
        "source": "MUTATION",
        "circuit": "CLOSED",
        "needsAction": None,
        "version": None,
        "lastSuccess": None,
        "checkedAt": None,
        "lastError": None,
        "budget": None,
        "options": {"__typename": "ProwlarrOptions", "indexerIds": [7], "categories": [3030]},
    }
    assert by_member == seen | {"url": None, "options": None}


async def test_health_is_what_workers_have_noted(ask: Asking, database: Database) -> None:
    await ask(CONFIGURE, input=PROWLARR)
    budget = {"remaining": 3, "capacity": 15, "resets_at": "2040-01-01T00:00:00+00:00"}
    async with database.write() as session:
        await integration_health.record_success(session, 1, seen={"version": "2.3.6", "budget": budget})
        await integration_health.record_failure(
            session, 1, code="CREDENTIALS_REFUSED", message="It does not know us.", needs_action="Enter the key."
        )
    [seen] = (await ask(EVERYTHING, Role.MEMBER))["integrations"]
    assert (seen["healthy"], seen["needsAction"], seen["version"]) == (False, "Enter the key.", "2.3.6")
    assert (seen["lastError"]["code"], seen["lastError"]["message"]) == ("CREDENTIALS_REFUSED", "It does not know us.")
    assert seen["budget"] == {"remaining": 3, "capacity": 15, "resetsAt": "2040-01-01T00:00:00+00:00"}


async def test_a_patch_tells_absent_from_null(ask: Asking, database: Database) -> None:
    client = {"username": "admin", "password": PASSWORD, "savePath": "/downloads", "category": "books"}
    given = {"service": {"qbittorrent": client}, "url": "http://127.0.0.1:8080", "check": False}
    await ask(CONFIGURE, input=given)
    mapping = {"theirs": "/downloads", "ours": "/srv/downloads"}
    patch = {"savePath": None, "pathMappings": [mapping], "mode": "COPY", "username": None}
    await ask(CONFIGURE, input={"service": {"qbittorrent": patch}, "check": False})
    [seen] = (await ask(EVERYTHING))["integrations"]
    options = seen["options"]
    assert (options["savePath"], options["category"], options["mode"], options["pathMappings"]) == (
        None,
        "books",
        "COPY",
        [mapping],
    )
    async with database.read() as session:
        names = set((await session.scalars(sa.select(IntegrationSecret.name))).all())
    assert names == {"password"}


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"service": {"prowlarr": {}}, "url": "http://p"}, "BadInputError", "needs its api_key"),
        ({"service": {"prowlarr": {"apiKey": KEY}}, "url": f"http://p/?apikey={KEY}"}, "BadInputError", "`url`"),
        ({"service": {"prowlarr": {"apiKey": KEY}}, "url": "http://p", "id": "nonsense"}, "BadInputError", "nonsense"),
        (
            {"service": {"prowlarr": {"apiKey": KEY}}, "id": encode_id("Integration", 9)},
            "NotFoundError",
            "integration '9'",
        ),
        (
            {"service": {"qbittorrent": {"removeAfterGoal": "AT_ONCE"}}, "url": "http://q"},
            "BadInputError",
            "`remove_after_goal`",
        ),
    ],
)
async def test_what_cannot_be_configured_is_a_member_of_the_result(
    ask: Asking, given: dict[str, Any], kind: str, said: str
) -> None:
    answer = (await ask(CONFIGURE, input=given))["configureIntegration"]
    assert answer["__typename"] == kind
    assert said in answer["message"]
    assert KEY not in answer["message"]


async def test_the_environment_is_not_overruled(ask: Asking, database: Database) -> None:
    given = EnvironmentIntegration(IntegrationKind.PROWLARR, "http://127.0.0.1:9696", {"api_key": KEY})
    async with database.write() as session:
        await integrations.from_environment(session, Seal([SECRET_KEY]), [given])
    answer = (await ask(CONFIGURE, input=PROWLARR))["configureIntegration"]
    assert (answer["__typename"], answer["code"]) == ("ConflictError", "CONFLICT")
    removal = "mutation ($id: ID!) { removeIntegration(input: {id: $id}) { __typename ... on Error { code } } }"
    refused = await ask(removal, id=encode_id("Integration", 1))
    assert refused["removeIntegration"] == {"__typename": "ConflictError", "code": "CONFLICT"}


async def test_an_integration_is_checked_switched_off_and_removed(ask: Asking, database: Database) -> None:
    await ask(CONFIGURE, input=PROWLARR)
    some = {"id": encode_id("Integration", 1)}
    check = """mutation ($id: ID!, $key: String) { checkIntegration(input: {id: $id, idempotencyKey: $key}) {
        ... on CheckIntegrationPayload { job { id kind } } } }"""
    first, again = [await ask(check, key="one", **some) for _ in range(2)]
    assert first == again
    switch = """mutation ($id: ID!) { setIntegrationEnabled(input: {id: $id, enabled: false}) {
        ... on SetIntegrationEnabledPayload { integration { enabled healthy } } } }"""
    assert (await ask(switch, **some))["setIntegrationEnabled"]["integration"] == {"enabled": False, "healthy": None}
    remove = """mutation ($id: ID!) { removeIntegration(input: {id: $id}) {
        ... on RemoveIntegrationPayload { removedId name } } }"""
    assert (await ask(remove, **some))["removeIntegration"] == {"removedId": some["id"], "name": "Prowlarr"}
    assert (await ask(EVERYTHING))["integrations"] == []
    async with database.read() as session:
        assert (await session.scalars(sa.select(IntegrationSecret))).all() == []


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.MEMBER])
async def test_only_administrators_configure(
    make_context: Callable[[Viewer | None], Context], role: Role | None
) -> None:
    context = make_context(viewer(role) if role is not None else None)
    result = await SCHEMA.execute(CONFIGURE, variable_values={"input": PROWLARR}, context_value=context)
    assert result.errors is not None
    listed = await SCHEMA.execute("{ integrations { id } }", context_value=context)
    assert (listed.errors is None) == (role is Role.MEMBER)


async def test_no_secret_comes_back_or_is_kept_in_clear(ask: Asking, database: Database) -> None:
    client = {"username": "admin", "password": PASSWORD}
    answers = [
        await ask(CONFIGURE, input=PROWLARR | {"check": True}),
        await ask(CONFIGURE, input={"service": {"qbittorrent": client}, "url": "http://127.0.0.1:8080"}),
        await ask(CONFIGURE, input={"service": {"prowlarr": {"apiKey": KEY}}, "url": f"http://{KEY}@p"}),
        await ask(EVERYTHING),
    ]
    async with database.read() as session:
        kept: list[Any] = []
        for table in (Integration, IntegrationSecret, Job):
            kept += [vars(row) for row in (await session.scalars(sa.select(table))).all()]
        kept += [vars(event) for event in await events.since(session, events.INTEGRATIONS_TOPIC, 0, 10)]
    for secret in (KEY, PASSWORD):
        assert secret not in str(answers)
        assert secret not in str(kept)


async def test_a_checks_result_leads_to_its_integration(
    ask: Asking, make_context: Callable[[Viewer | None], Context]
) -> None:
    await ask(CONFIGURE, input=PROWLARR)
    query = "{ checked { findings { code level message } integration { name } } }"
    assert (await ask(query))["checked"] == {
        "findings": [{"code": "SIGNED_IN", "level": "OK", "message": "It answers."}],
        "integration": {"name": "Prowlarr"},
    }
    for role, visible in ((Role.MEMBER, True), (Role.VIEWER, False)):
        info: Any = type("Info", (), {"context": make_context(viewer(role))})
        assert (await integration_by_id(info, 1) is not None) == visible
