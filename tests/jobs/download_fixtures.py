"""A world to download in: a tracker, Prowlarr and qBittorrent as fakes on loopback, and rows that ask for releases."""

import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import sqlalchemy as sa
import uvicorn
from sqlalchemy.ext.asyncio import AsyncSession

from integrations.http import Outside
from jobs import queue
from jobs.client_looks import ClientLooks
from jobs.downloads import Grabbing, grab_download, steer_download
from jobs.events import Bus, Work, unit_of_work
from jobs.execution import execute
from jobs.integrations import Integrations
from library import downloads, integration_options, integrations
from library import jobs as job_rows
from library.database import Database, identity
from library.models import Job
from library.models.downloads import Download, ImportMode
from library.models.integrations import Integration, IntegrationKind, IntegrationSource, TrackerAccount
from library.models.jobs import Event, JobKind, JobState
from library.models.releases import Release, ReleaseSearch
from library.sealing import Seal
from tests.fakes.catalogue import CatalogueEntry, torrent_of
from tests.fakes.myanonamouse import FakeMyAnonamouse
from tests.fakes.prowlarr import API_KEY, FakeProwlarr
from tests.fakes.prowlarr_rows import FakeIndexer
from tests.fakes.qbittorrent import RunningFake, running_fake
from tests.fakes.qbittorrent_state import FakeQBittorrent
from tests.integrations.outside_world import Clock
from tests.processes import free_port, wait_until

KEY = "a-key-of-the-tests-with-more-than-32-letters"
MAM_SESSION = "first session/+="
FIRST_ENTRY = 900_500


@dataclass
class World:
    """Everything that is open; `entries` are what the indexers offer."""

    database: Database
    bus: Bus
    integrations: Integrations
    outside: Outside
    identity: str
    fake: FakeQBittorrent
    client: RunningFake
    tracker: FakeMyAnonamouse
    prowlarr: FakeProwlarr
    entries: Sequence[CatalogueEntry]
    ids: dict[IntegrationKind, int] = field(default_factory=dict)

    @property
    def grabbing(self) -> Grabbing:
        """What handlers are given."""
        return Grabbing(self.integrations, self.identity)

    def reopened(self, database: Database | None = None) -> "World":
        """The same world as another worker process sees it."""
        opened = database or self.database
        again = Integrations(opened, self.bus, self.outside, self.integrations.seal)
        return World(**{**self.__dict__, "database": opened, "integrations": again})

    def looks(self, clock: Clock | None = None) -> ClientLooks:
        """Somebody who looks at the client."""
        clock = clock or Clock()
        return ClientLooks(self.integrations, self.ids[IntegrationKind.QBITTORRENT], self.identity, clock=clock)

    async def request(self, entry: CatalogueEntry, **options: Any) -> int:
        """Ask for a release of the tracker; gives the download's id."""
        async with unit_of_work(self.database, self.bus) as work:
            release = await write_release(work, entry, tracker_torrent_id=entry.id)
            download = await downloads.request(
                work.session, release, created_by="user:1", mode=ImportMode.HARDLINK, **options
            )
            work.download_changed(download)
        return download.id

    async def set_options(self, kind: IntegrationKind, **options: Any) -> None:
        """Set options of an integration."""
        async with self.database.write() as session:
            row = await session.get_one(Integration, self.ids[kind])
            row.options = integration_options.merged(kind, row.options, options)

    async def run(self, kind: JobKind, download_id: int, action: str | None = None) -> Job:
        """Run a job of this kind to its end, as a worker does."""
        async with unit_of_work(self.database, self.bus) as work:
            if kind is JobKind.GRAB_DOWNLOAD:
                job = await queue.grab_download(work, download_id)
            else:
                job = await queue.steer_download(work, download_id, action=action)
        await self.execute(job.id)
        async with self.database.read() as session:
            return await job_rows.get(session, job.id)

    async def execute(self, job_id: int) -> None:
        """Run a job that is queued."""
        handlers = {
            JobKind.GRAB_DOWNLOAD: lambda run: grab_download(run, self.grabbing),
            JobKind.STEER_DOWNLOAD: lambda run: steer_download(run, self.grabbing),
        }
        await execute(job_id, handlers, database=self.database, bus=self.bus, worker="w")

    async def run_queued(self) -> list[JobKind]:
        """Run the grabs and steerings that wait; gives the kinds of all that waited."""
        async with self.database.read() as session:
            waiting = (await session.scalars(sa.select(Job).where(Job.state == JobState.QUEUED))).all()
        for job in waiting:
            if job.kind in {JobKind.GRAB_DOWNLOAD, JobKind.STEER_DOWNLOAD}:
                await self.execute(job.id)
        return [job.kind for job in waiting]

    async def grabbed(self, entry: CatalogueEntry, **options: Any) -> int:
        """A download that the client has."""
        download_id = await self.request(entry, **options)
        await self.run(JobKind.GRAB_DOWNLOAD, download_id)
        return download_id

    async def row(self, download_id: int) -> Download:
        """The download as it stands."""
        async with self.database.read() as session:
            return await downloads.get(session, download_id)

    async def change(self, download_id: int, **values: Any) -> None:
        """Make a row what a test needs, telling of it as everybody does."""
        async with unit_of_work(self.database, self.bus) as work:
            download = await downloads.get(work.session, download_id)
            for name, value in values.items():
                setattr(download, name, value)
            work.download_changed(download)

    async def states(self, download_id: int) -> list[str]:
        """The states it went through."""
        async with self.database.read() as session:
            return [str(change.to_state) for change in await downloads.history(session, download_id)]

    async def events(self) -> list[tuple[str, int | None]]:
        """What was told of downloads."""
        async with self.database.read() as session:
            told = await session.scalars(sa.select(Event).where(Event.topic == "downloads").order_by(Event.id))
            return [(event.kind, event.entity_id) for event in told]

    async def count(self, session_rows: type[Any]) -> int:
        """How many rows a table has."""
        async with self.database.read() as session:
            return await session.scalar(sa.select(sa.func.count()).select_from(session_rows)) or 0


@asynccontextmanager
async def open_world(
    database: Database,
    bus: Bus,
    redis_url: str,
    *,
    version: str = "5.1",
    entries: int = 6,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[World]:
    """Open a world whose qBittorrent is of this version, and whose indexers offer so many releases."""
    offered = [_entry(number) for number in range(entries)]
    fake = FakeQBittorrent(version, bypasses_login=True)
    tracker = FakeMyAnonamouse(offered, session=MAM_SESSION)
    prowlarr = FakeProwlarr([FakeIndexer(id=3, name="Open", entries=tuple(offered))])
    clock = Clock()
    async with AsyncExitStack() as stack:
        client = stack.enter_context(running_fake(fake))
        mam_url = stack.enter_context(_served(tracker.app))
        prowlarr_url = stack.enter_context(_served(prowlarr))
        outside = Outside(redis_url, user_agent="Shelfgraph/test", clock=clock, sleep=clock.sleep, transport=transport)
        stack.push_async_callback(outside.close)
        seal = Seal([KEY])
        opened = Integrations(database, bus, outside, seal)
        stack.push_async_callback(opened.close)
        world = World(
            database, bus, opened, outside, await identity(database), fake, client, tracker, prowlarr, offered
        )
        async with database.write() as session:
            for kind, url, secrets in (
                (IntegrationKind.QBITTORRENT, client.url, {}),
                (IntegrationKind.MYANONAMOUSE, mam_url, {"mam_id": MAM_SESSION}),
                (IntegrationKind.PROWLARR, prowlarr_url, {"api_key": API_KEY}),
            ):
                world.ids[kind] = await _configure(session, seal, kind, url, secrets)
        yield world


async def write_release(
    work: Work,
    entry: CatalogueEntry,
    *,
    tracker_torrent_id: int | None = None,
    integration_id: int | None = None,
    sealed_link: str | None = None,
) -> Release:
    """A release as a search leaves it; it is free, so that an account that was never read allows it."""
    search = ReleaseSearch(text=entry.title, profile={}, created_by="user:1")
    work.session.add(search)
    await work.session.flush()
    release = Release(
        search_id=search.id,
        key=f"test:{entry.id}",
        integration_id=integration_id,
        indexer="MyAnonamouse",
        title=entry.title,
        size_bytes=entry.size_bytes,
        tracker_torrent_id=tracker_torrent_id,
        facts={"title": entry.title, "is_free": True},
        sealed_link=sealed_link,
        accepted=True,
        score=1.0,
        cost="FREE",
        decision={},
    )
    work.session.add(release)
    await work.session.flush()
    return release


async def _configure(
    session: AsyncSession, seal: Seal, kind: IntegrationKind, url: str, secrets: dict[str, str]
) -> int:
    source = IntegrationSource.MUTATION
    row = await integrations.configure(session, seal, kind=kind, source=source, url=url, secrets=secrets)
    if kind is IntegrationKind.QBITTORRENT:
        row.seen = {"unsatisfied": 0, "free_space_bytes": 10**12}
    if kind is IntegrationKind.MYANONAMOUSE:
        session.add(TrackerAccount(integration_id=row.id, unsatisfied=0, unsatisfied_limit=150))
    return row.id


def _entry(number: int) -> CatalogueEntry:
    name = f"Book {number}"
    content = {f"{name}.m4b": bytes([number % 256]) * 40_000, "notes/cover.jpg": b"picture" * 100}
    return CatalogueEntry(
        id=FIRST_ENTRY + number, title=name, authors=("Ada Author",), torrent=torrent_of(name, content), free=True
    )


@contextmanager
def _served(application: Any) -> Iterator[str]:
    """An ASGI application on a free loopback port."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            application, host="127.0.0.1", port=port, log_level="warning", lifespan="off", ws="none", date_header=False
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, "the fake answers")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
