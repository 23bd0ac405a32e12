"""What a torrent is doing: every word of every version of qBittorrent becomes one of ours (facts: states, C.3)."""

from enum import StrEnum

# Stopped is called paused before version 5.
_STOPPED = {"stoppedDL", "stoppedUP", "pausedDL", "pausedUP"}
_HAS_ALL = {"uploading", "stoppedUP", "pausedUP", "queuedUP", "stalledUP", "forcedUP"}


class ClientState(StrEnum):
    """What a torrent is doing, in the words of no version."""

    # Bytes are asked for.
    DOWNLOADING = "DOWNLOADING"
    # It waits for the description of its files, so sizes are not known.
    METADATA = "METADATA"
    # Nobody gives it bytes.
    STALLED = "STALLED"
    # It waits until others are done.
    QUEUED = "QUEUED"
    # Its bytes on the disk are being looked at: wait.
    CHECKING = "CHECKING"
    # Its files go to another folder: wait.
    MOVING = "MOVING"
    # Somebody stopped it before it was whole.
    STOPPED = "STOPPED"
    # Everything is there, whether it seeds or not.
    COMPLETE = "COMPLETE"
    # It met an error, mostly of the disk.
    ERROR = "ERROR"
    # Its files are gone from the disk.
    MISSING_FILES = "MISSING_FILES"
    # A word that we do not know: only what is counted tells.
    UNKNOWN = "UNKNOWN"


_MEANINGS = {
    "allocating": ClientState.CHECKING,
    "checkingDL": ClientState.CHECKING,
    "checkingResumeData": ClientState.CHECKING,
    "checkingUP": ClientState.CHECKING,
    "downloading": ClientState.DOWNLOADING,
    "error": ClientState.ERROR,
    "forcedDL": ClientState.DOWNLOADING,
    "forcedMetaDL": ClientState.METADATA,
    "metaDL": ClientState.METADATA,
    "missingFiles": ClientState.MISSING_FILES,
    "moving": ClientState.MOVING,
    "pausedDL": ClientState.STOPPED,
    "queuedDL": ClientState.QUEUED,
    "stalledDL": ClientState.STALLED,
    "stoppedDL": ClientState.STOPPED,
}


def state_of(word: str, *, progress: float, left_bytes: int) -> ClientState:
    """The meaning of a state's word together with what is counted; knows no failure."""
    if word not in _HAS_ALL:
        return _MEANINGS.get(word, ClientState.UNKNOWN)
    if progress >= 1 and left_bytes == 0:
        return ClientState.COMPLETE
    # It says that it seeds while bytes are missing: it has not looked at its files yet.
    return ClientState.STOPPED if word in _STOPPED else ClientState.CHECKING


def is_stopped(word: str) -> bool:
    """Whether somebody stopped it, whole or not."""
    return word in _STOPPED
