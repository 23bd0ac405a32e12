"""The agents' door on standard input and output, as a client starts it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.stdio import stdio_client

from api.mcp_stdio import AgentUrlUnusable, serve
from tests.api.agent_fixtures import failure, new_token, told
from tests.api.test_cli import PROJECT, shelfgraph
from tests.processes import Served


@asynccontextmanager
async def started(folder: Path, token: str, **settings: str) -> AsyncIterator[Client]:
    """`shelfgraph mcp`, with its token in a file."""
    file = folder / "token"
    file.write_text(f"{token}\n")
    given = {"DATA_DIR": str(folder), "AGENT_TOKEN_FILE": str(file), **settings}
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "api.cli", "mcp"],
        env={f"SHELFGRAPH_{name}": value for name, value in given.items()},
        cwd=PROJECT,
    )
    with (folder / "stderr").open("w") as errors:
        async with Client(stdio_client(parameters, errlog=errors)) as client:
            yield client


async def test_a_running_server_is_reached_with_the_rights_of_the_token(served_api: Served, tmp_path: Path) -> None:
    secret, _ = await asyncio.to_thread(new_token, served_api, "MEMBER")
    found = served_api.ask('{ books(search: "treasure") { nodes { id } } }')
    book_id = found["books"]["nodes"][0]["id"]  # type: ignore[index]  # JSON
    async with started(tmp_path, secret, AGENT_URL=served_api.url, MCP_WRITE="true") as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        book = told(await client.call_tool("look_at_book", {"book_id": book_id}))
        followed = await client.call_tool("follow_download", {"download_id": "RG93bmxvYWQ6OTk5"})
        malformed = await client.call_tool("follow_download", {"download_id": "none"})
    assert names[-3:] == ["search_releases", "want_book", "request_download"]
    assert book["title"] == "Treasure Island"
    assert failure(followed).startswith("NOT_FOUND: There is no such download")
    assert failure(malformed).startswith("BAD_USER_INPUT: 'none' is not an id of this server")
    assert (tmp_path / "stderr").read_text() == ""


async def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    secret = "sg_secret-that-nobody-shows"
    async with started(tmp_path, secret, AGENT_URL="http://127.0.0.1:9") as client:
        said = failure(await client.call_tool("search", {"query": "an island"}))
        with pytest.raises(MCPError, match="does not answer") as raised:
            await client.list_tools()
    assert said == (
        "PROVIDER_UNAVAILABLE: The server at http://127.0.0.1:9 does not answer (ConnectError). "
        "Start it, or set SHELFGRAPH_AGENT_URL."
    )
    assert secret not in f"{raised.value} {(tmp_path / 'stderr').read_text()}"


def test_without_a_token_it_does_not_start_and_says_where_to_get_one(tmp_path: Path) -> None:
    ended = shelfgraph("mcp", SHELFGRAPH_DATA_DIR=str(tmp_path))
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert "`shelfgraph mcp` needs a token: make one by `shelfgraph token --role VIEWER`" in ended.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://203.0.113.5", "is a public address without TLS"),
        ("books:8000", "it has no host"),
        ("https://", "it has no host"),
        ("http://no-such-host.invalid", "its host has no address"),
        ("http://[", "cannot be used"),
    ],
)
def test_a_token_is_not_sent_where_it_could_be_read_or_to_no_address(url: str, said: str) -> None:
    with pytest.raises(AgentUrlUnusable, match=said):
        serve(url, "sg_x", version="0", writes=False, plain_http_hosts=())
