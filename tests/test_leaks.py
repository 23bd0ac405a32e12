"""A hundred clients that vanish leave nothing behind in the serving process."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import connect

from api.app import create_app
from api.serving import address_of, listen
from jobs.events import Bus
from settings import Settings
from tests.processes import ADMIN_TOKEN, SECRET_KEY

FOLLOW = "subscription { libraryChanged { sequence } }"
CLIENTS = 100
AT_ONCE = 20


@pytest.fixture
def app(sqlite_template: Path, redis_url: str, tmp_path: Path) -> Starlette:
    """The application over an empty library."""
    return create_app(
        Settings(
            data_dir=tmp_path,
            database_url=f"sqlite+aiosqlite:///{sqlite_template}",
            redis_url=redis_url,
            secret_key=SECRET_KEY,  # type: ignore[arg-type]  # pydantic makes it a secret
            admin_token=ADMIN_TOKEN,  # type: ignore[arg-type]  # pydantic makes it a secret
        )
    )


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """The address of the application, served inside this process."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve([listener]))
    yield address_of(listener)
    server.should_exit = True
    await task


async def vanish_from_socket(address: str) -> None:
    """Follow over a WebSocket and go without a word."""
    url = address.replace("http", "ws") + "/graphql"
    async with connect(url, subprotocols=["graphql-transport-ws"]) as connection:  # type: ignore[list-item]  # a NewType of str
        await connection.send(json.dumps({"type": "connection_init", "payload": {"token": ADMIN_TOKEN}}))
        await connection.recv()
        await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": FOLLOW}}))
        await connection.recv()
        connection.transport.abort()


async def vanish_from_stream(address: str) -> None:
    """Follow over an event stream and go without a word."""
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Accept": "text/event-stream"}
    async with (
        httpx.AsyncClient() as client,
        client.stream("POST", f"{address}/graphql", json={"query": FOLLOW}, headers=headers) as stream,
    ):
        await anext(stream.aiter_lines())


@pytest.mark.parametrize("vanish", [vanish_from_socket, vanish_from_stream])
async def test_a_hundred_clients_that_vanish_leave_no_follower(app: Starlette, vanish: object) -> None:
    assert callable(vanish)
    bus: Bus = app.state.bus
    async with served(app) as address:
        for _ in range(CLIENTS // AT_ONCE):
            await asyncio.gather(*(vanish(address) for _ in range(AT_ONCE)))
        async with asyncio.timeout(20):
            while bus.listener_count > 1:  # the index reader goes on following
                await asyncio.sleep(0)
    assert bus.listener_count == 0
