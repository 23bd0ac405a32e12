"""Edits by hand: patches, locks, history, and the search words that follow."""

from typing import Any

import pytest
import sqlalchemy as sa

from jobs.events import Bus
from library.database import Database
from library.metadata import Entity, Proposal, propose
from library.models import MetadataChange
from library.models.accounts import Role
from library.models.metadata import EntityKind, MetadataSource
from resolvers.ids import encode_id
from tests.resolvers.conftest import Ask
from tests.shelf import Volume, add

UPDATE = """mutation($input: UpdateBookInput!) { updateBook(input: $input) { __typename
  ... on UpdateBookPayload { changedFields book { title subtitle authors { name } series { position series { name } }
    metadata { name value source locked lockedBy } } }
  ... on Error { code message } } }"""
LOCK = """mutation($input: LockFieldsInput!) { lockFields(input: $input) { __typename
  ... on LockFieldsPayload { changedFields node { ... on Book { title } ... on Edition { publisher } } }
  ... on Error { code message } } }"""


@pytest.fixture
async def book_id(database: Database) -> int:
    """A book with a subtitle from its tags."""
    async with database.write() as session:
        return await add(session, Volume("Robinson Cruso", ("D. Defoe",), description="An island."))


async def test_an_edit_changes_what_is_given_locks_it_and_leaves_the_rest(ask: Ask, book_id: int) -> None:
    patch = {
        "id": encode_id("Book", book_id),
        "title": "Robinson Crusoe",
        "authors": ["Daniel Defoe"],
        "series": [{"name": "Crusoe", "position": "1"}],
    }
    payload = (await ask(UPDATE, {"input": patch}, role=Role.MEMBER))["updateBook"]
    fields = {field["name"]: field for field in payload["book"]["metadata"]}
    assert payload["changedFields"] == ["authors", "series", "title"]
    assert payload["book"]["title"] == "Robinson Crusoe"
    assert payload["book"]["authors"] == [{"name": "Daniel Defoe"}]
    assert payload["book"]["series"] == [{"position": "1", "series": {"name": "Crusoe"}}]
    assert fields["title"] == {
        "name": "title",
        "value": "Robinson Crusoe",
        "source": "USER",
        "locked": True,
        "lockedBy": "member",
    }
    assert (fields["description"]["source"], fields["description"]["locked"]) == ("TAGS", False)


async def test_what_was_edited_is_found_as_one_types(ask: Ask, book_id: int) -> None:
    await ask(UPDATE, {"input": {"id": encode_id("Book", book_id), "subtitle": "Wholly Unheard-of"}})
    data = await ask('{ books(search: "unheard cruso") { nodes { title } } }')
    assert data["books"]["nodes"] == [{"title": "Robinson Cruso"}]


async def test_null_clears_for_good_and_no_scan_brings_it_back(ask: Ask, database: Database, book_id: int) -> None:
    await ask(UPDATE, {"input": {"id": encode_id("Book", book_id), "description": None}})
    said = Proposal("description", "An island again.", MetadataSource.TAGS, "shelf:tags", 10)
    async with database.write() as session:
        await propose(session, {Entity(EntityKind.BOOK, book_id): [said]}, actor="scan", scope="shelf:")
    data = await ask("query($id: ID!) { book(by: {id: $id}) { description } }", {"id": encode_id("Book", book_id)})
    assert data == {"book": {"description": None}}


async def test_unlocking_lets_the_best_source_decide_anew(ask: Ask, book_id: int) -> None:
    node_id = encode_id("Book", book_id)
    await ask(UPDATE, {"input": {"id": node_id, "title": "Mine", "lock": True}})
    payload = (await ask(LOCK, {"input": {"id": node_id, "fields": ["title"], "locked": False}}))["lockFields"]
    assert payload["node"] == {"title": "Mine"}  # a user's word still beats tags, but is open to later edits


async def test_every_change_is_recorded_with_who_did_it(ask: Ask, database: Database, book_id: int) -> None:
    await ask(UPDATE, {"input": {"id": encode_id("Book", book_id), "title": "Robinson Crusoe"}}, role=Role.MEMBER)
    change = MetadataChange
    async with database.read() as session:
        rows = await session.execute(
            sa.select(change.old_value, change.new_value, change.source, change.actor)
            .where(change.field == "title")
            .order_by(change.id)
        )
    assert [tuple(row) for row in rows][-1] == ("Robinson Cruso", "Robinson Crusoe", MetadataSource.USER, "member")


@pytest.mark.parametrize(
    ("patch", "kind", "code"),
    [
        ({"title": ""}, "BadInputError", "BAD_USER_INPUT"),
        ({"title": "x" * 10_000}, "BadInputError", "BAD_USER_INPUT"),
        ({"publishedYear": 99_999}, "BadInputError", "BAD_USER_INPUT"),
        ({"id": "Qm9vazo5OTk5OQ", "title": "x"}, "NotFoundError", "NOT_FOUND"),
        ({"id": "nonsense", "title": "x"}, "BadInputError", "BAD_USER_INPUT"),
    ],
)
async def test_a_bad_edit_says_what_is_wrong_and_changes_nothing(
    ask: Ask, book_id: int, patch: dict[str, Any], kind: str, code: str
) -> None:
    given = {"id": encode_id("Book", book_id), **patch}
    payload = (await ask(UPDATE, {"input": given}))["updateBook"]
    assert (payload["__typename"], payload["code"]) == (kind, code)
    assert (await ask("{ books { nodes { title } } }"))["books"]["nodes"] == [{"title": "Robinson Cruso"}]


async def test_locking_what_has_no_fields_is_bad_input(ask: Ask) -> None:
    given = {"id": encode_id("Person", 1), "fields": ["title"]}
    assert (await ask(LOCK, {"input": given}))["lockFields"]["code"] == "BAD_USER_INPUT"


async def test_an_edit_tells_the_library_and_the_index(ask: Ask, database: Database, bus: Bus, book_id: int) -> None:
    with bus.listening("library") as library, bus.listening("index") as index:
        await ask(UPDATE, {"input": {"id": encode_id("Book", book_id), "title": "Robinson Crusoe"}})
        assert (library.is_set(), index.is_set()) == (True, True)
