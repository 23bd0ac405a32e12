"""Access by the written table: every root field, every node, as everybody. What the table lacks fails."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from graphql import GraphQLInterfaceType
from strawberry.types import ExecutionResult

from api.index_reader import IndexReader
from api.schema import create_schema
from jobs import queue
from jobs.events import Bus, unit_of_work
from library import accounts, models
from library.database import Database
from library.errors import ShelfgraphError
from library.models.accounts import Role, TokenKind
from library.models.jobs import JobKind, JobState
from library.sealing import Seal
from resolvers.context import Context, Viewer
from resolvers.ids import encode_id
from resolvers.node_query import NODE_TYPES
from tests.policies import (
    ADMIN,
    DEMO,
    MEMBER,
    MUTATIONS,
    NODES,
    OTHER_MEMBER,
    PARTS,
    QUERIES,
    SUBSCRIPTIONS,
    VIEWER,
    WHO,
    Policy,
)
from tests.policy_rows import Place, fill
from tests.processes import SECRET_KEY
from tests.shelf import Volume, add

ROLES = {VIEWER: Role.VIEWER, MEMBER: Role.MEMBER, OTHER_MEMBER: Role.MEMBER, ADMIN: Role.ADMIN}
SCHEMA = create_schema()


class World:
    """A small library in which everybody of the table has a part."""

    def __init__(self, database: Database, bus: Bus, folder: Path) -> None:
        self.database = database
        self.bus = bus
        self.folder = folder
        self.seal = Seal([SECRET_KEY])
        self.viewers: dict[str, Viewer] = {}
        self.words: dict[str, str] = {}

    async def clear(self) -> None:
        """Take its rows away."""
        async with self.database.write() as session:
            for table in reversed(models.Table.metadata.sorted_tables):
                await session.execute(sa.delete(table))

    async def build(self) -> None:
        """Write its rows into empty tables."""
        async with self.database.write() as session:
            users = {who: await accounts.create_user(session, who, role) for who, role in ROLES.items()}
            issued = await accounts.create_token(
                session, users[MEMBER], kind=TokenKind.API, name="t", role=Role.MEMBER, lifetime=timedelta(days=1)
            )
            self.viewers = {who: Viewer(user.id, who, user.role, None, None) for who, user in users.items()}
            self.words = {"<secret>": issued.secret, "<folder>": str(new_folder(self.folder))}
            place = await self._fill(session, issued.token.id)
            for word, row in (await fill(session, self.seal, place)).items():
                self._name(type(row).__name__, row.id, word)
        await self._start_jobs()

    def context(self, who: str) -> Context:
        """The surroundings of one of the six."""
        reader = IndexReader(self.database, self.bus, models=self.folder, indexes=self.folder, model="none")
        return Context(
            database=self.database,
            bus=self.bus,
            search=reader,
            seal=self.seal,
            viewer=self.viewers.get(who),
            request_id="policy",
            demo=who == DEMO,
            version="0",
            check_viewer=_always,
        )

    def spell(self, document: str) -> str:
        """The document with the ids, secrets and paths of this library."""
        for word, value in self.words.items():
            document = document.replace(word, value)
        return document

    async def _fill(self, session: Any, token_id: int) -> Place:
        root = models.LibraryRoot(name="Shelf", path=str(self.folder / "shelf"))
        session.add(root)
        book = await add(session, Volume("Robinson Crusoe", series=(("Crusoe", "1"),), genres=("Adventure",)))
        edition = await session.scalar(sa.select(models.Edition.id))
        await session.flush()
        copy = models.Copy(edition_id=edition, root_id=root.id, path="crusoe", signature="s")
        session.add(copy)
        await session.flush()
        file = models.AudioFile(copy_id=copy.id, path="1.mp3", position=1, size_bytes=1, mtime_ns=1, duration_seconds=1)
        session.add(file)
        await session.flush()
        chapter = models.Chapter(edition_id=edition, position=1, title="One", start_seconds=0, end_seconds=1)
        session.add(chapter)
        await session.flush()
        self._name("ApiToken", token_id)
        self._name("Chapter", chapter.id)
        self._name("AudioFile", file.id)
        self._name("Book", book)
        self._name("Edition", edition)
        self._name("LibraryRoot", root.id)
        for table in (models.Person, models.Series, models.SeriesEntry, models.Tag):
            self._name(table.__name__, await session.scalar(sa.select(sa.func.min(table.id))))
        return Place(book_id=book, edition_id=edition, root_id=root.id, owner=self.viewers[MEMBER].actor)

    async def _start_jobs(self) -> None:
        owner = self.viewers[MEMBER].actor
        async with unit_of_work(self.database, self.bus) as work:
            job = await queue.scan_library(work, 1, created_by=owner)
            failed = models.Job(kind=JobKind.SCAN_LIBRARY, payload={}, created_by=owner, state=JobState.FAILED)
            work.session.add(failed)
            await work.session.flush()
            reason = models.JobItemError(
                job_id=failed.id, attempt=1, item="1.mp3", code="EMPTY_FILE", message="It is empty."
            )
            work.session.add(reason)
            await work.session.flush()
        self._name("Job", job.id)
        self._name("JobItemError", reason.id)
        self._name("Job", failed.id, "FailedJob")

    def _name(self, kind: str, row_id: int, word: str | None = None) -> None:
        self.words[f"<{word or kind}>"] = encode_id(kind, row_id)


def new_folder(folder: Path) -> Path:
    """An empty folder beside the library's."""
    (folder / "new").mkdir(exist_ok=True)
    return folder / "new"


async def _always(_viewer: Viewer) -> bool:
    return True


@pytest.fixture
def answers(database: Database, bus: Bus, tmp_path: Path) -> Callable[[Policy], Any]:
    """Put a row's question as each of the six; whoever comes after a mutation finds a new library.

    A refused one has changed nothing, or else the next are answered wrongly.
    """

    async def ask(policy: Policy) -> tuple[str, ...]:
        world = World(database, bus, tmp_path)
        await world.build()
        given: list[str] = []
        for who in WHO:
            if given[-1:] == ["ALLOWED"] and policy.document.startswith("mutation"):
                await world.clear()
                await world.build()
            given.append(await answer(world.spell(policy.document), world.context(who)))
        return tuple(given)

    return ask


@pytest.mark.parametrize("name", [*QUERIES, *MUTATIONS, *SUBSCRIPTIONS, *PARTS])
async def test_everybody_gets_what_the_table_says(answers: Callable[[Policy], Any], name: str) -> None:
    policy = {**QUERIES, **MUTATIONS, **SUBSCRIPTIONS, **PARTS}[name]
    assert dict(zip(WHO, await answers(policy), strict=True)) == dict(zip(WHO, policy.answers, strict=True))


@pytest.mark.parametrize("kind", NODES)
async def test_everybody_finds_the_nodes_the_table_says(answers: Callable[[Policy], Any], kind: str) -> None:
    policy = Policy(f'{{ node(id: "<{kind}>") {{ id }} }}', NODES[kind])
    assert dict(zip(WHO, await answers(policy), strict=True)) == dict(zip(WHO, policy.answers, strict=True))


def test_the_table_has_every_root_field() -> None:
    core = SCHEMA._schema
    for root, table in (
        (core.query_type, QUERIES),
        (core.mutation_type, MUTATIONS),
        (core.subscription_type, SUBSCRIPTIONS),
    ):
        assert root is not None
        assert set(root.fields) == set(table)


def test_the_table_has_every_type_of_node() -> None:
    node = SCHEMA._schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {kind.name for kind in SCHEMA._schema.get_possible_types(node)} == set(NODES)
    assert set(NODES) == set(NODE_TYPES)


async def answer(document: str, context: Context) -> str:
    """One word for what an operation gives: ALLOWED, NULL or the error's code."""
    if not document.startswith("subscription"):
        result = await SCHEMA.execute(document, context_value=context)
        return word_for(result)
    results = await SCHEMA.subscribe(document, context_value=context)
    try:
        return word_for(await asyncio.wait_for(anext(results), 10))
    finally:
        await results.aclose()


def word_for(result: Any) -> str:
    """See `answer`."""
    assert isinstance(result, ExecutionResult)
    if result.errors:
        original = result.errors[0].original_error
        assert isinstance(original, ShelfgraphError), result.errors
        return original.code
    value = next(iter((result.data or {}).values()))
    while is_wrapping(value):
        value = next(iter(value.values() if isinstance(value, dict) else value), None)
    if isinstance(value, str) and value.endswith("Error"):
        return {"NotFoundError": "NOT_FOUND", "ConflictError": "CONFLICT", "BadInputError": "BAD_USER_INPUT"}[value]
    return "NULL" if value is None else "ALLOWED"


def is_wrapping(value: Any) -> bool:
    """Whether only what is inside tells something: an object with one field, or a list, of which the first tells."""
    return isinstance(value, list) or (isinstance(value, dict) and len(value) == 1)
