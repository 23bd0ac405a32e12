"""Writes the demo collection to a folder, whole or not at all, and knows it again afterwards."""

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from demo.audio import write_audio
from demo.books import DemoBook, load_books, table_hash
from demo.covers import cover
from demo.layouts import Cover, EditionPlan, plan
from demo.sidecars import sidecars
from demo.tags import write_tags

# Hidden, so that the scanner passes it by.
MARKER = ".shelfgraph-demo"
PROCESSES = 2

Progress = Callable[[int, int, str], None]


class FolderNotOurs(Exception):
    """The folder holds something, and nothing says that the demo wrote it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} is not empty and was not written by the demo; "
            "choose another folder for the demo collection, or move what is in it away."
        )
        self.folder = folder


class DemoFolderHasOtherFiles(Exception):
    """A newer demo would replace the folder, but somebody put files of their own into it."""

    def __init__(self, folder: Path, others: Sequence[str]) -> None:
        super().__init__(
            f"{folder} must be written anew, but holds {len(others)} files that the demo did not write, "
            f"such as {others[0]}; move them to a folder of their own, then start again."
        )
        self.folder = folder
        self.others = tuple(others)


@dataclass(frozen=True)
class CollectionSummary:
    """What the collection holds; `written` is False when it was already there."""

    books: int
    editions: int
    audio_files: int
    bytes: int
    seconds: float
    written: bool


@dataclass(frozen=True)
class _Marker:
    table: str
    files: tuple[str, ...]
    summary: CollectionSummary


def write_collection(folder: Path, progress: Progress, *, books: Sequence[DemoBook] | None = None) -> CollectionSummary:
    """Write the demo's books (all of them unless `books` are given) to `folder` as audio files.

    `progress(done, total, title)` is called at the start, and after each edition with the title just done.
    A folder that already holds exactly this table is left as it is. The files appear all at once: an interrupted
    call leaves nothing at `folder`.

    Raises FolderNotOurs when `folder` is in use, DemoFolderHasOtherFiles when an older demo holds files of others.
    """
    books = load_books() if books is None else books
    table = table_hash(books)
    scratch = folder.with_name(f".{folder.name}.writing")
    replaced = folder.with_name(f".{folder.name}.replaced")
    for leftover in (scratch, replaced):
        _discard(leftover)
    marker = _read_marker(folder)
    if marker and marker.table == table:
        return marker.summary
    _require_replaceable(folder, marker)
    try:
        scratch.mkdir(parents=True)
        (scratch / MARKER).touch()
        summary = _write_editions(scratch, plan(books), progress, len(books))
        _write_marker(scratch, table, summary)
        if folder.exists():
            folder.rename(replaced)
        scratch.rename(folder)
    finally:
        _discard(scratch)
    _discard(replaced)
    return summary


def write_edition(root: Path, edition: EditionPlan) -> None:
    """Write one edition's audio files, sidecars and cover below `root`."""
    folder = root / edition.folder
    folder.mkdir(parents=True, exist_ok=True)
    image = None if edition.recipe.cover is Cover.NONE else cover(edition.book)
    embedded = image if edition.recipe.cover is Cover.EMBEDDED else None
    for part in edition.parts:
        path = folder / part.name
        path.parent.mkdir(exist_ok=True)
        write_audio(path, seed=_seed(edition, part.name), seconds=part.seconds, chapters=part.chapters)
        write_tags(path, edition, part, embedded)
    for name, text in sidecars(edition).items():
        (folder / name).write_text(text, "utf-8")
    if image and edition.recipe.cover is Cover.FILE:
        (folder / "cover.jpg").write_bytes(image)


def _write_editions(root: Path, plans: Sequence[EditionPlan], progress: Progress, books: int) -> CollectionSummary:
    # Spawned, not forked: the caller may have threads, and a fork would copy their locks in whatever state.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(PROCESSES, mp_context=spawn, initializer=_obey_parent)
    try:
        # The longest first, so that no process is left alone with them at the end.
        longest_first = sorted(plans, key=lambda edition: -edition.seconds)
        titles = {pool.submit(write_edition, root, edition): edition.book.title for edition in longest_first}
        progress(0, len(plans), "")
        for done, future in enumerate(as_completed(titles), 1):
            future.result()
            progress(done, len(plans), titles[future])
    finally:
        pool.shutdown(cancel_futures=True)
    return CollectionSummary(
        books=books,
        editions=len(plans),
        audio_files=sum(len(edition.parts) for edition in plans),
        bytes=sum(path.stat().st_size for path in root.rglob("*") if path.is_file()),
        seconds=sum(edition.seconds for edition in plans),
        written=True,
    )


def _obey_parent() -> None:
    """Leave Ctrl-C to the parent, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_after_parent, daemon=True).start()


def _exit_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _seed(edition: EditionPlan, part: str) -> int:
    name = "\0".join((edition.book.title, *edition.edition.narrators, part))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])


def _require_replaceable(folder: Path, marker: _Marker | None) -> None:
    if marker:
        others = sorted(_files(folder) - {*marker.files})
        if others:
            raise DemoFolderHasOtherFiles(folder, others)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderNotOurs(folder)


def _discard(folder: Path) -> None:
    """Remove what an earlier call of ours left, and nothing else."""
    if not folder.exists():
        return
    if not (folder / MARKER).exists() and any(folder.iterdir()):
        raise FolderNotOurs(folder)
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != MARKER:
            entry.unlink()
    # The marker goes last: a removal that was itself interrupted is still known as ours.
    shutil.rmtree(folder)


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MARKER}


def _write_marker(folder: Path, table: str, summary: CollectionSummary) -> None:
    content = {"table": table, "files": sorted(_files(folder)), "summary": asdict(summary)}
    (folder / MARKER).write_text(json.dumps(content, indent=1), "utf-8")


def _read_marker(folder: Path) -> _Marker | None:
    try:
        content = json.loads((folder / MARKER).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    summary = CollectionSummary(**(content["summary"] | {"written": False}))
    return _Marker(content["table"], tuple(content["files"]), summary)
