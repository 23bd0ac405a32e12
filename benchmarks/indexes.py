"""Indexes made as the product makes them: through the rows of a database, or in memory alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.servers import POSTGRES, migrated
from benchmarks.shelves import MakeIndex, in_memory
from jobs.index_rows import open_index
from jobs.stored_builds import write_postings
from jobs.stored_index import StoredIndex, stored_index
from library import passage_vectors, postings
from library.database import Database, open_database
from library.models.passages import OwnerKind
from library.passage_vectors import VectorTable
from library.passages import Lineage, NewPassage, pending, replace_passages, store_embeddings
from rag.generations import publish
from rag.index import SearchIndex
from rag.passages import content_hash
from rag.segment import Floats, PassageRow

MEMORY = "memory"
PGVECTOR = "pgvector"


@contextmanager
def making(database: str, model: str) -> Iterator[MakeIndex]:
    """Give what makes an index: in MEMORY, or through a new database of a kind (`benchmarks.servers.DATABASES`).

    By PGVECTOR it stays there.
    """
    if database == MEMORY:
        yield in_memory
        return
    if database == PGVECTOR:
        with migrated(POSTGRES) as url:
            yield partial(through_pgvector, url)
        return
    with migrated(database) as url, TemporaryDirectory(prefix="sgb-") as folder:
        yield partial(through_rows, url, Path(folder), model)


def through_rows(
    url: str, folder: Path, model: str, rows: list[PassageRow], revision: str, dimension: int
) -> SearchIndex:
    """Write rows into the database at `url`, publish a generation below `folder`, and open it."""
    return asyncio.run(_written_and_opened(url, folder, model, rows, revision, dimension))


def through_pgvector(url: str, rows: list[PassageRow], revision: str, dimension: int) -> StoredIndex:
    """Write rows into the Postgres at `url`, and make their index there."""
    return asyncio.run(_written_and_built(url, rows, revision, dimension))


async def _written_and_opened(
    url: str, folder: Path, model: str, rows: list[PassageRow], revision: str, dimension: int
) -> SearchIndex:
    """Write rows as the worker does, publish a generation of them, and open it as the API does."""
    database = open_database(url)
    lineage = await _written(database, rows, revision)
    index = await open_index(database, folder, lineage, dimension)
    publish(folder, index, model=model)
    opened = await open_index(database, folder, lineage, dimension)
    await database.close()
    return opened


async def _written_and_built(url: str, rows: list[PassageRow], revision: str, dimension: int) -> StoredIndex:
    database, table = open_database(url), VectorTable(revision, dimension)
    lineage = await _written(database, rows, revision)
    async with database.write() as session:
        await postings.create(session)
        await passage_vectors.create(session, table)
    await write_postings(database)
    async with database.write() as session:
        while await passage_vectors.keep_missing(session, table):
            pass
    await passage_vectors.build_index(database, table)
    index = await stored_index(database, StoredIndex(database, lineage, dimension))
    await database.close()
    return index


async def _written(database: Database, rows: list[PassageRow], revision: str) -> Lineage:
    lineage = Lineage(revision, "benchmark")
    texts: dict[int, list[NewPassage]] = {}
    kind = OwnerKind(rows[0].owner_kind)
    for row in rows:
        digest = content_hash(row.header, row.text)
        mine = texts.setdefault(row.owner_id, [])
        mine.append(NewPassage(len(mine), row.header, row.text, digest))
    vectors = {(row.owner_id, content_hash(row.header, row.text)): row.vector for row in rows}
    async with database.write() as session:
        await replace_passages(session, kind, texts, cut=lineage.cut, are_new=True)
    async with database.write() as session:
        waiting = await pending(session, lineage, len(rows))
        given = [(row.id, _bytes(vectors[row.owner_id, content_hash(row.header, row.text)])) for row in waiting]
        await store_embeddings(session, revision, given)
    return lineage


def _bytes(vector: Floats | None) -> bytes:
    return b"" if vector is None else vector.tobytes()
