"""Writes tags into copies that nobody else has, in processes of their own, and proves that nothing but tags changed."""

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import av

from jobs.audio_processes import FILE_TIMEOUT_SECONDS, MEMORY_BYTES, AudioProcesses
from jobs.decoding import check_audio
from library.scanning.errors import (
    FileUnreadableError,
    Problem,
    ReadingOutOfMemoryError,
    ScanError,
    UnreadableAudioError,
)
from library.scanning.identity import audio_fingerprint
from library.scanning.raw_chapters import RawChapter
from library.scanning.tags import read_tags
from library.written_tags import WrittenTags, write_tags


class SharedFileError(ScanError):
    """The file has another name, under which it may be seeding."""

    code: ClassVar[str] = "SHARED_FILE"

    def __init__(self) -> None:
        super().__init__("The file has another name, under which it may be seeding; import it as a copy.")


class MoreThanTagsError(ScanError):
    """Something besides the tags would have become another."""

    code: ClassVar[str] = "MORE_THAN_TAGS"

    def __init__(self) -> None:
        super().__init__(
            "Its audio, chapters or cover would not have stayed the same; write its tags with another tool."
        )


Tag = Callable[[str, str, WrittenTags], Problem | None]


@dataclass(frozen=True, slots=True)
class _Content:
    """What of a file is no tag."""

    fingerprint: str
    duration_seconds: float
    cover: str | None
    chapters: tuple[RawChapter, ...]
    listed: tuple[Any, ...]  # chapters as FFmpeg reads them, which knows QuickTime's


def tag_file(root: str, path: str, tags: WrittenTags) -> Problem | None:
    """Write tags into the file at `path` below `root`; what is wrong comes back as a problem.

    A file of which a problem is told is to be thrown away: it may be half written.
    """
    place = Path(root, path)
    try:
        _check_own(place)
        before = _content(place)
        write_tags(place, tags)
        if _content(place) != before:
            raise MoreThanTagsError
    except ScanError as error:
        return error.problem(path)
    except MemoryError:
        return ReadingOutOfMemoryError().problem(path)
    except av.error.FFmpegError as error:  # before OSError, which some of them are too
        return UnreadableAudioError(place.suffix[1:].lower(), error).problem(path)
    except OSError as error:
        return FileUnreadableError(error).problem(path)
    heard = check_audio(root, path)
    return heard if isinstance(heard, Problem) else None


class TagWriter(AudioProcesses):
    """A pool of processes that write tags; ``tag`` is what runs in them."""

    def __init__(
        self,
        *,
        processes: int = 1,
        timeout: float = FILE_TIMEOUT_SECONDS,
        memory_bytes: int = MEMORY_BYTES,
        tag: Tag = tag_file,
    ) -> None:
        super().__init__(processes=processes, timeout=timeout, memory_bytes=memory_bytes)
        self._tag = tag

    async def write(self, place: Path, tags: WrittenTags) -> Problem | None:
        """Write tags into a file that is ours alone; the file of a problem is to be thrown away."""
        return await self.answer(self._tag, str(place.parent), place.name, tags)


def _check_own(place: Path) -> None:
    status = place.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise SharedFileError


def _content(place: Path) -> _Content:
    told = read_tags(place)
    with av.open(str(place), metadata_errors="ignore") as container:
        listed = tuple(
            (chapter["start"], chapter["time_base"], chapter["metadata"].get("title"))
            for chapter in container.chapters()
        )
    cover = told.cover.digest if told.cover is not None else None
    return _Content(audio_fingerprint(place), told.duration_seconds, cover, told.chapters, listed)
