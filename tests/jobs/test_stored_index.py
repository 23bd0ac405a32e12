"""An index in Postgres finds and scores what one in memory does, at every moment."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from jobs.events import Bus
from jobs.index_rows import catch_up
from jobs.passages import refresh_passages
from jobs.stored_builds import require_pgvector
from jobs.stored_index import StoredIndex, stored_index
from library.database import Database, open_database
from library.errors import PgvectorMissing
from library.models import Passage
from library.models.jobs import JobState
from rag.index import SearchIndex
from rag.query_embedder import OnnxEmbedder
from rag.search import Hit, Mode, search, similar
from rag.segment import Ids
from rag.sources import Owner, PassageSource, Probe, Scope
from tests.jobs.indexing_fixtures import BOOKS, Worker, fill
from tests.shelf import Volume, add
from tests.toy_model import WORDS, ToyModel

QUESTIONS = ("a sailor alone", "desert spice spice", "captain of a dead body", "nothing of it")


@pytest.fixture
def model(tmp_path: Path) -> ToyModel:
    """A model that is exported."""
    return ToyModel.made(tmp_path, "toy", dimension=8, window=32).export()


@pytest.fixture
async def worker(stored: Database, bus: Bus, model: ToyModel, tmp_path: Path) -> Worker:
    """A worker whose index lies in Postgres, and holds forty books."""
    await fill(stored)
    chance = np.random.default_rng(1)
    async with stored.write() as session:
        for number in range(36):
            text = " ".join(chance.choice(WORDS, size=8))
            await add(session, Volume(f"Book {number}", description=f"{text}. " * (1 + number % 3)))
    worker = Worker.of(stored, bus, model, tmp_path / "index", stored=True)
    assert await worker.index() == [JobState.SUCCEEDED, JobState.SUCCEEDED]
    return worker


async def both(database: Database, model: ToyModel) -> tuple[SearchIndex, StoredIndex]:
    """The same rows in memory and in Postgres."""
    lineage = model.lineage
    memory = await catch_up(database, SearchIndex(lineage.model, model.dimension), lineage)
    return memory, await stored_index(database, StoredIndex(database, lineage, model.dimension))


async def found(source: PassageSource, model: ToyModel, scope: Scope) -> list[dict[Owner, tuple[object, object]]]:
    """What every question and mode finds, with scores as near as single precision gives them."""
    embedder = OnnxEmbedder.open(model.folder)
    answers = [
        await search(source, question, embedder.embed_query(question), first=50, scope=scope, mode=mode)
        for question in QUESTIONS
        for mode in Mode
    ]
    answers.append(
        await similar(source, Owner("BOOK", 1), header="Moby", text=BOOKS["Moby-Dick"], first=9, scope=scope)
    )
    return [_told(hits) for hits in answers]


def _told(hits: Sequence[Hit]) -> dict[Owner, tuple[object, object]]:
    return {hit.owner: (hit.legs, pytest.approx(hit.score, abs=1e-5)) for hit in hits}


async def every_id(database: Database) -> Ids:
    """Ids of all passages."""
    async with database.read() as session:
        return np.fromiter(await session.scalars(sa.select(Passage.id).order_by(Passage.id)), np.int64)


async def test_both_answer_alike_with_any_filter(stored: Database, worker: Worker, model: ToyModel) -> None:
    memory, index = await both(stored, model)
    assert (index.count, index.pending, index.generation) == (memory.count, 0, 1)
    ids = await every_id(stored)
    for scope in (
        Scope(),
        Scope(ids[::2]),
        Scope(ids[-1:]),
        Scope(ids[:0]),
        Scope(None, ids[::3]),
        Scope(ids, ids[3:]),
    ):
        assert await found(index, model, scope) == await found(memory, model, scope)


async def test_both_answer_alike_where_a_filter_is_too_wide_to_compare_each(
    stored: Database, worker: Worker, model: ToyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.stored_index.EXACT_UP_TO", 0)
    memory, index = await both(stored, model)
    ids = await every_id(stored)
    for scope in (Scope(ids[::2]), Scope(ids[-1:])):
        assert await found(index, model, scope) == await found(memory, model, scope)


async def test_a_filter_that_leaves_little_proposes_less_at_a_time_and_keeps_no_page_short(
    stored: Database, worker: Worker, model: ToyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"EXACT_UP_TO": 0, "LOOKED_AT": 0, "LEAST_PART": 50}.items():
        monkeypatch.setattr(f"jobs.stored_index.{name}", value)
    memory, index = await both(stored, model)
    scope = Scope((await every_id(stored))[::2])
    vector = OnnxEmbedder.open(model.folder).embed_query("whale")
    proposed = await index.gather(Probe([vector], {}, 200), scope)
    assert (proposed.near.sum(), proposed.complete) == (4, False)
    there, here = [
        await search(one, "whale", vector, first=20, scope=scope, mode=Mode.VECTOR) for one in (index, memory)
    ]
    assert {hit.owner for hit in there} == {hit.owner for hit in here}
    assert len(there) > 4


async def test_changes_are_found_when_they_are_committed_by_words_and_then_by_meaning(
    stored: Database, worker: Worker, model: ToyModel
) -> None:
    _, split = await worker.indexing.model.open()
    _, index = await both(stored, model)
    async with stored.write() as session:
        book = await add(session, Volume("Zanzibar", description="A whale, a whale."))
        await refresh_passages(session, [book], split)
        await session.execute(sa.delete(Passage).where(Passage.owner_id == 1))
    hits = await search(index, "zanzibar whale", None, first=1)
    assert [hit.owner.id for hit in hits] == [book]
    assert await found((await both(stored, model))[1], model, Scope()) == await found(
        (await both(stored, model))[0], model, Scope()
    )
    assert await worker.index() == [JobState.SUCCEEDED]
    memory, index = await both(stored, model)
    assert (index.count, index.pending) == (memory.count, 0)
    assert await found(index, model, Scope()) == await found(memory, model, Scope())
    assert np.allclose(await index.vectors_of(Owner("BOOK", book)), await memory.vectors_of(Owner("BOOK", book)))
    ids = np.append(await every_id(stored), 10_000)
    assert np.allclose(await index.vectors(ids), await memory.vectors(ids))


async def test_more_is_complete_only_when_nothing_is_left(stored: Database, worker: Worker, model: ToyModel) -> None:
    memory, index = await both(stored, model)
    vector = OnnxEmbedder.open(model.folder).embed_query("whale")
    few = await index.gather(Probe([vector], {"whale": 1.0}, 3), Scope())
    all_of_it = await index.gather(Probe([vector], {"whale": 1.0}, 100), Scope())
    assert (few.complete, all_of_it.complete) == (False, True)
    assert len(all_of_it.passage_ids) == memory.count


async def test_a_server_without_pgvector_is_named_before_anything_starts(tmp_path: Path) -> None:
    database = open_database(f"sqlite+aiosqlite:///{tmp_path / 'x.db'}")
    with pytest.raises(PgvectorMissing, match="SHELFGRAPH_VECTOR_INDEX=faiss"):
        await require_pgvector(database)
    await database.close()
