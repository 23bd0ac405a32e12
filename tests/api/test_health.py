"""Health: the database decides, the rest is told."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.applications import Starlette

from api import health
from api.health import Checks, DatabaseCheck, DatabaseStatus
from library.database import Database, open_database


async def up() -> bool:
    return True


async def down() -> bool:
    return False


async def database_up() -> DatabaseStatus:
    return DatabaseStatus.UP


async def never() -> Any:
    await asyncio.Event().wait()


async def test_a_process_that_answers_is_alive() -> None:
    answer = await ask("/health/live", Checks(never, never, lambda: "WARMING", "1.2.3"))

    assert (answer.status_code, answer.json()) == (200, {"status": "LIVE", "version": "1.2.3"})


@pytest.mark.parametrize("search", ["WARMING", "READY"])
async def test_a_migrated_database_makes_ready(database: Database, search: str) -> None:
    answer = await ask("/health/ready", Checks(DatabaseCheck(database), up, lambda: search, "1.2.3"))

    expected = {"status": "READY", "database": "UP", "queue": "UP", "search": search, "version": "1.2.3"}
    assert (answer.status_code, answer.json()) == (200, expected)


async def test_without_valkey_reads_go_on() -> None:
    answer = await ask("/health/ready", Checks(database_up, down, lambda: "READY", "1.2.3"))

    expected = {"status": "DEGRADED", "database": "UP", "queue": "DOWN", "search": "READY", "version": "1.2.3"}
    assert (answer.status_code, answer.json()) == (200, expected)


async def test_a_database_of_another_version_makes_unready(database: Database) -> None:
    check = DatabaseCheck(database)
    async with database.write() as session:
        await session.execute(sa.text("DELETE FROM alembic_version"))

    answer = await ask("/health/ready", Checks(check, up, lambda: "READY", "1.2.3"))

    expected = {"status": "UNAVAILABLE", "database": "NOT_MIGRATED", "queue": "UP", "search": "READY"}
    assert (answer.status_code, answer.json()) == (503, expected | {"version": "1.2.3"})


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///{}", "postgresql+asyncpg://u:secret@127.0.0.1:1/none"])
async def test_a_database_that_cannot_be_opened_makes_unready(url: str, tmp_path: Path) -> None:
    database = open_database(url.format(tmp_path))  # a folder is no SQLite file, and nobody listens on port 1
    answer = await ask("/health/ready", Checks(DatabaseCheck(database), up, lambda: "READY", "1"))
    await database.close()

    assert (answer.status_code, answer.json()["database"]) == (503, "DOWN")
    assert "secret" not in answer.text


async def test_checks_that_never_answer_count_as_down() -> None:
    answer = await ask("/health/ready", Checks(never, never, lambda: "READY", "1", patience_seconds=0.01))

    assert (answer.status_code, answer.json()["database"], answer.json()["queue"]) == (503, "DOWN", "DOWN")


async def ask(path: str, checks: Checks) -> httpx.Response:
    app = Starlette(routes=health.routes(checks))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        return await http.get(path)
