"""A session that is kept in memory, and clients of the fake, within this process or over loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from integrations.errors import RateLimited
from integrations.myanonamouse import Hosts, MyAnonamouse
from tests.api.toy import served
from tests.fakes.myanonamouse import FakeMyAnonamouse

SERVICE = "MyAnonamouse"
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


class MemorySession:
    """Keeps the newest value, and all that there were."""

    def __init__(self, value: str = "") -> None:
        self.values = [value]

    async def current(self) -> str:
        return self.values[-1]

    async def rotate(self, value: str) -> None:
        self.values.append(value)


class Budgeted(httpx.AsyncBaseTransport):
    """Raises for 429 as the way out to all services does, so that nobody above sees the answer."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            await answer.aclose()
            raise RateLimited(SERVICE, 30)
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()


def client_over(transport: httpx.AsyncBaseTransport, session: MemorySession, url: str) -> MyAnonamouse:
    hosts = Hosts(site=url, seedbox=url, cdn=url)
    http = httpx.AsyncClient(transport=transport, base_url=url)
    return MyAnonamouse(http, SERVICE, session, hosts=hosts, clock=lambda: NOW)


def client_of(fake: FakeMyAnonamouse, session: MemorySession | None = None) -> MyAnonamouse:
    session = session or MemorySession(fake.session)
    return client_over(httpx.ASGITransport(fake.app), session, "http://127.0.0.1")


@asynccontextmanager
async def client_on_loopback(fake: FakeMyAnonamouse, session: MemorySession) -> AsyncIterator[MyAnonamouse]:
    async with served(fake.app) as address, Budgeted() as transport:
        yield client_over(transport, session, f"http://{address}")


def answering(*answers: httpx.Response, session: MemorySession | None = None) -> MyAnonamouse:
    """A client whose site gives these answers, in order."""
    left = list(answers)
    transport = httpx.MockTransport(lambda _: left.pop(0))
    return client_over(transport, session or MemorySession("seed"), "http://127.0.0.1")
