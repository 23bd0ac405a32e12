"""The torrents of the fake qBittorrent: their rows and details in the shapes of each version, and their files."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.fakes.qbittorrent_versions import Version

ENDLESS_ETA = 8_640_000
NEVER = -1
_PIECE_BYTES = 262_144
_WITHOUT_TRACKER = ("** [DHT] **", "** [PeX] **", "** [LSD] **")


@dataclass
class FakeTorrent:
    """One torrent; `files` are paths with sizes, `word` is its state as version 5 writes it."""

    hash: str
    name: str
    files: list[tuple[str, int]]
    save_path: str
    added_on: int
    infohash_v2: str = ""
    category: str = ""
    tags: list[str] = field(default_factory=list)
    trackers: list[dict[str, Any]] = field(default_factory=list)
    comment: str = ""
    created_by: str = "example/1.0"
    creation_date: int = NEVER
    private: bool = True
    piece_bytes: int = _PIECE_BYTES
    word: str = "stalledDL"
    progress: float = 0.0
    bytes_per_second: int = 0
    completion_on: int = NEVER
    seeding_seconds: int = 0
    ratio_limit: float = -2
    seeding_minutes_limit: int = -2
    has_metadata: bool = True

    @property
    def size(self) -> int:
        """All bytes."""
        return sum(size for _, size in self.files) if self.has_metadata else 0

    @property
    def done(self) -> int:
        """The bytes that are there."""
        return int(self.size * self.progress)

    @property
    def is_done(self) -> bool:
        """Whether all bytes are there."""
        return self.has_metadata and self.progress >= 1

    def move(self, progress: float, *, bytes_per_second: int, now: int, source: Path | None) -> None:
        """Bring it to a progress; at its end the files are put in place and it seeds."""
        self.progress, self.bytes_per_second = progress, bytes_per_second
        if not self.is_done:
            self.word = "downloading" if bytes_per_second else "stalledDL"
            return
        self.word, self.bytes_per_second, self.completion_on = "stalledUP", 0, now
        if source is not None:
            self._place(source)

    def remove_files(self) -> None:
        """Unlink what it put in place, and the folders that it leaves empty."""
        root = Path(self.save_path)
        for path, _ in self.files:
            file = root / path
            file.unlink(missing_ok=True)
            for folder in file.parents:
                if folder == root or not folder.is_dir() or any(folder.iterdir()):
                    break
                folder.rmdir()

    def row(self, version: Version) -> dict[str, Any]:
        """It as `torrents/info` lists it, without its hash."""
        return _row(self, version) | _newer(self, version)

    def properties(self, version: Version) -> dict[str, Any]:
        """It as `torrents/properties` describes it."""
        pieces = -(-self.size // self.piece_bytes)
        details = {
            "addition_date": self.added_on,
            "comment": self.comment,
            "completion_date": self.completion_on,
            "created_by": self.created_by,
            "creation_date": self.creation_date,
            "dl_limit": -1,
            "dl_speed": self.bytes_per_second,
            "dl_speed_avg": self.bytes_per_second,
            "download_path": "",
            "eta": self._eta(),
            "hash": self.hash,
            "infohash_v1": self.hash,
            "infohash_v2": self.infohash_v2,
            "is_private": self.private,
            "last_seen": self.added_on,
            "name": self.name,
            "nb_connections": 0,
            "nb_connections_limit": 100,
            "peers": 0,
            "peers_total": 1,
            "piece_size": self.piece_bytes if self.has_metadata else -1,
            "pieces_have": int(pieces * self.progress),
            "pieces_num": pieces,
            "reannounce": 1411,
            "save_path": self.save_path,
            "seeding_time": self.seeding_seconds,
            "seeds": 0,
            "seeds_total": 59,
            "share_ratio": 0,
            "time_elapsed": self.seeding_seconds,
            "total_downloaded": self.done,
            "total_downloaded_session": self.done,
            "total_size": self.size if self.has_metadata else -1,
            "total_uploaded": 0,
            "total_uploaded_session": 0,
            "total_wasted": 0,
            "up_limit": -1,
            "up_speed": 0,
            "up_speed_avg": 0,
        }
        fifth = {"popularity": 0, "private": self.private} if version.is_5_0 else {}
        there = {"availability": -1, "has_metadata": self.has_metadata, "progress": self.progress}
        return details | fifth | (there if version.is_5_1 else {})

    def file_rows(self) -> list[dict[str, Any]]:
        """It as `torrents/files` lists it."""
        rows: list[dict[str, Any]] = []
        start = 0
        for index, (path, size) in enumerate(self.files if self.has_metadata else []):
            last = max(start + size - 1, start)
            rows.append({
                "availability": 1,
                "index": index,
                "name": path,
                "piece_range": [start // self.piece_bytes, last // self.piece_bytes],
                "priority": 1,
                "progress": self.progress,
                "size": size,
            })  # fmt: skip
            start += size
        if rows:
            rows[0]["is_seed"] = self.is_done
        return rows

    def tracker_rows(self) -> list[dict[str, Any]]:
        """It as `torrents/trackers` lists it: first the ways to do without a tracker."""
        message = "This torrent is private" if self.private else ""
        status = 0 if self.private else 2
        none = {"num_downloaded": 0, "num_leeches": 0, "num_peers": 0, "num_seeds": 0, "tier": -1}
        without = [{"msg": message, "status": status, "url": url, **none} for url in _WITHOUT_TRACKER]
        return [*without, *self.trackers]

    def _eta(self) -> int:
        return (self.size - self.done) // self.bytes_per_second if self.bytes_per_second else ENDLESS_ETA

    def _place(self, source: Path) -> None:
        for path, _ in self.files:
            if not (source / path).is_file():
                self.word = "missingFiles"
                return
            target = Path(self.save_path) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, target)


def tracker_row(url: str, tier: int = 0) -> dict[str, Any]:
    """A tracker that works."""
    counts = {"num_downloaded": 311, "num_leeches": 1, "num_peers": 1, "num_seeds": 59}
    return {"msg": "", "status": 2, "tier": tier, "url": url, **counts}


def _row(torrent: FakeTorrent, version: Version) -> dict[str, Any]:
    tracker = next((row["url"] for row in torrent.trackers if row["status"] == 2), "")
    addresses = "".join(f"&tr={quote(row['url'], safe='')}" for row in torrent.trackers)
    return {
        "added_on": torrent.added_on,
        "amount_left": torrent.size - torrent.done,
        "auto_tmm": False,
        "availability": -1 if torrent.is_done else 14.02 if torrent.has_metadata else 0,
        "category": torrent.category,
        "completed": torrent.done,
        "completion_on": torrent.completion_on,
        "content_path": f"{torrent.save_path}/{_root(torrent)}" if torrent.has_metadata else "",
        "dl_limit": 0,
        "dlspeed": torrent.bytes_per_second,
        "download_path": "",
        "downloaded": torrent.done,
        "downloaded_session": torrent.done,
        "eta": torrent._eta(),
        "f_l_piece_prio": False,
        "force_start": False,
        "infohash_v1": torrent.hash,
        "infohash_v2": torrent.infohash_v2,
        "last_activity": torrent.added_on,
        "magnet_uri": f"magnet:?xt=urn:btih:{torrent.hash}&dn={quote(torrent.name)}{addresses}",
        "max_ratio": -1,
        "max_seeding_time": -1,
        "name": torrent.name,
        "num_complete": 59,
        "num_incomplete": 1,
        "num_leechs": 0,
        "num_seeds": 12 if torrent.bytes_per_second else 0,
        "priority": 0,
        "progress": torrent.progress,
        "ratio": 0,
        "ratio_limit": torrent.ratio_limit,
        "save_path": torrent.save_path,
        "seeding_time": torrent.seeding_seconds,
        "seeding_time_limit": torrent.seeding_minutes_limit,
        "seen_complete": torrent.added_on,
        "seq_dl": False,
        "size": torrent.size,
        "state": version.written(torrent.word),
        "super_seeding": False,
        "tags": ", ".join(torrent.tags),
        "time_active": torrent.seeding_seconds,
        "total_size": torrent.size if torrent.has_metadata else -1,
        "tracker": tracker,
        "trackers_count": len(torrent.trackers),
        "up_limit": 0,
        "uploaded": 0,
        "uploaded_session": 0,
        "upspeed": 0,
    }


def _newer(torrent: FakeTorrent, version: Version) -> dict[str, Any]:
    """What later versions tell as well."""
    more: dict[str, Any] = {}
    if version.is_4_6:
        more |= {"inactive_seeding_time_limit": -2, "max_inactive_seeding_time": -1}
    if version.is_5_0:
        more |= {
            "comment": torrent.comment,
            "popularity": 0,
            "private": torrent.private if torrent.has_metadata else None,
            "reannounce": 1411,
            "root_path": f"{torrent.save_path}/{_root(torrent)}" if torrent.has_metadata else "",
        }
    if version.is_5_1:
        more |= {"has_metadata": torrent.has_metadata}
    if version.is_5_2:
        pieces = -(-torrent.size // torrent.piece_bytes)
        more |= {
            "created_by": torrent.created_by,
            "creation_date": torrent.creation_date,
            "total_wasted": 0,
            "pieces_num": pieces,
            "piece_size": torrent.piece_bytes,
            "pieces_have": int(pieces * torrent.progress),
            "connections_count": 0,
            "connections_limit": 100,
            "share_limit_action": "Default",
        }
    return more


def _root(torrent: FakeTorrent) -> str:
    return torrent.files[0][0].partition("/")[0] if torrent.files else torrent.name
