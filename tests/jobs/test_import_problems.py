"""What keeps a download out of the library, and that it goes in once the hindrance is gone."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from jobs.events import unit_of_work
from library import downloads, models
from library.models.downloads import Download, DownloadState, ImportMode, ImportState
from library.models.jobs import JobState
from library.releases.facts import ReleaseFacts
from tests.jobs.import_fixtures import Depot, names, tree

TALE = "Jules Verne/Tale {Ann Reader}"


async def tale(depot: Depot, **how: object) -> int:
    depot.record("Tale/a.mp3", seconds=0.5)
    return await depot.complete("Tale", await depot.book("Tale"), **how)  # type: ignore[arg-type] # the options of complete


def blocked(download: Download) -> str | None:
    assert download.state is DownloadState.BLOCKED
    assert download.reason_message
    assert download.reason_message.endswith(".")
    return download.reason_code


async def test_files_that_are_not_where_the_client_says_are_looked_for_with_a_hint(depot: Depot) -> None:
    download_id = await tale(depot)
    (depot.folder / "Tale").rename(depot.folder / "Other")
    download = await depot.run(download_id)
    assert blocked(download) == "FILES_NOT_FOUND"
    assert download.retry_at is not None
    assert download.reason_hint == (
        f"The client's downloads is looked for as …/{depot.folder.parent.name}/depot on this server. "
        "Mount that folder here, or correct the client's path mappings."
    )
    (depot.folder / "Other").rename(depot.folder / "Tale")
    assert (await depot.retry(download_id)).state is DownloadState.ENRICHING


async def test_a_missing_path_mapping_is_guessed_from_where_the_files_are(depot: Depot) -> None:
    depot.options = {"path_mappings": []}
    depot.folder = depot.folder.parent / "downloads"
    download_id = await tale(depot)
    download = await depot.run(download_id)
    assert blocked(download) == "FILES_NOT_FOUND"
    assert download.reason_hint == (
        f"Add a path mapping to the download client: downloads there is …/{depot.folder.parent.name}/downloads here."
    )


async def test_a_download_without_a_place_is_not_looked_for_in_the_servers_own_folder(depot: Depot) -> None:
    download_id = await tale(depot)
    async with depot.shelf.database.write() as session:
        (await session.get_one(Download, download_id)).save_path = None
    assert blocked(await depot.run(download_id)) == "FILES_NOT_FOUND"


@pytest.mark.parametrize("what", ["missing", "longer", "a link", "a folder that leads out"])
async def test_files_that_differ_from_the_torrent_are_told(depot: Depot, what: str, tmp_path: Path) -> None:
    depot.record("Tale/b/b.mp3", seconds=0.5)
    download_id = await tale(depot)
    place = depot.folder / "Tale/b/b.mp3"
    elsewhere = tmp_path / "elsewhere"
    if what == "a folder that leads out":
        place.parent.rename(elsewhere)
        place.parent.symlink_to(elsewhere)
    elif what == "longer":
        place.write_bytes(place.read_bytes() + b"x")
    else:
        place.rename(elsewhere)
        if what == "a link":
            place.symlink_to(elsewhere)
    download = await depot.run(download_id)
    assert blocked(download) == "FILES_DIFFER"
    assert "Tale/b/b.mp3" in str(download.reason_message)
    assert names(depot.shelf.folder) == []


async def test_an_extra_that_was_not_fetched_keeps_nobody_waiting(depot: Depot) -> None:
    depot.record("Tale/a.mp3")
    size = (depot.folder / "Tale/a.mp3").stat().st_size
    listed = [("Tale/a.mp3", size), ("Tale/booklet.pdf", 7)]
    download_id = await depot.complete("Tale", await depot.book("Tale"), listed=listed)
    assert (await depot.run(download_id)).state is DownloadState.ENRICHING
    assert names(depot.shelf.folder) == [f"{TALE}/a.mp3", f"{TALE}/metadata.json"]


@pytest.mark.parametrize(("name", "said"), [("book.rar", "packed in archives"), ("book.txt", "no audio file")])
async def test_a_download_without_audio_says_why(depot: Depot, name: str, said: str) -> None:
    depot.write(f"Tale/{name}")
    download = await depot.run(await depot.complete("Tale", await depot.book("Tale")))
    assert blocked(download) == "NO_AUDIO"
    assert said in str(download.reason_message)
    assert download.retry_at is None


async def test_damaged_audio_is_told_and_kept_in_rows_and_can_be_taken_all_the_same(depot: Depot) -> None:
    depot.record("Tale/a.mp3")
    depot.write("Tale/b.mp3", "no audio at all " * 50)
    download_id = await depot.complete("Tale", await depot.book("Tale"))
    download = await depot.run(download_id)
    assert blocked(download) == "FILES_UNREADABLE"
    problems = sa.select(models.DownloadFile.path, models.DownloadFile.problem)
    assert await depot.shelf.rows(problems) == [
        ("Tale/a.mp3", None),
        ("Tale/b.mp3", "The audio cannot be decoded at all; the file is damaged, get another release."),
    ]
    download = await depot.retry(download_id, ignore_warnings=True)
    assert download.state is DownloadState.ENRICHING
    assert "b.mp3" in str((await depot.history(download_id))[2][1])


@pytest.mark.parametrize(
    ("heard", "is_blocked", "said"),
    [
        (10.0, False, None),
        (10.2, False, None),
        (9.5, False, "It lasts 9.6 s, the edition that was meant 10.0 s (-4%): it may be another recording."),
        (6.0, True, "It lasts 6.1 s, the edition that was meant 10.0 s (-39%): it may be abridged or incomplete."),
        (12.0, True, "It lasts 12.1 s, the edition that was meant 10.0 s (+21%): it may be another recording."),
    ],
)
async def test_a_length_far_from_the_edition_that_was_meant_is_told_or_stops_it(
    depot: Depot, heard: float, is_blocked: bool, said: str | None
) -> None:
    depot.record("Tale/a.mp3", seconds=heard)
    facts = ReleaseFacts(title="Tale", authors=("Jules Verne",), duration_seconds=10.0)
    download_id = await depot.complete("Tale", await depot.book("Tale"), facts=facts)
    download = await depot.run(download_id)
    if is_blocked:
        assert (blocked(download), download.reason_message) == ("DURATION_DIFFERS", said)
        download = await depot.retry(download_id, ignore_warnings=True)
    assert download.state is DownloadState.ENRICHING
    assert [message for state, message in await depot.history(download_id) if state == "IMPORTING"] == [said]


async def test_what_is_in_the_way_is_never_touched_and_the_import_waits_for_it_to_go(depot: Depot) -> None:
    place = depot.shelf.folder / TALE
    place.mkdir(parents=True)
    (place / "a.mp3").write_text("of somebody else")
    download_id = await tale(depot)
    download = await depot.run(download_id)
    assert blocked(download) == "TARGET_EXISTS"
    assert tree(place) == {"a.mp3": b"of somebody else"}
    place.rename(depot.shelf.folder / "Theirs")
    assert (await depot.retry(download_id)).state is DownloadState.ENRICHING


async def test_a_link_in_the_library_that_leads_out_of_it_is_not_followed(depot: Depot, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (depot.shelf.folder / "Jules Verne").symlink_to(tmp_path / "outside")
    assert blocked(await depot.run(await tale(depot))) == "LIBRARY_UNWRITABLE"
    assert names(tmp_path / "outside") == []


async def test_a_library_whose_disk_is_away_is_not_written_to(depot: Depot) -> None:
    depot.shelf.record("Somebody/Book/a.mp3", tone=900)
    await depot.shelf.scan()
    (depot.shelf.folder / "Somebody").rename(depot.folder.parent / "unmounted")
    assert blocked(await depot.run(await tale(depot))) == "LIBRARY_UNWRITABLE"
    assert names(depot.shelf.folder) == []


async def test_without_a_library_root_it_says_what_to_do(depot: Depot) -> None:
    download_id = await tale(depot)
    async with depot.shelf.database.write() as session:
        await session.execute(sa.delete(models.LibraryRoot))
    assert blocked(await depot.run(download_id)) == "NOT_CONFIGURED"


async def test_a_library_root_that_is_gone_is_replaced_by_no_other(depot: Depot) -> None:
    depot.options = {**depot.options, "root_id": 4711}
    download = await depot.run(await tale(depot))
    assert blocked(download) == "NOT_CONFIGURED"
    assert download.reason_message == "The library root that was chosen for this import is no longer there."


async def test_an_unusable_naming_template_is_told(depot: Depot) -> None:
    depot.options = {"naming_template": "{author}"}
    assert blocked(await depot.run(await tale(depot))) == "NOT_CONFIGURED"


async def test_a_hardlink_over_two_file_systems_is_refused_and_never_becomes_a_copy(
    depot: Depot, other_device: Path
) -> None:
    depot.folder = other_device
    download_id = await tale(depot)
    assert blocked(await depot.run(download_id)) == "CROSS_DEVICE"
    assert names(depot.shelf.folder) == []
    assert (await depot.retry(download_id, mode=ImportMode.COPY)).state is DownloadState.ENRICHING
    assert names(depot.shelf.folder) == [f"{TALE}/a.mp3", f"{TALE}/metadata.json"]
    assert names(other_device) == ["Tale/a.mp3"]


async def test_a_move_over_two_file_systems_and_back_loses_nothing(depot: Depot, other_device: Path) -> None:
    depot.folder = other_device
    download_id = await tale(depot, mode=ImportMode.MOVE)
    content = (depot.folder / "Tale/a.mp3").read_bytes()
    await depot.run(download_id)
    assert names(other_device) == []
    assert (depot.shelf.folder / TALE / "a.mp3").read_bytes() == content
    await depot.undo(1)
    assert tree(other_device) == {"Tale/a.mp3": content}
    assert names(depot.shelf.folder) == []


async def test_an_import_that_cannot_go_on_leaves_nothing_half_done(depot: Depot) -> None:
    (depot.shelf.folder / TALE).mkdir(parents=True)
    (depot.shelf.folder / TALE / "a.mp3").write_text("of somebody else")
    await depot.run(await tale(depot, mode=ImportMode.COPY))
    assert not (depot.shelf.folder / ".shelfgraph-staging").exists()


async def test_a_download_that_is_cancelled_while_its_files_are_staged_is_not_imported(
    depot: Depot, monkeypatch: pytest.MonkeyPatch
) -> None:
    download_id = await tale(depot)
    link, loop = os.link, asyncio.get_running_loop()

    async def cancel() -> None:
        async with unit_of_work(depot.shelf.database, depot.shelf.bus) as work:
            downloads.cancel(work.session, await downloads.get(work.session, download_id), with_data=False)

    def cancel_first(*given: Any, **named: Any) -> None:
        asyncio.run_coroutine_threadsafe(cancel(), loop).result()
        link(*given, **named)

    monkeypatch.setattr(os, "link", cancel_first)
    assert (await depot.run(download_id)).state is DownloadState.CANCELLED
    assert list(depot.shelf.folder.iterdir()) == []


async def test_undoing_leaves_what_is_not_ours_and_tells_of_it(depot: Depot) -> None:
    await depot.run(await tale(depot))
    before = tree(depot.folder)
    place = depot.shelf.folder / TALE
    (place / "notes.txt").write_text("mine")
    content = (place / "a.mp3").read_bytes()
    (place / "a.mp3").unlink()
    (place / "a.mp3").write_bytes(content[:-1] + b"x")  # another file of the same size
    job = await depot.undo(1)
    assert job.state is JobState.PARTIAL
    assert await depot.shelf.item_errors(job) == [(f"{TALE}/a.mp3", "NOT_OURS")]
    assert names(place) == ["a.mp3", "notes.txt"]
    assert names(depot.importing.recycle_dir) == [f"import-1/{TALE}/metadata.json"]
    assert tree(depot.folder) == before
    assert (await depot.imports())[0].state is ImportState.UNDONE


async def test_an_undone_import_is_noted_as_missing_and_its_edition_stays(depot: Depot) -> None:
    download_id = await tale(depot)
    await depot.run(download_id)
    inode = (depot.folder / "Tale/a.mp3").stat().st_ino
    job = await depot.undo(1)
    assert (job.state, job.result) == (JobState.SUCCEEDED, {"download_id": download_id, "import_ids": [1]})
    assert await depot.shelf.copies() == [(TALE, 2, 1, True)]
    recycled = depot.importing.recycle_dir / "import-1" / TALE / "a.mp3"
    assert recycled.stat().st_ino == inode
    assert [file.recycled_to for file in await depot.imported_files()] == [
        f"import-1/{TALE}/a.mp3",
        f"import-1/{TALE}/metadata.json",
    ]
    assert (await depot.undo(1)).state is JobState.SUCCEEDED


async def test_only_what_is_in_the_library_can_be_taken_out(depot: Depot) -> None:
    (depot.shelf.folder / TALE).mkdir(parents=True)
    (depot.shelf.folder / TALE / "a.mp3").write_text("in the way")
    await depot.run(await tale(depot))
    job = await depot.undo(1)
    assert (job.state, job.error_code) == (JobState.FAILED, "CONFLICT")
    assert job.error_message == "The import is PLANNED; only one that is APPLIED can be undone."
