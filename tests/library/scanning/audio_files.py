"""Writes small real audio files with tags, chapters and covers for tests."""

import base64
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import mutagen
import numpy as np
from mutagen import apev2 as _apev2
from mutagen import flac as _flac
from mutagen import id3 as _id3
from mutagen import mp3 as _mp3
from mutagen import mp4 as _mp4
from PIL import Image

# mutagen declares types for some of its functions only
apev2: Any = _apev2
flac: Any = _flac
id3: Any = _id3
mp3: Any = _mp3
mp4: Any = _mp4

# suffix: (container, encoder, sample format, layout)
_ENCODERS = {
    ".mp3": ("mp3", "libmp3lame", "fltp", "mono"),
    ".m4b": ("ipod", "aac", "fltp", "mono"),
    ".m4a": ("ipod", "aac", "fltp", "mono"),
    ".flac": ("flac", "flac", "s16", "mono"),
    ".opus": ("ogg", "libopus", "s16", "mono"),
    # PyAV's wheels have FFmpeg's own Vorbis encoder only, which is marked experimental and stereo.
    ".ogg": ("ogg", "vorbis", "fltp", "stereo"),
    ".oga": ("ogg", "flac", "s16", "mono"),
    ".wav": ("wav", "pcm_s16le", "s16", "mono"),
    ".aiff": ("aiff", "pcm_s16be", "s16", "mono"),
    ".aac": ("adts", "aac", "fltp", "mono"),
    ".wma": ("asf", "wmav2", "fltp", "mono"),
}
SUFFIXES = tuple(_ENCODERS)
_RATES = {".opus": 48_000}

Tags = Mapping[str, str | Sequence[str]]


def write_audio(
    path: Path,
    *,
    seconds: float = 1.0,
    tone: float = 440.0,
    chapters: Iterable[tuple[float, float, str]] = (),
    tags: Tags | None = None,
    cover: bytes | None = None,
) -> Path:
    """Write a file with a sine of ``tone`` hertz in the format of the path's suffix; return the path.

    ``chapters`` are (start, end, title) in seconds, for m4b. Different tones give different audio payloads.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    container_format, encoder, sample_format, layout = _ENCODERS[path.suffix]
    rate = _RATES.get(path.suffix, 22_050)
    with av.open(str(path), "w", format=container_format) as container:
        options = {"strict": "experimental"} if encoder == "vorbis" else {}
        # Any, as the type of a stream named by text is the union of all kinds
        stream: Any = container.add_stream(encoder, rate=rate, layout=layout, format=sample_format, options=options)
        if encoder.startswith("wma"):
            stream.bit_rate = 32_000
        listed = [
            {
                "id": index,
                "start": round(start * 1000),
                "end": round(end * 1000),
                "time_base": Fraction(1, 1000),
                "metadata": {"title": title},
            }
            for index, (start, end, title) in enumerate(chapters)
        ]
        if listed:
            container.set_chapters(listed)  # type: ignore[arg-type] # a plain dict has the TypedDict's keys
        for packet in stream.encode(_sine(seconds, tone, rate)):
            container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    if tags:
        write_tags(path, tags)
    if cover:
        write_cover(path, cover)
    return path


def write_tags(path: Path, tags: Tags) -> None:
    """Set tags by their native names: ``TIT2``, ``TXXX:ASIN``, ``©nam``, ``----:ASIN``, ``TITLE``, ``WM/Genre``."""
    if path.suffix == ".aac":
        file = id3.ID3()
        _set_frames(file, tags)
        file.save(path)
        return
    audio: Any = mutagen.File(path)
    if audio.tags is None:
        audio.add_tags()
    if isinstance(audio.tags, id3.ID3):
        _set_frames(audio.tags, tags)
    elif isinstance(audio, mp4.MP4):
        _set_atoms(audio, tags)
    else:
        audio.update({name: _values(value) for name, value in tags.items()})
    audio.save()


def write_cover(path: Path, data: bytes) -> None:
    """Embed ``data`` as the front cover."""
    audio: Any = mutagen.File(path)
    if audio.tags is None:
        audio.add_tags()
    if isinstance(audio.tags, id3.ID3):
        audio.tags.add(id3.APIC(encoding=3, mime="image/png", type=3, desc="front", data=data))
    elif isinstance(audio, mp4.MP4):
        audio["covr"] = [mp4.MP4Cover(data, mp4.MP4Cover.FORMAT_PNG)]
    else:
        picture = flac.Picture()
        picture.type, picture.mime, picture.data = 3, "image/png", data
        _add_flac_picture(audio, picture)
    audio.save()


def write_ape_tags(path: Path, tags: Mapping[str, str]) -> None:
    """Add an APEv2 tag at the end of an mp3 or aac file."""
    ape = apev2.APEv2()
    for name, value in tags.items():
        ape[name] = value
    ape.save(path)


def write_id3v1(path: Path, title: str) -> None:
    """Add an ID3v1 tag at the end of an mp3 file, beside an ID3v2 tag."""
    audio = mp3.MP3(path)
    if audio.tags is None:
        audio.add_tags()
    audio.tags.add(id3.TIT2(encoding=3, text=title))
    audio.save(v1=2)


def png(colour: str = "red", size: int = 8) -> bytes:
    """Return a square picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, "PNG")
    return buffer.getvalue()


def _sine(seconds: float, tone: float, rate: int) -> av.AudioFrame:
    times = np.arange(round(seconds * rate)) / rate
    samples = (np.sin(2 * math.pi * tone * times) * 8_000).astype(np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = rate
    frame.pts = 0
    return frame


def _values(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _set_frames(target: Any, tags: Tags) -> None:
    for name, value in tags.items():
        frame_id, _, description = name.partition(":")
        frame_type = getattr(id3, frame_id)
        described = {"desc": description} if frame_id in ("TXXX", "COMM") else {}
        language = {"lang": "eng"} if frame_id == "COMM" else {}
        target.add(frame_type(encoding=3, text=_values(value), **described, **language))


def _set_atoms(audio: Any, tags: Tags) -> None:
    for name, value in tags.items():
        if name.startswith("----:"):
            audio[f"----:com.apple.iTunes:{name[5:]}"] = [text.encode() for text in _values(value)]
        elif name in ("trkn", "disk"):
            audio[name] = [(int(text), 0) for text in _values(value)]
        elif name in ("©mvi", "©mvc"):
            audio[name] = [int(text) for text in _values(value)]
        else:
            audio[name] = _values(value)


def _add_flac_picture(audio: Any, picture: Any) -> None:
    if isinstance(audio, flac.FLAC):
        audio.add_picture(picture)
    else:
        audio["metadata_block_picture"] = [base64.b64encode(picture.write()).decode()]
