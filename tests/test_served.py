"""A serving process as clients meet it: cookies, covers, live events over both transports, and clean ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.processes import Served

FOLLOW = "subscription { libraryChanged { sequence snapshot { books } changes { kind title } } }"
RENAME = """mutation($id: ID!, $s: String) { updateBook(input: {id: $id, subtitle: $s}) {
  ... on UpdateBookPayload { changedFields } } }"""


def book_id(served: Served) -> str:
    """The id of some book."""
    data: Any = served.ask("{ books(first: 1) { nodes { id } } }")
    return str(data["books"]["nodes"][0]["id"])


@asynccontextmanager
async def socket(served: Served, token: str | None = None) -> AsyncIterator[ClientConnection]:
    """An acknowledged graphql-transport-ws socket."""
    address = served.url.replace("http", "ws") + "/graphql"
    async with connect(address, subprotocols=["graphql-transport-ws"]) as connection:  # type: ignore[list-item]  # a NewType of str
        await connection.send(json.dumps({"type": "connection_init", "payload": {"token": token or served.token}}))
        assert json.loads(await connection.recv())["type"] == "connection_ack"
        yield connection


async def take(connection: ClientConnection) -> Any:
    """The next event's data."""
    message = json.loads(await asyncio.wait_for(connection.recv(), 10))
    assert message["type"] == "next", message
    return message["payload"]["data"]["libraryChanged"]


async def subscribe(connection: ClientConnection, name: str = "1") -> None:
    """Follow the library."""
    await connection.send(json.dumps({"id": name, "type": "subscribe", "payload": {"query": FOLLOW}}))


async def rename(served: Served, subtitle: str) -> None:
    """Change a book."""
    await asyncio.to_thread(served.ask, RENAME, {"id": book_id(served), "s": subtitle})


async def test_a_change_reaches_a_socket_and_an_event_stream(served_api: Served) -> None:
    headers = {"Authorization": f"Bearer {served_api.token}", "Accept": "text/event-stream"}
    async with socket(served_api) as connection, httpx.AsyncClient(base_url=served_api.url) as client:
        await subscribe(connection)
        assert (await take(connection))["snapshot"] == {"books": 3}
        async with client.stream("POST", "/graphql", json={"query": FOLLOW}, headers=headers) as stream:
            lines = stream.aiter_lines()
            first = await next_event(lines)
            await rename(served_api, "once")
            second = await next_event(lines)
        live = await take(connection)
    assert (first["snapshot"], second["changes"], live["changes"]) == (
        {"books": 3},
        [{"kind": "BOOK_UPDATED", "title": "Robinson Crusoe"}],
        [{"kind": "BOOK_UPDATED", "title": "Robinson Crusoe"}],
    )


async def next_event(lines: AsyncIterator[str]) -> Any:
    """The data of the next event of a stream."""
    async for line in lines:
        if line.startswith("data:") and len(line) > len("data: "):
            return json.loads(line.removeprefix("data:"))["data"]["libraryChanged"]
    pytest.fail("the stream ended")


async def test_a_socket_closes_when_its_token_is_revoked(served_api: Served) -> None:
    made: Any = served_api.ask(
        """mutation { createApiToken(input: {name: "short"}) {
             ... on CreateApiTokenPayload { secret apiToken { id } } } }"""
    )
    token = made["createApiToken"]
    async with socket(served_api, token["secret"]) as connection:
        await subscribe(connection)
        await take(connection)
        revoke = "mutation($id: ID!) { revokeApiToken(input: {id: $id}) { __typename } }"
        await asyncio.to_thread(served_api.ask, revoke, {"id": token["apiToken"]["id"]})
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(connection.recv(), 15)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code in (4401, 4403)


def test_signing_in_sets_a_cookie_that_scripts_cannot_read_and_signing_out_takes_it(served_api: Served) -> None:
    made: Any = served_api.ask(
        'mutation { createApiToken(input: {name: "spa"}) { ... on CreateApiTokenPayload { secret } } }'
    )
    sign_in = "mutation($t: String!) { signIn(input: {token: $t}) { __typename } }"
    with httpx.Client(base_url=served_api.url) as browser:
        answer = browser.post("/graphql", json={"query": sign_in, "variables": {"t": made["createApiToken"]["secret"]}})
        assert "HttpOnly" in answer.headers["set-cookie"]
        who = browser.post("/graphql", json={"query": "{ viewer { name } }"}).json()
        assert who["data"] == {"viewer": {"name": "owner"}}
        browser.post("/graphql", json={"query": "mutation { signOut { signedOut } }"})
        assert browser.post("/graphql", json={"query": "{ viewer { name } }"}).json()["data"] == {"viewer": None}


def test_anonymous_visitors_get_nothing_but_the_way_in(served_api: Served) -> None:
    with httpx.Client(base_url=served_api.url) as visitor:
        books = visitor.post("/graphql", json={"query": "{ books { nodes { id } } }"}).json()
        schema = visitor.post("/graphql", json={"query": "{ __schema { types { name } } }"}).json()
        info = visitor.post("/graphql", json={"query": "{ serverInfo { name } viewer { name } }"}).json()
        cover = visitor.get(f"/covers/{'0' * 64}")
    assert books["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert "data" not in schema
    assert info["data"] == {"serverInfo": {"name": "Shelfgraph"}, "viewer": None}
    assert cover.status_code == 401


def test_search_says_that_it_is_warming_up_and_why(served_api: Served) -> None:
    data: Any = served_api.ask(
        """{ semanticSearch(query: "an island") {
             __typename ... on SearchUnavailable { code reason message progress } } }"""
    )
    assert data["semanticSearch"]["__typename"] == "SearchUnavailable"
    assert data["semanticSearch"]["reason"] == "MODEL_MISSING"
    assert httpx.get(f"{served_api.url}/health/ready").json()["search"] == "WARMING"
