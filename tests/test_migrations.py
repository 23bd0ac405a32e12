"""Migrations: from an empty database to exactly the tables of the models, back, and up again."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from library.database import Database, open_database
from library.models import Table, User
from migrations.upgrade import alembic_config, upgrade


@pytest.fixture
def empty_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database of one's own: these tests change more than rows."""
    if database_kind == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'migrations.db'}"
    return asyncio.run(new_postgres_database(request.getfixturevalue("postgres_uri")))


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[Database]:
    """A database that was empty before its upgrade."""
    database = open_database(empty_url)
    await upgrade(database)
    yield database
    await database.close()


async def test_an_upgraded_database_has_the_tables_of_the_models(database: Database) -> None:
    assert await difference(database) == []


async def test_a_column_that_no_migration_makes_is_noticed(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE users DROP COLUMN created_at"))

    assert [change[0] for change in await difference(database)] == ["add_column"]


async def test_a_database_goes_down_to_nothing_and_up_again(database: Database) -> None:
    before = await columns(database)

    await downgrade(database)
    assert await columns(database) == {"alembic_version": before["alembic_version"]}

    await upgrade(database)
    assert await columns(database) == before
    assert await difference(database) == []


async def test_upgrading_twice_changes_nothing(database: Database) -> None:
    async with database.write() as session:
        session.add(User(name="reader", role="VIEWER"))
    before = await columns(database)

    await upgrade(database)

    assert await columns(database) == before
    async with database.read() as session:
        assert list(await session.scalars(sa.select(User.name))) == ["reader"]


def test_the_history_is_one_line() -> None:
    assert len(ScriptDirectory.from_config(alembic_config()).get_heads()) == 1


async def difference(database: Database) -> list[Any]:
    """What Alembic would have to change to make the database equal to the models."""

    def compare(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), Table.metadata))

    async with database.engine.connect() as connection:
        return await connection.run_sync(compare)


async def columns(database: Database) -> dict[str, list[str]]:
    """Every table that is there, with its columns and their types."""

    def inspect(connection: Connection) -> dict[str, list[str]]:
        found = sa.inspect(connection)
        return {
            table: [f"{column['name']} {column['type']} {column['nullable']}" for column in found.get_columns(table)]
            for table in found.get_table_names()
        }

    async with database.engine.connect() as connection:
        return await connection.run_sync(inspect)


async def new_postgres_database(uri: str) -> str:
    """The URL of an empty database on the server of another."""
    name = f"migrations_{uuid4().hex[:12]}"
    engine = create_async_engine(uri, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(sa.text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    return make_url(uri).set(database=name).render_as_string(hide_password=False)


async def downgrade(database: Database) -> None:
    """Undo every migration."""

    def run(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    async with database.engine.begin() as connection:
        await connection.run_sync(run)
