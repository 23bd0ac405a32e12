"""Tags on imported copies, and on nothing else."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from jobs.placing import content_hash
from jobs.tagging import TagWriter, tag_file
from library import models
from library.models.downloads import DownloadState, ImportMode
from library.scanning.book_tags import facts_of_tags
from library.scanning.errors import Problem
from library.scanning.facts import BookFacts
from library.scanning.identity import audio_fingerprint
from library.scanning.series import SeriesMention
from library.scanning.tags import read_tags
from library.written_tags import WrittenTags
from tests.jobs.crash_points import Plan
from tests.jobs.import_fixtures import Depot, names, tree
from tests.jobs.test_import_crashes import dies_at, stride
from tests.library.scanning.audio_files import png, write_audio

FOLDER = "Jules Verne/Voyages/Voyages #2 - Tale {Ann Reader}"
TAGS = WrittenTags(title="Tale", album="Tale")
READ = BookFacts(
    title="Tale",
    authors=("Jules Verne",),
    narrators=("Ann Reader",),
    series=(SeriesMention("Voyages", "2"),),
    published_year=1876,
    language="en",
)


async def tale(depot: Depot, top: str = "Tale", *, mode: ImportMode = ImportMode.COPY) -> int:
    depot.options = {**depot.options, "write_tags": True}
    book_id = await depot.book("Tale", series=(("Voyages", "2"),), year=1876)
    return await depot.complete(top, book_id, mode=mode)


def hashes(folder: Path) -> dict[str, str]:
    return {path: content_hash(folder / path) for path in tree(folder)}


async def test_a_copy_says_what_is_known_and_its_source_stays_as_it_is(depot: Depot) -> None:
    names_of = ("a.mp3", "b.m4b", "c.flac", "d.opus", "e.ogg", "f.wav")
    for name in names_of:
        write_audio(depot.folder / "Tale" / name, tone=300 + len(name) + ord(name[0]), cover=None)
    depot.write("Tale/book.cue")
    download_id = await tale(depot)
    before = hashes(depot.folder)
    download = await depot.run(download_id)

    assert download.state is DownloadState.ENRICHING
    assert hashes(depot.folder) == before
    placed = depot.shelf.folder / FOLDER
    for name in names_of[:-1]:
        assert facts_of_tags([read_tags(placed / name)]) == READ, name
        assert read_tags(placed / name).tags["title"] == (name[0],)
        assert audio_fingerprint(placed / name) == audio_fingerprint(depot.folder / "Tale" / name)
    for name in ("f.wav", "book.cue"):
        assert content_hash(placed / name) == before[f"Tale/{name}"]
    assert names(depot.shelf.folder) == sorted(f"{FOLDER}/{name}" for name in (*names_of, "book.cue", "metadata.json"))
    assert (await depot.history(download_id))[1] == ("IMPORTED", f"placed in '{FOLDER}'")
    for file in await depot.imported_files():
        place = depot.shelf.folder / file.target
        status = place.stat()
        told = (file.device, file.inode, file.size_bytes, file.content_hash)
        assert told == (status.st_dev, str(status.st_ino), status.st_size, content_hash(place))


async def test_a_book_of_one_file_bears_its_title_there_and_keeps_cover_and_chapters(depot: Depot) -> None:
    chapters = [(0.0, 1.0, "One"), (1.0, 2.0, "Two")]
    source = write_audio(depot.folder / "Tale.m4b", seconds=2, chapters=chapters, cover=png(), tags={"©nam": "noise"})
    await depot.run(await tale(depot, "Tale.m4b"))
    found, was = read_tags(depot.shelf.folder / FOLDER / "Tale.m4b"), read_tags(source)
    assert found.tags["title"] == ("Tale",)
    assert (found.cover, found.chapters) == (was.cover, was.chapters)
    assert len(found.chapters) == 2
    assert await depot.shelf.rows(sa.select(models.AudioFile.fingerprint)) == [(audio_fingerprint(source),)]


@pytest.mark.parametrize("mode", [ImportMode.HARDLINK, ImportMode.MOVE])
async def test_files_that_are_no_copies_keep_their_tags_and_it_is_said(depot: Depot, mode: ImportMode) -> None:
    depot.record("Tale/a.mp3", TIT2="noise")
    download_id = await tale(depot, mode=mode)
    before = content_hash(depot.folder / "Tale/a.mp3")
    await depot.run(download_id)
    assert content_hash(depot.shelf.folder / FOLDER / "a.mp3") == before
    said = f"Tags are written to copies only; with {mode} the files keep the tags they have."
    assert (await depot.history(download_id))[0] == ("IMPORTING", said)


async def test_nothing_is_written_unless_it_is_wanted_or_of_a_book_nobody_knows(depot: Depot) -> None:
    depot.record("Tale/a.mp3")
    depot.record("Lost/a.mp3")
    plain = await depot.complete("Tale", await depot.book("Tale"), mode=ImportMode.COPY)
    await depot.run(plain)
    depot.options = {"write_tags": True}
    await depot.run(await depot.complete("Lost", None, mode=ImportMode.COPY))
    copies = sorted(place for path, place in tree(depot.shelf.folder).items() if path.endswith(".mp3"))
    assert copies == sorted(tree(depot.folder).values())


def fail(root: str, path: str, tags: WrittenTags) -> Problem | None:
    Path(root, path).write_bytes(b"half a tag")
    if tags.title == "hangs":
        time.sleep(60)
    if tags.title == "crashes":
        os._exit(7)
    return Problem(path, "UNREADABLE_AUDIO", "It is odd.")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("hangs", "Reading did not end within 5 seconds; check the disk, or replace the file."),
        ("crashes", "Reading ended the reading process (exit code 7); replace the file."),
        ("odd", "It is odd."),
    ],
)
async def test_a_file_that_cannot_be_tagged_is_imported_without_and_it_is_said(
    depot: Depot, kind: str, why: str
) -> None:
    for name in (kind, "other"):
        depot.record(f"Tale/{name}.mp3")
    download_id = await tale(depot)
    before = tree(depot.folder / "Tale")
    async with TagWriter(timeout=5, tag=fail) as tagger:
        depot.importing = replace(depot.importing, tagger=tagger)
        download = await depot.run(download_id)
    assert download.state is DownloadState.ENRICHING
    assert {path.name: path.read_bytes() for path in (depot.shelf.folder / FOLDER).glob("*.mp3")} == before
    assert tree(depot.folder / "Tale") == before
    said = f"placed in '{FOLDER}'. The tags of '{kind}.mp3' and of 1 more file could not be written: {why}"
    assert (await depot.history(download_id))[1] == ("IMPORTED", said)


def test_a_file_with_a_second_name_is_never_written_to(tmp_path: Path) -> None:
    place = write_audio(tmp_path / "a.mp3")
    before = place.read_bytes()
    (tmp_path / "seeding.mp3").hardlink_to(place)
    (tmp_path / "link.mp3").symlink_to(place)
    for name in ("a.mp3", "link.mp3"):
        problem = tag_file(str(tmp_path), name, TAGS)
        assert problem is not None
        assert problem.code == "SHARED_FILE"
    assert place.read_bytes() == before


@pytest.mark.parametrize("content", [b"no audio at all " * 50, b""])
def test_what_is_no_audio_comes_back_as_a_problem(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp3").write_bytes(content)
    assert isinstance(tag_file(str(tmp_path), "a.mp3", TAGS), Problem)


async def test_a_tagged_import_can_be_undone(depot: Depot) -> None:
    depot.record("Tale/a.mp3")
    download_id = await tale(depot)
    before = tree(depot.folder)
    await depot.run(download_id)
    placed = tree(depot.shelf.folder)
    await depot.undo(1)
    assert tree(depot.shelf.folder) == {}
    recycled = tree(depot.importing.recycle_dir / "import-1")
    assert {path: recycled[path] for path in placed} == placed
    assert tree(depot.folder) == before


class Points(TagWriter):
    """A writer whose user may die around its work."""

    plan: Plan

    async def write(self, place: Path, tags: WrittenTags) -> Problem | None:
        self.plan.point("before tags")
        answer = await super().write(place, tags)
        self.plan.point("after tags")
        return answer


async def test_an_import_with_tags_that_dies_at_any_point_is_finished_by_the_next(depot: Depot) -> None:
    depot.options = {"write_tags": True}
    point, rounds, kinds = 0, 0, set[str]()
    async with Points() as tagger:
        while True:
            point, rounds = point + stride(depot), rounds + 1
            assert point < 200
            title = f"Tale {point:03}"
            for name in ("a.mp3", "b.m4b"):
                depot.record(f"{title}/{name}", seconds=0.1)
            download_id = await depot.complete(title, await depot.book(title), mode=ImportMode.COPY)
            before = tree(depot.folder / title)

            async def act(mortal: Depot, download_id: int = download_id) -> None:
                tagger.plan = mortal.shelf.database.plan  # type: ignore[attr-defined] # a MortalDatabase
                kinds.update(tagger.plan.kinds)
                mortal.importing = replace(mortal.importing, tagger=tagger)
                await mortal.run(download_id)
                kinds.update(tagger.plan.kinds)

            died = await dies_at(depot, point, act)
            download = await depot.run(download_id, worker="the next")
            assert download.state is DownloadState.ENRICHING, (point, download.reason_message)
            check(depot, title, before, (await depot.imported_files())[-3:])
            if not died:
                break
    assert {"before tags", "after tags", "before replace", "after commit"} <= kinds
    assert point > 40
    assert len(await depot.imports()) == rounds
    assert sorted(place.name for place in depot.shelf.folder.iterdir()) == ["Jules Verne"]


def check(depot: Depot, title: str, before: dict[str, bytes], files: Sequence[models.ImportedFile]) -> None:
    placed = depot.shelf.folder / f"Jules Verne/{title} {{Ann Reader}}"
    assert names(placed) == ["a.mp3", "b.m4b", "metadata.json"]
    assert tree(depot.folder / title) == before
    for name in before:
        found = read_tags(placed / name)
        assert (found.tags["album"], found.tags["title"]) == ((title,), (name[0],))
        assert audio_fingerprint(placed / name) == audio_fingerprint(depot.folder / title / name)
    assert [file.content_hash for file in files] == [content_hash(depot.shelf.folder / file.target) for file in files]


async def test_a_tagged_copy_that_is_gone_before_it_appears_is_made_again(depot: Depot) -> None:
    depot.record("Tale/a.mp3")
    download_id = await tale(depot)
    in_the_way = depot.shelf.folder / FOLDER / "theirs.txt"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("theirs")
    download = await depot.run(download_id)
    assert (download.state, download.reason_code) == (DownloadState.BLOCKED, "TARGET_EXISTS")
    assert names(depot.shelf.folder) == [f"{FOLDER}/theirs.txt"]
    in_the_way.unlink()
    in_the_way.parent.rmdir()
    assert (await depot.retry(download_id)).state is DownloadState.ENRICHING
    assert facts_of_tags([read_tags(depot.shelf.folder / FOLDER / "a.mp3")]) == READ
