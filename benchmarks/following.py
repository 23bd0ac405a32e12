"""Following: milliseconds from a change's commit to each of 200 subscribers over WebSocket, beside a bare publish.

The changes are written as a worker writes them, by this process; one API serves all subscribers on loopback.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.contexts import run
from benchmarks.measures import Measure, at_least, at_most
from benchmarks.servers import DATABASES, migrated, valkey
from jobs.events import Bus, Work, unit_of_work
from library import downloads
from library.database import Database, open_database
from library.download_progress import PROGRESS
from library.events import DOWNLOADS_TOPIC
from library.models.downloads import Download, DownloadState, ImportMode
from library.models.releases import Release, ReleaseSearch
from tests.processes import Served, environment, serving

SUBSCRIBERS = 200
CHANGES = 40
DOWNLOADS = 5
BOUND_MILLISECONDS = 300.0
PAUSE_SECONDS = 0.6  # above the quarter of a second in which changes are taken together
PATIENCE_SECONDS = 30.0
FOLLOW = """subscription { downloadsUpdated { sequence removed omitted
  changes { id name state progress { doneBytes totalBytes ratio bytesPerSecond etaSeconds }
    blockedReason { code } } } }"""
_PROTOCOL = Subprotocol("graphql-transport-ws")
_TO_THE_END = (
    DownloadState.VERIFYING,
    DownloadState.IMPORTING,
    DownloadState.IMPORTED,
    DownloadState.ENRICHING,
    DownloadState.DONE,
)


class Subscriber:
    """One socket: when it was told which number of bytes, and which downloads it knows to be done."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.told_at: dict[int, float] = {}
        self.done: set[str] = set()

    async def subscribe(self, token: str) -> None:
        """Begin, up to the snapshot."""
        for message in (
            {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}},
            {"type": "subscribe", "id": "1", "payload": {"query": FOLLOW}},
        ):
            await self.socket.send(orjson.dumps(message).decode())
            answer = orjson.loads(await self.socket.recv())
            assert answer["type"] in {"connection_ack", "next"}, answer

    async def follow(self) -> None:
        """Note everything that comes, until each download is done."""
        while len(self.done) < DOWNLOADS:
            event = orjson.loads(await self.socket.recv())["payload"]["data"]["downloadsUpdated"]
            moment = time.perf_counter()
            for change in event["changes"]:
                self.told_at.setdefault(change["progress"]["doneBytes"], moment)
                if change["state"] == DownloadState.DONE:
                    self.done.add(change["id"])


def measure() -> Iterator[Measure]:
    """Follow on each kind of database."""
    for kind in DATABASES:
        with valkey() as redis_url, migrated(kind) as url, TemporaryDirectory(prefix="sgb-") as folder:
            with serving(environment(url, redis_url, Path(folder), LOG_LEVEL="WARNING")) as served:
                latencies, ends = run(_following(url, redis_url, served))
            bare = run(_publishing(redis_url))
        name = f"a change's commit to {SUBSCRIBERS} subscribers of one process, {kind}"
        yield from _lines(name, latencies, bare)
        yield at_least(f"ends told, of {SUBSCRIBERS} × {DOWNLOADS}, {kind}", ends, SUBSCRIBERS * DOWNLOADS, "")


def _lines(name: str, latencies: list[float], bare: list[float]) -> Iterator[Measure]:
    for place, title in ((49, "p50"), (94, "p95"), (None, "longest")):
        reached, beside = (max(some) if place is None else quantiles(some, n=100)[place] for some in (latencies, bare))
        yield at_most(
            f"{name}: {title}",
            round(reached * 1_000, 1),
            BOUND_MILLISECONDS,
            "ms",
            baseline=f"bare publish {beside * 1_000:.1f} ms",
        )


async def _following(url: str, redis_url: str, served: Served) -> tuple[list[float], int]:
    """Seconds of each change to each subscriber, and how many ends were told in all."""
    database, bus = open_database(url), Bus.open(redis_url)
    ids = [await _begin(database, bus, f"Book {number}") for number in range(DOWNLOADS)]
    async with _subscribed(served) as subscribers:
        following = [asyncio.create_task(each.follow()) for each in subscribers]
        await _progress(database, bus, ids, 0)  # the first of all finds nothing warm
        committed = {number: await _progress(database, bus, ids, number) for number in range(1, CHANGES + 1)}
        for one in ids:
            await _finish(database, bus, one)
        await asyncio.wait(following, timeout=PATIENCE_SECONDS)
    await bus.close()
    await database.close()
    latencies = [each.told_at[number] - moment for each in subscribers for number, moment in committed.items()]
    return latencies, sum(len(each.done) for each in subscribers)


@asynccontextmanager
async def _subscribed(served: Served) -> AsyncIterator[list[Subscriber]]:
    async with AsyncExitStack() as stack:
        subscribers = []
        for _ in range(SUBSCRIBERS):
            connecting = connect(
                served.url.replace("http", "ws", 1) + "/graphql", subprotocols=[_PROTOCOL], compression=None
            )
            subscriber = Subscriber(await stack.enter_async_context(connecting))
            await subscriber.subscribe(served.token)
            subscribers.append(subscriber)
        yield subscribers


async def _begin(database: Database, bus: Bus, title: str) -> int:
    async with unit_of_work(database, bus) as work:
        release = await _release(work, title)
        download = await downloads.request(work.session, release, created_by="user:1", mode=ImportMode.HARDLINK)
        download.total_bytes = 10**9
        downloads.move(work.session, download, DownloadState.GRABBING)
        downloads.move(work.session, download, DownloadState.DOWNLOADING)
        work.download_changed(download)
    return download.id


async def _release(work: Work, title: str) -> Release:
    search = ReleaseSearch(text=title, profile={}, created_by="user:1")
    work.session.add(search)
    await work.session.flush()
    decided = {"accepted": True, "score": 1.0, "cost": "FREE", "decision": {}}
    release = Release(search_id=search.id, key=f"offer:{title}", indexer="x", title=title, facts={}, **decided)
    work.session.add(release)
    await work.session.flush()
    return release


async def _progress(database: Database, bus: Bus, ids: list[int], number: int) -> float:
    """Write what a poll has seen; gives the moment before the commit."""
    async with unit_of_work(database, bus) as work:
        for one in ids:
            row: Download = await downloads.get(work.session, one)
            row.done_bytes = number
        work.emit(DOWNLOADS_TOPIC, PROGRESS, state={"ids": ids})
        moment = time.perf_counter()
    await asyncio.sleep(PAUSE_SECONDS)
    return moment


async def _finish(database: Database, bus: Bus, download_id: int) -> None:
    for state in _TO_THE_END:
        async with unit_of_work(database, bus) as work:
            download = await downloads.get(work.session, download_id, locked=True)
            downloads.move(work.session, download, state)
            work.download_changed(download)


async def _publishing(redis_url: str) -> list[float]:
    """Seconds from a publish to each of as many bare listeners."""
    told: list[float] = []
    publisher = Redis.from_url(redis_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(publisher.aclose)
        listeners = []
        for _ in range(SUBSCRIBERS):
            listener = await stack.enter_async_context(publisher.pubsub(ignore_subscribe_messages=True))
            await listener.subscribe("benchmark")
            await listener.get_message(timeout=1)
            listeners.append(listener)
        for _ in range(CHANGES):
            waiting = [asyncio.create_task(_heard(listener)) for listener in listeners]
            await asyncio.sleep(PAUSE_SECONDS / 10)
            moment = time.perf_counter()
            await publisher.publish("benchmark", "x")
            told.extend(heard_at - moment for heard_at in await asyncio.gather(*waiting))
    return told


async def _heard(listener: PubSub) -> float:
    message = await listener.get_message(timeout=PATIENCE_SECONDS)
    assert message is not None
    return time.perf_counter()
