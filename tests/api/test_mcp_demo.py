"""The agents' door of the demo, which anonymous agents may read through, in this process."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.websockets import WebSocket

from api.index_reader import IndexReader
from api.mcp import AgentDoor, DoorOptions
from api.schema import create_schema
from jobs.events import Bus
from library.database import Database
from library.sealing import Seal
from resolvers.context import Context, Viewer
from tests.api.agent_fixtures import BOTH
from tests.processes import SECRET_KEY
from tests.shelf import Volume, add


async def _never(_viewer: Viewer) -> bool:
    return False


@pytest.mark.parametrize("demo", [True, False])
async def test_anonymous_agents_read_the_demo_and_nothing_else(
    database: Database, bus: Bus, tmp_path: Path, demo: bool
) -> None:
    async with database.write() as session:
        await add(session, Volume("Robinson Crusoe"))
    reader = IndexReader(database, bus, models=tmp_path / "models", indexes=tmp_path / "index", model="none")

    async def get_context(_connection: Request | WebSocket, _params: Mapping[str, object] | None) -> Context:
        return Context(
            database=database, bus=bus, search=reader, seal=Seal([SECRET_KEY]), viewer=None,
            request_id="test", demo=demo, version="0", check_viewer=_never,
        )  # fmt: skip

    options = DoorOptions(version="0", writes=True, demo=demo, allowed_origins=("https://app.example",))
    app = Starlette(routes=AgentDoor(create_schema(), get_context, options).routes("/mcp"))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://demo.example") as client:
        listed = await ask(client, "tools/list")
        followed = await ask(client, "tools/call", name="follow_download", arguments={"download_id": "RG93bmxvYWQ6MQ"})
        book = await ask(client, "tools/call", name="look_at_book", arguments={"book_id": "Qm9vazox"})
    if demo:
        assert [tool["name"] for tool in listed["tools"]] == ["search", "similar_books", "look_at_book"]
        assert followed["content"][0]["text"].startswith("UNAUTHENTICATED: ")
        assert book["structuredContent"]["title"] == "Robinson Crusoe"
    else:
        assert [listed, followed, book] == [401, 401, 401]


async def ask(client: httpx.AsyncClient, method: str, **params: object) -> Any:
    """The result of a request from a page that may ask, or the status of its refusal."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = await client.post("/mcp", json=body, headers={"Accept": BOTH, "Origin": "https://app.example"})
    if answer.status_code != httpx.codes.OK:
        return answer.status_code
    [event] = [line for line in answer.text.splitlines() if line.startswith("data:")]
    return json.loads(event.removeprefix("data:"))["result"]
