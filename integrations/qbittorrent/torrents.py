"""A torrent as qBittorrent lists it, with bytes, seconds and moments in place of its markers for "none".

Magnet links and announce addresses hold passkeys: of the first nothing comes out, of the second the host.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

from integrations.errors import BadPayload
from integrations.qbittorrent.states import ClientState, is_stopped, state_of

Row: TypeAlias = Mapping[str, Any]
Number = TypeVar("Number", int, float)

# What it says instead of "never" and "for ever".
_ENDLESS_ETA = 8_640_000
# No torrent is so large or seeds so long: a client that counts wrongly must not spoil the look at all others.
_MOST_BYTES = 2**62
_MOST_SECONDS = 2**31 - 1
_LONGEST_STATE = 40


@dataclass(frozen=True, slots=True)
class Torrent:
    """One torrent (facts: torrents/info, C.3).

    `hash` is its name in all calls. `size_bytes` counts the chosen files, `total_bytes` all; None without metadata.
    Paths are as qBittorrent sees them; `content_path` is the file of a torrent of one file, else its folder.
    """

    hash: str
    infohash_v1: str | None
    infohash_v2: str | None
    name: str
    state: ClientState
    raw_state: str
    progress: float
    size_bytes: int
    total_bytes: int | None
    done_bytes: int
    left_bytes: int
    downloaded_bytes: int
    uploaded_bytes: int
    download_bytes_per_second: int
    upload_bytes_per_second: int
    eta_seconds: float | None
    ratio: float | None
    seeding_seconds: float
    connected_seeds: int
    connected_peers: int
    swarm_seeds: int | None
    swarm_peers: int | None
    category: str | None
    tags: frozenset[str]
    save_path: str
    content_path: str
    tracker_host: str | None
    comment: str
    private: bool | None
    added_at: datetime | None
    completed_at: datetime | None
    last_activity_at: datetime | None

    @property
    def is_complete(self) -> bool:
        """Whether all chosen bytes are there and nothing is done to them; what is unknown is decided by its count."""
        if self.state is ClientState.UNKNOWN:
            return self.progress >= 1 and self.left_bytes == 0 and self.size_bytes > 0
        return self.state is ClientState.COMPLETE

    @property
    def is_stopped(self) -> bool:
        """Whether somebody stopped it, whole or not."""
        return is_stopped(self.raw_state)


# What a Torrent is made of: a change of anything else is none to us.
READ_KEYS = frozenset(
    [
        "added_on",
        "amount_left",
        "category",
        "comment",
        "completed",
        "completion_on",
        "content_path",
        "dlspeed",
        "downloaded",
        "eta",
        "infohash_v1",
        "infohash_v2",
        "last_activity",
        "name",
        "num_complete",
        "num_incomplete",
        "num_leechs",
        "num_seeds",
        "private",
        "progress",
        "ratio",
        "save_path",
        "seeding_time",
        "size",
        "state",
        "tags",
        "total_size",
        "tracker",
        "uploaded",
        "upspeed",
    ]
)


class TorrentRows(Mapping[str, Torrent]):
    """Torrents by hash; each is made of its row when it is asked for, as most of a big client are of no interest."""

    def __init__(self, rows: Mapping[str, Row], service: str) -> None:
        self._rows = rows
        self._service = service

    def __getitem__(self, torrent_hash: str) -> Torrent:
        """The torrent; raises BadPayload where its row is of another shape than documented."""
        return torrent_of(torrent_hash, self._rows[torrent_hash], self._service)

    def __iter__(self) -> Iterator[str]:
        """The hashes."""
        return iter(self._rows)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._rows)

    def __contains__(self, torrent_hash: object) -> bool:
        """Whether it is listed, without making it."""
        return torrent_hash in self._rows


def torrent_of(torrent_hash: str, row: Row, service: str) -> Torrent:
    """Read one row; raises BadPayload."""
    try:
        return _torrent(torrent_hash, row)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise BadPayload(service, "a torrent without its usual fields") from error


def moment(seconds: float) -> datetime | None:
    """A moment in UTC; None for the many ways of saying never."""
    # Some versions say never by the largest number that fits.
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 2**32 - 1 else None


def host_of(url: str) -> str | None:
    """The host of an announce address; everything else of it may be a passkey."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _torrent(torrent_hash: str, row: Row) -> Torrent:
    word, progress, left = row["state"], float(row["progress"]), int(row["amount_left"])
    seeding = row.get("seeding_time", 0)
    total = int(row["total_size"])
    return Torrent(
        hash=torrent_hash,
        infohash_v1=row.get("infohash_v1") or None,
        infohash_v2=row.get("infohash_v2") or None,
        name=row["name"],
        state=state_of(word, progress=progress, left_bytes=left),
        raw_state=word[:_LONGEST_STATE],
        progress=progress,
        size_bytes=_bounded(row["size"], _MOST_BYTES),
        total_bytes=_bounded(total, _MOST_BYTES) if total > 0 else None,
        done_bytes=_bounded(row["completed"], _MOST_BYTES),
        left_bytes=left,
        downloaded_bytes=int(row["downloaded"]),
        uploaded_bytes=int(row["uploaded"]),
        download_bytes_per_second=_bounded(row["dlspeed"], _MOST_BYTES),
        upload_bytes_per_second=int(row["upspeed"]),
        eta_seconds=_unless_endless(row["eta"]),
        ratio=_unless_negative(float(row["ratio"])),
        seeding_seconds=float(_bounded(seeding, _MOST_SECONDS)),
        connected_seeds=int(row["num_seeds"]),
        connected_peers=int(row["num_leechs"]),
        swarm_seeds=_unless_negative(int(row["num_complete"])),
        swarm_peers=_unless_negative(int(row["num_incomplete"])),
        category=row["category"] or None,
        tags=frozenset(filter(None, map(str.strip, row["tags"].split(",")))),
        save_path=_path(row["save_path"]),
        content_path=_path(row.get("content_path", "")),
        tracker_host=host_of(row["tracker"]),
        comment=row.get("comment", ""),
        private=row.get("private"),
        added_at=moment(row["added_on"]),
        completed_at=moment(row["completion_on"]),
        last_activity_at=moment(row["last_activity"]),
    )


def _unless_endless(eta: float) -> float | None:
    return float(eta) if 0 <= eta < _ENDLESS_ETA else None


def _bounded(number: float, most: int) -> int:
    return min(max(int(number), 0), most)


def _path(text: str) -> str:
    if "\0" in text:
        raise ValueError("a path that no system has")
    return text


def _unless_negative(number: Number) -> Number | None:
    return number if 0 <= number < math.inf else None
