"""Decodes pieces of audio files to see whether they are whole, in processes that a bad file may hang or crash."""

import asyncio
import multiprocessing
import resource
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import av
from mutagen import MutagenError
from mutagen import mp3 as _mp3
from pebble import ProcessExpired, ProcessPool

from library.scanning.errors import (
    EmptyFileError,
    FileUnreadableError,
    Problem,
    ReadingCrashedError,
    ReadingOutOfMemoryError,
    ReadingTimedOutError,
    ScanError,
)

# mutagen declares types for some of its functions only
mp3: Any = _mp3

FILE_TIMEOUT_SECONDS = 600.0  # all of a file is read once; a slow disk gives 2 MB a second
MEMORY_BYTES = 1536 * 1024**2  # address space, of which Python with FFmpeg's libraries takes about 600 MB
FILES_PER_PROCESS = 200  # bounds what a decoder may leak
SPOTS = (0.0, 0.25, 0.5, 0.75)  # of a file's length; its end is decoded besides
SPOT_SECONDS = 1.0
LAST_PACKETS = 40
# After a jump the first packets lean on ones that were not decoded.
LEANING_PACKETS = 4
COARSE_TICKS = 1000
CUT_OFF_SECONDS, CUT_OFF_SHARE = 2.0, 0.005
# Formats without a length of their own: FFmpeg guesses it from the size, which says nothing of a cut.
_GUESSED = frozenset({"aac", "mp3"})


@dataclass(frozen=True, slots=True)
class Sound:
    """A file that is sound: how long its audio lasts by its packets."""

    path: str
    duration_seconds: float


class UndecodableError(ScanError):
    """The audio cannot be decoded."""

    code: ClassVar[str] = "UNDECODABLE"

    def __init__(self, where: str) -> None:
        super().__init__(f"The audio cannot be decoded {where}; the file is damaged, get another release.")


class CutOffError(ScanError):
    """There is less audio than the file's header says."""

    code: ClassVar[str] = "CUT_OFF"

    def __init__(self, heard: float, stated: float) -> None:
        super().__init__(
            f"The file ends after {heard:.0f} of {stated:.0f} seconds, so it is cut off; get another release."
        )


Check = Callable[[str, str], Sound | Problem]


def check_audio(root: str, path: str) -> Sound | Problem:
    """Decode pieces of the audio file at `path` below `root`; what is wrong comes back as a problem."""
    try:
        return Sound(path, _check(Path(root) / path))
    except ScanError as error:
        return error.problem(path)
    except MemoryError:
        return ReadingOutOfMemoryError().problem(path)
    except av.error.FFmpegError:  # before OSError, which some of them are too
        return UndecodableError("at all").problem(path)
    except OSError as error:
        return FileUnreadableError(error).problem(path)


class AudioDecoder:
    """A pool of decoding processes, open as long as its ``async with`` block.

    ``timeout`` in seconds bounds one file, ``memory_bytes`` one process; ``check`` is what runs in the process.
    """

    def __init__(
        self,
        *,
        processes: int = 1,
        timeout: float = FILE_TIMEOUT_SECONDS,
        memory_bytes: int = MEMORY_BYTES,
        check: Check = check_audio,
    ) -> None:
        self._timeout = timeout
        self._check = check
        # Never "fork": it copies the threads' locks of a process that runs an event loop.
        self._pool: Any = ProcessPool(
            max_workers=processes,
            max_tasks=FILES_PER_PROCESS,
            initializer=_limit_memory,
            initargs=[memory_bytes],
            context=multiprocessing.get_context("spawn"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.stop()
        await asyncio.to_thread(self._pool.join)

    async def check(self, root: str, paths: Sequence[str]) -> AsyncGenerator[Sound | Problem]:
        """Check the files at `paths` below `root`, one answer each in their order; ending early cancels the rest."""
        waiting = [asyncio.create_task(self._answer(root, path)) for path in paths]
        try:
            for task in waiting:
                yield await task
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _answer(self, root: str, path: str) -> Sound | Problem:
        future = self._pool.schedule(self._check, args=[root, path], timeout=self._timeout)
        try:
            answer: Sound | Problem = await asyncio.wrap_future(future)
        except FutureTimeoutError:
            return ReadingTimedOutError(self._timeout).problem(path)
        except ProcessExpired as error:
            return ReadingCrashedError(error.exitcode).problem(path)
        except MemoryError:
            return ReadingOutOfMemoryError().problem(path)
        return answer


def _limit_memory(memory_bytes: int) -> None:
    # macOS refuses a limit on the address space; the time-out bounds a greedy file there.
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


@dataclass(slots=True)
class _Listening:
    """One pass over a file's packets: how far they reach, and whether the pieces that are decoded can be."""

    context: Any
    stated: float
    ticks: int  # of the stream's clock, a second
    start: float | None = None
    end: float = 0.0
    played: float = 0.0
    last: deque[Any] = field(default_factory=lambda: deque(maxlen=LAST_PACKETS))
    _spot: int = -1
    _packets: int = 0
    _frames: int = 0

    @property
    def heard(self) -> float:
        """Seconds of sound: from the first packet's begin to the last one's end, less the gaps between packets."""
        reach = self.end - (self.start or 0.0)
        # In clocks of milliseconds each packet is rounded, which adds up.
        return min(reach, self.played) if self.ticks > COARSE_TICKS else reach

    def take(self, packet: Any) -> None:
        """Note where a packet lies, and decode it when it belongs to a spot."""
        begin = float((packet.pts if packet.pts is not None else packet.dts or 0) * packet.time_base)
        if self.start is None:
            self.start = begin
        length = float((packet.duration or 0) * packet.time_base)
        self.end, self.played = max(self.end, begin + length), self.played + length
        self.last.append(packet)
        spot = next(
            (at for at, share in enumerate(SPOTS) if 0 <= begin - self.start - share * self.stated < SPOT_SECONDS), None
        )
        if spot is not None:
            self._decode(packet, spot)

    def finish(self) -> None:
        """Decode the end; raises UndecodableError when it, or the last spot, gives no sound."""
        self._leave_spot()
        self.context.flush_buffers()
        if not sum(_frames(self.context, packet) for packet in self.last):
            raise UndecodableError("at its end")

    def _decode(self, packet: Any, spot: int) -> None:
        if spot != self._spot:
            self._leave_spot()
            self.context.flush_buffers()
            self._spot, self._packets, self._frames = spot, 0, 0
        self._packets += 1
        self._frames += _frames(self.context, packet)

    def _leave_spot(self) -> None:
        if self._spot >= 0 and self._packets > LEANING_PACKETS and self._frames < self._packets / 2:
            raise UndecodableError(f"after {SPOTS[self._spot]:.0%} of its length")


def _check(place: Path) -> float:
    if not place.stat().st_size:
        raise EmptyFileError
    with av.open(str(place), metadata_errors="ignore") as container:
        if not container.streams.audio:
            raise UndecodableError("at all")
        stream: Any = container.streams.audio[0]
        context: Any = stream.codec_context
        context.thread_count = 1
        listening = _Listening(context, (container.duration or 0) / av.time_base, stream.time_base.denominator)
        for packet in _packets(container, stream):
            listening.take(packet)
        if listening.start is None:
            raise UndecodableError("at all")
        listening.finish()
    stated = listening.stated if _states_length(place, container.format.name) else 0.0
    if stated - listening.heard > max(CUT_OFF_SECONDS, CUT_OFF_SHARE * stated):
        raise CutOffError(listening.heard, stated)
    return listening.heard


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    for packet in container.demux(stream):
        if packet.size:  # the last one is empty and only flushes
            yield packet


def _frames(context: Any, packet: Any) -> int:
    """How many frames a packet gives; one that is damaged gives none."""
    try:
        return len(context.decode(packet))
    except av.error.InvalidDataError:
        return 0


def _states_length(place: Path, format_name: str) -> bool:
    if format_name not in _GUESSED:
        return True
    try:
        return format_name == "mp3" and bool(mp3.MP3(place).info.bitrate_mode != mp3.BitrateMode.UNKNOWN)
    except MutagenError:
        return False
