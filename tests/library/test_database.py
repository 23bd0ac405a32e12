"""The database behaves alike on SQLite and Postgres."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from library.database import Database, current_version, next_version
from library.models import Field
from library.models.metadata import EntityKind, MetadataSource
from library.models.tables import now


@pytest.mark.parametrize("value", ["1843", 1843, 2.5, True, None, [], ["a", "é"], {"name": "x", "position": None}, ""])
async def test_json_columns_give_back_what_was_put_in(database: Database, value: Any) -> None:
    field = Field(
        entity_kind=EntityKind.BOOK, entity_id=1, name="x", value=value, source=MetadataSource.TAGS, confidence=1.0
    )
    async with database.write() as session:
        session.add(field)
    async with database.read() as session:
        assert await session.scalar(sa.select(Field.value)) == value


async def test_times_come_back_aware_and_equal(database: Database) -> None:
    moment = now()
    async with database.write() as session:
        session.add(
            Field(
                entity_kind=EntityKind.BOOK,
                entity_id=1,
                name="x",
                value=1,
                source=MetadataSource.TAGS,
                confidence=1.0,
                decided_at=moment,
            )
        )
    async with database.read() as session:
        assert await session.scalar(sa.select(Field.decided_at)) == moment


async def test_versions_rise_by_one_and_vanish_with_a_rollback(database: Database) -> None:
    async def roll_back() -> None:
        async with database.write() as session:
            await next_version(session, "passages")
            raise RuntimeError

    for expected in (1, 2):
        async with database.write() as session:
            assert await next_version(session, "passages") == expected
    with pytest.raises(RuntimeError):
        await roll_back()
    async with database.read() as session:
        assert await current_version(session, "passages") == 2


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Python collects no cycles meanwhile, so that what only its collector would close stays open."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_a_writer_that_is_cancelled_before_it_has_its_rows_locks_nobody_out(database: Database) -> None:
    async def write() -> int:
        async with database.write() as session:
            return await next_version(session, "passages")

    def cancel(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT"):
            writing.cancel()

    event.listen(database.engine.sync_engine, "before_cursor_execute", cancel)
    writing = asyncio.create_task(write())
    with pytest.raises(asyncio.CancelledError):
        await writing
    event.remove(database.engine.sync_engine, "before_cursor_execute", cancel)
    async with asyncio.timeout(5):
        assert await write() == 1
