"""Indexes made as the product makes them: through the rows of a database, or in memory alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.servers import migrated
from benchmarks.shelves import MakeIndex, in_memory
from jobs.index_rows import open_index
from library.database import open_database
from library.models.passages import OwnerKind
from library.passages import Lineage, NewPassage, pending, replace_passages, store_embeddings
from rag.generations import publish
from rag.index import SearchIndex
from rag.passages import content_hash
from rag.segment import Floats, PassageRow

MEMORY = "memory"


@contextmanager
def making(database: str, model: str) -> Iterator[MakeIndex]:
    """Give what makes an index: in MEMORY, or through a new database of a kind (`benchmarks.servers.DATABASES`)."""
    if database == MEMORY:
        yield in_memory
        return
    with migrated(database) as url, TemporaryDirectory(prefix="sgb-") as folder:
        yield partial(through_rows, url, Path(folder), model)


def through_rows(
    url: str, folder: Path, model: str, rows: list[PassageRow], revision: str, dimension: int
) -> SearchIndex:
    """Write rows into the database at `url`, publish a generation below `folder`, and open it."""
    return asyncio.run(_written_and_opened(url, folder, model, rows, revision, dimension))


async def _written_and_opened(
    url: str, folder: Path, model: str, rows: list[PassageRow], revision: str, dimension: int
) -> SearchIndex:
    """Write rows as the worker does, publish a generation of them, and open it as the API does."""
    database = open_database(url)
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
    index = await open_index(database, folder, lineage, dimension)
    publish(folder, index, model=model)
    opened = await open_index(database, folder, lineage, dimension)
    await database.close()
    return opened


def _bytes(vector: Floats | None) -> bytes:
    return b"" if vector is None else vector.tobytes()
