"""The table of what each row, client and disk mean together: exactly one honest outcome for every combination."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.qbittorrent import Torrent
from integrations.qbittorrent.torrents import torrent_of
from jobs.sightings import SEEN_TWICE, Finding, is_news, judge, pause_of, progress_of
from library.download_progress import Progress, Tracked
from library.models.downloads import DownloadState as S

TAG = "shelfgraph-0123abcd-7"
GOAL = 259_200
# A torrent's words in the order of what they mean, whole or not.
WORDS = ("downloading", "stalledDL", "metaDL", "checkingDL", "moving", "stoppedDL", "error", "missingFiles", "newWord")
WHOLE = ("uploading", "stalledUP", "stoppedUP", "pausedUP", "queuedUP", "forcedUP")


def torrent(word: str, progress: float, *, tags: str = TAG, seeded: int = 0, rate: int = 0) -> Torrent:
    size = 1000
    row = {
        "state": word,
        "progress": progress,
        "amount_left": int(size * (1 - progress)),
        "total_size": size,
        "size": size,
        "completed": int(size * progress),
        "downloaded": 0,
        "uploaded": 0,
        "dlspeed": rate,
        "upspeed": 0,
        "eta": 8_640_000,
        "ratio": 0.5,
        "seeding_time": seeded,
        "num_seeds": 0,
        "num_leechs": 0,
        "num_complete": 1,
        "num_incomplete": 0,
        "name": "Book",
        "category": "audiobooks",
        "tags": tags,
        "save_path": "/downloads",
        "content_path": "/downloads/Book",
        "tracker": "",
        "added_on": 1,
        "completion_on": -1,
        "last_activity": 1,
    }
    return torrent_of("a" * 40, row, "qBittorrent")


def row(state: S, reason: str | None = None, returns_to: S | None = None, *, word: str = "downloading") -> Tracked:
    shown = Progress(0, 1000, 0, None, word, 0.5, 0, "/downloads", "/downloads/Book")
    return Tracked(7, "a" * 40, state, returns_to, reason, False, 0, None, GOAL, shown)


def seen(of: Tracked, word: str, progress: float, rate: int = 0) -> Finding:
    return judge(of, torrent(word, progress, rate=rate), own_tag=TAG)


def gone(of: Tracked, *, lost: bool = False, absences: int = SEEN_TWICE) -> Finding:
    return judge(of, None, own_tag=TAG, absences=absences, lost=lost)


IN_LIBRARY = (S.VERIFYING, S.IMPORTING, S.IMPORTED, S.ENRICHING)


@pytest.mark.parametrize(
    ("word", "progress", "finding"),
    [
        *((word, 1.0, Finding.COMPLETE) for word in WHOLE),
        ("newWord", 1.0, Finding.COMPLETE),
        ("checkingUP", 1.0, Finding.NOTHING),
        ("moving", 1.0, Finding.NOTHING),
        ("uploading", 0.5, Finding.NOTHING),  # it has not looked at its files yet
        *((word, 0.5, Finding.NOTHING) for word in ("downloading", "stalledDL", "checkingDL", "moving", "newWord")),
        ("metaDL", 0.0, Finding.NOTHING),
        ("error", 0.5, Finding.CLIENT_ERROR),
        ("missingFiles", 0.5, Finding.FILES_MISSING),
        ("error", 1.0, Finding.CLIENT_ERROR),
    ],
)
def test_a_download_on_its_way(word: str, progress: float, finding: Finding) -> None:
    assert seen(row(S.DOWNLOADING), word, progress) is finding


@pytest.mark.parametrize(
    ("reason", "returns_to", "word", "progress", "rate", "finding"),
    [
        ("CLIENT_ERROR", S.DOWNLOADING, "error", 0.5, 0, Finding.NOTHING),
        ("CLIENT_ERROR", S.DOWNLOADING, "stalledDL", 0.5, 0, Finding.CLEARED),
        ("FILES_MISSING_IN_CLIENT", S.DOWNLOADING, "missingFiles", 0.5, 0, Finding.NOTHING),
        ("FILES_MISSING_IN_CLIENT", S.DOWNLOADING, "checkingDL", 0.5, 0, Finding.CLEARED),
        ("STALLED", S.DOWNLOADING, "stalledDL", 0.5, 0, Finding.NOTHING),
        ("STALLED", S.DOWNLOADING, "downloading", 0.5, 10, Finding.CLEARED),
        ("STALLED", S.DOWNLOADING, "stalledUP", 1.0, 0, Finding.CLEARED),
        ("TORRENT_REMOVED", S.GRABBING, "stalledDL", 0.5, 0, Finding.CLEARED),
        ("FILES_DIFFER", S.VERIFYING, "downloading", 0.5, 10, Finding.INCOMPLETE),
        ("FILES_UNREADABLE", S.VERIFYING, "stalledUP", 1.0, 0, Finding.NOTHING),
        ("DURATION_DIFFERS", S.VERIFYING, "downloading", 0.5, 10, Finding.NOTHING),
        ("CROSS_DEVICE", S.IMPORTING, "stalledUP", 1.0, 0, Finding.NOTHING),
        ("NO_SLOTS", S.QUEUED, "stalledUP", 1.0, 0, Finding.NOTHING),
    ],
)
def test_a_blocked_download_goes_on_when_what_blocked_it_is_seen_to_be_over(
    reason: str, returns_to: S, word: str, progress: float, rate: int, finding: Finding
) -> None:
    assert seen(row(S.BLOCKED, reason, returns_to), word, progress, rate) is finding


def test_files_that_were_moved_by_the_client_are_looked_for_again() -> None:
    moved = row(S.BLOCKED, "FILES_NOT_FOUND", S.VERIFYING)
    elsewhere = Progress(0, 1000, 0, None, "stalledUP", 0.5, 0, "/old", "/old/Book")
    before = replace(moved, progress=elsewhere)
    assert (seen(moved, "stalledUP", 1.0), seen(before, "stalledUP", 1.0)) == (Finding.NOTHING, Finding.CLEARED)


@pytest.mark.parametrize(
    ("state", "reason", "returns_to", "by_hand", "emptied"),
    [
        (S.DOWNLOADING, None, None, Finding.REMOVED, Finding.LOST),
        (S.BLOCKED, "CLIENT_ERROR", S.DOWNLOADING, Finding.REMOVED, Finding.LOST),
        (S.BLOCKED, "STALLED", S.DOWNLOADING, Finding.REMOVED, Finding.LOST),
        *((state, None, None, Finding.LEFT, Finding.SEEDING_LOST) for state in (*IN_LIBRARY, S.DONE)),
        (S.BLOCKED, "CROSS_DEVICE", S.IMPORTING, Finding.LEFT, Finding.SEEDING_LOST),
        (S.CANCELLED, None, None, Finding.LEFT, Finding.LEFT),
        (S.BLOCKED, "CLIENT_UNAVAILABLE", S.GRABBING, Finding.NOTHING, Finding.NOTHING),
        (S.BLOCKED, "NO_SLOTS", S.QUEUED, Finding.NOTHING, Finding.NOTHING),
    ],
)
def test_a_torrent_that_is_not_there(
    state: S, reason: str | None, returns_to: S | None, by_hand: Finding, emptied: Finding
) -> None:
    tracked = row(state, reason, returns_to)
    assert (gone(tracked), gone(tracked, lost=True)) == (by_hand, emptied)
    first = Finding.NOTHING if by_hand is Finding.NOTHING else Finding.ABSENT
    assert gone(tracked, absences=1) is first


def test_a_removal_that_is_noted_is_no_news() -> None:
    removed = row(S.BLOCKED, "TORRENT_REMOVED", S.GRABBING)
    assert gone(replace(removed, left_client_at=datetime(2026, 1, 1, tzinfo=UTC))) is Finding.NOTHING


def test_a_cancelled_download_leaves_only_with_our_tag() -> None:
    cancelled = row(S.CANCELLED)
    assert judge(cancelled, torrent("stalledUP", 1.0), own_tag=TAG) is Finding.DIFFERS
    assert judge(cancelled, torrent("stalledUP", 1.0, tags="mine"), own_tag=TAG) is Finding.LEFT


def test_seeding_ends_at_its_goal_and_not_before() -> None:
    done = row(S.DONE)
    found = [judge(done, torrent("stalledUP", 1.0, seeded=seconds), own_tag=TAG) for seconds in (GOAL - 1, GOAL)]
    assert found == [Finding.NOTHING, Finding.GOAL_REACHED]


@pytest.mark.parametrize(
    ("kept", "now", "wished", "paused"),
    [
        ("downloading", "stoppedDL", False, True),  # by hand
        ("stoppedDL", "downloading", True, False),  # by hand
        ("downloading", "downloading", True, True),  # a wish on its way
        ("stoppedDL", "stoppedDL", False, False),  # a wish on its way
    ],
)
def test_what_was_just_done_in_the_client_wins_over_the_row(kept: str, now: str, wished: bool, paused: bool) -> None:
    tracked = replace(row(S.DOWNLOADING, word=kept), paused=wished)
    assert pause_of(tracked, torrent(now, 0.5)) is paused


@given(
    st.sampled_from([state for state in S if state not in {S.QUEUED, S.GRABBING, S.FAILED, S.REPLACED}]),
    st.sampled_from([None, S.QUEUED, S.GRABBING, S.DOWNLOADING, S.VERIFYING, S.IMPORTING]),
    st.sampled_from([None, "CLIENT_ERROR", "STALLED", "TORRENT_REMOVED", "FILES_NOT_FOUND", "NO_SLOTS"]),
    st.text(max_size=12),
    st.floats(0, 1),
)
def test_no_word_of_any_version_stops_the_judgement_or_blocks_by_being_unknown(
    state: S, returns_to: S | None, reason: str | None, word: str, progress: float
) -> None:
    finding = seen(row(state, reason, returns_to if state is S.BLOCKED else None), word, progress)
    if word not in {"error", "missingFiles"}:
        assert finding not in {Finding.CLIENT_ERROR, Finding.FILES_MISSING}
    assert finding not in {Finding.REMOVED, Finding.LOST, Finding.ABSENT}


def test_what_a_seeding_torrent_shows_all_the_time_is_no_news() -> None:
    whole = torrent("stalledUP", 1.0, seeded=100)
    done = replace(row(S.DONE), progress=progress_of(whole))
    quiet = [torrent(word, 1.0, seeded=160) for word in ("stalledUP", "uploading", "forcedUP")]
    told = [torrent("stalledUP", 1.0, seeded=GOAL), torrent("stoppedUP", 1.0), torrent("error", 1.0)]
    assert [is_news(done, progress_of(each)) for each in quiet + told] == [False] * 3 + [True] * 3


def test_every_row_and_every_sight_has_an_outcome() -> None:
    rows = [row(state) for state in (S.DOWNLOADING, *IN_LIBRARY, S.DONE, S.CANCELLED)]
    sights = [torrent(word, progress) for word, progress in product((*WORDS, *WHOLE), (0.0, 0.5, 1.0))]
    assert all(judge(each, sight, own_tag=TAG) in Finding for each, sight in product(rows, sights))
