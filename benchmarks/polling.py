"""CPU time of one poll of qBittorrent: 2,000 torrents of which 20 changed, beside listing all of them each time.

The answers are made beforehand and handed over without a network, so what is measured is ours alone: the request, the
answer's decoding and merging, and reading the torrents that are ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import httpx
import orjson

from benchmarks.contexts import run
from benchmarks.measures import Measure, at_most
from integrations.qbittorrent import Credentials, QBittorrent
from tests.fakes.qbittorrent_control import pull
from tests.fakes.qbittorrent_state import FakeQBittorrent

BOUND_MILLISECONDS = 20.0
TORRENTS = 2_000
OURS = 20
ROUNDS = 50


@dataclass
class Server:
    """Answers as a client with so many torrents does; `changed` of them are in every answer but the first."""

    torrents: int
    changed: int

    def __post_init__(self) -> None:
        fake = FakeQBittorrent("5.1")
        for number in range(self.torrents):
            tags = ["shelfgraph"] if number < OURS else []
            pull(fake, "torrents", {"name": f"Book {number}", "hash": f"{number:040x}", "tags": tags, "progress": 0.5})
        snapshot = fake.snapshot()
        self.whole = orjson.dumps({"rid": 1, "full_update": True, **snapshot})
        rows: dict[str, dict[str, Any]] = snapshot["torrents"]
        self.listed = orjson.dumps([{"hash": name, **row} for name, row in rows.items()])
        moved = {"progress": 0.6, "completed": 9, "dlspeed": 7, "eta": 70, "last_activity": 7, "time_active": 8}
        parts = dict.fromkeys(list(rows)[: self.changed], moved)
        self.part = orjson.dumps({"rid": 2, "torrents": parts, "server_state": {"dl_info_speed": 7}})

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Everything at first, then what changed."""
        if request.url.path.endswith("info"):
            return httpx.Response(200, content=self.listed)
        return httpx.Response(200, content=self.whole if request.url.params["rid"] == "0" else self.part)

    def client(self) -> QBittorrent:
        """The calls to it."""
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.answer), base_url="http://qbittorrent.test")
        return QBittorrent(http, Credentials())


def measure() -> Iterator[Measure]:
    """Poll servers of several sizes, and one by listing everything."""
    listing = run(_listing(Server(TORRENTS, OURS)))
    polled = run(_polling(Server(TORRENTS, OURS)))
    name = f"CPU of one poll, {TORRENTS:,} torrents, {OURS} changed"
    yield at_most(name, polled, BOUND_MILLISECONDS, "ms", baseline=f"torrents/info {listing:.1f} ms")
    small = run(_polling(Server(OURS, OURS)))
    name = f"the same with {TORRENTS:,} torrents / with {OURS}"
    yield at_most(name, round(polled / small, 2), 1.5, "×", baseline=f"{small:.2f} ms")
    name = f"CPU of one poll, all of {TORRENTS:,} torrents changed, {OURS} of them ours"
    yield at_most(name, run(_polling(Server(TORRENTS, TORRENTS))), BOUND_MILLISECONDS, "ms")
    whole = run(_beginning(Server(TORRENTS, OURS)))
    yield at_most(f"CPU of a first poll, {TORRENTS:,} torrents, {OURS} of them ours", whole, BOUND_MILLISECONDS, "ms")


async def _polling(server: Server) -> float:
    """Milliseconds of a poll that follows another."""
    maindata = server.client().maindata
    await maindata.poll()

    async def poll() -> None:
        changes = await maindata.poll()
        assert not changes.full
        _read_ours(changes.changed.__getitem__)

    return await _milliseconds(poll)


async def _beginning(server: Server) -> float:
    """Milliseconds of a poll that knows nothing yet."""

    async def poll() -> None:
        changes = await server.client().maindata.poll()
        assert len(changes.changed) == server.torrents
        _read_ours(changes.changed.__getitem__)

    return await _milliseconds(poll)


async def _listing(server: Server) -> float:
    """Milliseconds of asking for all torrents."""
    client = server.client()

    async def poll() -> None:
        assert len(await client.torrents()) == server.torrents

    return await _milliseconds(poll)


def _read_ours(read: Callable[[str], object]) -> None:
    for number in range(OURS):
        read(f"{number:040x}")


async def _milliseconds(poll: Callable[[], Any]) -> float:
    """The median of the CPU time that this process takes for it."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        await poll()
        times.append(time.process_time() - start)
    return median(times) * 1_000
