"""Reads the tags, length, chapters and cover of one audio file with mutagen."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import mutagen
from mutagen.aac import AAC
from mutagen.aiff import AIFF
from mutagen.apev2 import APENoHeaderError, APEv2
from mutagen.asf import ASF
from mutagen.flac import FLAC
from mutagen.id3 import ID3, ID3NoHeaderError
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4FreeForm
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from library.scanning import tag_names
from library.scanning.cleaning import MAX_LINE, MAX_TEXT, clean_line, clean_text, raw_text
from library.scanning.errors import (
    EmptyFileError,
    FileUnreadableError,
    ReadingOutOfMemoryError,
    UnreadableAudioError,
    UnsupportedFormatError,
)
from library.scanning.pictures import Picture, front_cover
from library.scanning.raw_chapters import MAX_MARKERS_TEXT, MEDIA_MARKERS, RawChapter, chapters_of

TagMap = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class FileTags:
    """What one audio file says of itself.

    ``tags`` maps the names of tag_names to cleaned values; durations are seconds, ``bit_rate`` bits per second,
    ``sample_rate`` hertz. What the format does not tell is None.
    """

    format: str
    codec: str
    duration_seconds: float
    bit_rate: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    chapters: tuple[RawChapter, ...] = ()
    cover: Picture | None = None


MAX_TAGS = 2_000
MAX_VALUES = 64
MAX_DURATION_SECONDS = 10_000 * 3600.0

_TYPES = (MP3, MP4, FLAC, OggOpus, OggVorbis, OggFLAC, OggSpeex, ASF, WAVE, AIFF, AAC)
_FORMATS = {
    MP3: "mp3",
    MP4: "mp4",
    FLAC: "flac",
    OggOpus: "ogg",
    OggVorbis: "ogg",
    OggFLAC: "ogg",
    OggSpeex: "ogg",
    ASF: "asf",
    WAVE: "wav",
    AIFF: "aiff",
    AAC: "aac",
}
_CODECS = {
    MP3: "mp3",
    FLAC: "flac",
    OggOpus: "opus",
    OggVorbis: "vorbis",
    OggFLAC: "flac",
    OggSpeex: "speex",
    ASF: "wma",
    WAVE: "pcm",
    AIFF: "pcm",
    AAC: "aac",
}
_MP4_CODECS = {"mp4a": "aac", "alac": "alac", "ec-3": "eac3", "ac-3": "ac3", "Opus": "opus", "fLaC": "flac"}
_TEXTS = frozenset({"description", "longdescription", "comment", "synopsis"})
_PICTURE_TAGS = frozenset({"metadata_block_picture", "coverart", "covr", "wm/picture", "cover art (front)"})
# mutagen trusts sizes and counts in the file, so damaged bytes surface as any of these.
DAMAGE = (
    mutagen.MutagenError,
    struct.error,
    ValueError,
    LookupError,
    ArithmeticError,
    AssertionError,
    TypeError,
    AttributeError,
    EOFError,
    RecursionError,
)


def read_tags(path: Path) -> FileTags:
    """Read the audio file at ``path``.

    Raises EmptyFileError, UnsupportedFormatError, UnreadableAudioError, FileUnreadableError or
    ReadingOutOfMemoryError; never an error of mutagen.
    """
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise EmptyFileError
            file.seek(0)
            return _read(file, path)
    except MemoryError as error:
        raise ReadingOutOfMemoryError from error
    except OSError as error:
        raise FileUnreadableError(error) from error


def named_values(audio: Any) -> Iterator[tuple[str, str]]:
    """The tags of a file that mutagen read, by the names of tag_names; pictures are none."""
    tags = audio.tags
    if tags is None:
        return iter(())
    if isinstance(tags, ID3):
        return _id3_values(tags)
    if isinstance(audio, MP4):
        return _mp4_values(tags)
    if isinstance(audio, ASF):
        return _asf_values(tags)
    return ((tag_names.common_name(name), value) for name, value in tags if name.lower() not in _PICTURE_TAGS)


def id3_name(frame: Any) -> str | None:
    """The name of an ID3 frame; None: it is no tag, or nobody's."""
    frame_id = str(frame.FrameID)
    if frame_id == "TXXX":
        return tag_names.common_name(frame.desc)
    if frame_id == "COMM":
        return tag_names.ID3_COMMENT.get(frame.desc.casefold())
    if frame_id.startswith("T") or frame_id in tag_names.ID3:
        return tag_names.ID3.get(frame_id, frame_id.lower())
    return None


def mp4_name(atom: str) -> str:
    """The name of an MP4 atom, also of a freeform one."""
    if atom.startswith("----:"):
        return tag_names.common_name(atom.split(":", 2)[-1])
    return tag_names.MP4.get(atom, atom.lower())


def _read(file: BinaryIO, path: Path) -> FileTags:
    format_name = path.suffix[1:].lower() or "unknown"
    try:
        # An ID3 tag makes mutagen take raw AAC for mp3.
        audio = mutagen.File(file, options=[AAC] if format_name == "aac" else list(_TYPES))
        if audio is None:
            raise UnsupportedFormatError(path.suffix)
        format_name = _FORMATS[type(audio)]
        tags = _bounded(named_values(audio)) or _bounded(_foreign_values(file))
        return _file_tags(audio, tags)
    except DAMAGE as error:
        raise UnreadableAudioError(format_name, error) from error


def _file_tags(audio: Any, tags: TagMap) -> FileTags:
    info = audio.info
    return FileTags(
        format=_FORMATS[type(audio)],
        codec=_codec(audio),
        duration_seconds=min(max(float(info.length), 0.0), MAX_DURATION_SECONDS),
        bit_rate=_positive(info, "bitrate"),
        sample_rate=_positive(info, "sample_rate"),
        channels=_positive(info, "channels"),
        tags={name: values for name, values in tags.items() if name != MEDIA_MARKERS},
        chapters=chapters_of(audio, tags),
        cover=front_cover(audio),
    )


def _codec(audio: Any) -> str:
    if type(audio) in _CODECS:
        return _CODECS[type(audio)]
    name = str(audio.info.codec).split(".")[0]
    return _MP4_CODECS.get(name, name or "unknown")


def _positive(info: Any, name: str) -> int | None:
    value = int(getattr(info, name, 0) or 0)
    return value if value > 0 else None


def _id3_values(tags: Any) -> Iterator[tuple[str, str]]:
    for frame in tags.values():
        if name := id3_name(frame):
            values = frame.genres if frame.FrameID == "TCON" else getattr(frame, "text", ())
            yield from ((name, str(value)) for value in values)


def _mp4_values(tags: Any) -> Iterator[tuple[str, str]]:
    for atom, values in tags.items():
        if atom in _PICTURE_TAGS:
            continue
        for value in values if isinstance(values, list) else [values]:
            yield mp4_name(atom), _mp4_text(value)


def _mp4_text(value: Any) -> str:
    if isinstance(value, (bytes, MP4FreeForm)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, tuple):
        return "/".join(str(part) for part in value)
    return str(value)


def _asf_values(tags: Any) -> Iterator[tuple[str, str]]:
    for name, value in tags:
        if name.lower() not in _PICTURE_TAGS:
            short = tag_names.ASF.get(name) or tag_names.common_name(name.removeprefix("WM/"))
            yield short, str(value)


def _foreign_values(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """Return the tags that mutagen's type for the format does not look for: ID3 and APEv2 around raw frames."""
    for load, missing, values in (
        (ID3, ID3NoHeaderError, _id3_values),
        (APEv2, APENoHeaderError, _ape_values),
    ):
        file.seek(0)
        try:
            tags = load(file)
        except missing:
            continue
        yield from values(tags)


def _ape_values(tags: Any) -> Iterator[tuple[str, str]]:
    for name, value in tags.items():
        if isinstance(value, mutagen.apev2.APETextValue):
            yield from ((tag_names.common_name(name), part) for part in value)


def _bounded(values: Iterable[tuple[str, str]]) -> TagMap:
    """Collect values by name: cleaned, each once, and no more or longer than any honest file has them."""
    found: dict[str, dict[str, None]] = {}
    for name, value in values:
        key = clean_line(name, limit=100)
        cleaned = _cleaned(key, value)
        if not cleaned or (key not in found and len(found) >= MAX_TAGS):
            continue
        known = found.setdefault(key, {})
        if len(known) < MAX_VALUES:
            known[cleaned] = None
    return {name: tuple(known) for name, known in found.items()}


def _cleaned(name: str, value: str) -> str:
    if name == MEDIA_MARKERS:
        return raw_text(value, MAX_MARKERS_TEXT)
    if name in _TEXTS:
        return clean_text(value, MAX_TEXT)
    return clean_line(value, MAX_LINE)
