"""Copies of editions on disk: found by the audio in them, written with their files and chapters."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.editions import AudioFile, Chapter, Copy, Edition, LibraryRoot

# Publishers put the same jingle before every book: only a copy that shares most of its bytes is the same audio.
SAME_AUDIO = 0.5
_MOST_FINGERPRINTS = 5_000  # a statement holds so many values; nobody has more files in a folder


@dataclass(frozen=True, slots=True)
class SharedAudio:
    """A copy with the same audio: where it was last seen, and the share of bytes it has in common (0 to 1)."""

    copy_id: int
    edition_id: int
    edition_fingerprint: str | None
    root_id: int
    root_path: str
    path: str
    share: float


@dataclass(frozen=True, slots=True)
class Span:
    """A chapter to write: seconds on the edition's time line."""

    title: str
    start: float
    end: float


async def sharing_audio(session: AsyncSession, sizes: Mapping[str, int]) -> list[SharedAudio]:
    """Copies whose audio is for the most part that of the files given as fingerprint to bytes; best first."""
    if not sizes:
        return []
    fingerprints = sorted(sizes)[:_MOST_FINGERPRINTS]
    shared = sa.func.sum(sa.case((AudioFile.fingerprint.in_(fingerprints), AudioFile.size_bytes), else_=0))
    touched = sa.select(AudioFile.copy_id).where(AudioFile.fingerprint.in_(fingerprints))
    select = (
        sa.select(Copy, Edition.fingerprint, LibraryRoot.path, shared, sa.func.sum(AudioFile.size_bytes))
        .join(Edition, Edition.id == Copy.edition_id)
        .join(LibraryRoot, LibraryRoot.id == Copy.root_id)
        .join(AudioFile, AudioFile.copy_id == Copy.id)
        .where(Copy.id.in_(touched))
        .group_by(Copy.id, Edition.fingerprint, LibraryRoot.path)
    )
    found = []
    for copy, fingerprint, root_path, common, total in await session.execute(select):
        share = int(common) / max(min(int(total), sum(sizes.values())), 1)
        found.append(
            SharedAudio(copy.id, copy.edition_id, fingerprint, copy.root_id, root_path, copy.path, min(share, 1.0))
        )
    return sorted((one for one in found if one.share >= SAME_AUDIO), key=lambda one: (-one.share, one.copy_id))


async def files_of(session: AsyncSession, copy_ids: Collection[int]) -> dict[int, dict[str, AudioFile]]:
    """The files of some copies: copy id to path to row."""
    files: dict[int, dict[str, AudioFile]] = {copy_id: {} for copy_id in copy_ids}
    if copy_ids:
        for row in await session.scalars(sa.select(AudioFile).where(AudioFile.copy_id.in_(copy_ids))):
            files[row.copy_id][row.path] = row
    return files


async def move(session: AsyncSession, copy: Copy, path: str, root_id: int, displaced: Copy | None) -> None:
    """Say that a copy lies elsewhere now; one that was known at that place gets the place left behind.

    Two folders that swapped names need nothing more; what has vanished is found missing there later.
    """
    left = copy.root_id, copy.path
    if displaced is not None:
        # A path that no folder can have, for the moment in which both would have the same.
        displaced.path = f"\n{displaced.id}"
        await session.flush()
    copy.root_id, copy.path = root_id, path
    await session.flush()
    if displaced is not None:
        displaced.root_id, displaced.path = left
        # Whatever lies there has not been compared with this copy.
        displaced.signature = ""
        await session.flush()


async def write_files(session: AsyncSession, copy_id: int, rows: Sequence[dict[str, Any]], *, is_new: bool) -> None:
    """Make `rows` (columns of AudioFile) the files of a copy; a file that stays or was renamed keeps its id."""
    known = {} if is_new else (await files_of(session, [copy_id]))[copy_id]
    kept: set[str] = set()
    new: list[dict[str, Any]] = []
    wanted_paths = {row["path"] for row in rows}
    renamed = {row.fingerprint: row for row in known.values() if row.path not in wanted_paths and row.fingerprint}
    for row in rows:
        present = known.get(row["path"]) or renamed.pop(row["fingerprint"], None)
        if present is None:
            new.append({"copy_id": copy_id, **row})
            continue
        kept.add(present.path)
        for name, value in row.items():
            setattr(present, name, value)
    for path, present in known.items():
        if path not in kept:
            await session.delete(present)
    await session.flush()
    if new:
        await session.execute(sa.insert(AudioFile), new)


async def write_chapters(session: AsyncSession, edition_id: int, chapters: Iterable[Span], *, is_new: bool) -> None:
    """Make `chapters` those of an edition, touching nothing when they are the same."""
    rows = [
        {"position": place, "title": chapter.title, "start_seconds": chapter.start, "end_seconds": chapter.end}
        for place, chapter in enumerate(chapters)
    ]
    if not is_new:
        select = sa.select(Chapter).where(Chapter.edition_id == edition_id).order_by(Chapter.position)
        if [_plain(chapter) for chapter in await session.scalars(select)] == rows:
            return
        await session.execute(sa.delete(Chapter).where(Chapter.edition_id == edition_id))
    if rows:
        await session.execute(sa.insert(Chapter), [{"edition_id": edition_id, **row} for row in rows])


async def leads(session: AsyncSession, copy: Copy) -> bool:
    """Whether this copy is the one its edition's length and chapters are taken from: the oldest that is there."""
    older = sa.select(Copy.id).where(
        Copy.edition_id == copy.edition_id, Copy.id < copy.id, Copy.missing_since.is_(None)
    )
    return await session.scalar(older.limit(1)) is None


async def mark(session: AsyncSession, copy_ids: Collection[int], *, missing_since: datetime | None) -> set[int]:
    """Note that copies were not seen, or (None) are back; returns the books they belong to."""
    if not copy_ids:
        return set()
    change = sa.update(Copy).where(Copy.id.in_(copy_ids)).values(missing_since=missing_since)
    await session.execute(change.execution_options(synchronize_session=False))
    books = sa.select(Edition.book_id).join(Copy).where(Copy.id.in_(copy_ids))
    return set(await session.scalars(books))


def _plain(chapter: Chapter) -> dict[str, Any]:
    return {
        "position": chapter.position,
        "title": chapter.title,
        "start_seconds": chapter.start_seconds,
        "end_seconds": chapter.end_seconds,
    }
