"""What the fake indexers offer: releases of books in the public domain, each with a real torrent."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import torf

PIECE_BYTES = 16384  # the smallest that torrents know, so that small contents still have several pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """One release; `size_bytes` is what the indexer says, the torrent knows the true one."""

    id: int
    title: str
    authors: tuple[str, ...]
    torrent: bytes
    narrators: tuple[str, ...] = ()
    series: tuple[tuple[str, str], ...] = ()
    size_bytes: int = 134_637_158
    files: int = 1
    filetype: str = "m4b"
    tags: str = "Unabridged, 64 kbps, chapterized"
    description: str = ""
    isbn: str = ""
    bit_rate: int = 64_000
    duration: str = "3:32:10"
    language: str = "ENG"
    category: int = 47
    category_name: str = "Audiobooks - Science Fiction"
    added: datetime = datetime(2026, 3, 14, 7, 22, 5, tzinfo=UTC)
    seeders: int = 58
    leechers: int = 1
    snatched: int = 311
    abridged: bool = False
    free: bool = False
    vip: bool = False
    fl_vip: bool = False
    freeleech_pick: bool = False

    @property
    def info_hash(self) -> str:
        """The torrent's identity, 40 lower-case hex digits."""
        return torf.Torrent.read_stream(self.torrent).infohash.lower()


def torrent_of(
    name: str,
    content: Mapping[str, bytes],
    *,
    announce: str = "http://127.0.0.1:9/announce",
    web_seeds: Sequence[str] = (),
) -> bytes:
    """Make a private torrent: one file named `name`, or a folder of that name; nobody has to answer at `announce`.

    `content` is in the order of the torrent; a single entry of the name `name` makes a torrent without a folder.
    """
    torrent = torf.Torrent(trackers=[announce], webseeds=list(web_seeds), private=True)
    whole = b"".join(content.values())
    pieces = (whole[start : start + PIECE_BYTES] for start in range(0, len(whole), PIECE_BYTES))
    info = torrent.metainfo["info"]
    info["name"] = name
    info["piece length"] = PIECE_BYTES
    info["pieces"] = b"".join(hashlib.sha1(piece, usedforsecurity=False).digest() for piece in pieces)
    if set(content) == {name}:
        info["length"] = len(whole)
    else:
        info["files"] = [{"length": len(data), "path": path.split("/")} for path, data in content.items()]
    return torrent.dump()


def public_domain() -> list[CatalogueEntry]:
    """Offer a few books to look around in, with the cases that matter: several recordings, abridged, free, VIP."""
    return [
        CatalogueEntry(
            id=900101,
            title="The Time Machine",
            authors=("H. G. Wells",),
            narrators=("Jane Reader",),
            torrent=_small_torrent("The Time Machine.m4b"),
        ),
        CatalogueEntry(
            id=900102,
            title="A Study in Scarlet",
            authors=("Arthur Conan Doyle",),
            narrators=("John Voice", "Ann Other"),
            series=(("Sherlock Holmes", "1"),),
            size_bytes=1_385_126_953,
            files=14,
            filetype="mp3",
            tags="Full cast, unabridged",
            isbn="ASIN:B0EXAMPLE1",
            category=87,
            category_name="Audiobooks - Mystery",
            seeders=214,
            vip=True,
            fl_vip=True,
            torrent=_small_torrent("A Study in Scarlet.mp3"),
        ),
        CatalogueEntry(
            id=900103,
            title="A Study in Scarlet",
            authors=("Arthur Conan Doyle",),
            narrators=("Ann Other",),
            series=(("Sherlock Holmes", "1"),),
            tags="Abridged, 128 kbps",
            category=87,
            category_name="Audiobooks - Mystery",
            seeders=3,
            abridged=True,
            torrent=_small_torrent("A Study in Scarlet (abridged).m4b"),
        ),
        CatalogueEntry(
            id=900104,
            title="The Complete Barsoom & Other Tales",
            authors=("Edgar Rice Burroughs", "Brian O'Example"),
            narrators=("Jane Reader",),
            series=(("Barsoom", "01-11, 5.5"), ("Example Universe", "")),
            size_bytes=4_316_442_132,
            files=12,
            freeleech_pick=True,
            free=True,
            torrent=_small_torrent("Barsoom.m4b"),
        ),
    ]


def _small_torrent(name: str) -> bytes:
    filling = hashlib.sha256(name.encode()).digest()
    return torrent_of(name, {name: filling * math.ceil(3 * PIECE_BYTES / len(filling))})
