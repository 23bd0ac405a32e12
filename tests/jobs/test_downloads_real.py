"""A real qBittorrent downloads from a web seed, loses a torrent by hand and is killed; the rows follow it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from jobs.events import Bus, unit_of_work
from jobs.polling import Paces, Poller
from library import downloads, integrations
from library.database import Database
from library.models.downloads import DownloadState
from library.models.integrations import IntegrationKind, IntegrationSource
from library.models.jobs import JobKind
from tests.fakes.catalogue import CatalogueEntry
from tests.jobs.download_fixtures import World, open_world
from tests.real_qbittorrent import RealQBittorrent, real_qbittorrent
from tests.torrents import make_torrent
from tests.web_seed import web_seed

SIZE = 600_000
SECONDS = 30.0
NOBODY = "http://127.0.0.1:9/announce"


async def seen(condition: Callable[[], object]) -> None:
    """Wait for something another task does."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.05)


async def until(
    world: World, download_id: int, state: DownloadState, reason: str | None = None, *, paused: bool = False
) -> None:
    """Wait until the row says so; fails with what it says instead."""
    deadline = time.monotonic() + SECONDS
    wanted = (state, reason, paused)
    while (found := await said(world, download_id)) != wanted:
        assert time.monotonic() < deadline, f"{found}, not {wanted}"
        await asyncio.sleep(0.05)


async def said(world: World, download_id: int) -> tuple[DownloadState, str | None, bool]:
    row = await world.row(download_id)
    return row.state, row.reason_code, row.paused


@asynccontextmanager
async def followed(world: World) -> AsyncIterator[None]:
    """A worker that polls often."""
    poller = Poller(world.integrations, world.identity, "w", paces=Paces(watched=0.2, idle=0.2))
    task = asyncio.create_task(poller.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def use(world: World, program: RealQBittorrent) -> None:
    async with world.database.write() as session:
        await integrations.configure(
            session,
            world.integrations.seal,
            kind=IntegrationKind.QBITTORRENT,
            source=IntegrationSource.MUTATION,
            url=program.url,
            secrets={"username": program.username, "password": program.password},
        )


async def test_a_real_client_is_followed_through_a_removal_by_hand_and_a_kill(
    database: Database, bus: Bus, redis_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "seeded" / "Emma"
    folder.mkdir(parents=True)
    (folder / "Emma.m4b").write_bytes(os.urandom(SIZE))
    (folder / "cover.jpg").write_bytes(b"picture")
    with real_qbittorrent(tmp_path) as program, web_seed(folder.parent) as seed:
        async with open_world(database, bus, redis_url) as world:
            await use(world, program)
            torrent = make_torrent(folder, web_seeds=[seed.url], trackers=[NOBODY], private=True)
            entry = CatalogueEntry(id=900_900, title="Emma", authors=("A",), torrent=torrent.content, free=True)
            world.tracker.catalogue[entry.id] = entry
            async with followed(world):
                download_id = await world.grabbed(entry)
                await until(world, download_id, DownloadState.VERIFYING)
                other = await world.grabbed(world.entries[0])  # that nobody seeds
                await until(world, other, DownloadState.DOWNLOADING)
                opened = await world.integrations.download_client()
                await seen(lambda: world.entries[0].info_hash in opened.client.maindata.torrents)
                await opened.client.delete([world.entries[0].info_hash], with_files=True)
                await until(world, other, DownloadState.BLOCKED, "TORRENT_REMOVED")
                async with unit_of_work(database, bus) as work:
                    downloads.retry(work.session, await downloads.get(work.session, other))
                await world.run(JobKind.GRAB_DOWNLOAD, other)
                await until(world, other, DownloadState.DOWNLOADING)
                program.kill()
                await asyncio.to_thread(program.start)
                await until(world, other, DownloadState.DOWNLOADING)
                await opened.client.stop([world.entries[0].info_hash])
                await until(world, other, DownloadState.DOWNLOADING, paused=True)
            row = await world.row(download_id)
            assert (row.content_path, row.done_bytes) == (str(program.downloads / "Emma"), SIZE + 7)
