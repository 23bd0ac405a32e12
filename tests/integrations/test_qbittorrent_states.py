"""Every state of every version means something, and what it does not know never blocks."""

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.errors import BadPayload
from integrations.qbittorrent import ClientState, Torrent, Tracker, TrackerStatus, rejection
from integrations.qbittorrent.details import trackers_of
from integrations.qbittorrent.states import state_of
from integrations.qbittorrent.torrents import READ_KEYS, torrent_of
from tests.fakes.qbittorrent_torrents import FakeTorrent, tracker_row
from tests.fakes.qbittorrent_versions import VERSIONS

HASH = "a" * 40
ADDED = 1_795_296_000
URL = "https://t.tracker.example/tracker.php/SECRETPASSKEY0123456789/announce"

# Each word, and what it means before and after all bytes are there.
MEANINGS = {
    "allocating": ("CHECKING", "CHECKING"),
    "checkingDL": ("CHECKING", "CHECKING"),
    "checkingResumeData": ("CHECKING", "CHECKING"),
    "checkingUP": ("CHECKING", "CHECKING"),
    "downloading": ("DOWNLOADING", "DOWNLOADING"),
    "error": ("ERROR", "ERROR"),
    "forcedDL": ("DOWNLOADING", "DOWNLOADING"),
    "forcedMetaDL": ("METADATA", "METADATA"),
    "forcedUP": ("CHECKING", "COMPLETE"),
    "metaDL": ("METADATA", "METADATA"),
    "missingFiles": ("MISSING_FILES", "MISSING_FILES"),
    "moving": ("MOVING", "MOVING"),
    "pausedDL": ("STOPPED", "STOPPED"),
    "pausedUP": ("STOPPED", "COMPLETE"),
    "queuedDL": ("QUEUED", "QUEUED"),
    "queuedUP": ("CHECKING", "COMPLETE"),
    "stalledDL": ("STALLED", "STALLED"),
    "stalledUP": ("CHECKING", "COMPLETE"),
    "stoppedDL": ("STOPPED", "STOPPED"),
    "stoppedUP": ("STOPPED", "COMPLETE"),
    "unknown": ("UNKNOWN", "UNKNOWN"),
    "uploading": ("CHECKING", "COMPLETE"),
    "inventedIn6": ("UNKNOWN", "UNKNOWN"),
    "StalledUP": ("UNKNOWN", "UNKNOWN"),
    "": ("UNKNOWN", "UNKNOWN"),
}


@pytest.mark.parametrize(("word", "meanings"), MEANINGS.items())
def test_a_word_means_what_the_table_says(word: str, meanings: tuple[str, str]) -> None:
    before, after = state_of(word, progress=0.5, left_bytes=10), state_of(word, progress=1, left_bytes=0)
    assert (before.value, after.value) == meanings


def test_the_table_reaches_every_state() -> None:
    assert {meaning for meanings in MEANINGS.values() for meaning in meanings} == set(ClientState)


@pytest.mark.parametrize(
    ("changes", "complete"),
    [
        ({"state": "stalledUP"}, True),
        ({"state": "stoppedUP"}, True),
        ({"state": "inventedIn6"}, True),
        ({"state": "inventedIn6", "progress": 0.5, "amount_left": 5}, False),
        ({"state": "checkingUP"}, False),
        ({"state": "moving"}, False),
        # Without metadata nothing is left because nothing is known.
        ({"state": "metaDL", "progress": 0, "size": 0}, False),
        ({"state": "inventedIn6", "progress": 1, "size": 0}, False),
    ],
)
def test_a_torrent_is_complete_when_all_is_there_and_nothing_is_done_to_it(
    changes: dict[str, Any], complete: bool
) -> None:
    assert torrent_of(HASH, row("5.1", progress=1.0) | changes, "qBittorrent").is_complete is complete


@pytest.mark.parametrize("name", VERSIONS)
def test_a_row_of_any_version_is_read_whole(name: str) -> None:
    known = name >= "5.0"
    assert torrent_of(HASH, row(name, progress=0.25), "qBittorrent") == Torrent(
        hash=HASH,
        infohash_v1=HASH,
        infohash_v2=None,
        name="Emma",
        state=ClientState.DOWNLOADING,
        raw_state="downloading",
        progress=0.25,
        size_bytes=1_000,
        total_bytes=1_000,
        done_bytes=250,
        left_bytes=750,
        downloaded_bytes=250,
        uploaded_bytes=0,
        download_bytes_per_second=10,
        upload_bytes_per_second=0,
        eta_seconds=75.0,
        ratio=0.0,
        seeding_seconds=0.0,
        connected_seeds=12,
        connected_peers=0,
        swarm_seeds=59,
        swarm_peers=1,
        category="books",
        tags=frozenset({"shelfgraph", "job-17"}),
        save_path="/downloads",
        content_path="/downloads/Emma",
        tracker_host="t.tracker.example",
        comment="https://site.example/t/7" if known else "",
        private=True if known else None,
        added_at=datetime.fromtimestamp(ADDED, UTC),
        completed_at=None,
        last_activity_at=datetime.fromtimestamp(ADDED, UTC),
    )


def test_marks_for_never_none_and_for_ever_become_none() -> None:
    marks = {"eta": 8_640_000, "ratio": -1, "num_complete": -1, "num_incomplete": -1, "total_size": -1}
    times = {"added_on": -1, "completion_on": 4_294_967_295, "last_activity": 0}
    words = {"category": "", "tags": "", "tracker": "", "private": None, "infohash_v1": ""}
    torrent = torrent_of(HASH, row("5.1") | marks | times | words, "qBittorrent")
    assert [
        torrent.eta_seconds,
        torrent.ratio,
        torrent.swarm_seeds,
        torrent.swarm_peers,
        torrent.total_bytes,
        torrent.added_at,
        torrent.completed_at,
        torrent.last_activity_at,
        torrent.category,
        torrent.tracker_host,
        torrent.private,
        torrent.infohash_v1,
    ] == [None] * 12
    assert torrent.tags == frozenset()


def test_no_passkey_is_in_a_torrent() -> None:
    assert "SECRETPASSKEY" not in repr(torrent_of(HASH, row("4.6"), "qBittorrent"))


def test_a_field_that_a_torrent_is_made_of_is_no_change_to_overlook() -> None:
    newest = row("5.2")
    overlooked = [
        name
        for name in newest
        if name not in READ_KEYS
        and torrent_of(HASH, newest | {name: changed(newest[name])}, "x") != torrent_of(HASH, newest, "x")
    ]
    assert overlooked == []


@pytest.mark.parametrize("damage", [{"progress": None}, {"tags": 7}, {"added_on": "soon"}, {"size": [1]}])
def test_a_row_of_another_shape_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(BadPayload, match="without its usual fields"):
        torrent_of(HASH, row("5.1") | damage, "qBittorrent")


def test_trackers_are_told_by_host_and_their_words_hold_no_address() -> None:
    message = f"Cannot announce to {URL} with key 0123456789abcdef0123456789abcdef"
    told = tracker_row(URL) | {"status": 4, "msg": message, "num_seeds": -1, "num_leeches": -1}
    torrent = FakeTorrent(HASH, "Emma", [("Emma", 7)], "/downloads", ADDED, trackers=[told, tracker_row("udp://[")])
    assert trackers_of(torrent.tracker_rows()) == (
        Tracker(
            "t.tracker.example",
            TrackerStatus.NOT_WORKING,
            "Cannot announce to t.tracker.example with key …",
            None,
            None,
        ),
        Tracker(None, TrackerStatus.WORKING, "", 59, 1),
    )


@pytest.mark.parametrize(
    ("status", "message", "rejected"),
    [
        (4, "Unrecognized host/PassKey. (192.0.2.10)", True),
        (4, "Torrent is not registered with this tracker", True),
        (4, "unregistered torrent", True),
        (4, "Connection refused", False),
        (4, "Host not found (authoritative)", False),
        (4, "timed out", False),
        (4, "", False),
        (5, "You may not download at this time", True),
        (6, "Unrecognized", False),
        (2, "Unrecognized", False),
        (99, "Unrecognized", False),
    ],
)
def test_a_rejected_announce_is_told_from_an_unreachable_tracker(status: int, message: str, rejected: bool) -> None:
    [tracker] = trackers_of([tracker_row(URL) | {"status": status, "msg": message}])
    assert (tracker.rejects, rejection([tracker]) is tracker) == (rejected, rejected)


def test_one_tracker_that_works_is_enough() -> None:
    refusing = tracker_row(URL) | {"status": 4, "msg": "unregistered torrent"}
    assert rejection(trackers_of([refusing, tracker_row("https://other.example/announce")])) is None


def row(name: str, progress: float = 0.25) -> dict[str, Any]:
    """A torrent as a version lists it."""
    torrent = FakeTorrent(
        hash=HASH,
        name="Emma",
        files=[("Emma/Emma.m4b", 1_000)],
        save_path="/downloads",
        added_on=ADDED,
        category="books",
        tags=["shelfgraph", "job-17"],
        trackers=[tracker_row(URL)],
        comment="https://site.example/t/7",
    )
    torrent.move(progress, bytes_per_second=10, now=ADDED, source=None)
    return torrent.row(VERSIONS[name])


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    return not value if isinstance(value, bool) else f"{value}x" if isinstance(value, str) else value + 1


def test_numbers_that_no_row_can_hold_are_bounded_and_paths_that_no_system_has_refused() -> None:
    endless = dict.fromkeys(("size", "total_size", "completed", "dlspeed", "seeding_time"), 10**15 * 10**15)
    read = torrent_of(HASH, row("5.1", progress=1.0) | endless | {"ratio": 1e999, "state": "x" * 99}, "x")
    assert (read.size_bytes, read.total_bytes, read.done_bytes, read.download_bytes_per_second) == (2**62,) * 4
    assert (read.seeding_seconds, read.ratio, read.raw_state) == (2**31 - 1, None, "x" * 40)
    assert torrent_of(HASH, row("5.1", progress=1.0) | {"size": -7, "completed": -7}, "x").done_bytes == 0
    for changes in ({"save_path": "/a\0b"}, {"size": 1e999}):
        with pytest.raises(BadPayload):
            torrent_of(HASH, row("5.1", progress=1.0) | changes, "x")
