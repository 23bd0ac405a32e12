"""The index in Postgres is made: tables, what rows there are already, and at last the graph of their vectors."""

from sqlalchemy.ext.asyncio import AsyncSession

from jobs.events import unit_of_work
from jobs.execution import Run
from library import passage_vectors, postings
from library.database import Database
from library.errors import PgvectorMissing
from library.events import INDEX_TOPIC
from library.models.passages import Passage
from library.passage_vectors import VectorTable
from rag.keywords import impacts_of

NEEDED = (0, 8)  # the first that goes on searching when a filter has left too little


async def require_pgvector(database: Database) -> None:
    """Raise PgvectorMissing where the index cannot lie in this database."""
    async with database.read() as session:
        found = await passage_vectors.extension_version(session)
    if found is None or found < NEEDED:
        raise PgvectorMissing(found, NEEDED)


async def is_built(session: AsyncSession, table: VectorTable) -> bool:
    """Whether a model's vectors can be searched: the graph is built last."""
    return await passage_vectors.exists(session, table.index)


async def build_stored_index(run: Run, table: VectorTable) -> None:
    """Make what is missing. Safe to run twice, and to break off anywhere: each step takes what is not there yet."""
    async with run.database.write() as session:
        await postings.create(session)
        await passage_vectors.create(session, table)
    await write_postings(run.database)
    done = 0
    while True:
        run.checkpoint()
        async with run.database.write() as session:
            kept = await passage_vectors.keep_missing(session, table)
        if not kept:
            break
        done += kept
        await run.progress(done, None, "copying vectors")
    async with run.database.read() as session:
        built = await is_built(session, table)
    if not built:
        await run.progress(done, None, "building the graph of vectors")
        await passage_vectors.build_index(run.database, table)
    run.result = {"passages": done}
    async with unit_of_work(run.database, run.bus) as work:
        work.emit(INDEX_TOPIC, "GENERATION_PUBLISHED")


async def write_postings(database: Database) -> None:
    """Write the postings of passages that whoever wrote them has left without."""
    while True:
        async with database.write() as session:
            if not await postings.are_kept(session):
                return
            if not await postings.write_missing(session, impacts_of, Passage.cut.is_not(None)):
                return
