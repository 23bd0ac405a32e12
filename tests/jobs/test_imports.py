"""Complete downloads that become books."""

import json

import pytest
import sqlalchemy as sa

from library import models
from library.models.downloads import DownloadState, ImportMode, ImportState
from library.models.jobs import JobState
from library.releases.facts import ReleaseFacts
from tests.jobs.import_fixtures import Depot, names, tree

FOLDER = "Jules Verne/Voyages/Voyages #2 - Michael Strogoff {Ann Reader}"


async def strogoff(depot: Depot, **how: object) -> int:
    """A download of a known book in two files, with what uploaders put beside them."""
    for number in (1, 2):
        depot.record(f"MS-UNABR-64k/{number:02}.mp3", TIT2="noise", TALB="Another title altogether")
    for name in (
        "cover.jpg.txt",
        "setup.exe",
        ".DS_Store",
        "www.example.url",
        "MS.nfo",
        "book.cue",
        "Sample/sample.mp3",
    ):
        depot.write(f"MS-UNABR-64k/{name}")
    book_id = await depot.book("Michael Strogoff", series=(("Voyages", "2"),))
    return await depot.complete("MS-UNABR-64k", book_id, **how)  # type: ignore[arg-type] # the options of complete


async def test_a_complete_download_becomes_an_edition_of_the_book_it_was_grabbed_for(depot: Depot) -> None:
    download_id = await strogoff(depot)
    before = tree(depot.folder)
    download = await depot.run(download_id)

    assert download.state is DownloadState.ENRICHING
    assert names(depot.shelf.folder) == [
        f"{FOLDER}/{name}" for name in ("01.mp3", "02.mp3", "MS.nfo", "book.cue", "metadata.json")
    ]
    assert tree(depot.folder) == before
    for name in ("01.mp3", "02.mp3"):
        placed, source = depot.shelf.folder / FOLDER / name, depot.folder / "MS-UNABR-64k" / name
        assert placed.samefile(source)
    assert json.loads((depot.shelf.folder / FOLDER / "metadata.json").read_text()) == {
        "title": "Michael Strogoff",
        "authors": ["Jules Verne"],
        "narrators": ["Ann Reader"],
        "series": [{"name": "Voyages", "sequence": "2"}],
        "language": "en",
    }
    assert await depot.shelf.copies() == [(FOLDER, 2, 1, False)]
    (row,) = await depot.imports()
    assert (row.state, row.book_id, row.edition_id, row.folder) == (ImportState.APPLIED, 1, 2, FOLDER)
    assert (download.book_id, download.edition_id) == (1, 2)
    assert await depot.history(download_id) == [
        ("IMPORTING", None),
        ("IMPORTED", f"placed in '{FOLDER}'"),
        ("ENRICHING", None),
    ]
    assert await depot.shelf.rows(sa.select(models.Book.title, models.Book.owned)) == [("Michael Strogoff", True)]
    kinds = await depot.shelf.rows(sa.select(models.Job.kind, models.Job.state).order_by(models.Job.id))
    assert kinds == [("IMPORT_DOWNLOAD", JobState.SUCCEEDED), ("EMBED_PASSAGES", JobState.QUEUED)]
    seconds = await depot.shelf.rows(
        sa.select(models.DownloadFile.path).where(models.DownloadFile.duration_seconds > 0)
    )
    assert seconds == [("MS-UNABR-64k/01.mp3",), ("MS-UNABR-64k/02.mp3",)]


async def test_what_was_placed_is_in_rows_with_what_proves_it_ours(depot: Depot) -> None:
    await depot.run(await strogoff(depot))
    for file in await depot.imported_files():
        status = (depot.shelf.folder / file.target).stat()
        assert (file.device, file.inode, file.size_bytes) == (status.st_dev, str(status.st_ino), status.st_size)
        assert file.placed
        assert (file.content_hash is None) == (file.source is not None)


async def test_a_scan_that_finds_the_files_first_gives_them_to_the_same_book(depot: Depot) -> None:
    download_id = await strogoff(depot)
    await depot.run(download_id)
    async with depot.shelf.database.write() as session:  # as if the worker had died before the library read them
        for table in (models.Chapter, models.AudioFile, models.Copy, models.EditionNarrator):
            await session.execute(sa.delete(table))
        download = await session.get_one(models.Download, download_id)
        download.state, download.edition_id = DownloadState.IMPORTED, None
        (await session.get_one(models.Import, 1)).edition_id = None
        await session.execute(sa.delete(models.Edition).where(models.Edition.id == 2))
    await depot.shelf.scan()
    assert [book for _, _, book, _ in await depot.shelf.copies()] == [1]
    assert (await depot.run(download_id)).state is DownloadState.ENRICHING
    ((_, edition_id, book_id, _),) = await depot.shelf.copies()
    assert book_id == 1
    assert (await depot.download(download_id)).edition_id == edition_id
    assert (await depot.shelf.counts())["books"] == 1


@pytest.mark.parametrize("mode", [ImportMode.COPY, ImportMode.MOVE])
async def test_files_are_copied_or_moved_only_when_that_was_asked_for(depot: Depot, mode: ImportMode) -> None:
    download_id = await strogoff(depot, mode=mode)
    before = tree(depot.folder)
    await depot.run(download_id)
    placed = depot.shelf.folder / FOLDER / "01.mp3"
    assert placed.read_bytes() == before["MS-UNABR-64k/01.mp3"]
    if mode is ImportMode.COPY:
        assert tree(depot.folder) == before
        assert not placed.samefile(depot.folder / "MS-UNABR-64k/01.mp3")
        assert all(file.content_hash for file in await depot.imported_files())
    else:
        gone = {f"MS-UNABR-64k/{name}" for name in ("01.mp3", "02.mp3", "MS.nfo", "book.cue")}
        assert set(before) - set(tree(depot.folder)) == gone
    assert not (depot.shelf.folder / ".shelfgraph-staging").exists()


async def test_importing_again_changes_nothing(depot: Depot) -> None:
    download_id = await strogoff(depot)
    await depot.run(download_id)
    before = (tree(depot.shelf.folder), await depot.shelf.copies(), await depot.history(download_id))
    await depot.run(download_id)
    assert (tree(depot.shelf.folder), await depot.shelf.copies(), await depot.history(download_id)) == before


async def test_a_second_edition_of_a_book_gets_a_folder_with_a_number(depot: Depot) -> None:
    await depot.run(await strogoff(depot))
    depot.record("Again/a.m4b", seconds=0.7)
    again = await depot.complete("Again", 1)
    assert (await depot.run(again)).state is DownloadState.ENRICHING
    assert await depot.shelf.copies() == [(FOLDER, 2, 1, False), (f"{FOLDER} (2)", 3, 1, False)]


async def test_a_torrent_of_several_books_becomes_several_books(depot: Depot) -> None:
    for name in ("01 - From the Earth to the Moon", "02 - Around the Moon", "03 - Some Other Tale"):
        depot.record(f"Moon Box/{name}/a.mp3")
    around = await depot.book("Around the Moon")
    earth = await depot.book("From the Earth to the Moon")
    await depot.book("Around the Moon", author="Somebody Else")
    download_id = await depot.complete("Moon Box", around)
    download = await depot.run(download_id)

    assert download.state is DownloadState.ENRICHING
    assert [(path, book) for path, _, book, _ in await depot.shelf.copies()] == [
        ("Jules Verne/Around the Moon {Ann Reader}", around),
        ("Jules Verne/From the Earth to the Moon", earth),
        ("Jules Verne/Some Other Tale", 4),
    ]
    assert download.book_id == around
    files = sa.select(models.DownloadFile.book_id).order_by(models.DownloadFile.position)
    assert await depot.shelf.rows(files) == [(earth,), (around,), (4,)]
    assert (await depot.history(download_id))[0] == (
        "IMPORTING",
        "3 recordings are in it. Not known, so imported under names of their own: '03 - Some Other Tale'.",
    )


async def test_a_download_for_no_book_makes_one_of_its_own(depot: Depot) -> None:
    depot.record("The Lighthouse.m4b")
    facts = ReleaseFacts(title="The Lighthouse", authors=("Ada Coast",))
    download = await depot.run(await depot.complete("The Lighthouse.m4b", None, facts=facts))
    assert await depot.shelf.copies() == [("Ada Coast/The Lighthouse", 1, 1, False)]
    assert (download.book_id, download.edition_id) == (1, 1)
    assert await depot.shelf.rows(sa.select(models.Book.title)) == [("The Lighthouse",)]
    assert names(depot.shelf.folder) == ["Ada Coast/The Lighthouse/The Lighthouse.m4b"]


async def test_the_clients_options_choose_the_names_and_the_sidecar(depot: Depot) -> None:
    depot.options = {"naming_template": "{author}/{title} ({year})", "write_sidecar": False}
    depot.record("Moon/a.mp3")
    book_id = await depot.book("Around the Moon", year=1870)
    await depot.run(await depot.complete("Moon", book_id))
    assert names(depot.shelf.folder) == ["Jules Verne/Around the Moon (1870)/a.mp3"]
