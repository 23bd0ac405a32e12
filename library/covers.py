"""Cover pictures: kept once each in the data directory, under the hash of their bytes."""

import hashlib
import io
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.editions import Cover
from library.names import insert_ignoring

MAXIMUM_BYTES = 32 * 1024 * 1024
MAXIMUM_PIXELS = 100_000_000  # decoding takes four bytes a pixel
_MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


class CoverUnusable(Exception):
    """Bytes that are no picture a browser shows, or too large a one."""

    code = "COVER_UNUSABLE"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The cover cannot be used: {reason}. Replace it by a JPEG, PNG, WebP or GIF of usual size.")


@dataclass(frozen=True, slots=True)
class StoredCover:
    """A picture that is in the folder of covers."""

    content_hash: str
    media_type: str
    width: int
    height: int
    size_bytes: int


def store(folder: Path, data: bytes) -> StoredCover:
    """Write a picture below `folder`, unless it is there; raises CoverUnusable. Blocks: call it from a thread.

    A file is complete or absent at every moment, so that readers and other writers need no lock.
    """
    if len(data) > MAXIMUM_BYTES:
        raise CoverUnusable(f"it has {len(data)} bytes, more than {MAXIMUM_BYTES}")
    cover = _described(data)
    place = path_of(folder, cover.content_hash)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(place)
    return cover


def path_of(folder: Path, content_hash: str) -> Path:
    """Where a picture lies: spread over 256 folders, because a collection has many."""
    return folder / content_hash[:2] / content_hash


async def add(session: AsyncSession, cover: StoredCover) -> None:
    """Make the stored picture known; doing it twice is harmless."""
    row = {
        "content_hash": cover.content_hash,
        "media_type": cover.media_type,
        "width": cover.width,
        "height": cover.height,
        "size_bytes": cover.size_bytes,
    }
    await insert_ignoring(session, Cover, [row])


def _described(data: bytes) -> StoredCover:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked below
            with Image.open(io.BytesIO(data), formats=list(_MEDIA_TYPES)) as image:
                width, height, name = image.width, image.height, image.format or ""
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise CoverUnusable("its content is no picture") from error
    if width * height > MAXIMUM_PIXELS:
        raise CoverUnusable(f"it has {width} × {height} pixels")
    return StoredCover(hashlib.sha256(data).hexdigest(), _MEDIA_TYPES[name], width, height, len(data))
