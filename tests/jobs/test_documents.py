"""Ingesting keeps rows in line with files: nothing is lost, nothing is left over, and every problem is told."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs.document_reading import Answer, DocumentReader
from jobs.events import Bus
from library import documents
from library.database import Database
from library.models.documents import Document, DocumentSource
from library.models.jobs import JobState
from rag.documents.bounds import Bounds
from rag.documents.reading import read_file
from tests.jobs.document_fixtures import Desk, open_desk, outcome
from tests.rag.documents.builders import pdf


@pytest.fixture(scope="module")
def reader() -> Iterator[DocumentReader]:
    """One process for all tests: it takes a second to start."""
    reader = DocumentReader()
    yield reader
    asyncio.run(reader.__aexit__(None, None, None))


@pytest.fixture
async def desk(tmp_path: Path, database: Database, bus: Bus, reader: DocumentReader) -> Desk:
    folder = tmp_path / "desk"
    folder.mkdir()
    return await open_desk(folder, database, bus, reader)


async def test_files_become_documents_and_are_read_again_only_when_they_change(desk: Desk) -> None:
    desk.write("a.md", "# A\n\nAlpha.")
    desk.write("sub/b.html", "<h1>B</h1><p>Beta.</p>")
    desk.write("node_modules/c.md", "# C")
    desk.write(".hidden.md", "# D")
    desk.write("e.png", "no text")
    assert outcome(await desk.ingest()) == {"added": 2}
    before = await desk.passages()
    desk.write("a.md", "# A\n\nAlpha.")  # touched
    desk.write("sub/b.html", "<h1>B</h1><p>Gamma.</p>")
    assert outcome(await desk.ingest()) == {"updated": 1, "unchanged": 1}
    assert await desk.shown() == [("a.md", "A\n\nAlpha.", False, None), ("sub/b.html", "B\n\nGamma.", False, None)]
    after = await desk.passages()
    assert (after[0], len(after), after[1][0] > before[1][0]) == (before[0], 2, True)
    assert await desk.counts() == [1, 2, 2, 2]


async def test_what_cannot_be_read_is_told_and_keeps_its_last_good_text(desk: Desk) -> None:
    desk.write("good.md", "Fine.")
    desk.write("manual.pdf", pdf(["Page one."]))
    with desk.write("huge.txt", "").open("wb") as file:
        file.truncate(2 * 1024**3)
    first = await desk.ingest()
    assert (first.state, outcome(first)) == (JobState.PARTIAL, {"added": 2, "failed": 1})
    desk.write("manual.pdf", b"%PDF-1.4 broken")
    second = await desk.ingest()
    assert await desk.problems(second) == [("huge.txt", "DOCUMENT_TOO_LARGE"), ("manual.pdf", "BROKEN_DOCUMENT")]
    assert await desk.shown() == [
        ("good.md", "Fine.", False, None),
        ("manual.pdf", "Page one.", False, "BROKEN_DOCUMENT"),
    ]
    desk.write("manual.pdf", pdf(["Page one."]))
    assert outcome(await desk.ingest()) == {"unchanged": 2, "failed": 1}
    assert (await desk.shown())[1][3] is None


async def test_a_document_that_is_gone_leaves_the_search_at_once_and_the_rows_later(desk: Desk) -> None:
    desk.write("a.md", "Alpha.")
    lost = desk.write("b.md", "Beta.")
    await desk.ingest()
    lost.unlink()
    assert outcome(await desk.ingest()) == {"unchanged": 1, "missing": 1}
    assert [text for _, text in await desk.passages()] == ["Alpha."]
    desk.write("b.md", "Beta.")
    await desk.ingest()
    assert [text for _, text in await desk.passages()] == ["Alpha.", "Beta."]
    lost.unlink()
    await desk.ingest()
    assert outcome(await desk.ingest()) == {"unchanged": 1, "removed": 1}
    assert await desk.counts() == [1, 1, 1, 1]


async def test_too_many_at_once_are_not_believed_to_be_gone_unless_forced(desk: Desk) -> None:
    files = [desk.write(f"{number}.md", f"Text {number}.") for number in range(12)]
    await desk.ingest()
    for file in files[:6]:
        file.unlink()
    job = await desk.ingest()
    assert await desk.problems(job) == [("desk", "TOO_MANY_MISSING")]
    assert len(await desk.passages()) == 12
    assert outcome(await desk.ingest(force=True)) == {"updated": 6, "missing": 6}
    assert len(await desk.passages()) == 6


async def test_an_empty_or_unmounted_folder_removes_nothing(desk: Desk) -> None:
    desk.write("a.md", "Alpha.").rename(desk.folder / "b.md")
    await desk.ingest()
    (desk.folder / "b.md").unlink()
    job = await desk.ingest()
    assert (job.state, job.error_code) == (JobState.FAILED, "SOURCE_UNAVAILABLE")
    desk.folder.rmdir()
    assert (await desk.ingest()).error_code == "SOURCE_UNAVAILABLE"
    assert len(await desk.passages()) == 1


async def test_a_renamed_file_is_the_same_document(desk: Desk) -> None:
    for number in range(8):
        desk.write(f"old/{number}.md", f"# Number {number}\n\nText.")
    await desk.ingest()
    ids = await desk.rows(sa.select(Document.id).order_by(Document.id))
    passages = await desk.passages()
    (desk.folder / "old").rename(desk.folder / "new")
    assert outcome(await desk.ingest()) == {"moved": 8}
    assert await desk.rows(sa.select(Document.id).order_by(Document.id)) == ids
    assert await desk.passages() == passages
    assert {path for path, *_ in await desk.shown()} == {f"new/{number}.md" for number in range(8)}


async def test_an_upload_is_read_once_and_its_bytes_are_dropped(desk: Desk) -> None:
    async with desk.database.write() as session:
        source = await documents.add_upload(session, "note.md", b"# Note\n\nMind this.", actor="user:1")
    assert outcome(await desk.ingest(source_id=source.id)) == {"added": 1}
    assert outcome(await desk.ingest(source_id=source.id)) == {}
    assert await desk.rows(sa.select(DocumentSource.content).where(DocumentSource.id == source.id)) == [(None,)]
    assert await desk.shown() == [("note.md", "Note\n\nMind this.", False, None)]


async def test_removing_leaves_no_orphan(desk: Desk) -> None:
    for name in "abc":
        desk.write(f"{name}.md", f"# {name}\n\nText of {name}.")
    await desk.ingest()
    (one, *_), *_ = await desk.rows(sa.select(Document.id).order_by(Document.id))
    async with desk.database.write() as session:
        await documents.remove(session, [one])
    assert await desk.counts() == [1, 2, 2, 2]
    async with desk.database.write() as session:
        await documents.remove_source(session, desk.source_id)
    assert await desk.counts() == [0, 0, 0, 0]


async def test_a_document_that_hangs_or_eats_memory_does_not_keep_the_others_out(desk: Desk) -> None:
    desk.write("a.md", "Alpha.")
    desk.write("b.txt", "Beta.")
    async with DocumentReader(timeout=1.0, read=hang_on_markdown) as reader:
        desk.ingesting = replace(desk.ingesting, reader=reader)
        job = await desk.ingest()
    assert await desk.problems(job) == [("a.md", "READING_TIMED_OUT")]
    assert [path for path, *_ in await desk.shown()] == ["b.txt"]


def hang_on_markdown(root: str, path: str, known_hash: str | None, bounds: Bounds) -> Answer:
    """Read like `read_file`, but never end for Markdown."""
    while path.endswith(".md"):
        pass
    return read_file(root, path, known_hash, bounds)
