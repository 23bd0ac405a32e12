"""Another model or another way of cutting takes over: the old index answers until the new one is whole."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

import rag.passages
from api.index_reader import IndexReader
from jobs.events import Bus
from jobs.index_rows import index_home
from jobs.passages import refresh_passages
from jobs.retirement import retire
from library.database import Database
from library.models import Embedding, Lease, Passage
from library.models.jobs import JobState
from library.models.tables import now
from library.passages import Lineage
from rag.generations import generation_numbers
from rag.search import Mode, search
from resolvers.search_access import Ready, Successor, Warming, WarmingReason
from tests.jobs.indexing_fixtures import BOOKS, Worker, fill
from tests.shelf import Volume, add
from tests.toy_model import ToyModel

OK = JobState.SUCCEEDED


@pytest.fixture
def old(tmp_path: Path) -> ToyModel:
    """The model that was used so far."""
    return ToyModel.made(tmp_path, "old", dimension=8, window=32).export()


@pytest.fixture
def new(tmp_path: Path) -> ToyModel:
    """The one that the setting names now; a worker has not exported it yet. Its passages are cut smaller."""
    return ToyModel.made(tmp_path, "new", dimension=12, window=16)


@pytest.fixture
async def books(database: Database, bus: Bus, old: ToyModel, tmp_path: Path) -> dict[str, int]:
    """Four books that the old model has indexed."""
    found = await fill(database)
    assert await Worker.of(database, bus, old, tmp_path / "index").index() == [OK, OK]
    return found


def reader_of(database: Database, bus: Bus, model: ToyModel, tmp_path: Path) -> IndexReader:
    """A serving process that starts with this model as its setting, and looks when it is told to."""
    return IndexReader(database, bus, models=model.models, indexes=tmp_path / "index", model=model.name)


async def found(reader: IndexReader, question: str, mode: Mode = Mode.HYBRID) -> list[int]:
    """Ids of the books that a question finds, as a request finds them; fails while search is unavailable."""
    state = reader.state
    assert isinstance(state, Ready)
    card = state.embedder.card
    assert (state.index.revision, state.index.dimension) == (state.lineage.model, card.dimension)
    assert card.revision == state.lineage.model
    vector = await asyncio.to_thread(state.embedder.embed_query, question)
    return [hit.owner.id for hit in await search(state.index, question, vector, first=2, mode=mode)]


def served(reader: IndexReader) -> tuple[str, Successor | None]:
    """Which model answers, and what is to come."""
    assert isinstance(reader.state, Ready)
    return reader.state.embedder.card.model, reader.state.successor


async def test_after_a_restart_with_another_model_the_old_one_answers_until_the_new_one_is_whole(
    database: Database, bus: Bus, books: dict[str, int], old: ToyModel, new: ToyModel, tmp_path: Path
) -> None:
    reader = reader_of(database, bus, new, tmp_path)
    await reader._look()
    assert served(reader) == (old.name, Successor(new.name, None))
    assert (await found(reader, "captain hunts whale"))[0] == books["Moby-Dick"]
    new.export()
    await reader._look()
    assert served(reader) == (old.name, Successor(new.name, new.lineage))
    assert await Worker.of(database, bus, new, tmp_path / "index").index() == [OK, OK]
    await reader._look()
    assert served(reader) == (new.name, None)
    assert (await found(reader, "captain hunts whale"))[0] == books["Moby-Dick"]


async def test_edits_meanwhile_are_found_in_the_old_index_and_in_the_new_one(
    database: Database, bus: Bus, books: dict[str, int], old: ToyModel, new: ToyModel, tmp_path: Path
) -> None:
    new.export()
    reader = reader_of(database, bus, new, tmp_path)
    await reader._look()
    worker = Worker.of(database, bus, new, tmp_path / "index")
    _, split = await worker.indexing.model.open()
    await retire(database, "worker01", worker.indexing)  # says what the worker makes
    async with database.write() as session:  # as a scan does it, in the worker
        scanned = await add(session, Volume("Zanzibar", description="A monster hunts by a body."))
        await refresh_passages(session, [scanned, books["Dune"]], split)
    async with database.write() as session:  # as an edit does it, in the serving process
        edited = await add(session, Volume("Xanadu", description="Spice, spice."))
        await reader.refresh_passages(session, [edited])
    await reader._look()
    assert served(reader)[0] == old.name
    assert await found(reader, "zanzibar", Mode.KEYWORD) == [scanned]
    assert await found(reader, "xanadu", Mode.KEYWORD) == [edited]
    assert await found(reader, "desert", Mode.KEYWORD) == [books["Dune"]]
    await worker.index()
    await reader._look()
    assert served(reader) == (new.name, None)
    assert isinstance(reader.state, Ready)
    assert (reader.state.index.count, reader.state.index.pending) == (len(BOOKS) + 2, 0)
    assert await found(reader, "zanzibar", Mode.KEYWORD) == [scanned]
    assert await found(reader, "xanadu", Mode.KEYWORD) == [edited]


async def test_after_an_upgrade_that_cuts_otherwise_equal_passages_keep_their_vectors(
    database: Database,
    bus: Bus,
    books: dict[str, int],
    old: ToyModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = old.lineage
    monkeypatch.setattr(rag.passages, "SPLITTER_VERSION", rag.passages.SPLITTER_VERSION + 1)
    monkeypatch.setattr("jobs.embeddings._MANY", len(BOOKS))
    reader = reader_of(database, bus, old, tmp_path)
    await reader._look()
    assert isinstance(reader.state, Ready)
    assert (reader.state.lineage, reader.state.index.count) == (before, len(BOOKS))
    # Vectors that no model gives show that they were copied.
    async with database.write() as session:
        await session.execute(sa.update(Embedding).values(vector=b"\0" * 4 * old.dimension))
    await Worker.of(database, bus, old, tmp_path / "index").index()
    await reader._look()
    assert (reader.state.lineage.cut, reader.state.successor) == (old.lineage.cut, None)
    assert old.lineage.cut != before.cut
    async with database.read() as session:
        of_cut = sa.select(Embedding.vector).join(Passage).where(Passage.cut == old.lineage.cut)
        assert set(await session.scalars(of_cut)) == {b"\0" * 4 * old.dimension}


async def test_what_was_left_goes_when_nobody_serves_it_any_more_and_not_before(
    database: Database, bus: Bus, books: dict[str, int], old: ToyModel, new: ToyModel, tmp_path: Path
) -> None:
    slow, gone = reader_of(database, bus, old, tmp_path), old.lineage
    await slow._look()  # a process that still runs with the old setting
    new.export()
    worker = Worker.of(database, bus, new, tmp_path / "index")
    await worker.indexing.model.open()
    await retire(database, "worker01", worker.indexing)
    assert await lineages(database, tmp_path, [old.lineage, new.lineage]) == {gone: (4, 1)}
    await worker.index()
    await retire(database, "worker01", worker.indexing)
    assert await lineages(database, tmp_path, [gone, new.lineage]) == {gone: (4, 1), new.lineage: (4, 1)}
    async with database.write() as session:  # that process ended some minutes ago
        await session.execute(sa.update(Lease).values(expires_at=now()))
    await retire(database, "worker01", worker.indexing)
    assert await lineages(database, tmp_path, [gone, new.lineage]) == {new.lineage: (4, 1)}
    assert (old.folder.exists(), new.folder.exists()) == (False, True)


async def lineages(database: Database, tmp_path: Path, known: Sequence[Lineage]) -> dict[Lineage, tuple[int, int]]:
    """Vectors and generations of the lineages that have any."""
    counted = {}
    for lineage in known:
        home = await index_home(database, tmp_path / "index", lineage)
        select = sa.select(sa.func.count()).select_from(Embedding).join(Passage)
        async with database.read() as session:
            rows = await session.scalar(select.where(Passage.cut == lineage.cut, Embedding.model == lineage.model))
        counted[lineage] = (rows or 0, len(generation_numbers(home, lineage.model)))
    return {lineage: numbers for lineage, numbers in counted.items() if any(numbers)}


async def test_two_readers_that_are_asked_all_the_time_never_mix_models_and_never_fail(
    database: Database, bus: Bus, books: dict[str, int], old: ToyModel, new: ToyModel, tmp_path: Path
) -> None:
    async with following(database, bus, new, tmp_path) as readers:
        answers: list[str] = []
        swapped = asyncio.Event()
        asking = [asyncio.create_task(ask(reader, books["Dune"], answers, swapped, new)) for reader in readers]
        while len(answers) < 20:
            await asyncio.sleep(0)
        new.export()
        worker = Worker.of(database, bus, new, tmp_path / "index")
        await worker.index()
        async with asyncio.timeout(30):
            await asyncio.gather(*asking)
        assert {served(reader)[0] for reader in readers} == {new.name}
    assert set(answers) == {old.name, new.name}


@asynccontextmanager
async def following(database: Database, bus: Bus, model: ToyModel, tmp_path: Path) -> AsyncIterator[list[IndexReader]]:
    """Two serving processes' readers, following by themselves."""
    readers = [reader_of(database, bus, model, tmp_path) for _ in range(2)]
    for reader in readers:
        reader.start()
    while not all(isinstance(reader.state, Ready) for reader in readers):
        await asyncio.sleep(0.01)
    yield readers
    for reader in readers:
        await reader.close()


async def ask(reader: IndexReader, dune: int, answers: list[str], swapped: asyncio.Event, new: ToyModel) -> None:
    """Ask without a pause until the new model answers."""
    while served(reader)[0] != new.name:
        assert (await found(reader, "desert of spice"))[0] == dune
        answers.append(served(reader)[0])
        await asyncio.sleep(0)
    assert (await found(reader, "desert of spice"))[0] == dune
    answers.append(served(reader)[0])


async def test_a_torn_export_takes_nothing_from_those_who_have_it_open_and_is_no_model_for_others(
    database: Database, bus: Bus, books: dict[str, int], old: ToyModel, tmp_path: Path
) -> None:
    running = reader_of(database, bus, old, tmp_path)
    await running._look()
    whole = shutil.copytree(old.folder, tmp_path / "whole")
    (old.folder / "model.onnx").write_bytes(b"torn")
    starting = reader_of(database, bus, old, tmp_path)
    await starting._look()
    assert starting.state == Warming(WarmingReason.MODEL_MISSING, None)
    await running._look()
    assert (await found(running, "spice"))[0] == books["Dune"]
    shutil.rmtree(old.folder)
    whole.rename(old.folder)
    await starting._look()
    assert (await found(starting, "spice"))[0] == books["Dune"]


async def test_with_the_index_in_postgres_models_are_exchanged_the_same_way(
    stored: Database, bus: Bus, old: ToyModel, new: ToyModel, tmp_path: Path
) -> None:
    books = await fill(stored)
    reader = IndexReader(stored, bus, models=new.models, indexes=tmp_path / "index", model=new.name, stored=True)
    await Worker.of(stored, bus, old, tmp_path / "index", stored=True).index()
    await reader._look()
    assert served(reader) == (old.name, Successor(new.name, None))
    assert (await found(reader, "captain hunts whale"))[0] == books["Moby-Dick"]
    new.export()
    worker = Worker.of(stored, bus, new, tmp_path / "index", stored=True)
    await worker.index()
    await reader._look()
    assert served(reader) == (new.name, None)
    assert (await found(reader, "captain hunts whale"))[0] == books["Moby-Dick"]
    async with stored.write() as session:
        await session.execute(sa.update(Lease).values(expires_at=now()))
    await retire(stored, "worker01", worker.indexing)
    async with stored.read() as session:
        tables = "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'passage_vectors%'"
        assert await session.scalar(sa.text(tables)) == 1
    assert (await found(reader, "captain hunts whale"))[0] == books["Moby-Dick"]
