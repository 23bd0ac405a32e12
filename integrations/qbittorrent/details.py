"""What is asked about one torrent at a time: its files, its trackers, its properties."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from integrations.qbittorrent.torrents import Row, host_of, moment

_SKIPPED = 0
# A rejection is the tracker's own word; that it cannot be reached is the network's, and passes.
_REJECTED = re.compile(
    r"unregistered|not registered|unrecogni[sz]ed|not recogni[sz]ed|unauthori[sz]ed|not authori[sz]ed|not allowed"
    r"|pass ?key|torrent not found|unknown torrent|banned|disabled|denied|forbidden|invalid|infohash",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
# Passkeys are long words of letters and digits, alone or in a path.
_KEY = re.compile(r"(?=\w*\d)\w{16,}")


class TrackerStatus(StrEnum):
    """How the last announce to a tracker went."""

    # Nobody asks it.
    DISABLED = "DISABLED"
    # It was not asked yet.
    NOT_CONTACTED = "NOT_CONTACTED"
    # It answered.
    WORKING = "WORKING"
    # It is being asked.
    UPDATING = "UPDATING"
    # It said no, or could not be reached; the message tells.
    NOT_WORKING = "NOT_WORKING"
    # It said no (from version 5 on).
    TRACKER_ERROR = "TRACKER_ERROR"
    # It could not be reached (from version 5 on).
    UNREACHABLE = "UNREACHABLE"
    # A number that we do not know.
    UNKNOWN = "UNKNOWN"


_STATUSES = dict(enumerate(status for status in TrackerStatus if status is not TrackerStatus.UNKNOWN))


@dataclass(frozen=True, slots=True)
class ClientFile:
    """A file of a torrent: its path below the save path as qBittorrent writes it, and how much of it is there."""

    index: int
    path: str
    size_bytes: int
    progress: float
    is_wanted: bool


@dataclass(frozen=True, slots=True)
class Tracker:
    """A tracker of a torrent by its host, since its address is a credential, and the tracker's last words."""

    host: str | None
    status: TrackerStatus
    message: str
    seeds: int | None
    peers: int | None

    @property
    def rejects(self) -> bool:
        """Whether the tracker refuses this torrent or this account, as opposed to not being reached."""
        if self.status is TrackerStatus.TRACKER_ERROR:
            return bool(self.message)
        return self.status is TrackerStatus.NOT_WORKING and bool(_REJECTED.search(self.message))


@dataclass(frozen=True, slots=True)
class Properties:
    """What only the details of a torrent say (facts: torrents/properties)."""

    save_path: str
    comment: str
    created_by: str
    created_at: datetime | None
    added_at: datetime | None
    completed_at: datetime | None
    total_bytes: int | None
    piece_bytes: int | None
    uploaded_bytes: int
    downloaded_bytes: int
    seeding_seconds: float
    ratio: float


def files_of(rows: Iterable[Row]) -> tuple[ClientFile, ...]:
    """Read a list of files; the oldest versions do not number them."""
    return tuple(
        ClientFile(
            index=int(row.get("index", place)),
            path=row["name"],
            size_bytes=int(row["size"]),
            progress=float(row["progress"]),
            is_wanted=row["priority"] != _SKIPPED,
        )
        for place, row in enumerate(rows)
    )


def trackers_of(rows: Iterable[Row]) -> tuple[Tracker, ...]:
    """Read a list of trackers, without the rows that stand for the ways to do without one."""
    return tuple(
        Tracker(
            host=host_of(row["url"]),
            status=_STATUSES.get(row["status"], TrackerStatus.UNKNOWN),
            message=without_addresses(row["msg"]),
            seeds=_counted(row["num_seeds"]),
            peers=_counted(row["num_leeches"]),
        )
        for row in rows
        if not row["url"].startswith("** [")
    )


def rejection(trackers: Iterable[Tracker]) -> Tracker | None:
    """The first tracker that refuses the announce while none accepts it."""
    listed = list(trackers)
    if any(tracker.status is TrackerStatus.WORKING for tracker in listed):
        return None
    return next((tracker for tracker in listed if tracker.rejects), None)


def properties_of(row: Row) -> Properties:
    """Read the details of a torrent."""
    return Properties(
        save_path=row["save_path"],
        comment=row["comment"],
        created_by=row["created_by"],
        created_at=moment(row["creation_date"]),
        added_at=moment(row["addition_date"]),
        completed_at=moment(row["completion_date"]),
        total_bytes=_counted(row["total_size"]),
        piece_bytes=_counted(row["piece_size"]),
        uploaded_bytes=int(row["total_uploaded"]),
        downloaded_bytes=int(row["total_downloaded"]),
        seeding_seconds=float(row["seeding_time"]),
        ratio=float(row["share_ratio"]),
    )


def without_addresses(message: str) -> str:
    """A tracker's words with hosts in place of addresses, and without what may be a passkey."""
    return _KEY.sub("…", _ADDRESS.sub(lambda found: host_of(found[0]) or "…", message)).strip()


def _counted(number: int) -> int | None:
    return number if number >= 0 else None
