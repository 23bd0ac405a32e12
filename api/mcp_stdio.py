"""The agents' door on standard input and output: the same tools, by GraphQL of a running server over HTTP."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping

import anyio
import httpx
import orjson
from mcp.server.stdio import stdio_server

from api.mcp_graph import Data, ToolFailed, committed, data_of
from api.mcp_server import AgentServer
from integrations.addresses import connectable, resolve_name
from integrations.errors import InsecureAddress
from library.errors import CannotStart, ErrorCode

# Reading outlasts the server's own time limit of an operation, and its signs of life on a stream.
_TIMEOUT = httpx.Timeout(10.0, read=60.0)


class AgentTokenMissing(CannotStart):
    """Nothing to present to the server."""

    def __init__(self) -> None:
        super().__init__(
            "`shelfgraph mcp` needs a token: make one by `shelfgraph token --role VIEWER`, "
            "and give it as SHELFGRAPH_AGENT_TOKEN, or in a file that SHELFGRAPH_AGENT_TOKEN_FILE names."
        )


class AgentUrlUnusable(CannotStart):
    """An address to which a token may not be sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"SHELFGRAPH_AGENT_URL cannot be used ({reason}). Write it as https://books.example.")


class RemoteGraph:
    """Runs committed operations at a server; `client` knows its address and presents the token."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def run(self, name: str, variables: Mapping[str, object]) -> Data:
        """Run a query or mutation; raises ToolFailed."""
        try:
            answer = await self._client.post("/graphql", json=_body(name, variables))
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None
        return data_of(_map(answer.content))

    async def follow(self, name: str, variables: Mapping[str, object]) -> AsyncGenerator[Data, None]:
        """Run a subscription as an event stream; raises ToolFailed."""
        headers = {"Accept": "text/event-stream"}
        try:
            async with self._client.stream("POST", "/graphql", json=_body(name, variables), headers=headers) as answer:
                if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                    data_of(_map(await answer.aread()))
                async for event in _events(answer.aiter_lines()):
                    yield data_of(event)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: httpx.HTTPError) -> ToolFailed:
        reason = f"The server at {self._client.base_url} does not answer ({type(error).__name__})."
        return ToolFailed(ErrorCode.PROVIDER_UNAVAILABLE, f"{reason} Start it, or set SHELFGRAPH_AGENT_URL.")


def serve(url: str, token: str | None, *, version: str, writes: bool, plain_http_hosts: tuple[str, ...]) -> None:
    """Serve on standard input and output until the input ends; raises AgentTokenMissing or AgentUrlUnusable."""
    if not token:
        raise AgentTokenMissing
    anyio.run(_serve, url, token, version, writes, plain_http_hosts)


async def _serve(url: str, token: str, version: str, writes: bool, plain_http_hosts: tuple[str, ...]) -> None:
    await _check(url, plain_http_hosts)
    # No proxy of the environment: most servers are on this machine or its network, and a proxy would see the token.
    client = httpx.AsyncClient(
        base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT, trust_env=False
    )
    async with client, stdio_server() as (incoming, outgoing):
        graph = RemoteGraph(client)
        server = AgentServer(graph, version=version, writes=writes, request_id="of this process").server
        await server.run(incoming, outgoing, server.create_initialization_options())


async def _check(url: str, plain_http_hosts: tuple[str, ...]) -> None:
    """Raise AgentUrlUnusable where the token could be read on its way."""
    try:
        parsed = httpx.URL(url)
        if not parsed.host:
            raise AgentUrlUnusable("it has no host")
        await connectable("Shelfgraph", parsed, plain_http_hosts, resolve_name)
    except (httpx.InvalidURL, InsecureAddress) as error:
        raise AgentUrlUnusable(str(error).rstrip(".")) from None
    except OSError:
        raise AgentUrlUnusable("its host has no address") from None


async def _events(lines: AsyncIterator[str]) -> AsyncGenerator[Mapping[str, object], None]:
    """The bodies of a stream's `next` events; each is one `data` line."""
    async for line in lines:
        text = line.removeprefix("data:").strip()
        if line.startswith("data:") and text:
            yield _map(text.encode())


def _body(name: str, variables: Mapping[str, object]) -> dict[str, object]:
    return {"query": committed(name), "variables": dict(variables)}


def _map(text: bytes) -> Mapping[str, object]:
    """A response map; raises ToolFailed for what no Shelfgraph says."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict) or not {"data", "errors"} & found.keys():
        raise ToolFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The server does not speak GraphQL. Correct its address.")
    return found
