"""Quality profiles in the graph: made and changed by their maker, chosen by everybody."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from library.database import Database
from library.errors import Forbidden
from library.models import User
from library.models.accounts import Role
from resolvers.context import Context, Viewer
from resolvers.ids import encode_id
from tests.resolvers.conftest import viewer
from tests.resolvers.release_schema import schema

SAVE = """mutation($input: SaveQualityProfileInput!) { saveQualityProfile(input: $input) { __typename
  ... on SaveQualityProfilePayload { qualityProfile { id name isMine
    rules { formats maxBytes minBitRate abridged weights { format } } } } ... on Error { code message } } }"""
REMOVE = """mutation($input: RemoveQualityProfileInput!) { removeQualityProfile(input: $input) { __typename
  ... on RemoveQualityProfilePayload { removedId } ... on Error { code } } }"""
CHOOSE = """mutation($input: SetMyQualityProfileInput!) { setMyQualityProfile(input: $input) { __typename
  ... on SetMyQualityProfilePayload { qualityProfile { name } } ... on Error { code } } }"""
MINE = "{ myQualityRules { minSeeders maxBytes } }"
ALL = "{ qualityProfiles { totalCount nodes { name isMine } } }"
SMALL = {"formats": ["mp3"], "maxBytes": 5_000_000_000, "abridged": "ALLOWED", "weights": {"format": 20}}

Asking = Callable[..., Awaitable[Any]]
ADA, BOB = viewer(Role.MEMBER, 7), viewer(Role.MEMBER, 8)


@pytest.fixture
def ask(make_context: Callable[[Viewer | None], Context]) -> Asking:
    """Run an operation as somebody and give the value of its only field."""

    async def run(query: str, who: Viewer = ADA, **given: Any) -> Any:
        result = await schema.execute(query, variable_values={"input": given}, context_value=make_context(who))
        if result.errors:
            raise result.errors[0].original_error or result.errors[0]
        (value,) = (result.data or {}).values()
        return value

    return run


async def test_a_profile_is_made_and_changed_by_what_is_given(database: Database, ask: Asking) -> None:
    made = (await ask(SAVE, name="Small", rules=SMALL))["qualityProfile"]
    assert (made["name"], made["isMine"]) == ("Small", True)
    assert made["rules"] == {
        "formats": ["mp3"],
        "maxBytes": 5_000_000_000,
        "minBitRate": None,
        "abridged": "ALLOWED",
        "weights": {"format": 20.0},
    }
    changed = await ask(SAVE, id=made["id"], rules={"maxBytes": None, "minBitRate": 64})
    assert changed["qualityProfile"]["rules"] == made["rules"] | {"maxBytes": None, "minBitRate": 64}
    assert (await ask(ALL, BOB)) == {"totalCount": 1, "nodes": [{"name": "Small", "isMine": False}]}


async def test_what_is_wrong_with_a_profile_is_said(database: Database, ask: Asking) -> None:
    await ask(SAVE, name="Small")
    given: list[dict[str, Any]] = [
        {"rules": SMALL},
        {"name": "Other", "rules": {"formats": ["epub"]}},
        {"name": "Small"},
        {"id": encode_id("QualityProfile", 99), "name": "Other"},
    ]
    errors = [(await ask(SAVE, **one))["__typename"] for one in given]
    assert errors == ["BadInputError", "BadInputError", "ConflictError", "NotFoundError"]


async def test_only_its_maker_and_administrators_change_a_profile(database: Database, ask: Asking) -> None:
    made = (await ask(SAVE, name="Small"))["qualityProfile"]["id"]
    for query in (SAVE, REMOVE):
        with pytest.raises(Forbidden):
            await ask(query, BOB, id=made)
    assert (await ask(SAVE, viewer(Role.ADMIN), id=made, name="Large"))["qualityProfile"]["name"] == "Large"
    assert (await ask(REMOVE, id=made)) == {"__typename": "RemoveQualityProfilePayload", "removedId": made}
    assert (await ask(REMOVE, id=made))["__typename"] == "NotFoundError"


async def test_a_viewer_goes_by_the_chosen_profile(database: Database, ask: Asking) -> None:
    async with database.write() as session:
        session.add(User(id=7, name="ada", role=Role.MEMBER))
    made = (await ask(SAVE, name="Small", rules={"minSeeders": 9}))["qualityProfile"]["id"]
    assert (await ask(CHOOSE, qualityProfile=made))["qualityProfile"] == {"name": "Small"}
    assert [(await ask(MINE, who))["minSeeders"] for who in (ADA, BOB)] == [9, 1]
    assert (await ask(CHOOSE))["qualityProfile"] is None
    assert (await ask(MINE))["minSeeders"] == 1
    assert (await ask(CHOOSE, viewer(Role.ADMIN), qualityProfile=made))["code"] == "CONFLICT"
