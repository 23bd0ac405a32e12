"""Every outside service at an address of its own, called through the real way out over no network."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from jobs.events import Bus, unit_of_work
from jobs.execution import Run
from jobs.integrations import Integrations
from library import integrations as rows
from library import jobs as job_rows
from library.answers import MODEL_KINDS
from library.database import Database
from library.models import Integration, Job
from library.models.integrations import IntegrationKind, IntegrationSource
from library.models.jobs import JobKind
from library.sealing import Seal
from tests.fakes.catalogue import public_domain
from tests.fakes.language_model import FakeLanguageModel
from tests.fakes.myanonamouse import FakeMyAnonamouse
from tests.fakes.prowlarr import FakeProwlarr
from tests.fakes.prowlarr_rows import myanonamouse, public_tracker
from tests.fakes.qbittorrent import create_app
from tests.fakes.qbittorrent_state import FakeQBittorrent
from tests.fakes.torznab import FEED, FakeTorznab
from tests.integrations.outside_world import Clock, outside_over
from tests.processes import SECRET_KEY

SEAL = Seal([SECRET_KEY])
ADDRESSES = {
    IntegrationKind.MYANONAMOUSE: "http://127.0.0.1:9801",
    IntegrationKind.PROWLARR: "http://127.0.0.1:9802",
    IntegrationKind.TORZNAB: f"http://127.0.0.1:9803{FEED}",
    IntegrationKind.QBITTORRENT: "http://127.0.0.1:9804",
    IntegrationKind.OPENAI_COMPATIBLE: "http://127.0.0.1:9806/v1",
    IntegrationKind.ANTHROPIC: "http://127.0.0.1:9806",
}


@dataclass
class Town:
    """The fakes; answers to the paths in `lost` never arrive, and none does from the one to `lost_after` on."""

    tracker: FakeMyAnonamouse = field(default_factory=lambda: FakeMyAnonamouse(public_domain()))
    prowlarr: FakeProwlarr = field(
        default_factory=lambda: FakeProwlarr([myanonamouse(public_domain()), public_tracker(public_domain())])
    )
    torznab: FakeTorznab = field(default_factory=lambda: FakeTorznab(public_domain()))
    client: FakeQBittorrent = field(default_factory=FakeQBittorrent)
    model: FakeLanguageModel = field(default_factory=FakeLanguageModel)
    lost: set[str] = field(default_factory=set)
    lost_after: str | None = None
    requests: list[str] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer as the service at this port."""
        self.requests.append(f"{request.url.port}{request.url.path}")
        applications: Mapping[int, Any] = {
            9801: self.tracker.app,
            9802: self.prowlarr,
            9803: self.torznab,
            9804: create_app(self.client),
            9806: self.model,
        }
        answer = await httpx.ASGITransport(applications[request.url.port or 0]).handle_async_request(request)
        gone = self.lost_after is not None and any(self.lost_after in each for each in self.requests)
        if gone or request.url.path in self.lost:
            message = "the connection broke"
            raise httpx.ReadError(message)
        return answer

    def secrets_of(self, kind: IntegrationKind) -> Mapping[str, str]:
        """The credentials that the fake of this kind accepts."""
        return {
            IntegrationKind.MYANONAMOUSE: {"mam_id": self.tracker.session},
            IntegrationKind.PROWLARR: {"api_key": self.prowlarr.api_key},
            IntegrationKind.TORZNAB: {"api_key": self.torznab.api_key},
            IntegrationKind.QBITTORRENT: {"username": self.client.username, "password": self.client.password},
            IntegrationKind.OPENAI_COMPATIBLE: {"api_key": self.model.api_key},
            IntegrationKind.ANTHROPIC: {"api_key": self.model.api_key},
        }[kind]

    async def configure(self, database: Database, kind: IntegrationKind, **given: Any) -> Integration:
        """Write an integration of the fake of this kind."""
        needed = {"model": self.model.model} if kind in MODEL_KINDS else {}
        async with database.write() as session:
            return await rows.configure(
                session,
                SEAL,
                kind=kind,
                source=IntegrationSource.MUTATION,
                **({"url": ADDRESSES[kind], "secrets": self.secrets_of(kind), "options": needed} | given),
            )


@asynccontextmanager
async def worker(town: Town, database: Database, bus: Bus, redis_url: str) -> AsyncIterator[Integrations]:
    """The integrations of one worker process, whose clock only sleeping moves."""
    clock = Clock()
    async with outside_over(town, redis_url, clock) as outside:
        integrations = Integrations(database, bus, outside, SEAL, clock=clock)
        yield integrations
        await integrations.close()


async def run_of(database: Database, bus: Bus, kind: JobKind, **payload: int) -> Run:
    """A job of this kind in a worker's hands."""
    async with unit_of_work(database, bus) as work:
        created = await job_rows.create(work.session, kind, dict(payload), created_by="operator")
        job: Job = created.job
    return Run(job=job, database=database, bus=bus, worker="w1")


async def integration(database: Database, integration_id: int) -> Integration:
    """The row as it stands."""
    async with database.read() as session:
        return await rows.get(session, integration_id)
