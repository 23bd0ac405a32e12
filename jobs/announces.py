"""Whether the tracker accepts what the client tells it: seen at downloads in progress, kept with the account."""

from collections.abc import Callable, Mapping

import structlog

from integrations.errors import Missing
from integrations.qbittorrent import QBittorrent, Torrent, rejection
from jobs.integrations import Integrations, Opened
from library import download_progress, tracker_accounts
from library.download_progress import Tracked
from library.models.downloads import DownloadState

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 300.0  # a torrent is asked about so often
_GRACE_SECONDS = 60.0  # the first announce takes a while


class Announces:
    """Asks for the trackers of one download per look, of those that no tracker answers."""

    def __init__(self, integrations: Integrations, clock: Callable[[], float]) -> None:
        self._integrations = integrations
        self._clock = clock
        self._ask_at: dict[str, float] = {}
        self._last: dict[int, bool] = {}  # what was last kept, by tracker

    async def examine(
        self, opened: Opened[QBittorrent], rows: Mapping[int, Tracked], torrents: Mapping[str, Torrent]
    ) -> None:
        """Look at one download that is due, and keep whether its tracker turns it away."""
        moment = self._clock()
        going_on = [row for row in rows.values() if row.state is DownloadState.DOWNLOADING]
        self._ask_at = {row.info_hash: self._ask_at.get(row.info_hash, moment + _GRACE_SECONDS) for row in going_on}
        row = next((row for row in going_on if self._is_due(row, torrents, moment)), None)
        if row is None:
            return
        self._ask_at[row.info_hash] = moment + AGAIN_SECONDS
        async with self._integrations.database.read() as session:
            tracker = await download_progress.tracker_behind(session, row.id)
        if tracker is not None and (rejected := await self._is_rejected(opened, torrents[row.info_hash])) is not None:
            await self._keep(tracker, rejected=rejected)

    def _is_due(self, row: Tracked, torrents: Mapping[str, Torrent], moment: float) -> bool:
        return row.info_hash in torrents and not row.paused and moment >= self._ask_at[row.info_hash]

    async def _is_rejected(self, opened: Opened[QBittorrent], torrent: Torrent) -> bool | None:
        """None where nobody can tell: a tracker that is not reached says nothing."""
        if torrent.tracker_host is not None:
            return False
        try:
            async with self._integrations.calling(opened.integration):
                trackers = await opened.client.trackers(torrent.hash)
        except Missing:
            return None
        return True if rejection(trackers) is not None else None

    async def _keep(self, tracker: int, *, rejected: bool) -> None:
        if self._last.get(tracker) is rejected:
            return
        async with self._integrations.database.write() as session:
            await tracker_accounts.note_announces(session, tracker, rejected=rejected)
        self._last[tracker] = rejected
        if rejected:
            log.warning("announces_rejected", hint="tell the tracker the client's address; nothing is grabbed before")
