"""Tells recordings apart by their audio payload, so that writing tags or pictures changes nothing.

A payload can be 1 GB and a collection 100,000 files, so the payload's length and sixteen evenly spaced pieces of
16 KiB are hashed, the first and the last among them: 256 KiB read per file. The price: a change that touches none
of the pieces and keeps the length goes unseen. Encoders do not produce that; a bit flipped by a failing disk is.
Ogg has no length that survives a change of its page layout, so there the first and last payload bytes and the
stream's last position stand for it (ogg_payload).
"""

import hashlib
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from library.scanning.errors import EmptyFileError, FileUnreadableError
from library.scanning.ogg_payload import ogg_pieces


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of audio bytes in a file."""

    start: int
    length: int


# Stored with every file: a change of what is hashed must change this, or the same audio would count as another.
VERSION = b"1"
PIECES = 16
PIECE_BYTES = 16 * 1024
DIGEST_BYTES = 20

_ID3_HEADER = 10
_ID3_FOOTER_FLAG = 0x10
_ID3V1_BYTES = 128
_LYRICS_END_BYTES = 15
_APE_FOOTER_BYTES = 32
_APE_HEADER_FLAG = 0x80000000
_UNKNOWN_SIZE = 0xFFFFFFFF
_LARGE_SIZE = 1
_MAX_CHUNKS = 100_000
_ASF_HEADER = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
_ASF_DATA = b"\x36\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
_ASF_OBJECT_HEADER = 24


def audio_fingerprint(path: Path) -> str:
    """Return the fingerprint of the audio in ``path`` as 40 hex digits.

    Equal for two files exactly when their audio payloads are (but see the module's price). Covered: mp3 and aac
    without ID3, APEv2 and Lyrics3; mp4 ``mdat``; flac frames; ogg packets after the headers; wav ``data``; aiff
    ``SSND``; the asf data object. Of any other file, or one without payload, the whole is taken.
    Raises EmptyFileError and FileUnreadableError.
    """
    try:
        with path.open("rb") as file:
            return _fingerprint(file)
    except OSError as error:
        raise FileUnreadableError(error) from error


def edition_fingerprint(fingerprints: Iterable[str]) -> str:
    """Return the fingerprint of an edition from those of its files in listening order."""
    digest = hashlib.blake2b(VERSION, digest_size=DIGEST_BYTES)
    for fingerprint in fingerprints:
        digest.update(f"{fingerprint}\n".encode())
    return digest.hexdigest()


def _fingerprint(file: BinaryIO) -> str:
    size = file.seek(0, 2)
    if not size:
        raise EmptyFileError
    start = _after_id3(file, size)
    magic = _read(file, start, 16)
    digest = hashlib.blake2b(VERSION, digest_size=DIGEST_BYTES)
    if magic.startswith(b"OggS") and (pieces := ogg_pieces(file, start, size)):
        digest.update(b"".join(pieces))
        return digest.hexdigest()
    segments = [segment for segment in _payload(magic)(file, start, size) if segment.length > 0]
    _hash_pieces(digest, file, segments or [Segment(0, size)])
    return digest.hexdigest()


def _payload(magic: bytes) -> Callable[[BinaryIO, int, int], Iterable[Segment]]:
    if magic[4:8] in {b"ftyp", b"mdat", b"moov", b"free", b"wide", b"skip"}:
        return _mp4_segments
    if magic.startswith(b"fLaC"):
        return _flac_segments
    if magic[:4] in {b"RIFF", b"RF64"}:
        return _riff_segments
    if magic.startswith(b"FORM"):
        return _aiff_segments
    return _asf_segments if magic.startswith(_ASF_HEADER) else _frame_segments


def _hash_pieces(digest: "hashlib.blake2b", file: BinaryIO, segments: list[Segment]) -> None:
    total = sum(segment.length for segment in segments)
    digest.update(struct.pack(">Q", total))
    if total <= PIECES * PIECE_BYTES:
        places = [(0, total)]
    else:
        step = (total - PIECE_BYTES) / (PIECES - 1)
        places = [(round(step * index), PIECE_BYTES) for index in range(PIECES)]
    for offset, length in places:
        for part in _slices(segments, offset, length):
            digest.update(_read(file, part.start, part.length))


def _slices(segments: list[Segment], offset: int, length: int) -> Iterator[Segment]:
    """Return where ``length`` bytes from ``offset`` of the joined segments lie in the file."""
    for segment in segments:
        if length <= 0:
            return
        taken = min(length, segment.length - offset)
        if taken > 0:
            yield Segment(segment.start + offset, taken)
            length, offset = length - taken, 0
        else:
            offset -= segment.length


def _read(file: BinaryIO, start: int, length: int) -> bytes:
    file.seek(max(start, 0))
    return file.read(length)


def _after_id3(file: BinaryIO, size: int) -> int:
    """Return where the file begins behind any ID3v2 tags at its start."""
    start = 0
    while (header := _read(file, start, _ID3_HEADER))[:3] == b"ID3" and len(header) == _ID3_HEADER:
        if any(byte & 0x80 for byte in header[6:]):
            break
        footer = _ID3_HEADER if header[5] & _ID3_FOOTER_FLAG else 0
        following = start + _ID3_HEADER + _syncsafe(header[6:]) + footer
        if following > size:
            break
        start = following
    return start


def _syncsafe(data: bytes) -> int:
    return sum(byte << shift for byte, shift in zip(data, (21, 14, 7, 0), strict=True))


def _before_tags(file: BinaryIO, start: int, size: int) -> int:
    """Return where the file ends ahead of the ID3v1, Lyrics3, APEv2 and ID3v2 tags at its end."""
    end = size
    while end > start:
        tag_bytes = next((found for trailer in _TRAILERS if (found := trailer(file, end))), 0)
        if not 0 < tag_bytes <= end - start:
            break
        end -= tag_bytes
    return end


def _id3v1_bytes(file: BinaryIO, end: int) -> int:
    return _ID3V1_BYTES if end >= _ID3V1_BYTES and _read(file, end - _ID3V1_BYTES, 3) == b"TAG" else 0


def _ape_bytes(file: BinaryIO, end: int) -> int:
    footer = _read(file, end - _APE_FOOTER_BYTES, _APE_FOOTER_BYTES) if end >= _APE_FOOTER_BYTES else b""
    if footer[:8] != b"APETAGEX":
        return 0
    size, _, flags = struct.unpack("<III", footer[12:24])
    return int(size) + (_APE_FOOTER_BYTES if flags & _APE_HEADER_FLAG else 0)


def _lyrics_bytes(file: BinaryIO, end: int) -> int:
    tail = _read(file, end - _LYRICS_END_BYTES, _LYRICS_END_BYTES) if end >= _LYRICS_END_BYTES else b""
    return int(tail[:6]) + _LYRICS_END_BYTES if tail[6:] == b"LYRICS200" and tail[:6].isdigit() else 0


def _id3_footer_bytes(file: BinaryIO, end: int) -> int:
    footer = _read(file, end - _ID3_HEADER, _ID3_HEADER) if end >= _ID3_HEADER else b""
    return _syncsafe(footer[6:]) + 2 * _ID3_HEADER if footer[:3] == b"3DI" else 0


_TRAILERS = (_id3v1_bytes, _ape_bytes, _lyrics_bytes, _id3_footer_bytes)


def _frame_segments(file: BinaryIO, start: int, size: int) -> list[Segment]:
    return [Segment(start, _before_tags(file, start, size) - start)]


def _flac_segments(file: BinaryIO, start: int, size: int) -> list[Segment]:
    position, last = start + 4, False
    while not last and position < size:
        header = _read(file, position, 4)
        last = len(header) < 4 or bool(header[0] & 0x80)  # noqa: PLR2004 -- 4 is the size of this header
        position += 4 + int.from_bytes(header[1:], "big")
    return [Segment(position, _before_tags(file, start, size) - position)]


def _mp4_segments(file: BinaryIO, start: int, size: int) -> Iterator[Segment]:
    position = start
    for _ in range(_MAX_CHUNKS):
        header = _read(file, position, 16)
        if len(header) < 8:  # noqa: PLR2004 -- the size of an atom's header
            return
        length, header_bytes = int.from_bytes(header[:4], "big"), 8
        if length == _LARGE_SIZE:
            length, header_bytes = int.from_bytes(header[8:], "big"), 16
        length = min(length or size - position, size - position)
        if header[4:8] == b"mdat":
            yield Segment(position + header_bytes, length - header_bytes)
        if length < header_bytes:
            return
        position += length


def _riff_segments(file: BinaryIO, start: int, size: int) -> Iterator[Segment]:
    return _chunks(file, start + 12, size, name=b"data", byte_order="little")


def _aiff_segments(file: BinaryIO, start: int, size: int) -> Iterator[Segment]:
    return _chunks(file, start + 12, size, name=b"SSND", byte_order="big")


def _chunks(file: BinaryIO, position: int, size: int, *, name: bytes, byte_order: str) -> Iterator[Segment]:
    layout = "<I" if byte_order == "little" else ">I"
    for _ in range(_MAX_CHUNKS):
        header = _read(file, position, 8)
        if len(header) < 8:  # noqa: PLR2004 -- the size of a chunk's header
            return
        (length,) = struct.unpack(layout, header[4:])
        rest = size - position - 8
        length = rest if length == _UNKNOWN_SIZE else min(length, rest)
        if header[:4] == name:
            yield Segment(position + 8, length)
        # chunks start at even places
        position += 8 + length + length % 2


def _asf_segments(file: BinaryIO, start: int, size: int) -> Iterator[Segment]:
    position = start
    for _ in range(_MAX_CHUNKS):
        header = _read(file, position, _ASF_OBJECT_HEADER)
        if len(header) < _ASF_OBJECT_HEADER:
            return
        length = min(int.from_bytes(header[16:], "little"), size - position)
        if header[:16] == _ASF_DATA:
            # the file's own id and the counts before the packets change when it is written again
            yield Segment(position + 50, length - 50)
        if length < _ASF_OBJECT_HEADER:
            return
        position += length
