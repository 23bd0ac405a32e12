"""Decodes pieces of audio files to see whether they are whole, in processes that a bad file may hang or crash."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import av
from mutagen import MutagenError
from mutagen import mp3 as _mp3

from jobs.audio_processes import FILE_TIMEOUT_SECONDS, MEMORY_BYTES, AudioProcesses
from library.scanning.errors import (
    EmptyFileError,
    FileUnreadableError,
    Problem,
    ReadingOutOfMemoryError,
    ScanError,
)

# mutagen declares types for some of its functions only
mp3: Any = _mp3

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


class AudioDecoder(AudioProcesses):
    """A pool of decoding processes; ``check`` is what runs in them."""

    def __init__(
        self,
        *,
        processes: int = 1,
        timeout: float = FILE_TIMEOUT_SECONDS,
        memory_bytes: int = MEMORY_BYTES,
        check: Check = check_audio,
    ) -> None:
        super().__init__(processes=processes, timeout=timeout, memory_bytes=memory_bytes)
        self._check = check

    async def check(self, root: str, paths: Sequence[str]) -> AsyncGenerator[Sound | Problem]:
        """Check the files at `paths` below `root`, one answer each in their order; ending early cancels the rest."""
        waiting = [asyncio.create_task(self.answer(self._check, root, path)) for path in paths]
        try:
            for task in waiting:
                yield await task
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


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
