"""Takes the front cover out of a file's pictures."""

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mutagen import MutagenError, flac


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Picture:
    """An embedded picture: its MIME type as its bytes tell it, and a hash that stands for the bytes."""

    mime: str
    data: bytes = field(repr=False)
    digest: str


MAX_PICTURE_BYTES = 16 * 1024 * 1024
MAX_PICTURES = 50
FRONT_COVER = 3
_MAGIC = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}
_WEBP = (b"RIFF", b"WEBP")
_VORBIS_PICTURES = ("metadata_block_picture", "coverart")

Candidate = tuple[int, bytes]


def front_cover(audio: Any) -> Picture | None:
    """Return the front cover of a file that mutagen read, else its first picture, else None.

    Only jpeg, png, gif and webp of at most 16 MiB count; the type is told by the bytes, never by the tag.
    """
    candidates = [found for _, found in zip(range(MAX_PICTURES), _candidates(audio), strict=False)]
    # sorted() is stable: among the fronts and among the others the first stays first
    for _, data in sorted(candidates, key=lambda candidate: candidate[0] != FRONT_COVER):
        if 0 < len(data) <= MAX_PICTURE_BYTES and (mime := picture_mime(data)):
            return Picture(mime, data, hashlib.blake2b(data, digest_size=16).hexdigest())
    return None


def picture_mime(data: bytes) -> str | None:
    """Return the MIME type that the first bytes of a picture tell, or None for anything else."""
    if (data[:4], data[8:12]) == _WEBP:
        return "image/webp"
    return next((mime for magic, mime in _MAGIC.items() if data.startswith(magic)), None)


def _candidates(audio: Any) -> Iterator[Candidate]:
    for picture in getattr(audio, "pictures", ()):
        yield picture.type, picture.data
    tags = audio.tags if audio.tags is not None else {}
    if hasattr(tags, "getall"):
        yield from ((frame.type, frame.data) for frame in tags.getall("APIC"))
    elif hasattr(tags, "get"):
        yield from ((FRONT_COVER, bytes(cover)) for cover in tags.get("covr", ()))
        yield from (_asf_picture(value.value) for value in tags.get("WM/Picture", ()))
        yield from (found for name in _VORBIS_PICTURES for found in _vorbis_pictures(tags, name))
        yield from _ape_picture(tags)


def _vorbis_pictures(tags: Any, name: str) -> Iterator[Candidate]:
    for value in tags.get(name, ()):
        if not isinstance(value, str) or len(value) > 2 * MAX_PICTURE_BYTES:
            continue
        try:
            data = base64.b64decode(value)
            picture: Any = _flac_picture(data) if name == "metadata_block_picture" else None
        except (binascii.Error, ValueError, MutagenError, struct.error):
            continue
        yield (picture.type, picture.data) if picture else (FRONT_COVER, data)


def _flac_picture(data: bytes) -> Any:
    picture_type: Any = flac.Picture
    return picture_type(data)


def _asf_picture(value: bytes) -> Candidate:
    """Take apart WM/Picture: type (1 byte), size (4), MIME type and description (UTF-16, NUL-ended), data."""
    kind, position = value[0] if value else 0, 5
    for _ in range(2):
        end = position
        while value[end : end + 2] not in (b"\0\0", b""):
            end += 2
        position = end + 2
    return kind, value[position:]


def _ape_picture(tags: Any) -> Iterator[Candidate]:
    value = tags.get("cover art (front)")
    data = getattr(value, "value", None)
    if isinstance(data, bytes):
        yield FRONT_COVER, data.partition(b"\0")[2]
