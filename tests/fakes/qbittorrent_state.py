"""What the fake qBittorrent holds: torrents, sessions, who is banned, and the switches for its known bad behaviour."""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.qbittorrent_sync import Follower, Snapshot
from tests.fakes.qbittorrent_torrents import FakeTorrent
from tests.fakes.qbittorrent_versions import VERSIONS, Version

FREE_BYTES = 1_921_000_090_000
_FAILED_LOGINS = 5


@dataclass
class Failure:
    """The next calls to `path` (all, if empty) are answered by `status`; done first if only the answer is lost."""

    status: int
    times: int
    path: str = ""
    after: bool = False


@dataclass
class FakeQBittorrent:
    """A qBittorrent of one of VERSIONS; `source` is the folder whose files stand for what is downloaded."""

    version_name: str = "5.1"
    username: str = "admin"
    password: str = field(default="adminadmin", repr=False)
    api_key: str = field(default="", repr=False)
    bypasses_login: bool = False
    downloads: str = "/downloads"
    source: Path | None = None
    clock: Callable[[], float] = time.time
    torrents: dict[str, FakeTorrent] = field(default_factory=dict)
    categories: dict[str, dict[str, str]] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    free_bytes: int = FREE_BYTES
    sessions: dict[str, Follower] = field(default_factory=dict)
    failed_logins: int = 0
    failures: list[Failure] = field(default_factory=list)
    # The method and path of each call, without what was in it.
    calls: list[tuple[str, str]] = field(default_factory=list)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    @property
    def version(self) -> Version:
        """What it is."""
        return VERSIONS[self.version_name]

    @property
    def now(self) -> int:
        """Seconds since 1970."""
        return int(self.clock())

    @property
    def is_banned(self) -> bool:
        """Whether it refuses to look at passwords."""
        return self.failed_logins >= _FAILED_LOGINS

    def open_session(self) -> str:
        """Begin a session and give its name."""
        name = secrets.token_urlsafe(24)
        self.sessions[name] = Follower()
        return name

    def restart(self) -> None:
        """End it and start it again: sessions and bans are lost, torrents are not."""
        self.sessions.clear()
        self.failed_logins = 0

    def add(self, torrent: FakeTorrent) -> None:
        """Hold a torrent; its tags and category are known from now on."""
        self.torrents[torrent.hash] = torrent
        self.know_tags(torrent.tags)
        if torrent.category:
            self.categories.setdefault(torrent.category, category_row(torrent.category, ""))

    def know_tags(self, tags: Iterable[str]) -> None:
        """Remember tags."""
        self.tags.extend(tag for tag in dict.fromkeys(tags) if tag not in self.tags)

    def chosen(self, hashes: str) -> list[FakeTorrent]:
        """The torrents that a list of hashes, or "all", stands for."""
        names = self.torrents if hashes == "all" else hashes.split("|")
        return [self.torrents[name] for name in names if name in self.torrents]

    def next_failure(self, path: str) -> Failure | None:
        """The failure that the next call to `path` meets, and one less from now on."""
        for failure in self.failures:
            if failure.times > 0 and failure.path in {"", path}:
                failure.times -= 1
                return failure
        return None

    def snapshot(self) -> Snapshot:
        """Everything that a follower is told."""
        trackers: dict[str, list[str]] = {}
        for torrent in self.torrents.values():
            for tracker in torrent.trackers:
                trackers.setdefault(tracker["url"], []).append(torrent.hash)
        return {
            "torrents": {name: self._followed_row(torrent) for name, torrent in self.torrents.items()},
            "categories": {name: dict(row) for name, row in self.categories.items()},
            "tags": list(self.tags),
            "trackers": trackers,
            "server_state": self.server_state(),
        }

    def transfer(self) -> dict[str, Any]:
        """What `transfer/info` says."""
        received = sum(torrent.done for torrent in self.torrents.values())
        state = {
            "connection_status": "connected",
            "dht_nodes": 0,
            "dl_info_data": received,
            "dl_info_speed": sum(torrent.bytes_per_second for torrent in self.torrents.values()),
            "dl_rate_limit": 0,
            "up_info_data": 0,
            "up_info_speed": 0,
            "up_rate_limit": 0,
        }
        addresses = {"last_external_address_v4": "192.0.2.10", "last_external_address_v6": ""}
        return state | (addresses if self.version.is_5_0 else {})

    def server_state(self) -> dict[str, Any]:
        """What a follower is told of the whole."""
        state = self.transfer() | {
            "alltime_dl": 1_121_501_860_331,
            "alltime_ul": 3_826_260_466_892,
            "average_time_queue": 12,
            "free_space_on_disk": self.free_bytes,
            "global_ratio": "3.41",
            "queued_io_jobs": 0,
            "queueing": True,
            "read_cache_hits": "0",
            "read_cache_overload": "0",
            "refresh_interval": 1500,
            "total_buffers_size": 524_288,
            "total_peer_connections": 12,
            "total_queued_size": 0,
            "total_wasted_session": 0,
            "use_alt_speed_limits": False,
            "write_cache_overload": "0",
        }
        nested = self.version.is_4_6 and not self.version.is_5_2
        return state | ({"use_subcategories": False} if nested else {})

    def _followed_row(self, torrent: FakeTorrent) -> dict[str, Any]:
        failing = any(row["status"] in {4, 5, 6} for row in torrent.trackers)
        warnings = {
            "has_tracker_warning": False,
            "has_tracker_error": failing,
            "has_other_announce_error": False,
        }
        return torrent.row(self.version) | (warnings if self.version.is_5_2 else {})


def category_row(name: str, save_path: str) -> dict[str, str]:
    """A category as it is listed."""
    return {"name": name, "savePath": save_path}
