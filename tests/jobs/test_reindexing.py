"""Reindexing replaces vectors where they stand; another model cuts documents beside what the old one cut."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs import queue
from jobs.events import Bus, unit_of_work
from library import documents
from library.database import Database
from library.documents import NewSection, NewText
from library.models import Embedding, Passage
from library.models.documents import DocumentFormat
from library.models.jobs import JobState
from library.models.passages import OwnerKind
from tests.jobs.indexing_fixtures import Worker, fill
from tests.toy_model import ToyModel

LOST = bytes(32)


@pytest.fixture
async def document_id(database: Database) -> int:
    """A document without passages, beside four books."""
    await fill(database)
    text = NewText(
        path="whales.md",
        title="Whales",
        url=None,
        format=DocumentFormat.MARKDOWN,
        language="en",
        text="A whale hunts alone.",
        sections=[NewSection(0, (), 0, 20)],
        content_hash="0" * 64,
        size_bytes=20,
        modified_at=None,
    )
    async with database.write() as session:
        source = await documents.add_upload(session, "whales.md", b"", actor="user:1")
        return (await documents.write(session, source.id, None, text)).id


@pytest.fixture
async def worker(database: Database, bus: Bus, document_id: int, tmp_path: Path) -> Worker:
    """A worker that has indexed all of it."""
    model = ToyModel.made(tmp_path, "toy", dimension=8, window=32).export()
    worker = Worker.of(database, bus, model, tmp_path / "index")
    await worker.index()
    return worker


async def vectors(database: Database) -> dict[int, tuple[OwnerKind, bytes]]:
    """Of every passage with a vector: whose it is, and the vector."""
    select = sa.select(Passage.id, Passage.owner_kind, Embedding.vector).join(Embedding)
    async with database.read() as session:
        return {row[0]: (row[1], row[2]) for row in await session.execute(select)}


async def reindexed(worker: Worker, owner: tuple[str, int] | None) -> list[JobState]:
    """Lose every vector, and reindex."""
    async with unit_of_work(worker.database, worker.bus) as work:
        await work.session.execute(sa.update(Embedding).values(vector=LOST))
        await queue.reindex(work, owner=owner)
    return await worker.work()


async def test_everything_is_embedded_again_in_its_place(worker: Worker) -> None:
    before = await vectors(worker.database)
    assert await reindexed(worker, None) == [JobState.SUCCEEDED, JobState.SUCCEEDED]
    assert (len(before), await vectors(worker.database)) == (5, before)


async def test_one_document_can_be_embedded_again_alone(worker: Worker, document_id: int) -> None:
    await reindexed(worker, (OwnerKind.DOCUMENT, document_id))
    after = (await vectors(worker.database)).values()
    assert [kind for kind, vector in after if vector != LOST] == [OwnerKind.DOCUMENT]
    assert len(after) == 5


async def test_another_model_cuts_and_embeds_documents_beside_the_old(worker: Worker, tmp_path: Path) -> None:
    before = await vectors(worker.database)
    narrow = ToyModel.made(tmp_path / "narrow", "narrow", dimension=4, window=16).export()
    await Worker.of(worker.database, worker.bus, narrow, tmp_path / "index").index()
    after = await vectors(worker.database)
    assert {row_id: after[row_id] for row_id in before} == before
    new = [vector for row_id, (kind, vector) in after.items() if row_id not in before and kind is OwnerKind.DOCUMENT]
    assert [len(vector) for vector in new] == [4 * 4]
