"""What it means for a download how the client shows its torrent, or that it does not: a table, without any I/O.

Everything is decided by what is seen, not by what changed since the last look: a look may be missed.
"""

import enum

from integrations.qbittorrent import ClientState, Torrent
from integrations.qbittorrent.states import is_stopped, state_of
from library.download_progress import Progress, Tracked
from library.downloads import Reason, ReasonCode
from library.models.downloads import DownloadState

SEEN_TWICE = 2  # looks in a row without the torrent before its absence counts
_SEEDING_GRAIN_SECONDS = 600  # seeding times and ratios move all the time, which is no news
_RATIO_GRAIN = 0.05


class Finding(enum.StrEnum):
    """What a look at the client means for a download."""

    NOTHING = "NOTHING"  # it is as it should be
    COMPLETE = "COMPLETE"  # everything is there: verify it
    CLIENT_ERROR = "CLIENT_ERROR"  # the client cannot go on with it
    FILES_MISSING = "FILES_MISSING"  # the client does not find its own files
    CLEARED = "CLEARED"  # what blocked it is over
    INCOMPLETE = "INCOMPLETE"  # the client fetches pieces again that were found bad
    DIFFERS = "DIFFERS"  # the client does not do what the row wishes: steer it
    ABSENT = "ABSENT"  # not there, for the first time
    REMOVED = "REMOVED"  # somebody took it out before it was done
    LOST = "LOST"  # the client has lost its list: add it again
    SEEDING_LOST = "SEEDING_LOST"  # the client has lost its list, and it has to be seeded longer
    LEFT = "LEFT"  # it is out of the client, and nothing more is needed of it there
    GOAL_REACHED = "GOAL_REACHED"  # it has seeded as long as it should


# Blocked by what the client showed, so what the client shows can end it.
_OF_THE_CLIENT = frozenset(
    {
        ReasonCode.CLIENT_ERROR,
        ReasonCode.CLIENT_UNAVAILABLE,
        ReasonCode.FILES_MISSING_IN_CLIENT,
        ReasonCode.STALLED,
        ReasonCode.OVERDUE,
    }
)
_BEFORE_THE_CLIENT = frozenset({DownloadState.QUEUED, DownloadState.GRABBING})
_OF_TIME = frozenset({ReasonCode.STALLED, ReasonCode.OVERDUE})
# Blocked by bad or missing files, which the client may fetch again.
_OF_THE_FILES = frozenset({ReasonCode.FILES_NOT_FOUND, ReasonCode.FILES_DIFFER, ReasonCode.FILES_UNREADABLE})
_FETCHING = frozenset({ClientState.DOWNLOADING, ClientState.STALLED, ClientState.QUEUED})
_TROUBLES = {ClientState.ERROR: Finding.CLIENT_ERROR, ClientState.MISSING_FILES: Finding.FILES_MISSING}

REASONS = {
    Finding.CLIENT_ERROR: Reason(
        ReasonCode.CLIENT_ERROR,
        "The download client reports an error with this torrent.",
        "Most often its disk is full or may not be written. Make that right; it is then started again by itself.",
    ),
    Finding.FILES_MISSING: Reason(
        ReasonCode.FILES_MISSING_IN_CLIENT,
        "The download client does not find the files of this torrent.",
        "Mount its disk or put the files back, then retry: it then looks at them again, and fetches what is missing.",
    ),
    Finding.REMOVED: Reason(
        ReasonCode.TORRENT_REMOVED,
        "The torrent was taken out of the download client.",
        "Retry to add it again, or cancel the download.",
    ),
}


def judge(row: Tracked, torrent: Torrent | None, *, own_tag: str, absences: int = 0, lost: bool = False) -> Finding:
    """What the look means; `absences` counts looks in a row without it, `lost` says that nobody seems to have taken it.

    That is so where none of ours is there, and where it went while the client was away.
    """
    if torrent is None:
        return _of_absence(row, absences, lost)
    if row.state is DownloadState.CANCELLED:
        return Finding.DIFFERS if own_tag in torrent.tags else Finding.LEFT
    if row.state is DownloadState.BLOCKED:
        return _of_blocked(row, torrent)
    if row.state is DownloadState.DOWNLOADING:
        return _of_downloading(row, torrent)
    if row.state is DownloadState.DONE and torrent.seeding_seconds >= row.seeding_goal_seconds > 0:
        return Finding.GOAL_REACHED
    return Finding.NOTHING


def pause_of(row: Tracked, torrent: Torrent) -> bool:
    """Whether it counts as paused: what was just done in the client's own window wins over the row's wish."""
    if row.stage is not DownloadState.DOWNLOADING or row.progress.client_state is None or torrent.is_complete:
        return row.paused
    return torrent.is_stopped if torrent.is_stopped != is_stopped(row.progress.client_state) else row.paused


def progress_of(torrent: Torrent) -> Progress:
    """What the client shows, as a row keeps it; what is over has no speed."""
    goes_on = not torrent.is_complete
    return Progress(
        done_bytes=torrent.done_bytes,
        total_bytes=torrent.size_bytes,
        bytes_per_second=torrent.download_bytes_per_second if goes_on else 0,
        eta_seconds=int(torrent.eta_seconds) if goes_on and torrent.eta_seconds is not None else None,
        client_state=torrent.raw_state,
        share_ratio=torrent.ratio,
        seeding_seconds=int(torrent.seeding_seconds),
        save_path=torrent.save_path or None,
        content_path=torrent.content_path or None,
    )


def is_news(row: Tracked, shown: Progress) -> bool:
    """Whether anybody would see a difference: seeding times, ratios and words for "complete" change all the time."""
    kept = row.progress
    same = (kept.done_bytes, kept.total_bytes, kept.save_path, kept.content_path) == (
        shown.done_bytes,
        shown.total_bytes,
        shown.save_path,
        shown.content_path,
    )
    if not same or row.missing_polls or not _means_the_same(kept.client_state, shown.client_state):
        return True
    if row.state is DownloadState.DOWNLOADING and _pace(kept) != _pace(shown):
        return True
    return _has_seeded(row, kept, shown)


def _of_absence(row: Tracked, absences: int, lost: bool) -> Finding:
    if row.stage in _BEFORE_THE_CLIENT and row.reason_code != ReasonCode.TORRENT_REMOVED:
        return Finding.NOTHING
    if absences < SEEN_TWICE:
        return Finding.ABSENT
    if row.stage is DownloadState.DOWNLOADING:
        return Finding.LOST if lost else Finding.REMOVED
    if lost and row.state is not DownloadState.CANCELLED and _has_to_seed(row):
        return Finding.SEEDING_LOST
    # Its files may well be there still: whoever verifies and imports them finds out.
    return Finding.LEFT if row.left_client_at is None else Finding.NOTHING


def _has_to_seed(row: Tracked) -> bool:
    return row.left_client_at is None and row.progress.seeding_seconds < row.seeding_goal_seconds


def _of_downloading(row: Tracked, torrent: Torrent) -> Finding:
    if torrent.is_complete:
        return Finding.COMPLETE
    if torrent.state in _TROUBLES:
        return _TROUBLES[torrent.state]
    return Finding.DIFFERS if pause_of(row, torrent) != torrent.is_stopped else Finding.NOTHING


def _of_blocked(row: Tracked, torrent: Torrent) -> Finding:
    if row.reason_code == ReasonCode.TORRENT_REMOVED:
        return Finding.CLEARED
    if row.stage is DownloadState.DOWNLOADING and row.reason_code in _OF_THE_CLIENT:
        return _of_blocked_in_client(row, torrent)
    if row.stage is DownloadState.VERIFYING and row.reason_code in _OF_THE_FILES:
        moved = torrent.content_path and torrent.content_path != row.progress.content_path
        if torrent.state in _FETCHING:
            return Finding.INCOMPLETE
        return Finding.CLEARED if moved and torrent.is_complete else Finding.NOTHING
    return Finding.NOTHING


def _of_blocked_in_client(row: Tracked, torrent: Torrent) -> Finding:
    if torrent.is_complete:
        return Finding.CLEARED
    if torrent.state in _TROUBLES:
        return Finding.NOTHING
    still_slow = row.reason_code in _OF_TIME and not torrent.download_bytes_per_second
    return Finding.NOTHING if still_slow else Finding.CLEARED


def _means_the_same(kept: str | None, shown: str | None) -> bool:
    if kept == shown or kept is None or shown is None:
        return kept == shown
    return _when_whole(kept) is _when_whole(shown) is ClientState.COMPLETE and is_stopped(kept) == is_stopped(shown)


def _when_whole(word: str) -> ClientState:
    return state_of(word, progress=1, left_bytes=0)


def _pace(progress: Progress) -> tuple[int, int | None]:
    return progress.bytes_per_second, progress.eta_seconds


def _has_seeded(row: Tracked, kept: Progress, shown: Progress) -> bool:
    if (kept.share_ratio is None) != (shown.share_ratio is None):
        return True
    goal = row.seeding_goal_seconds
    reached = kept.seeding_seconds < goal <= shown.seeding_seconds
    moved = abs((kept.share_ratio or 0.0) - (shown.share_ratio or 0.0)) >= _RATIO_GRAIN
    return reached or moved or abs(shown.seeding_seconds - kept.seeding_seconds) >= _SEEDING_GRAIN_SECONDS
