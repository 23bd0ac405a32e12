"""Health: whether the process lives, and whether it can answer.

Only the database decides: without it, or with another schema, nothing can be read. Without Valkey every read still
works and jobs wait in their rows, so the state is DEGRADED and the answer still 200.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from library.database import Database
from migrations.upgrade import alembic_config


class ReadyStatus(StrEnum):
    """Whether requests should be sent here."""

    READY = "READY"
    DEGRADED = "DEGRADED"  # reads work, jobs wait
    UNAVAILABLE = "UNAVAILABLE"


class DatabaseStatus(StrEnum):
    """How the database stands."""

    UP = "UP"
    DOWN = "DOWN"
    NOT_MIGRATED = "NOT_MIGRATED"  # it answers, with the schema of another version


class QueueStatus(StrEnum):
    """Whether Valkey answers."""

    UP = "UP"
    DOWN = "DOWN"


@dataclass(frozen=True, slots=True)
class Checks:
    """What readiness asks: each check answers for itself, and is called once per probe."""

    database: Callable[[], Awaitable[DatabaseStatus]]
    queue: Callable[[], Awaitable[bool]]
    search: Callable[[], str]
    version: str
    patience_seconds: float = 2.0  # a check that takes longer has failed


class DatabaseCheck:
    """Asks a database for its schema's revision and compares it with the newest migration of this version."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._newest = ScriptDirectory.from_config(alembic_config()).get_current_head()

    async def __call__(self) -> DatabaseStatus:
        """Look once; a database that does not answer is DOWN."""
        try:
            async with self._database.engine.connect() as connection:
                found = await connection.run_sync(_revision)
        except (SQLAlchemyError, OSError):
            return DatabaseStatus.DOWN
        return DatabaseStatus.UP if found == self._newest else DatabaseStatus.NOT_MIGRATED


def routes(checks: Checks) -> list[BaseRoute]:
    """Give `/health/live` and `/health/ready`."""

    async def live(_request: Request) -> Response:
        return JSONResponse({"status": "LIVE", "version": checks.version})

    async def ready(_request: Request) -> Response:
        body = await _readiness(checks)
        return JSONResponse(body, 503 if body["status"] == ReadyStatus.UNAVAILABLE else 200)

    return [Route("/health/live", live, methods=["GET"]), Route("/health/ready", ready, methods=["GET"])]


async def _readiness(checks: Checks) -> dict[str, str]:
    database, queue = await asyncio.gather(_database_status(checks), _queue_status(checks))
    if database is not DatabaseStatus.UP:
        status = ReadyStatus.UNAVAILABLE
    elif queue is not QueueStatus.UP:
        status = ReadyStatus.DEGRADED
    else:
        status = ReadyStatus.READY
    return {
        "status": status,
        "database": database,
        "queue": queue,
        "search": checks.search(),
        "version": checks.version,
    }


async def _database_status(checks: Checks) -> DatabaseStatus:
    try:
        async with asyncio.timeout(checks.patience_seconds):
            return await checks.database()
    except TimeoutError:
        return DatabaseStatus.DOWN


async def _queue_status(checks: Checks) -> QueueStatus:
    try:
        async with asyncio.timeout(checks.patience_seconds):
            return QueueStatus.UP if await checks.queue() else QueueStatus.DOWN
    except TimeoutError:
        return QueueStatus.DOWN


def _revision(connection: Connection) -> str | None:
    connection.execute(sa.text("SELECT 1"))
    return MigrationContext.configure(connection).get_current_revision()
