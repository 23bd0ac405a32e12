"""Looking at one download client: what it shows is compared with the rows that are looked for in it, and written down.

All progress of a look is one transaction with one event; a look that shows nothing new writes nothing.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import structlog

from integrations.qbittorrent import Changes, QBittorrent, Torrent
from jobs.announces import Announces
from jobs.census import Census
from jobs.download_steps import follow
from jobs.download_tags import tags_of
from jobs.events import Work, unit_of_work
from jobs.integrations import Integrations
from jobs.sightings import SEEN_TWICE, Finding, is_news, judge, pause_of, progress_of
from library import download_progress, downloads
from library import jobs as job_rows
from library.download_progress import Progress, Tracked
from library.events import DOWNLOADS_TOPIC
from library.models.downloads import Download, DownloadState
from library.models.jobs import JobKind
from library.models.tables import now

log = structlog.get_logger(__name__)

ALL_ROWS_SECONDS = 300.0  # rows that changed without an event are found by then
_SEEDING_AT_ONCE = 50  # of what is done and seeds, so many are compared per look: their numbers move all the time
STEER_EVERY_SECONDS = 30.0  # a client that does not follow is told again
_STEERED = frozenset({Finding.DIFFERS, Finding.GOAL_REACHED, Finding.SEEDING_LOST})


@dataclass(slots=True)
class _Changes:
    """What a look is going to write."""

    progress: dict[int, Progress] = field(default_factory=dict)
    paused: dict[int, bool] = field(default_factory=dict)
    missing: dict[int, int] = field(default_factory=dict)
    findings: dict[int, Finding] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.progress or self.paused or self.missing or self.findings)

    @property
    def shown(self) -> list[int]:
        """The downloads of which something else is shown than before."""
        return sorted(self.progress.keys() | self.paused.keys())


class ClientLooks:
    """Looks at one client, one after the other."""

    def __init__(
        self,
        integrations: Integrations,
        client_id: int,
        identity: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._integrations = integrations
        self._database = integrations.database
        self._client_id = client_id
        self._identity = identity
        self._clock = clock
        self._announces = Announces(integrations, clock)
        self._census = Census(integrations, identity, clock)
        self.forget()

    def forget(self) -> None:
        """Begin anew, as another worker may have looked since."""
        self._client: QBittorrent | None = None
        self._rows: dict[int, Tracked] = {}
        self._by_hash: dict[str, int] = {}
        self._event = 0
        self._all_rows_at = float("-inf")
        self._due: set[int] = set()  # to be compared: they or their torrents changed
        self._seeding: dict[int, None] = {}  # the same, when there is time
        self._removed_alive: set[str] = set()  # taken out while the client ran, so by somebody
        self._unwatched: set[int] = set()  # of the last whole list: nobody saw how what it lacks went
        self._has_looked = False
        self._known: frozenset[str] = frozenset()
        self._steered_at: dict[int, float] = {}
        self._removes = False

    async def look(self) -> None:
        """Ask the client once and write down what is new; raises what the client or the database raises."""
        opened = await self._integrations.download_client(self._client_id)
        if opened.client is not self._client:
            self.forget()
            self._client = opened.client
        async with self._integrations.calling(opened.integration):
            changes = await opened.client.maindata.poll()
        await self._read_rows()
        torrents = opened.client.maindata.torrents
        is_settled = self._note(changes, torrents)
        self._removes = opened.integration.options.get("remove_after_goal", "NEVER") != "NEVER"
        await self._write(self._compare(torrents, is_settled=is_settled))
        await self._census.take(opened, changes.server)
        await self._announces.examine(opened, self._rows, torrents)

    async def _read_rows(self) -> None:
        """Bring the rows up to date: whole now and then, otherwise those of which events tell."""
        if self._clock() >= self._all_rows_at:
            self._event = await download_progress.latest_event(self._database)
            self._rows = await download_progress.tracked(self._database, self._client_id)
            for row in self._rows.values():
                self._mark(row)
            self._all_rows_at = self._clock() + ALL_ROWS_SECONDS
        else:
            news = await download_progress.news_since(self._database, self._event)
            if news.gap:
                self._all_rows_at = float("-inf")
                return await self._read_rows()
            self._event = news.upto
            if not news.ids:
                return None
            for download_id in news.ids:
                self._rows.pop(download_id, None)
            self._rows |= await download_progress.tracked(self._database, self._client_id, news.ids)
            self._due |= news.ids
        self._by_hash = {row.info_hash: row.id for row in self._rows.values()}
        return None

    def _note(self, changes: Changes, torrents: Mapping[str, Torrent]) -> bool:
        """Mark what changed in the client; gives whether its list is whole: after a start it grows for a while."""
        for torrent_hash in changes.changed:
            download_id = self._by_hash.get(torrent_hash)
            if download_id is None:
                continue
            self._mark(self._rows[download_id])
        if not changes.full:
            self._removed_alive |= changes.removed & self._by_hash.keys()
        elif self._has_looked:
            # A client that is killed forgets what it was given a moment before.
            self._unwatched = set(self._rows)
        self._has_looked = True
        before, self._known = self._known, frozenset(torrents)
        return self._known <= before if changes.changed else True

    def _mark(self, row: Tracked) -> None:
        if row.state is DownloadState.DONE:
            self._seeding[row.id] = None
        else:
            self._due.add(row.id)

    def _compare(self, torrents: Mapping[str, Torrent], *, is_settled: bool) -> _Changes:
        found = _Changes()
        for download_id in self._take_due():
            row = self._rows[download_id]
            if row.info_hash in torrents:
                self._of_present(found, row, torrents[row.info_hash])
        absent = [row for row in self._rows.values() if row.info_hash not in torrents]
        if absent and is_settled:
            emptied = not torrents or (len(absent) == len(self._rows) and len(absent) > 1)
            for row in absent:
                lost = (emptied or row.id in self._unwatched) and row.info_hash not in self._removed_alive
                self._of_absent(found, row, lost=lost)
        return found

    def _take_due(self) -> list[int]:
        taken = [download_id for download_id in self._due if download_id in self._rows]
        for download_id in list(self._seeding)[:_SEEDING_AT_ONCE]:
            del self._seeding[download_id]
            if download_id in self._rows and download_id not in self._due:
                taken.append(download_id)
        return taken

    def _of_present(self, found: _Changes, row: Tracked, torrent: Torrent) -> None:
        self._removed_alive.discard(row.info_hash)
        self._unwatched.discard(row.id)
        shown = progress_of(torrent)
        if is_news(row, shown):
            found.progress[row.id] = shown
        if (paused := pause_of(row, torrent)) != row.paused:
            found.paused[row.id] = paused
        finding = judge(row, torrent, own_tag=tags_of(self._identity, row.id)[-1])
        if finding is not Finding.NOTHING and self._is_wanted(row, finding):
            found.findings[row.id] = finding

    def _is_wanted(self, row: Tracked, finding: Finding) -> bool:
        """Whether it is to be followed now: who was steered a moment ago is given time."""
        if finding is Finding.GOAL_REACHED and not self._removes:
            return False
        last = self._steered_at.get(row.id, float("-inf"))
        return finding not in _STEERED or self._clock() - last >= STEER_EVERY_SECONDS

    def _of_absent(self, found: _Changes, row: Tracked, *, lost: bool) -> None:
        absences = row.missing_polls + 1
        finding = judge(row, None, own_tag="", absences=absences, lost=lost)
        if finding is Finding.NOTHING or not self._is_wanted(row, finding):
            return
        if absences <= SEEN_TWICE:
            found.missing[row.id] = absences
        if finding is not Finding.ABSENT:
            found.findings[row.id] = finding

    async def _write(self, found: _Changes) -> None:
        if not found.is_empty:
            async with unit_of_work(self._database, self._integrations.bus) as work:
                await download_progress.write(work.session, found.progress)
                await download_progress.count_missing(work.session, found.missing)
                for download_id, paused in found.paused.items():
                    await self._follow_pause(work, download_id, paused=paused)
                if found.shown:
                    work.emit(DOWNLOADS_TOPIC, download_progress.PROGRESS, state={"ids": found.shown})
                for download_id, finding in found.findings.items():
                    await self._follow_finding(work, download_id, finding)
            self._remember(found)
        self._due.clear()

    async def _follow_pause(self, work: Work, download_id: int, *, paused: bool) -> None:
        """Show what was done in the client's own window, unless a wish of ours is on its way there."""
        download = await downloads.get(work.session, download_id, locked=True)
        steering = {"download_id": download_id, "action": None}
        if await job_rows.unfinished(work.session, JobKind.STEER_DOWNLOAD, steering) is None:
            download.paused, download.updated_at = paused, now()
            work.download_changed(download)

    async def _follow_finding(self, work: Work, download_id: int, finding: Finding) -> None:
        download = await downloads.get(work.session, download_id, locked=True)
        if _is_as_judged(download, self._rows[download_id]):
            await follow(work, download, finding)
        if finding in _STEERED:
            self._steered_at[download_id] = self._clock()

    def _remember(self, found: _Changes) -> None:
        for download_id, shown in found.progress.items():
            self._rows[download_id] = replace(self._rows[download_id], progress=shown, missing_polls=0)
        for download_id, count in found.missing.items():
            self._rows[download_id] = replace(self._rows[download_id], missing_polls=count)


def _is_as_judged(download: Download, row: Tracked) -> bool:
    """Whether the row is still in the state that was compared with the client."""
    return (download.state, download.reason_code, download.info_hash) == (row.state, row.reason_code, row.info_hash)
