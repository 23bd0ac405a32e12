"""Audio without a story: a quiet chime that no other file has, then silence, encoded with PyAV."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from demo.layouts import ChapterPlan

CHIME_SECONDS = 1.5
SILENCE_SAMPLES = 1 << 16
MILLISECOND = Fraction(1, 1000)


@dataclass(frozen=True)
class Encoding:
    """How one kind of file is encoded; `options` are the codec's."""

    container: str
    codec: str
    rate: int
    sample_format: str
    layout: str = "mono"
    bit_rate: int | None = None
    options: tuple[tuple[str, str], ...] = ()


ENCODINGS = {
    ".m4b": Encoding("ipod", "aac", 8000, "fltp", bit_rate=16000),
    ".m4a": Encoding("ipod", "aac", 8000, "fltp", bit_rate=16000),
    ".mp3": Encoding("mp3", "libmp3lame", 16000, "s16p", bit_rate=16000),
    ".flac": Encoding("flac", "flac", 8000, "s16"),
    ".opus": Encoding("opus", "libopus", 48000, "s16", bit_rate=16000),
    # FFmpeg's own Vorbis encoder knows two channels only and asks to be allowed.
    ".ogg": Encoding("ogg", "vorbis", 22050, "fltp", layout="stereo", options=(("strict", "experimental"),)),
    ".wav": Encoding("wav", "pcm_s16le", 8000, "s16"),
}


def write_audio(path: Path, *, seed: int, seconds: float, chapters: Sequence[ChapterPlan]) -> None:
    """Write `seconds` of audio whose payload no other seed has; the suffix of `path` chooses the encoding.

    Chapters are written into MP4 files only: other containers keep theirs in tags.
    """
    encoding = ENCODINGS[path.suffix]
    # Bit-exact output has no dates, versions or random stream numbers: the same table gives the same bytes.
    with av.open(str(path), "w", format=encoding.container, options={"fflags": "bitexact"}) as output:
        stream = output.add_stream(encoding.codec, rate=encoding.rate, options=dict(encoding.options))
        assert isinstance(stream, AudioStream)  # noqa: S101 - tells the type checker what these codecs are
        stream.layout = encoding.layout
        if encoding.bit_rate:
            stream.bit_rate = encoding.bit_rate
        if encoding.codec == "aac":
            output.set_chapters(_chapters(chapters, seconds))
            _mux_repeating_silence(output, stream, encoding, seed, seconds)
        else:
            _mux_encoded(output, stream, encoding, seed, seconds)


def _mux_encoded(output: Any, stream: AudioStream, encoding: Encoding, seed: int, seconds: float) -> None:
    for frame in _frames(encoding, seed, round(seconds * encoding.rate)):
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))


def _mux_repeating_silence(output: Any, stream: AudioStream, encoding: Encoding, seed: int, seconds: float) -> None:
    """Encode the chime, then repeat one packet of silence: sixty hours take seconds to write."""
    packets = []
    for frame in _frames(encoding, seed, round(min(2 * CHIME_SECONDS, seconds) * encoding.rate)):
        packets += stream.encode(frame)
    output.mux(packets)
    last = packets[-1]
    silence, step, pts = bytes(last), int(last.duration or 0), int(last.pts or 0)
    for _ in range(round(seconds * encoding.rate / step) - len(packets)):
        pts += step
        packet = av.Packet(silence)
        packet.stream = stream
        packet.pts = packet.dts = pts
        packet.duration = step
        packet.time_base = last.time_base
        output.mux_one(packet)


def _frames(encoding: Encoding, seed: int, samples: int) -> Iterator[av.AudioFrame]:
    chime = _chime(seed, encoding.rate)[:samples]
    yield _frame(encoding, chime, 0)
    for start in range(len(chime), samples, SILENCE_SAMPLES):
        yield _frame(encoding, np.zeros(min(SILENCE_SAMPLES, samples - start)), start)


def _chime(seed: int, rate: int) -> NDArray[np.float64]:
    """A soft fading fifth under faint noise, between -0.05 and 0.05."""
    random = np.random.default_rng(seed)
    time = np.arange(int(CHIME_SECONDS * rate)) / rate
    pitch = random.uniform(220, 660)
    tone = np.sin(2 * np.pi * pitch * time) + np.sin(3 * np.pi * pitch * time)
    noise = random.uniform(-1, 1, len(time))
    faded: NDArray[np.float64] = (0.02 * tone + 0.01 * noise) * np.linspace(1, 0, len(time)) ** 2
    return faded


def _frame(encoding: Encoding, signal: NDArray[np.float64], start: int) -> av.AudioFrame:
    planes = np.tile(signal, (2 if encoding.layout == "stereo" else 1, 1))
    samples = (planes * 32767).astype(np.int16) if encoding.sample_format[:3] == "s16" else planes.astype(np.float32)
    frame = av.AudioFrame.from_ndarray(samples, format=encoding.sample_format, layout=encoding.layout)
    frame.sample_rate = encoding.rate
    frame.pts = start
    frame.time_base = Fraction(1, encoding.rate)
    return frame


def _chapters(chapters: Sequence[ChapterPlan], seconds: float) -> list[Any]:
    ends = [*(chapter.start for chapter in chapters[1:]), seconds]
    return [
        {
            "id": index,
            "start": round(chapter.start * 1000),
            "end": round(end * 1000),
            "time_base": MILLISECOND,
            "metadata": {"title": chapter.title},
        }
        for index, (chapter, end) in enumerate(zip(chapters, ends, strict=True))
    ]
