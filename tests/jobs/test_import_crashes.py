"""Imports that die before or after any commit or file operation, and what the next attempt makes of them."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from library import models
from library.models.downloads import DownloadState, ImportMode
from tests.jobs.crash_points import Killed, MortalDatabase, Plan
from tests.jobs.import_fixtures import Depot, tree

OPERATIONS = ("link", "rename", "replace", "mkdir", "rmdir", "unlink", "fsync", "utime")
MOST_POINTS = 400
EVERY = {"sqlite": 1, "postgresql": 4}  # the points are the same on both, so one of them takes them all


@contextmanager
def mortal_files(plan: Plan, *below: Path) -> Iterator[None]:
    """Points before and after every change of a file below some folders."""
    patch = pytest.MonkeyPatch()
    for name in OPERATIONS:
        patch.setattr(os, name, _mortal(name, getattr(os, name), plan, tuple(map(str, below))))
    try:
        yield
    finally:
        patch.undo()


def _mortal(name: str, operation: Callable[..., Any], plan: Plan, below: tuple[str, ...]) -> Callable[..., Any]:
    def run(*given: Any, **named: Any) -> Any:
        if name != "fsync" and not str(given[0]).startswith(below):
            return operation(*given, **named)
        plan.point(f"before {name}")
        answer = operation(*given, **named)
        plan.point(f"after {name}")
        return answer

    return run


async def dies_at(depot: Depot, point: int, act: Callable[[Depot], Any]) -> bool:
    """Act as somebody who dies at a point; False when there are fewer points."""
    plan = Plan(at=point)
    mortal = replace(depot, shelf=replace(depot.shelf, database=MortalDatabase.around(depot.shelf.database, plan)))
    with mortal_files(plan, depot.folder, depot.shelf.folder.parent), suppress(Killed):
        await act(mortal)
    return plan.struck


def stride(depot: Depot) -> int:
    """How many points lie between two deaths."""
    return EVERY[depot.shelf.database.engine.dialect.name]


@pytest.mark.parametrize("mode", list(ImportMode))
async def test_an_import_that_dies_at_any_point_is_finished_by_the_next_exactly_once(
    depot: Depot, mode: ImportMode
) -> None:
    await die_everywhere(depot, mode)


async def test_so_is_a_move_to_another_file_system(depot: Depot, other_device: Path) -> None:
    depot.folder = other_device
    await die_everywhere(depot, ImportMode.MOVE)


async def die_everywhere(depot: Depot, mode: ImportMode) -> None:
    bystander = depot.shelf.record("Somebody/Their Book/a.mp3", tone=5000)
    theirs = (bystander.read_bytes(), bystander.stat().st_ino)
    point, folders = 0, []
    while True:
        point += stride(depot)
        assert point < MOST_POINTS
        title = f"Tale {point:03}"
        depot.record(f"{title}/a.mp3", seconds=0.1)
        depot.record(f"{title}/CD2/b.mp3", seconds=0.1)
        download_id = await depot.complete(title, await depot.book(title), mode=mode)
        before = tree(depot.folder / title)

        died = await dies_at(depot, point, partial(Depot.run, download_id=download_id))
        download = await depot.run(download_id, worker="the next")

        assert download.state is DownloadState.ENRICHING, (point, download.reason_message)
        folder = f"Jules Verne/{title} {{Ann Reader}}"
        folders.append(folder)
        placed = tree(depot.shelf.folder / folder)
        assert {path: placed[path] for path in before} == before
        assert set(placed) == {*before, "metadata.json"}
        assert tree(depot.folder / title) == ({} if mode is ImportMode.MOVE else before)
        if not died:
            break
    assert point > 30
    copies = await depot.shelf.copies()
    assert [path for path, *_ in copies] == sorted(folders)
    assert len({book for _, _, book, _ in copies}) == len({edition for _, edition, _, _ in copies}) == len(folders)
    assert len(await depot.imports()) == len(folders)
    assert sorted(place.name for place in depot.shelf.folder.iterdir()) == ["Jules Verne", "Somebody"]
    assert (bystander.read_bytes(), bystander.stat().st_ino) == theirs


@pytest.mark.parametrize("mode", [ImportMode.HARDLINK, ImportMode.MOVE])
async def test_an_undo_that_dies_at_any_point_is_finished_by_the_next(depot: Depot, mode: ImportMode) -> None:
    point = 0
    while True:
        point += stride(depot)
        assert point < MOST_POINTS
        title = f"Tale {point:03}"
        depot.record(f"{title}/a.mp3", seconds=0.1)
        download_id = await depot.complete(title, await depot.book(title), mode=mode)
        before = tree(depot.folder)
        await depot.run(download_id)
        import_id = (await depot.imports())[-1].id

        died = await dies_at(depot, point, partial(Depot.undo, import_id=import_id))
        await depot.undo(import_id)

        assert tree(depot.folder) == before
        assert tree(depot.shelf.folder) == {}
        recycled = tree(depot.importing.recycle_dir / f"import-{import_id}")
        kept = {"metadata.json"} | ({"a.mp3"} if mode is ImportMode.HARDLINK else set())
        assert {path.rpartition("/")[2] for path in recycled} == kept
        if not died:
            break
    assert point > 10
    missing = await depot.shelf.rows(sa.select(models.Copy.id).where(models.Copy.missing_since.is_(None)))
    assert missing == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "DISK_FULL"),
        (errno.EDQUOT, "DISK_FULL"),
        (errno.EACCES, "LIBRARY_UNWRITABLE"),
        (errno.EROFS, "LIBRARY_UNWRITABLE"),
        (errno.EIO, "LIBRARY_UNWRITABLE"),
    ],
)
@pytest.mark.parametrize("name", ["link", "rename", "mkdir"])
async def test_what_the_system_refuses_is_told_and_passes_when_it_does(
    depot: Depot, name: str, number: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    depot.record("Tale/a.mp3")
    download_id = await depot.complete("Tale", await depot.book("Tale"))

    def refuse(*given: Any, **named: Any) -> Any:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, name, refuse)
        download = await depot.run(download_id)
    assert (download.state, download.reason_code) == (DownloadState.BLOCKED, code)
    assert download.retry_at is not None
    assert str(depot.folder.parent) not in f"{download.reason_message} {download.reason_hint}"
    assert (await depot.retry(download_id)).state is DownloadState.ENRICHING
