"""What happens to downloads, read once for all who follow it in this process.

Two hundred followers that read for themselves would read the same rows two hundred times for each event: measured by
`benchmarks/following.py`, one in twenty is told after 365 ms then, and after 95 ms so. One task reads the events and
the rows they are about, whenever Valkey wakes it and every few seconds; followers take them from memory. It lives while
somebody follows, and as long tells the workers that somebody does, so that progress comes often.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from jobs.events import Bus
from library.database import Database
from library.download_progress import PROGRESS
from library.events import DOWNLOADS_TOPIC
from library.models import Download, Event
from resolvers.context import Context

log = structlog.get_logger(__name__)

POLL_SECONDS = 3.0  # rows are read again this often whatever Valkey says
WATCH_SECONDS = 5.0  # that somebody watches holds for ten
AGAIN_SECONDS = 1.0  # after the database could not be read
KEPT = 500  # steps in memory; who is further behind reads rows

_LATEST = sa.select(sa.func.coalesce(sa.func.max(Event.id), 0))
_OLDEST = sa.select(sa.func.coalesce(sa.func.min(Event.id), 1))
_SINCE = (
    sa.select(Event.id, Event.kind, Event.entity_id, Event.state)
    .where(Event.topic == DOWNLOADS_TOPIC, Event.id > sa.bindparam("after"))
    .order_by(Event.id)
    .limit(KEPT + 1)
)
_ROWS = sa.select(Download).where(Download.id.in_(sa.bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class Step:
    """One event: the downloads it is about, and whether it tells more than progress."""

    event_id: int
    ids: tuple[int, ...]
    is_progress: bool


@dataclass(frozen=True, slots=True)
class News:
    """Steps after a place, up to an event, and the rows as they are now; `gap`: some are lost, so look at all."""

    steps: Sequence[Step]
    rows: dict[int, Download]
    upto: int
    gap: bool = False


class DownloadFeed:
    """The last steps of all downloads, while somebody follows them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._steps: deque[Step] = deque()
        self._rows: dict[int, Download] = {}
        self._start = self._upto = 0  # what is in memory lies between
        self._followers: set[asyncio.Event] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def followed(self, bus: Bus) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever there is news; what happens from here on is in memory."""
        woken = asyncio.Event()
        self._followers.add(woken)
        try:
            async with self._opening:
                if not self._tasks:
                    await self._open(bus)
            yield woken
        finally:
            self._followers.discard(woken)
            if not self._followers:
                await self._close()

    @property
    def upto(self) -> int:
        """The last event that has been read."""
        return self._upto

    async def since(self, after: int) -> News:
        """What has happened after an event: from memory, or by rows for who is further behind."""
        if self._start <= after <= self._upto:
            steps = [step for step in self._steps if step.event_id > after]
            return News(steps, {one: self._rows[one] for one in _ids(steps) if one in self._rows}, self._upto)
        upto = self._upto
        (latest,), (oldest,), told = await self._database.rows((_LATEST, {}), (_OLDEST, {}), (_SINCE, {"after": after}))
        if after > latest[0] or after + 1 < oldest[0] or len(told) > KEPT:
            return News((), {}, max(upto, latest[0]), gap=True)
        steps = [_step(row) for row in told]
        return News(steps, await self._read_rows(_ids(steps)), max([upto, after, *(step.event_id for step in steps)]))

    async def _open(self, bus: Bus) -> None:
        (latest,) = await self._database.rows((_LATEST, {}))
        self._start = self._upto = latest[0][0]
        self._steps.clear()
        self._rows.clear()
        self._tasks = [
            asyncio.create_task(self._follow(bus), name="download-feed"),
            asyncio.create_task(_watch(bus), name="download-watch"),
        ]

    async def _close(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        # A read in hand gives its connection back before whoever closes the database comes to it.
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, bus: Bus) -> None:
        with bus.listening(DOWNLOADS_TOPIC) as woken:
            while True:
                woken.clear()
                try:
                    await self._read()
                except (SQLAlchemyError, OSError) as error:
                    log.warning("downloads_not_read", error=type(error).__name__)
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                with suppress(TimeoutError):
                    # Not `wait_for`: woken and cancelled at once, it would forget that it was cancelled.
                    async with asyncio.timeout(POLL_SECONDS):
                        await woken.wait()

    async def _read(self) -> None:
        (told,) = await self._database.rows((_SINCE, {"after": self._upto}))
        steps = [_step(row) for row in told]
        if not steps:
            return
        ids = _ids(steps)
        read = await self._read_rows(ids)
        self._rows = {one: row for one, row in self._rows.items() if one not in ids} | read
        self._steps.extend(steps)
        self._forget()
        self._upto = steps[-1].event_id
        for woken in self._followers:
            woken.set()

    def _forget(self) -> None:
        while len(self._steps) > KEPT:
            self._start = self._steps.popleft().event_id
        needed = _ids(self._steps)
        if len(self._rows) > 2 * len(needed):
            self._rows = {one: row for one, row in self._rows.items() if one in needed}

    async def _read_rows(self, ids: Iterable[int]) -> dict[int, Download]:
        (rows,) = await self._database.rows((_ROWS, {"ids": list(ids)}))
        return {row[0].id: row[0] for row in rows}


_FEEDS: "WeakKeyDictionary[Bus, DownloadFeed]" = WeakKeyDictionary()


def feed_of(context: Context) -> DownloadFeed:
    """The feed of the process, which is known by its one connection to Valkey."""
    feed = _FEEDS.get(context.bus)
    if feed is None:
        feed = _FEEDS[context.bus] = DownloadFeed(context.database)
    return feed


async def _watch(bus: Bus) -> None:
    while True:
        await bus.watch()
        await asyncio.sleep(WATCH_SECONDS)


def _step(row: sa.Row[int, str, int | None, Any]) -> Step:
    event_id, kind, entity_id, state = row
    if kind == PROGRESS:
        return Step(event_id, tuple((state or {}).get("ids", ())), is_progress=True)
    return Step(event_id, (entity_id,) if entity_id is not None else (), is_progress=False)


def _ids(steps: Iterable[Step]) -> set[int]:
    return {one for step in steps for one in step.ids}
