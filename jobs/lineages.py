"""Lineages beside each other: which of them can be searched, and whether one can take over from another."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from jobs.index_rows import index_home
from jobs.stored_builds import is_built
from library import lineages, passages
from library.database import Database
from library.passage_vectors import VectorTable
from library.passages import Lineage
from rag.generations import generation_numbers
from rag.query_embedder import exports


@dataclass(frozen=True, slots=True)
class Exported:
    """A lineage, and the folder of its model's export."""

    lineage: Lineage
    folder: Path


async def searchable(
    database: Database, models: Path, apart_from: Lineage | None, *, stored: bool = False
) -> list[Exported]:
    """The lineages of this database that can be searched as they are, fullest first.

    Nearly all of their passages have vectors of a model that is exported here.
    """
    folders = {card.revision: folder for folder, card in (await asyncio.to_thread(exports, models)).items()}
    found: list[tuple[int, Exported]] = []
    async with database.read() as session:
        for lineage in await lineages.with_vectors(session, folders) if folders else ():
            if lineage == apart_from or (stored and not await is_built(session, VectorTable(lineage.model, 0))):
                continue
            counts = await passages.counts(session, lineage)
            if counts.nearly_complete:
                found.append((counts.embedded, Exported(lineage, folders[lineage.model])))
    found.sort(key=lambda other: -other[0])
    return [exported for _, exported in found]


async def is_complete(database: Database, indexes: Path, lineage: Lineage, *, stored: bool = False) -> bool:
    """Whether a lineage can take over from another: it has been published, with nearly all of its vectors."""
    home = await index_home(database, indexes, lineage)
    if not stored and not await asyncio.to_thread(generation_numbers, home, lineage.model):
        return False
    async with database.read() as session:
        if stored and not await is_built(session, VectorTable(lineage.model, 0)):
            return False
        return (await passages.counts(session, lineage)).nearly_complete
