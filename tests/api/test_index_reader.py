"""Following the index: newer generations and rows are taken up, and a torn generation is replaced by the rows."""

from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from api.index_reader import IndexReader
from jobs.events import Bus
from jobs.index_builds import newest_version
from jobs.index_rows import index_home, open_index
from library.database import Database
from library.models import Counter, Embedding, Passage
from library.models.passages import OwnerKind
from library.passages import Lineage, NewPassage, replace_passages, store_embeddings
from rag.embedder import DEFAULT_MODEL
from rag.generations import publish
from rag.passages import cut_name
from rag.query_embedder import ModelCard, load_tokenizer
from rag.search import search
from resolvers.search_access import Ready, Warming, WarmingReason


@pytest.fixture
def card(exported_model: Path) -> ModelCard:
    """What the exported model says of itself."""
    return ModelCard.read(exported_model)


@pytest.fixture
def lineage(exported_model: Path, card: ModelCard) -> Lineage:
    """What the model's index is made of."""
    return Lineage(card.revision, cut_name(load_tokenizer(exported_model), card.window))


@pytest.fixture
def reader(database: Database, bus: Bus, exported_model: Path, tmp_path: Path) -> IndexReader:
    """A reader that looks when it is told to."""
    return IndexReader(database, bus, models=exported_model.parent, indexes=tmp_path, model=DEFAULT_MODEL)


async def write(database: Database, card: ModelCard, lineage: Lineage, book_id: int) -> None:
    """A book's passage with its vector."""
    async with database.write() as session:
        passage = NewPassage(0, f"Book {book_id}", "text", f"hash {book_id}")
        await replace_passages(session, OwnerKind.BOOK, {book_id: [passage]}, cut=lineage.cut)
    async with database.write() as session:
        vector = np.eye(1, card.dimension, book_id, dtype=np.float32)[0]
        passage_id = await session.scalar(sa.select(sa.func.max(Passage.id)))
        await store_embeddings(session, lineage.model, [(passage_id or 0, vector.tobytes())])


async def published(database: Database, card: ModelCard, lineage: Lineage, folder: Path) -> Path:
    """Publish a generation of the rows; gives its folder."""
    home = await index_home(database, folder, lineage)
    index = await open_index(database, home, lineage, card.dimension)
    number = publish(home, index, model=card.model).generation
    return home / card.revision / f"{number:08d}"


async def test_search_warms_up_until_there_is_something_to_find(
    database: Database, reader: IndexReader, card: ModelCard, lineage: Lineage, tmp_path: Path
) -> None:
    await reader._look()
    assert (reader.state, reader.health) == (Warming(WarmingReason.EMBEDDING, None), "WARMING")
    await published(database, card, lineage, tmp_path)  # an empty library: nothing to find, and that is known
    await reader._look()
    assert reader.health == "READY"


async def test_without_a_model_nothing_is_ready(database: Database, bus: Bus, tmp_path: Path) -> None:
    reader = IndexReader(database, bus, models=tmp_path / "none", indexes=tmp_path, model=DEFAULT_MODEL)
    await reader._look()
    assert reader.state == Warming(WarmingReason.MODEL_MISSING, None)


async def test_rows_and_generations_are_followed(
    database: Database, reader: IndexReader, card: ModelCard, lineage: Lineage, tmp_path: Path
) -> None:
    await write(database, card, lineage, 1)
    await reader._look()
    assert isinstance(reader.state, Ready)
    assert (reader.state.index.generation, reader.state.index.count) == (0, 1)
    await published(database, card, lineage, tmp_path)
    await write(database, card, lineage, 2)
    await reader._look()
    assert isinstance(reader.state, Ready)
    assert (reader.state.index.generation, reader.state.index.count) == (1, 2)


async def test_a_torn_generation_is_replaced_by_the_rows_once_and_by_the_next_build(
    database: Database, reader: IndexReader, card: ModelCard, lineage: Lineage, tmp_path: Path
) -> None:
    await write(database, card, lineage, 1)
    folder = await published(database, card, lineage, tmp_path)
    (folder / "vectors.faiss").write_bytes(b"torn")
    assert newest_version(await index_home(database, tmp_path, lineage), card.revision, card.dimension) is None
    await reader._look()
    assert isinstance(reader.state, Ready)
    first = reader.state.index
    await reader._look()
    assert isinstance(reader.state, Ready)
    assert (first.count, reader.state.index is first) == (1, True)
    await published(database, card, lineage, tmp_path)
    await reader._look()
    assert isinstance(reader.state, Ready)
    assert (reader.state.index.generation, reader.state.index.count) == (2, 1)


async def test_a_database_in_anothers_place_finds_nothing_of_that_one(
    database: Database, reader: IndexReader, card: ModelCard, lineage: Lineage, tmp_path: Path
) -> None:
    await write(database, card, lineage, 1)
    await published(database, card, lineage, tmp_path)
    async with database.write() as session:
        for table in (Embedding, Passage, Counter):
            await session.execute(sa.delete(table))
    await write(database, card, lineage, 2)
    await write(database, card, lineage, 3)
    await reader._look()
    assert isinstance(reader.state, Ready)
    index = reader.state.index
    assert sorted(hit.owner.id for hit in await search(index, "text", None, first=10)) == [2, 3]
