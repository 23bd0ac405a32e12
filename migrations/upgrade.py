"""Bringing a database to the newest schema from within a running process."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection

from library.database import Database


def alembic_config() -> Config:
    """Alembic's configuration, found beside this file wherever the project is installed."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


async def upgrade(database: Database) -> None:
    """Run the migrations the database lacks; doing it twice changes nothing."""

    def run(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    async with database.engine.begin() as connection:
        await connection.run_sync(run)
