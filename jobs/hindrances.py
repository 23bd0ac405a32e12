"""What keeps a grab from going on, told as a reason: which failures pass by themselves, which wait for the user."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.errors import AuthError, BadPayload, IntegrationError, Missing, RateLimited, Refused, Unavailable
from integrations.torrent_file import UnusableTorrent
from jobs.events import Work
from library import downloads
from library.downloads import Reason, ReasonCode
from library.errors import NotFound, ShelfgraphError
from library.integrations import NeedsAction, NotConfigured
from library.models.downloads import Download
from library.models.tables import now
from library.releases.gate import Refusal
from library.sealing import SealUnreadable

# What a grab expects to meet; anything else is a mistake of ours.
EXPECTED = (IntegrationError, NotConfigured, NeedsAction, NotFound, SealUnreadable)

_ANOTHER_RELEASE = "Cancel it and choose another release."
_LOOK_AT_INTEGRATION = "See `integrations` for what it needs; the download then goes on by itself."
_LOOK_AGAIN_AFTER = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a download cannot go on: until a known time, until a pause is over, until the user retries, or for good."""

    reason: Reason
    until: datetime | None = None
    passes: bool = False
    is_final: bool = False


async def hinder(work: Work, download: Download, hindrance: Hindrance) -> None:
    """Block the download, or fail it where trying again is of no use, and tell of it."""
    if hindrance.is_final:
        downloads.fail(work.session, download, hindrance.reason)
    else:
        pause = downloads.pause_before_retry(download) if hindrance.passes else None
        downloads.block(work.session, download, hindrance.reason, retry_at=hindrance.until or pause)
    work.download_changed(download)


def of_refusal(refusal: Refusal) -> Hindrance:
    """What the gate says; what has no known end is asked again after a pause, as accounts and disks change."""
    return Hindrance(Reason(refusal.code, refusal.message), refusal.retry_at, passes=True)


def of_indexer(error: Exception) -> Hindrance:
    """What went wrong while the torrent was fetched."""
    match error:
        case Missing():
            return Hindrance(Reason(ReasonCode.RELEASE_GONE, str(error), _ANOTHER_RELEASE), is_final=True)
        case UnusableTorrent() | BadPayload():
            return Hindrance(Reason(ReasonCode.NOT_A_TORRENT, str(error), _ANOTHER_RELEASE), is_final=True)
        case Refused():
            return Hindrance(Reason(ReasonCode.TRACKER_REFUSED, str(error)), error.until)
        case _:
            return _of_anybody(error, ReasonCode.INDEXER_UNAVAILABLE)


def of_client(error: Exception) -> Hindrance:
    """What went wrong while the torrent was given to the download client."""
    match error:
        case UnusableTorrent():
            return Hindrance(Reason(ReasonCode.NOT_A_TORRENT, str(error), _ANOTHER_RELEASE), is_final=True)
        case Refused() | BadPayload():
            hint = "Look into the client's own log, make it right, then retry."
            return Hindrance(Reason(ReasonCode.CLIENT_REFUSED, str(error), hint))
        case _:
            return _of_anybody(error, ReasonCode.CLIENT_UNAVAILABLE)


def _of_anybody(error: Exception, unavailable: ReasonCode) -> Hindrance:
    match error:
        case RateLimited():
            return Hindrance(Reason(unavailable, str(error)), now() + timedelta(seconds=error.retry_after))
        case Unavailable():
            return Hindrance(Reason(unavailable, str(error)), passes=True)
        case AuthError() | NeedsAction() | SealUnreadable():
            return Hindrance(Reason(ReasonCode.NEEDS_ACTION, str(error), _LOOK_AT_INTEGRATION), _until_mended())
        case NotConfigured() | NotFound():
            return Hindrance(Reason(ReasonCode.NOT_CONFIGURED, str(error), _LOOK_AT_INTEGRATION), _until_mended())
        case IntegrationError() | ShelfgraphError():
            return Hindrance(Reason(unavailable, str(error)))
        case _:
            raise error


def _until_mended() -> datetime:
    # An integration that is well again hurries what waits for it; this is for a wake-up that was lost.
    return now() + _LOOK_AGAIN_AFTER
