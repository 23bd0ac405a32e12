"""Library roots: the folders that are scanned."""

import os
from collections.abc import Sequence
from pathlib import Path

import anyio.to_thread
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.errors import FolderUnusable, NotFound, RootsOverlap
from library.models.editions import Copy, LibraryRoot


async def usable_folder(path: str) -> Path:
    """Check a folder and resolve its links; raises FolderUnusable. Touches the disk: call it outside a transaction."""
    return await anyio.to_thread.run_sync(_usable_folder, path)


async def add(session: AsyncSession, folder: Path, name: str | None = None) -> LibraryRoot:
    """Add a folder that `usable_folder` gave; raises RootsOverlap when its books would be found twice."""
    for other in await all_roots(session):
        if _overlap(folder, Path(other.path)):
            raise RootsOverlap(str(folder), other.path)
    root = LibraryRoot(name=(name or "").strip() or folder.name or str(folder), path=str(folder))
    session.add(root)
    await session.flush()
    return root


async def all_roots(session: AsyncSession) -> Sequence[LibraryRoot]:
    """Every root, in the order they were added."""
    return (await session.scalars(sa.select(LibraryRoot).order_by(LibraryRoot.id))).all()


async def get(session: AsyncSession, root_id: int) -> LibraryRoot:
    """The root with this id; raises NotFound."""
    root = await session.get(LibraryRoot, root_id)
    if root is None:
        raise NotFound("library root", root_id)
    return root


async def copies_in(session: AsyncSession, root_id: int) -> Sequence[Copy]:
    """Every copy that was ever found in a root."""
    return (await session.scalars(sa.select(Copy).where(Copy.root_id == root_id).order_by(Copy.path))).all()


def _usable_folder(path: str) -> Path:
    try:
        folder = Path(path)
        if not folder.is_absolute():
            raise FolderUnusable(path)
        resolved = folder.resolve(strict=True)
        with os.scandir(resolved):
            return resolved
    except (OSError, ValueError, RuntimeError):  # not there, not allowed; a NUL byte; a loop of links
        raise FolderUnusable(path) from None


def _overlap(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents
