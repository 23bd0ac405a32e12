"""Opening the database: one engine, a factory of sessions that read and one of sessions that write."""

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

from library.errors import UnsupportedDatabase
from library.models.tables import Counter

_BUSY_TIMEOUT_MS = 15_000  # a scan commits per folder, so nobody waits this long unless the disk is stuck
_SQLITE_CACHE_KIB = 32_768
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    f"busy_timeout={_BUSY_TIMEOUT_MS}",
    f"cache_size=-{_SQLITE_CACHE_KIB}",
    "temp_store=MEMORY",
)
_IDENTITY = "identity"
_IDENTITY_BITS = 62
_READING_THREADS = 4  # as many small reads at once as are of use; each thread has a connection


# A select and the values of its parameters: one that is built once costs half as much as one built for each call.
Filled = tuple[sa.Select[*tuple[Any, ...]], Mapping[str, Any]]


class Database:
    """An open database: `read()` and `write()` give sessions, `close()` ends all connections."""

    def __init__(self, engine: AsyncEngine, direct: "DirectReads | None" = None) -> None:
        self.engine = engine
        self._direct = direct
        self._planned: AsyncEngine | None = None
        writing = engine.execution_options(shelfgraph_writes=True)
        self._read = async_sessionmaker(engine, expire_on_commit=False, autoflush=False)
        self._write = async_sessionmaker(writing, expire_on_commit=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session for one unit of reading; whatever it might have changed is rolled back."""
        async with self._read() as session:
            yield session

    async def rows(self, *selects: Filled) -> list[Sequence[Any]]:
        """All rows of each select, read in the cheapest way there is; they may see different states of the data."""
        if self._direct is not None:
            return await self._direct.rows(*selects)
        async with self.read() as session:
            return [(await session.execute(*select)).all() for select in selects]

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session whose transaction commits when the block ends and rolls back when it raises."""
        async with self._write.begin() as session:
            yield session

    @asynccontextmanager
    async def planned(self, settings: Mapping[str, str]) -> AsyncIterator[AsyncSession]:
        """A session on connections of Postgres that keep these settings; each statement is a transaction of its own.

        Setting them for one transaction would cost four visits to the database for a search that needs two.
        """
        if self._planned is None:
            self._planned = create_async_engine(
                self.engine.url,
                isolation_level="AUTOCOMMIT",
                pool_pre_ping=True,
                connect_args={"server_settings": dict(settings)},
                **_JSON_OPTIONS,
            )
        async with AsyncSession(self._planned, expire_on_commit=False, autoflush=False) as session:
            yield session

    async def close(self) -> None:
        """End all connections."""
        if self._planned is not None:
            await self._planned.dispose()
        if self._direct is not None:
            await self._direct.close()
        await self.engine.dispose()


class DirectReads:
    """Reads of an SQLite file that run whole in one thread.

    A session of the asynchronous driver visits its thread a dozen times for one select: to begin, to get a cursor,
    to execute, to fetch and so on. That costs more than a small read itself, and most of all on a busy machine.
    """

    def __init__(self, file: str) -> None:
        # Each select is a transaction of its own, so none needs to be begun or rolled back.
        self._engine = sa.create_engine(
            sa.URL.create("sqlite", database=file),
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            **_JSON_OPTIONS,
        )
        event.listen(self._engine, "connect", partial(_configure, pragmas=(*_PRAGMAS, "query_only=ON")))
        self._session = sessionmaker(self._engine, expire_on_commit=False, autoflush=False)
        self._threads = ThreadPoolExecutor(_READING_THREADS, thread_name_prefix="sqlite-read")

    async def rows(self, *selects: Filled) -> list[Sequence[Any]]:
        """All rows of each select."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._rows, selects)

    async def close(self) -> None:
        """Wait for reads in hand, and end all connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()

    def _rows(self, selects: Sequence[Filled]) -> list[Sequence[Any]]:
        with self._session() as session:
            return [session.execute(*select).all() for select in selects]


def open_database(url: str) -> Database:
    """Open a database by URL; raises UnsupportedDatabase for other drivers than aiosqlite and asyncpg."""
    parsed = make_url(url)
    if parsed.drivername == "sqlite+aiosqlite":
        file = parsed.database
        # What is in memory belongs to one connection.
        direct = DirectReads(file) if file and file != ":memory:" else None
        return Database(_sqlite_engine(url, file), direct)
    if parsed.drivername == "postgresql+asyncpg":
        return Database(_postgres_engine(url))
    raise UnsupportedDatabase(parsed.drivername)


async def next_version(session: AsyncSession, name: str) -> int:
    """Raise a counter and hold its row until commit, so that version 8 is never visible before 7.

    SQLite's one writer gives the same promise by itself.
    """
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    raised = (
        dialect.insert(Counter)
        .values(name=name, value=1)
        .on_conflict_do_update(index_elements=["name"], set_={"value": Counter.value + 1})
        .returning(Counter.value)
    )
    return int((await session.execute(raised)).scalar_one())


async def identity(database: Database) -> str:
    """A random name this database was given once: files made from another database's rows are not its own."""
    wanted = sa.select(Counter.value).where(Counter.name == _IDENTITY)
    async with database.read() as session:
        number = await session.scalar(wanted)
    if number is None:
        async with database.write() as session:
            dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
            given = dialect.insert(Counter).values(name=_IDENTITY, value=secrets.randbits(_IDENTITY_BITS))
            await session.execute(given.on_conflict_do_nothing(index_elements=["name"]))
            number = await session.scalar(wanted)
    return f"{number:016x}"


async def current_version(session: AsyncSession, name: str) -> int:
    """The last committed value of a counter; 0 when nobody has raised it."""
    return await session.scalar(sa.select(Counter.value).where(Counter.name == name)) or 0


def _sqlite_engine(url: str, file: str | None) -> AsyncEngine:
    if file and file != ":memory:":
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, connect_args={"factory": _LettingGo}, **_JSON_OPTIONS)

    event.listen(engine.sync_engine, "connect", partial(_configure, pragmas=_PRAGMAS))

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A read that turns into a write fails at once when another writer came first, whatever the busy time-out.
        writes = connection.get_execution_options().get("shelfgraph_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


class _LettingGo(sqlite3.Connection):
    """A connection that ends its transaction when it is closed.

    A task that is cancelled between a statement and its rows leaves the statement open. SQLite then keeps the closed
    connection, its transaction and the lock on the file until Python happens to collect the statement.
    """

    def close(self) -> None:
        """Roll back first, which also ends statements whose rows nobody has fetched."""
        if self.in_transaction:
            self.rollback()
        super().close()


def _configure(connection: Any, _record: object, pragmas: Sequence[str]) -> None:
    # The driver must not open transactions by itself: see `begin`.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _postgres_engine(url: str) -> AsyncEngine:
    return create_async_engine(url, pool_size=10, max_overflow=10, pool_pre_ping=True, **_JSON_OPTIONS)


def _dump(value: object) -> str:
    return orjson.dumps(value).decode()


def _load(value: str | bytes | int | float) -> Any:
    # SQLite gives JSON columns numeric affinity, so a bare number comes back as one.
    return value if isinstance(value, int | float) else orjson.loads(value)


_JSON_OPTIONS: dict[str, Any] = {"json_serializer": _dump, "json_deserializer": _load}
