"""Notification targets are made by administrators, and their addresses and keys never come back."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionResult

from library.database import Database
from library.global_ids import global_id
from library.models import Event, NotificationTarget
from library.models.accounts import Role
from library.sealing import Seal
from resolvers.context import Context, Viewer
from resolvers.errors import HANDLERS
from resolvers.ids import encode_id
from resolvers.notifications import NotificationMutation, NotificationQuery
from resolvers.scalars import SCALARS
from tests.processes import SECRET_KEY
from tests.resolvers.conftest import viewer

URL = "https://hooks.example/secret-path?token=very-secret"
KEY = "a-key-of-more-than-16-characters"
HOOK = {"kind": "WEBHOOK", "name": "Home", "url": URL, "key": KEY, "topics": ["DOWNLOAD_DONE"]}
SAVE = """mutation ($input: SaveNotificationTargetInput!) { saveNotificationTarget(input: $input) { __typename
  ... on SaveNotificationTargetPayload { target { id name kind topics enabled failures lastError } }
  ... on Error { message } } }"""
TRY = """mutation ($id: ID!) { testNotificationTarget(input: {id: $id}) { __typename ... on Error { message } } }"""
REMOVE = "mutation ($id: ID!) { removeNotificationTarget(input: {id: $id}) { __typename } }"
LIST = "{ notificationTargets { name topics } }"
ID = encode_id("NotificationTarget", 1)

schema = strawberry.Schema(
    query=NotificationQuery,
    mutation=NotificationMutation,
    config=StrawberryConfig(scalar_map=SCALARS),
    exception_handlers=HANDLERS,
)
Run = Callable[..., Any]


@pytest.fixture
def run(make_context: Callable[[Viewer | None], Context]) -> Run:
    """Run an operation as an administrator, and give the value of its only field."""

    async def run(query: str, role: Role = Role.ADMIN, **variables: Any) -> Any:
        result = await schema.execute(query, variable_values=variables, context_value=make_context(viewer(role)))
        assert isinstance(result, ExecutionResult)
        if result.errors:
            raise result.errors[0].original_error or result.errors[0]
        (value,) = (result.data or {}).values()
        return value

    return run


async def row(database: Database) -> NotificationTarget:
    """The only target."""
    async with database.read() as session:
        return (await session.scalars(sa.select(NotificationTarget))).one()


async def test_address_and_key_are_sealed_and_never_shown(database: Database, run: Run) -> None:
    saved = await run(SAVE, input=HOOK)
    kept = await row(database)
    assert saved == {
        "__typename": "SaveNotificationTargetPayload",
        "target": {
            "id": ID,
            "name": "Home",
            "kind": "WEBHOOK",
            "topics": ["DOWNLOAD_DONE"],
            "enabled": True,
            "failures": 0,
            "lastError": None,
        },
    }
    seal = Seal([SECRET_KEY])
    assert (seal.open(kept.sealed_url), seal.open(kept.sealed_key or "")) == (URL, KEY)
    assert "secret" not in kept.sealed_url


async def test_what_is_left_out_stays(database: Database, run: Run) -> None:
    await run(SAVE, input=HOOK)
    before = await row(database)
    await run(SAVE, input={"id": ID, "name": "Away"})
    after = await row(database)
    assert (after.name, after.sealed_url, after.sealed_key, after.topics) == (
        "Away",
        before.sealed_url,
        before.sealed_key,
        before.topics,
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": "short"}, "at least 16 characters"),
        ({"url": "ftp://hooks.example"}, "https:// address"),
        ({"url": "https://[broken"}, "cannot be read"),
        ({"url": None}, "when it is new"),
        ({"name": " "}, "1 to 60 characters"),
        ({"topics": []}, "at least one topic"),
        ({"kind": "APPRISE"}, "takes no key"),
        ({"kind": "APPRISE", "key": None, "url": "no-url"}, "with a scheme"),
    ],
)
async def test_what_cannot_be_told_is_refused_without_repeating_it(run: Run, change: dict[str, Any], said: str) -> None:
    answer = await run(SAVE, input=HOOK | change)
    assert (answer["__typename"], said in answer["message"]) == ("BadInputError", True), answer
    assert "hooks.example" not in answer["message"]


async def test_names_are_given_once(run: Run) -> None:
    await run(SAVE, input=HOOK)
    assert (await run(SAVE, input=HOOK))["__typename"] == "ConflictError"


async def test_a_trial_is_an_event_for_this_target_alone(database: Database, run: Run) -> None:
    await run(SAVE, input=HOOK)
    assert (await run(TRY, id=ID))["__typename"] == "TestNotificationTargetPayload"
    await run(SAVE, input={"id": ID, "enabled": False})
    assert (await run(TRY, id=ID))["__typename"] == "ConflictError"
    async with database.read() as session:
        told = [(event.topic, event.kind, event.entity_id) for event in await session.scalars(sa.select(Event))]
    assert told == [("notification:1", "TEST", 1)]


async def test_a_target_is_forgotten_with_its_credentials(database: Database, run: Run) -> None:
    await run(SAVE, input=HOOK)
    assert await run(LIST) == [{"name": "Home", "topics": ["DOWNLOAD_DONE"]}]
    assert (await run(REMOVE, id=ID))["__typename"] == "RemoveNotificationTargetPayload"
    assert (await run(REMOVE, id=ID))["__typename"] == "NotFoundError"
    assert await run(LIST) == []


async def test_they_are_nobodys_business_but_administrators(run: Run) -> None:
    with pytest.raises(Exception, match="role ADMIN"):
        await run(LIST, Role.MEMBER)
    with pytest.raises(Exception, match="role ADMIN"):
        await run(SAVE, Role.MEMBER, input=HOOK)


def test_notifications_name_rows_as_the_graph_does() -> None:
    assert global_id("Download", 7) == encode_id("Download", 7)
