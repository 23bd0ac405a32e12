"""Retirement of lineages: what no process makes or serves any more goes, files first, then rows."""

import asyncio
import shutil
from collections.abc import Collection
from pathlib import Path

import structlog

from jobs.index_builds import Indexing
from jobs.index_rows import index_home
from jobs.lineages import is_complete
from library import lineage_leases, lineages, passage_vectors
from library.database import Database
from library.lineage_leases import Part
from library.passages import Lineage
from rag.publishing import discard

log = structlog.get_logger(__name__)

_ROWS_AT_ONCE = 1_000  # so that nobody waits long for the lock of writers


async def retire(database: Database, process: str, indexing: Indexing) -> None:
    """Say what this worker makes; once that is complete, delete what nobody makes or serves any more.

    Safe to run anywhere and at any time: every process that answers from a lineage says so in time.
    """
    lineage = indexing.model.lineage
    if lineage is None:
        return
    async with database.write() as session:
        await lineage_leases.announce(session, Part.MAKES, model=lineage.model, cut=lineage.cut, process=process)
        await lineage_leases.forget_lapsed(session)
    if not await is_complete(database, indexing.folder, lineage, stored=indexing.stored):
        return
    async with database.read() as session:
        said = await lineage_leases.announced(session, *Part)
        models = set(await lineages.embedding_models(session))
    kept = {lineage, *(Lineage(model, cut) for model, cut in said)}
    # Files first: a generation whose rows are gone must not be found by the next who starts.
    home = (await index_home(database, indexing.folder, lineage)).parent
    models |= await asyncio.to_thread(_remove_generations, home, kept)
    await _remove_rows(database, kept)
    for model in models - {other.model for other in kept}:
        async with database.write() as session:
            await passage_vectors.drop(session, model)
        await asyncio.to_thread(discard, indexing.model.models / model)


async def _remove_rows(database: Database, kept: Collection[Lineage]) -> None:
    while True:
        async with database.write() as session:
            if not await lineages.prune(session, kept, _ROWS_AT_ONCE):
                return


def _remove_generations(home: Path, kept: Collection[Lineage]) -> set[str]:
    """Remove the folders of all lineages but those kept; gives the models that had one."""
    models: set[str] = set()
    if not home.is_dir():
        return models
    for cut in (child for child in home.iterdir() if child.is_dir()):
        for model in cut.iterdir():
            if Lineage(model.name, cut.name) not in kept:
                log.info("lineage_retired", model=model.name, cut=cut.name)
                shutil.rmtree(model, ignore_errors=True)
                models.add(model.name)
        if not any(cut.iterdir()):
            cut.rmdir()
    return models
