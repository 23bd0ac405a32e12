"""From passage rows to a search index: open the newest generation, or start empty, and apply what came since."""

import asyncio
from pathlib import Path

import numpy as np
import structlog

from library import passages
from library.database import Database, identity
from library.passages import Lineage
from rag.errors import IndexFileError
from rag.generations import open_newest
from rag.index import SearchIndex
from rag.segment import PassageRow

log = structlog.get_logger(__name__)

CHANGES_AT_ONCE = 2_000


async def index_home(database: Database, folder: Path, lineage: Lineage) -> Path:
    """Where this database's generations of a lineage lie, by their model below.

    A database that was put in another's place must not find that one's passages.
    """
    return folder / await identity(database) / lineage.cut


async def open_index(database: Database, folder: Path, lineage: Lineage, dimension: int) -> SearchIndex:
    """The newest generation caught up with the rows; a lost, torn or foreign one is replaced by the rows alone."""
    try:
        index = await asyncio.to_thread(open_newest, folder, lineage.model, dimension)
    except IndexFileError as error:
        log.info("index_from_rows", reason=str(error))
        return await catch_up(database, SearchIndex(lineage.model, dimension), lineage)
    async with database.read() as session:
        newest = await passages.version(session)
    if index.up_to_version > newest:
        log.warning("index_of_another_database", generation=index.generation, hint="the rows replace it")
        index = SearchIndex(lineage.model, dimension)
    return await catch_up(database, index, lineage)


async def catch_up(database: Database, index: SearchIndex, lineage: Lineage) -> SearchIndex:
    """Apply every change since the index's version; returns the same index when there is none."""
    while True:
        async with database.read() as session:
            changes = await passages.changes_since(session, lineage, index.up_to_version, CHANGES_AT_ONCE)
        if changes.version <= index.up_to_version:
            return index
        rows = [_row(row, changes.version) for row in changes.rows]
        index = await asyncio.to_thread(index.with_changes, rows, changes.deleted, changes.version)


def _row(row: passages.PassageRow, version: int) -> PassageRow:
    vector = np.frombuffer(row.vector, np.float32) if row.vector is not None else None
    return PassageRow(row.id, row.owner_kind, row.owner_id, row.header, row.text, vector, version)
