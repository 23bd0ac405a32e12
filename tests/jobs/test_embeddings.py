"""Embedding what waits: all of it, and what is new before the rest."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from jobs.events import Bus
from library import passages
from library.database import Database
from library.models import Embedding, Passage
from library.models.jobs import JobState
from library.models.passages import OwnerKind
from library.passages import NewPassage
from tests.jobs.indexing_fixtures import Worker
from tests.shelf import Volume, add
from tests.toy_model import ToyModel


async def test_what_is_new_does_not_wait_for_a_window_that_is_being_embedded(
    database: Database, bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ToyModel.made(tmp_path, "toy", dimension=8, window=32).export()
    async with database.write() as session:
        for number in range(60):
            await add(session, Volume(f"Title {number}", description="a whale and a sailor and a captain " * 3))
    worker = Worker.of(database, bus, model, tmp_path / "index")
    edited = NewPassage(900, "", "whale", "edited")
    store = passages.store_embeddings
    written: list[bool] = []

    async def edit_meanwhile(session: AsyncSession, model: str, vectors: Iterable[tuple[int, bytes]]) -> int:
        if not written:
            written.append(True)
            cut = await session.scalar(sa.select(Passage.cut).limit(1))
            await passages.replace_passages(session, OwnerKind.DOCUMENT, {1: [edited]}, cut=cut or "")
        return await store(session, model, vectors)

    monkeypatch.setattr("jobs.embeddings._LOOK_SECONDS", 0.0)
    monkeypatch.setattr("library.passages.store_embeddings", edit_meanwhile)
    assert await worker.index() == [JobState.SUCCEEDED, JobState.SUCCEEDED]
    async with database.read() as session:
        select = sa.select(Embedding.version, Passage.content_hash).join(Passage).order_by(Embedding.version)
        stored = (await session.execute(select)).all()
        assert len(stored) == await session.scalar(sa.select(sa.func.count()).select_from(Passage))
    versions = list(dict.fromkeys(row.version for row in stored))
    assert len(versions) > 3
    assert [row.version for row in stored if row.content_hash == edited.content_hash] == [versions[1]]
