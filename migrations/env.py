"""Alembic's entry: runs the migrations against the database of the settings, or of the connection it is handed."""

import asyncio

from alembic import context
from sqlalchemy.engine import Connection

from library.database import open_database
from library.models import Table
from settings import Settings


def migrate(connection: Connection) -> None:
    """Run every migration that this database lacks, in one transaction each."""
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_configured_database() -> None:
    """Open the database of the settings, for `alembic` on the command line."""
    database = open_database(Settings().resolved_database_url)
    async with database.engine.begin() as connection:
        await connection.run_sync(migrate)
    await database.close()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    asyncio.run(migrate_configured_database())
