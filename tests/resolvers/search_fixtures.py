"""A small library that can be searched: real passages, real vectors, and an index in memory or, on Postgres, there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from strawberry.types import ExecutionResult

from jobs.passages import Splitter, refresh_passages
from jobs.stored_builds import write_postings
from jobs.stored_index import StoredIndex, stored_index
from library import models, passage_vectors, postings
from library.database import Database
from library.models.accounts import Role
from library.passage_vectors import VectorTable
from library.passages import Lineage, store_embeddings
from rag.index import SearchIndex
from rag.query_embedder import OnnxEmbedder, load_tokenizer
from rag.segment import PassageRow
from resolvers.context import Context, Viewer
from resolvers.search_access import Ready
from resolvers.search_filters import PassageFilters
from tests.resolvers.conftest import schema, viewer
from tests.shelf import Volume, add
from tests.stored_tables import drop_stored_index


@dataclass
class Searchable:
    """Search that is ready."""

    state: Ready
    filters: PassageFilters

    async def refresh_passages(self, _session: object, _book_ids: object) -> None:
        """Nobody edits here."""


@pytest.fixture
async def searchable(database: Database, exported_model: Path) -> AsyncIterator[Callable[..., Awaitable[Searchable]]]:
    """Fill the library with books and index them."""
    embedder = OnnxEmbedder.open(exported_model)
    split = Splitter.of(load_tokenizer(exported_model), embedder.card.window)

    async def fill(*volumes: Volume) -> Searchable:
        async with database.write() as session:
            ids = [await add(session, volume) for volume in volumes]
            await refresh_passages(session, ids, split)
        passage = models.Passage
        async with database.read() as session:
            found = (await session.scalars(sa.select(passage).order_by(passage.id))).all()
        vectors = embedder.embed_many([f"{row.header}\n{row.text}" for row in found])
        lineage = Lineage(embedder.card.revision, split.cut)
        if not database.is_sqlite:
            async with database.write() as session:
                given = [(row.id, vector.tobytes()) for row, vector in zip(found, vectors, strict=True)]
                await store_embeddings(session, lineage.model, given)
            stored = await _built(database, lineage, embedder.card.dimension)
            return Searchable(Ready(stored, embedder, lineage), PassageFilters())
        rows = [
            PassageRow(row.id, row.owner_kind, row.owner_id, row.header, row.text, vector, row.version)
            for row, vector in zip(found, vectors, strict=True)
        ]
        index = SearchIndex(embedder.card.revision, embedder.card.dimension).with_changes(rows)
        return Searchable(Ready(index, embedder, lineage), PassageFilters())

    yield fill
    if not database.is_sqlite:
        await drop_stored_index(database)


async def _built(database: Database, lineage: Lineage, dimension: int) -> StoredIndex:
    table = VectorTable(lineage.model, dimension)
    async with database.write() as session:
        await postings.create(session)
        await passage_vectors.create(session, table)
    await write_postings(database)
    async with database.write() as session:
        await passage_vectors.keep_missing(session, table)
    await passage_vectors.build_index(database, table)
    return await stored_index(database, StoredIndex(database, lineage, dimension))


Search = Callable[..., Awaitable[Any]]


@pytest.fixture
def search_in(make_context: Callable[[Viewer | None], Context]) -> Callable[[Searchable], Search]:
    """Run operations in a library that can be searched, and give what `semanticSearch` gives."""

    def within(library: Searchable) -> Search:
        async def run(query: str, **variables: Any) -> Any:
            context = make_context(viewer(Role.VIEWER))
            context.search = library
            result = await schema.execute(query, variable_values=variables, context_value=context)
            assert isinstance(result, ExecutionResult)
            assert result.errors is None, result.errors
            return (result.data or {})["semanticSearch"]

        return run

    return within
