"""Publishing a folder of files all at once: readers see it complete or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".building-"
# A crash leaves its unfinished folder behind; nothing that is built here takes this long.
ABANDONED_SECONDS = 6 * 3600.0


@contextmanager
def published(final: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; on success it becomes `final`, on failure it is removed.

    When another process published `final` meanwhile, theirs stays and ours is dropped.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    sweep_abandoned(final.parent)
    building = Path(tempfile.mkdtemp(prefix=PREFIX, dir=final.parent))
    try:
        yield building
        # mkdtemp makes 0700, onnx 0600; an API process under another user must be able to read.
        building.chmod(0o755)
        for file in building.iterdir():
            file.chmod(0o644)
            _flush(file)
        _flush(building)
        try:
            building.rename(final)
        except OSError:
            if not final.is_dir():
                raise
        else:
            _flush(final.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def discard(folder: Path) -> None:
    """Remove a published folder at once, by a rename: nobody opens one of which half the files are gone."""
    away = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder.parent)) if folder.is_dir() else None
    if away is not None:
        with suppress(FileNotFoundError):  # another process was quicker
            folder.rename(away / folder.name)
        shutil.rmtree(away, ignore_errors=True)


def sweep_abandoned(parent: Path, older_than: float = ABANDONED_SECONDS) -> None:
    """Remove unfinished folders that a crash left in `parent` more than `older_than` seconds ago."""
    limit = time.time() - older_than
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            abandoned = folder.stat().st_mtime < limit
        except FileNotFoundError:  # its builder finished between the listing and the look
            continue
        if abandoned:
            shutil.rmtree(folder, ignore_errors=True)


def _flush(path: Path) -> None:
    # Without this a power cut may keep the rename and lose the bytes.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
