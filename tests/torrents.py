"""Torrents made of a test's own files, to be fetched from a web seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torf

PIECE_BYTES = 16_384


@dataclass(frozen=True)
class MadeTorrent:
    """A torrent file's bytes and its identity, 40 lower hex digits."""

    content: bytes
    info_hash: str
    name: str


def make_torrent(
    path: Path,
    *,
    web_seeds: Sequence[str] = (),
    trackers: Sequence[str] = (),
    private: bool = False,
    comment: str | None = None,
) -> MadeTorrent:
    """Make one of a file or folder.

    A web seed is a server's address ending in "/" that gives `path` below its own name, as `tests/web_seed.py` does for
    the folder that `path` is in.
    """
    torrent = torf.Torrent(
        path=path,
        trackers=list(trackers),
        webseeds=list(web_seeds),
        private=private,
        comment=comment,
        piece_size=PIECE_BYTES,
        creation_date=None,
    )
    torrent.generate()
    return MadeTorrent(torrent.dump(), str(torrent.infohash), str(torrent.name))
