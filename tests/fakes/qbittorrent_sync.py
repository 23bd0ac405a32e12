"""What the fake qBittorrent remembers of each session: how far its follower of `sync/maindata` has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_LAST_RID = 1_000_000
Snapshot = dict[str, Any]


@dataclass
class Follower:
    """The last answer that was sent, and the last one that the follower is known to have."""

    sent_rid: int = 0
    accepted_rid: int = 0
    sent: Snapshot = field(default_factory=dict)
    accepted: Snapshot = field(default_factory=dict)

    def answer(self, rid: int, current: Snapshot, *, keeps_empty: bool) -> dict[str, Any]:
        """Everything when the number is unknown, else all changes since the answer that it confirms."""
        if rid > 0 and rid == self.sent_rid:
            self.accepted_rid, self.accepted = rid, self.sent
        elif rid <= 0 or rid != self.accepted_rid:
            # Begun anew: the numbers start again as well.
            self.sent_rid = self.accepted_rid = 0
            return self._sending(current) | _whole(current, keeps_empty=keeps_empty)
        return self._sending(current) | _changes(self.accepted, current)

    def _sending(self, current: Snapshot) -> dict[str, Any]:
        self.sent_rid, self.sent = self.sent_rid % _LAST_RID + 1, current
        return {"rid": self.sent_rid}


def _whole(current: Snapshot, *, keeps_empty: bool) -> dict[str, Any]:
    return {"full_update": True} | {name: part for name, part in current.items() if part or keeps_empty}


def _changes(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    parts: dict[str, Any] = {
        "torrents": _partial_rows(before["torrents"], after["torrents"]),
        "torrents_removed": _gone(before["torrents"], after["torrents"]),
        "categories": _different(before["categories"], after["categories"]),
        "categories_removed": _gone(before["categories"], after["categories"]),
        "tags": [tag for tag in after["tags"] if tag not in before["tags"]],
        "tags_removed": [tag for tag in before["tags"] if tag not in after["tags"]],
        "trackers": _different(before["trackers"], after["trackers"]),
        "trackers_removed": _gone(before["trackers"], after["trackers"]),
        "server_state": _different(before["server_state"], after["server_state"]),
    }
    return {name: part for name, part in parts.items() if part}


def _partial_rows(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Of each torrent the fields that differ; a new one comes whole."""
    parts = {name: _different(before.get(name, {}), row) for name, row in after.items()}
    return {name: part for name, part in parts.items() if part}


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in after.items() if name not in before or before[name] != value}


def _gone(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name for name in before if name not in after]
