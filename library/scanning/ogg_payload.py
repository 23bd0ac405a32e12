"""Takes pieces of the audio out of an Ogg file that stay the same however it is cut into pages.

Writing longer comments renumbers all pages and may move their borders, so only what is inside the pages counts:
the first 128 KiB and the last 32 KiB of payload after the header packets, and the last granule position, which is
the exact length in samples.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

HEAD_BYTES = 128 * 1024
TAIL_BYTES = 32 * 1024
# A page has at most 65,307 bytes, and a window may begin inside one.
TAIL_WINDOW = 4 * 65_307

_HEADER = struct.Struct("<4sBBqIIIB")
_MAX_LACING = 255
_MAX_HEADER_PAGES = 100_000
_CODEC_HEADERS = {b"\x01vorbis": 3, b"OpusHead": 2, b"Speex   ": 2}
_FLAC = b"\x7fFLAC"


@dataclass(frozen=True, slots=True)
class Page:
    """One Ogg page: where its payload lies, the lengths of the packet pieces in it, its stream and position."""

    serial: int
    granule: int
    lacing: bytes
    start: int

    @property
    def end(self) -> int:
        """Return where the next page begins."""
        return self.start + sum(self.lacing)

    @property
    def packets_ended(self) -> int:
        """Return how many packets end in this page."""
        return sum(length < _MAX_LACING for length in self.lacing)


def ogg_pieces(file: BinaryIO, start: int, size: int) -> list[bytes]:
    """Return what identifies the audio of the first stream in the file; empty when no such stream is found."""
    first = _page(file, start)
    packet = _payload(file, first) if first else b""
    headers = _header_packets(packet)
    if first is None or not headers:
        return []
    audio_start = _audio_start(file, start, first.serial, headers)
    head = _joined(file, _pages(file, audio_start, first.serial), HEAD_BYTES)
    window = _resynchronised(file, max(audio_start, size - TAIL_WINDOW), size)
    last_pages = list(_pages(file, window, first.serial))
    tail = b"".join(_payload(file, page) for page in last_pages)[-TAIL_BYTES:]
    granule = max((page.granule for page in last_pages), default=0)
    return [packet[:8], head, tail, struct.pack(">q", granule)]


def _header_packets(packet: bytes) -> int:
    if packet.startswith(_FLAC):
        # bytes 7 and 8 count the header packets after this one
        return 1 + int.from_bytes(packet[7:9], "big")
    return next((count for magic, count in _CODEC_HEADERS.items() if packet.startswith(magic)), 0)


def _audio_start(file: BinaryIO, start: int, serial: int, headers: int) -> int:
    """Return where the page after the header packets begins; the formats begin audio on a new page."""
    for count, page in enumerate(_pages(file, start, serial)):
        headers -= page.packets_ended
        if headers <= 0 or count >= _MAX_HEADER_PAGES:
            return page.end
    return start


def _pages(file: BinaryIO, position: int, serial: int) -> Iterator[Page]:
    while page := _page(file, position):
        if page.serial == serial:
            yield page
        position = page.end


def _page(file: BinaryIO, position: int) -> Page | None:
    file.seek(position)
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    magic, version, _, granule, serial, _, _, count = _HEADER.unpack(header)
    if magic != b"OggS" or version:
        return None
    lacing = file.read(count)
    return Page(serial, granule, lacing, position + _HEADER.size + len(lacing))


def _payload(file: BinaryIO, page: Page) -> bytes:
    file.seek(page.start)
    return file.read(sum(page.lacing))


def _joined(file: BinaryIO, pages: Iterator[Page], limit: int) -> bytes:
    parts: list[bytes] = []
    length = 0
    for page in pages:
        parts.append(_payload(file, page))
        length += len(parts[-1])
        if length >= limit:
            break
    return b"".join(parts)[:limit]


def _resynchronised(file: BinaryIO, position: int, size: int) -> int:
    """Return the first place from ``position`` on where a page begins that another page or the end follows."""
    file.seek(position)
    window = file.read(size - position)
    found = window.find(b"OggS")
    while found >= 0:
        page = _page(file, position + found)
        if page and (page.end >= size or _page(file, page.end)):
            return position + found
        found = window.find(b"OggS", found + 1)
    return size
