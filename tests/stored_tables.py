"""The tables that an index in Postgres makes for itself, which no migration knows."""

import sqlalchemy as sa

from library.database import Database

_TABLES = "SELECT tablename FROM pg_tables WHERE tablename ~ '^passage_(postings|vectors)'"


async def drop_stored_index(database: Database) -> None:
    """Drop what is left of an index, so that the next test finds a database as the migrations leave it."""
    async with database.write() as session:
        for name in await session.scalars(sa.text(_TABLES)):
            await session.execute(sa.text(f"DROP TABLE {name}"))
