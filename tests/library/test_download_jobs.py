"""What looks at downloads every few seconds stays cheap however many there are."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from library import download_jobs, downloads
from library.database import Database
from library.models.tables import now


@pytest.fixture
def statements(database: Database) -> Iterator[list[tuple[str, object]]]:
    """Every statement with its values, as they are sent."""
    sent: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, values: object, *_: object) -> None:
        sent.append((statement, values))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def plan(database: Database, sent: tuple[str, object]) -> str:
    """How the database would answer a statement."""
    statement, values = sent
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    async with database.read() as session:
        await session.execute(sa.text("SELECT 1" if database.is_sqlite else "SET LOCAL enable_seqscan = off"))
        rows = await (await session.connection()).exec_driver_sql(f"{explain} {statement}", values)  # type: ignore[arg-type]  # as the driver was given them
        return "\n".join(str(row[-1]) for row in rows)


async def test_jobs_are_read_once_for_all_downloads_that_may_lack_one(
    database: Database, statements: list[tuple[str, object]]
) -> None:
    async with database.read() as session:
        assert await download_jobs.without_job(session) == []
    shown = await plan(database, statements[-1])
    assert ("LIST SUBQUERY" in shown and "CORRELATED" not in shown) if database.is_sqlite else "hashed SubPlan" in shown


async def test_downloads_past_their_deadline_are_found_by_an_index(
    database: Database, statements: list[tuple[str, object]]
) -> None:
    async with database.read() as session:
        assert await downloads.overdue(session, now()) == []
    assert "ix_downloads_deadline_at" in await plan(database, statements[-1])
