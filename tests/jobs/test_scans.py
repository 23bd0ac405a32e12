"""Scanning real files into rows, and what happens when they move, change, break or vanish."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from jobs.scans import FEW_MISSING
from library import metadata, models
from library.database import identity
from library.metadata import Entity
from library.models.jobs import JobState
from library.models.metadata import EntityKind
from library.scanning.file_reader import FileReader
from library.scanning.reading import ReadFile, read_item_file
from tests.jobs.scan_fixtures import Shelf, WholeText, result_of, write_books

STROGOFF = "Jules Verne/Voyages/Book 2 - Michael Strogoff"


def write_strogoff(shelf: Shelf, folder: str = STROGOFF) -> None:
    for number in (1, 2):
        shelf.record(f"{folder}/{number:02}.mp3", tone=200 + number, TPE1="Jules Verne", TCOM="Ann Reader")
    (shelf.folder / folder / "desc.txt").write_text("A courier rides through Siberia.")


async def lock_title(shelf: Shelf, book_id: int, title: str) -> None:
    async with shelf.database.write() as session:
        await metadata.edit(session, Entity(EntityKind.BOOK, book_id), {"title": title}, actor="owner")


async def test_a_folder_becomes_a_book_with_everything_that_is_known_of_it(shelf: Shelf) -> None:
    write_strogoff(shelf)
    job = await shelf.scan()

    assert (job.state, job.result) == (JobState.SUCCEEDED, result_of(shelf, added=1))
    book = models.Book
    assert await shelf.rows(sa.select(book.title, book.sort_title, book.description, book.owned)) == [
        ("Michael Strogoff", "michael strogoff", "A courier rides through Siberia.", True)
    ]
    people = sa.select(models.Person.name, models.Person.sort_name).order_by(models.Person.name)
    assert await shelf.rows(people) == [("Ann Reader", "reader, ann"), ("Jules Verne", "verne, jules")]
    entry = models.SeriesEntry
    series = sa.select(models.Series.name, entry.position, entry.sort_key, entry.role).join(entry)
    assert await shelf.rows(series) == [("Voyages", "2", 2.0, "MAIN")]
    chapters = sa.select(models.Chapter.title).order_by(models.Chapter.position)
    assert await shelf.rows(chapters) == [("01",), ("02",)]
    assert await shelf.rows(sa.select(models.Passage.header, models.Passage.text)) == [
        ("Michael Strogoff by Jules Verne. Voyages 2", "A courier rides through Siberia.")
    ]
    events = sa.select(models.Event.topic, models.Event.kind).where(models.Event.topic.not_like("job:%"))
    assert await shelf.rows(events.order_by(models.Event.id)) == [
        ("index", "PASSAGES_CHANGED"),
        ("library", "BOOK_ADDED"),
    ]
    jobs = sa.select(models.Job.kind).order_by(models.Job.id)
    assert await shelf.rows(jobs) == [("SCAN_LIBRARY",), ("EMBED_PASSAGES",)]


async def everything(shelf: Shelf) -> list[Any]:
    """Every row a scan writes, but for the times at which places were seen."""
    tables = (models.Book, models.Edition, models.AudioFile, models.Field, models.Evidence, models.Passage)
    rows = [await shelf.rows(sa.select(*table.__table__.c).order_by(*table.__table__.primary_key)) for table in tables]
    return [*rows, await shelf.copies()]


async def test_a_second_scan_opens_no_file_and_changes_nothing(shelf: Shelf, tmp_path: Path) -> None:
    write_strogoff(shelf)
    await shelf.scan()
    before = await everything(shelf)
    async with FileReader(processes=1, reader=_refuse) as reader:
        shelf.scanning = replace(shelf.scanning, reader=reader)
        job = await shelf.scan()
    assert (job.state, job.result) == (JobState.SUCCEEDED, result_of(shelf, unchanged=1))
    assert await everything(shelf) == before


def _refuse(root: str, path: str) -> ReadFile:
    raise AssertionError(path)


async def test_only_the_changed_files_of_a_folder_are_read_again(shelf: Shelf) -> None:
    write_strogoff(shelf)
    await shelf.scan()
    shelf.record(f"{STROGOFF}/03.mp3", tone=203, TPE1="Jules Verne", TCOM="Ann Reader")
    async with FileReader(processes=1, reader=_only_the_third) as reader:
        shelf.scanning = replace(shelf.scanning, reader=reader)
        job = await shelf.scan()
    assert (job.state, job.result) == (JobState.SUCCEEDED, result_of(shelf, updated=1))
    assert await shelf.copies() == [(STROGOFF, 1, 1, False)]
    assert len(await shelf.rows(sa.select(models.AudioFile.id))) == 3


def _only_the_third(root: str, path: str) -> Any:
    assert path.endswith("03.mp3")
    return read_item_file(root, path)


async def test_a_moved_folder_keeps_its_ids_edits_and_history(shelf: Shelf) -> None:
    write_strogoff(shelf)
    write_books(shelf, 1)
    await shelf.scan()
    before = {path: ids for path, *ids in await shelf.copies()}
    await lock_title(shelf, before[STROGOFF][1], "The Tsar's Courier")
    shelf.rename(STROGOFF, "Elsewhere/Strogoff")
    job = await shelf.scan()

    assert (job.state, job.result) == (JobState.SUCCEEDED, result_of(shelf, moved=1, unchanged=1))
    assert {path: ids for path, *ids in await shelf.copies()} == {
        "Elsewhere/Strogoff": before[STROGOFF],
        "Writer/Book 00": before["Writer/Book 00"],
    }
    titles = sa.select(models.Book.title).order_by(models.Book.title)
    assert await shelf.rows(titles) == [("Book 00",), ("The Tsar's Courier",)]


async def test_two_folders_that_swap_names_are_told_apart_by_their_audio(shelf: Shelf) -> None:
    write_books(shelf, 2)
    await shelf.scan()
    before = {path: ids for path, *ids in await shelf.copies()}
    for old, new in (("00", "tmp"), ("01", "00"), ("tmp", "01")):
        shelf.rename(f"Writer/Book {old}", f"Writer/Book {new}")
    os.utime(shelf.folder / "Writer/Book 00/a.mp3")
    os.utime(shelf.folder / "Writer/Book 01/a.mp3")
    await shelf.scan()
    assert {path: ids for path, *ids in await shelf.copies()} == {
        "Writer/Book 00": before["Writer/Book 01"],
        "Writer/Book 01": before["Writer/Book 00"],
    }


async def test_a_new_book_in_an_old_folder_does_not_take_the_place_of_the_one_that_moved_on(shelf: Shelf) -> None:
    write_books(shelf, 1)
    await shelf.scan()
    ((_, *before),) = await shelf.copies()
    shelf.rename("Writer/Book 00", "Writer/Zoo")
    shelf.record("Writer/Book 00/a.mp3", tone=999, TPE1="Writer")
    await shelf.scan()
    found = {path: ids for path, *ids in await shelf.copies()}
    assert found["Writer/Zoo"] == before
    assert found["Writer/Book 00"] != before


async def test_the_same_audio_in_two_places_is_two_copies_of_one_edition(shelf: Shelf) -> None:
    write_strogoff(shelf)
    shutil.copytree(shelf.folder / STROGOFF, shelf.folder / "Copies/Strogoff again")
    await shelf.scan()
    (first, *edition), (second, *same_edition) = await shelf.copies()
    assert ([first, second], edition) == (["Copies/Strogoff again", STROGOFF], same_edition)
    assert (await shelf.counts())["editions"] == 1


async def test_another_recording_is_a_second_edition_of_the_same_book(shelf: Shelf) -> None:
    write_strogoff(shelf)
    shelf.record("Other/Strogoff/a.mp3", tone=777, TALB="Michael Strogoff", TPE1="Verne, Jules", TCOM="Bob")
    await shelf.scan()
    assert [(edition, book) for _, edition, book, _ in await shelf.copies()] == [(1, 1), (2, 1)]
    words = sa.select(models.BookWord.word).where(models.BookWord.word.in_(["ann", "bob"]))
    assert sorted(await shelf.rows(words)) == [("ann",), ("bob",)]


async def test_writing_tags_changes_fields_but_not_the_edition(shelf: Shelf) -> None:
    file = shelf.record("A/B/a.mp3", tone=400, TPE1="Someone", TALB="Before")
    await shelf.scan()
    from tests.library.scanning.audio_files import write_tags  # noqa: PLC0415 only here

    write_tags(file, {"TALB": "After", "TPE1": "Someone"})
    os.utime(file, ns=(1, 1))
    job = await shelf.scan()
    assert job.result == result_of(shelf, updated=1)
    assert await shelf.copies() == [("A/B", 1, 1, False)]
    assert await shelf.rows(sa.select(models.Book.title)) == [("After",)]


async def test_a_locked_field_survives_a_forced_scan(shelf: Shelf) -> None:
    write_strogoff(shelf)
    await shelf.scan()
    await lock_title(shelf, 1, "Mine")
    job = await shelf.scan(force=True)
    assert job.result == result_of(shelf, unchanged=1)
    assert await shelf.rows(sa.select(models.Book.title)) == [("Mine",)]


async def test_a_broken_file_is_reported_and_the_book_is_made_of_the_others(shelf: Shelf) -> None:
    write_strogoff(shelf)
    (shelf.folder / STROGOFF / "03.mp3").write_bytes(b"")
    (shelf.folder / "Lost").mkdir()
    (shelf.folder / "Lost/only.m4b").write_bytes(b"\0" * 900)
    job = await shelf.scan()

    assert (job.state, job.result) == (JobState.PARTIAL, result_of(shelf, added=1, failed=2))
    assert await shelf.item_errors(job) == [
        (f"{STROGOFF}/03.mp3", "EMPTY_FILE"),
        ("Lost/only.m4b", "UNSUPPORTED_FORMAT"),
    ]
    problems = sa.select(models.AudioFile.path).where(models.AudioFile.problem.is_not(None))
    assert await shelf.rows(problems) == [(f"{STROGOFF}/03.mp3",)]

    shelf.record(f"{STROGOFF}/03.mp3", tone=203, TPE1="Jules Verne")
    shutil.rmtree(shelf.folder / "Lost")
    again = await shelf.scan()
    assert (again.state, again.result) == (JobState.SUCCEEDED, result_of(shelf, updated=1))


async def test_a_broken_sidecar_does_not_take_back_what_it_said(shelf: Shelf) -> None:
    write_strogoff(shelf)
    sidecar = shelf.folder / STROGOFF / "metadata.json"
    sidecar.write_text('{"title": "From the sidecar"}')
    await shelf.scan()
    sidecar.write_text('{"title": "From the')
    job = await shelf.scan()
    assert await shelf.item_errors(job) == [(f"{STROGOFF}/metadata.json", "SIDECAR_BROKEN")]
    assert await shelf.rows(sa.select(models.Book.title)) == [("From the sidecar",)]
    sidecar.unlink()
    await shelf.scan()
    assert await shelf.rows(sa.select(models.Book.title)) == [("Michael Strogoff",)]


async def test_a_whole_book_beside_its_parts_is_counted_once(shelf: Shelf) -> None:
    for number in (1, 2, 3):
        shelf.record(f"A/Twice/{number}.mp3", tone=100 + number, seconds=1.0, TPE1="A")
    shelf.record("A/Twice/whole.m4b", tone=500, seconds=3.0)
    await shelf.scan()
    ((seconds,),) = await shelf.rows(sa.select(models.Edition.duration_seconds))
    assert seconds == pytest.approx(3.0, abs=0.3)


async def test_missing_folders_are_noted_and_cleared_when_they_come_back(shelf: Shelf, tmp_path: Path) -> None:
    write_books(shelf, 2)
    await shelf.scan()
    shutil.move(shelf.folder / "Writer/Book 00", tmp_path / "away")
    job = await shelf.scan()
    assert (job.state, job.result) == (JobState.SUCCEEDED, result_of(shelf, unchanged=1, missing=1))
    assert await shelf.copies() == [("Writer/Book 00", 1, 1, True), ("Writer/Book 01", 2, 2, False)]
    owned = sa.select(models.Book.title, models.Book.owned).order_by(models.Book.title)
    assert await shelf.rows(owned) == [("Book 00", False), ("Book 01", True)]
    shutil.move(tmp_path / "away", shelf.folder / "Writer/Book 00")
    await shelf.scan()
    assert await shelf.copies() == [("Writer/Book 00", 1, 1, False), ("Writer/Book 01", 2, 2, False)]
    assert await shelf.rows(owned) == [("Book 00", True), ("Book 01", True)]
    kinds = sa.select(models.Event.kind).where(models.Event.topic == "library", models.Event.entity_id == 1)
    assert await shelf.rows(kinds.order_by(models.Event.id)) == [("BOOK_ADDED",), ("BOOK_MISSING",), ("BOOK_UPDATED",)]


async def test_when_many_folders_vanish_at_once_none_is_believed_gone(shelf: Shelf) -> None:
    write_books(shelf, FEW_MISSING + 2)
    await shelf.scan()
    for number in range(FEW_MISSING + 1):
        shutil.rmtree(shelf.folder / f"Writer/Book {number:02}")
    job = await shelf.scan()
    assert (job.state, await shelf.item_errors(job)) == (JobState.PARTIAL, [("shelf", "TOO_MANY_MISSING")])
    assert not any(missing for *_, missing in await shelf.copies())
    on_purpose = await shelf.scan(force=True)
    assert on_purpose.result == result_of(shelf, unchanged=1, missing=FEW_MISSING + 1)


@pytest.mark.parametrize("disaster", [shutil.rmtree, lambda folder: shutil.rmtree(folder / "Writer")])
async def test_a_root_that_is_away_or_empty_ends_the_scan_and_changes_nothing(shelf: Shelf, disaster: Any) -> None:
    write_books(shelf, 1)
    await shelf.scan()
    before = await everything(shelf)
    disaster(shelf.folder)
    job = await shelf.scan()
    assert (job.state, job.error_code) == (JobState.FAILED, "ROOT_UNAVAILABLE")
    assert await everything(shelf) == before


async def test_without_a_model_stale_passages_go_and_wait_for_it(shelf: Shelf) -> None:
    write_strogoff(shelf)
    await shelf.scan()
    (shelf.folder / STROGOFF / "desc.txt").write_text("Another text altogether.")
    shelf.scanning = replace(shelf.scanning, model=WholeText(None))
    await shelf.scan()
    assert (await shelf.counts())["passages"] == 0


async def test_a_new_book_needs_few_statements(shelf: Shelf) -> None:
    for number in range(20):
        shelf.record(f"W/S/Book {number} - Title {number}/a.mp3", tone=100 + 20 * number, TPE1="W", TCON="G; H")
    statements: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    job_id = await shelf.start()
    sa.event.listen(shelf.database.engine.sync_engine, "before_cursor_execute", count)
    await shelf.run(job_id)
    sa.event.remove(shelf.database.engine.sync_engine, "before_cursor_execute", count)
    assert (await shelf.job(job_id)).result == result_of(shelf, added=20)
    work = [statement for statement in statements if not statement.startswith("BEGIN") and "jobs" not in statement]
    assert len(work) / 20 < 30


async def test_scanning_leaves_the_database_its_own_name(shelf: Shelf) -> None:
    before = await identity(shelf.database)
    shelf.record("Author/One/1.mp3", tone=300)
    await shelf.scan()
    assert await identity(shelf.database) == before
