"""graphql-transport-ws, from a real server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from api.graphql_http import HttpOptions
from tests.api.toy import TOKEN, World, application, endpoint, eventually, served

PROTOCOL = Subprotocol("graphql-transport-ws")
INIT = {"type": "connection_init"}
SIGNED_IN = {"type": "connection_init", "payload": {"authorization": f"Bearer {TOKEN}"}}
ACK = {"type": "connection_ack"}


@pytest.fixture
def world() -> World:
    return World()


class Client:
    """A WebSocket that speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, *messages: object) -> None:
        for message in messages:
            await self.connection.send(orjson.dumps(message).decode())

    async def subscribe(self, id_: str, query: str, **variables: object) -> None:
        await self.send({"type": "subscribe", "id": id_, "payload": {"query": query, "variables": variables}})

    async def receive(self, count: int = 1) -> list[dict[str, Any]]:
        return [without_request_id(orjson.loads(await self.connection.recv())) for _ in range(count)]

    async def closed(self) -> tuple[int, str]:
        with pytest.raises(ConnectionClosed):
            await self.connection.recv()
        return self.connection.close_code or 0, self.connection.close_reason or ""


def without_request_id(message: dict[str, Any]) -> dict[str, Any]:
    if message["type"] == "next":
        assert len(message["payload"].pop("extensions")["requestId"]) == 32
    return message


def result(id_: str, **data: object) -> dict[str, Any]:
    return {"type": "next", "id": id_, "payload": {"data": data}}


def complete(id_: str) -> dict[str, Any]:
    return {"type": "complete", "id": id_}


@asynccontextmanager
async def opened(world: World, options: HttpOptions | None = None, **more: Any) -> AsyncIterator[Client]:
    app = application(endpoint(world, options, **more))
    async with served(app) as host, connect(f"ws://{host}/graphql", subprotocols=[PROTOCOL]) as connection:
        yield Client(connection)
        await connection.close()
        await eventually(lambda: world.contexts == 0 and world.running == 0)


@asynccontextmanager
async def acknowledged(world: World, options: HttpOptions | None = None, **more: Any) -> AsyncIterator[Client]:
    async with opened(world, options, **more) as client:
        await client.send(SIGNED_IN)
        assert await client.receive() == [ACK]
        yield client


async def test_a_subscription_is_a_next_for_each_event_and_a_complete(world: World) -> None:
    async with acknowledged(world) as client:
        await client.subscribe("1", "subscription($to: Int!) { count(to: $to) }", to=2)
        assert await client.receive(3) == [result("1", count=0), result("1", count=1), complete("1")]


async def test_queries_and_mutations_run_too_and_an_id_can_be_used_again(world: World) -> None:
    async with acknowledged(world) as client:
        await client.subscribe("1", "{ hello }")
        assert await client.receive(2) == [result("1", hello="hello world"), complete("1")]
        await client.subscribe("1", 'mutation { rename(name: "x") }')
        assert await client.receive(2) == [result("1", rename="x"), complete("1")]


async def test_connection_params_sign_in(world: World) -> None:
    async with acknowledged(world) as client:
        await client.subscribe("1", "{ viewer }")
        assert await client.receive(2) == [result("1", viewer="ann"), complete("1")]
    async with opened(world) as client:
        await client.send({**INIT, "payload": None})
        await client.subscribe("1", "{ viewer }")
        assert await client.receive(3) == [ACK, result("1", viewer=None), complete("1")]


async def test_pings_are_answered_with_their_payload_at_any_time(world: World) -> None:
    async with opened(world) as client:
        await client.send({"type": "ping", "payload": {"n": 1}}, {"type": "pong"}, INIT, {"type": "ping"})
        assert await client.receive(3) == [{"type": "pong", "payload": {"n": 1}}, ACK, {"type": "pong"}]


@pytest.mark.parametrize(
    ("messages", "code", "reason"),
    [
        ([INIT, INIT], 4429, "Too many initialisation requests"),
        ([complete("0") | {"type": "subscribe"}], 4400, "The message has an unknown type, or lacks an id or a payload"),
        (
            [{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }"}}],
            4401,
            "Unauthorized: send connection_init and wait for connection_ack",
        ),
        ([{"type": "connection_init", "payload": []}], 4400, "The payload of connection_init must be an object"),
        (
            [{"type": "connection_init", "payload": {"authorization": "Bearer sg_wrong"}}],
            4403,
            "This token is unknown. Make one with `shelfgraph token`.",
        ),
        ([{"type": "start", "id": "1"}], 4400, "The message has an unknown type, or lacks an id or a payload"),
        ([{"id": "1"}], 4400, "The message has an unknown type, or lacks an id or a payload"),
        ([[]], 4400, "Messages must be JSON objects"),
        (
            [INIT, {"type": "subscribe", "id": "1", "payload": {}}],
            4400,
            "`query` must be a GraphQL document; it is missing, empty or not a string.",
        ),
        ([{"type": "ping", "payload": "x" * 2000}], 1009, "The message is larger than 1000 bytes"),
    ],
)
async def test_a_client_that_breaks_the_protocol_is_told_how(
    world: World, messages: list[object], code: int, reason: str
) -> None:
    async with opened(world, HttpOptions(max_body_bytes=1000)) as client:
        await client.send(*messages)
        if messages[0] is INIT:
            assert await client.receive() == [ACK]
        assert await client.closed() == (code, reason)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("{", "The message is not JSON: unexpected end of data at character 1."),
        (b"{}", "Messages must be text"),
    ],
)
async def test_a_message_that_is_no_json_text_closes_the_socket(world: World, frame: str | bytes, reason: str) -> None:
    async with opened(world) as client:
        await client.connection.send(frame)
        assert await client.closed() == (4400, reason)


async def test_a_second_operation_of_the_same_id_closes_the_socket_and_all_it_runs(world: World) -> None:
    async with acknowledged(world) as client:
        await client.subscribe("1", "subscription { forever }")
        await client.receive()
        await client.subscribe("1", "{ hello }")
        assert await client.closed() == (4409, "Subscriber for 1 already exists")


async def test_a_client_that_does_not_initialise_is_closed(world: World) -> None:
    async with opened(world, HttpOptions(init_timeout=0.01)) as client:
        assert await client.closed() == (4408, "Connection initialisation timeout")


async def test_a_client_that_has_initialised_stays_open(world: World) -> None:
    async with acknowledged(world, HttpOptions(init_timeout=1.0), timeout=1.1) as client:
        await client.subscribe("1", "{ slow }")  # is cancelled after the time for initialisation is over
        assert [message["type"] for message in await client.receive()] == ["error"]
        await client.send({"type": "ping"})
        assert await client.receive() == [{"type": "pong"}]


async def test_a_socket_closes_when_its_token_is_revoked(world: World) -> None:
    async with acknowledged(world, HttpOptions(viewer_check=0.01)) as client:
        await client.subscribe("1", "subscription { forever }")
        assert await client.receive() == [result("1", forever=1)]
        world.token_valid = False
        reason = "The sign-in or token of this stream is no longer valid. Sign in again and reconnect."
        assert await client.closed() == (4403, reason)


async def test_an_anonymous_socket_stays_open(world: World) -> None:
    world.token_valid = False
    async with opened(world, HttpOptions(viewer_check=0.001)) as client:
        await client.send(INIT)
        await client.subscribe("1", "subscription { count(to: 1) }")
        assert await client.receive(3) == [ACK, result("1", count=0), complete("1")]


async def test_one_operation_too_many_is_refused_without_closing_the_socket(world: World) -> None:
    async with acknowledged(world, HttpOptions(max_operations_per_socket=1)) as client:
        await client.subscribe("1", "subscription { forever }")
        await client.receive()
        await client.subscribe("2", "{ hello }")
        message = "This socket runs 1 operations already. Complete one first."
        refused = {"message": message, "extensions": {"code": "THROTTLED"}}
        assert await client.receive() == [{"type": "error", "id": "2", "payload": [refused]}]
        await client.send(complete("1"))
        await client.subscribe("1", "{ hello }")
        assert await client.receive(2) == [result("1", hello="hello world"), complete("1")]


async def test_completing_an_operation_closes_its_generator(world: World) -> None:
    async with acknowledged(world) as client:
        await client.subscribe("1", "subscription { forever }")
        await client.receive()
        await client.send(complete("1"), complete("unknown"))
        await eventually(lambda: world.running == 0 and world.contexts == 1)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($to: Int!) { count(to: $to) }", "BAD_USER_INPUT"),
        ("query a { hello } query b { hello }", "OPERATION_RESOLUTION_FAILURE"),
        ("{ hello @a @b @c @d @e }", "QUERY_TOO_COMPLEX"),
        ("{ slow }", "QUERY_TOO_COMPLEX"),
    ],
)
async def test_an_operation_that_cannot_run_is_an_error_message_and_the_socket_stays_open(
    world: World, query: str, code: str
) -> None:
    async with acknowledged(world, timeout=0.2) as client:
        await client.subscribe("1", query)
        (message,) = await client.receive()
        codes = [error["extensions"]["code"] for error in message["payload"]]
        assert (message["type"], message["id"], codes) == ("error", "1", [code])
        await client.send({"type": "ping"})
        assert await client.receive() == [{"type": "pong"}]


async def test_an_error_of_a_field_comes_with_its_data(world: World) -> None:
    async with acknowledged(world) as client:
        await client.subscribe("1", "{ hello crash }")
        first, last = await client.receive(2)
    assert first["payload"]["data"] == {"hello": "hello world", "crash": None}
    assert [error["extensions"] for error in first["payload"]["errors"]] == [{"code": "INTERNAL_SERVER_ERROR"}]
    assert last == complete("1")


async def test_loaders_forget_between_operations_and_between_events(world: World) -> None:
    async with acknowledged(world) as client:
        for id_ in ("1", "2"):
            await client.subscribe(id_, "{ thing { two inner { two } } }")
            await client.receive(2)
        assert world.batches == 2
        await client.subscribe("3", "subscription { things(to: 2) { two inner { two } } }")
        await client.receive(3)
    assert world.batches == 4


async def test_a_hundred_clients_that_vanish_leave_nothing_behind(world: World) -> None:
    async with served(application(endpoint(world))) as host:
        clients = []
        for _ in range(100):
            client = Client(await connect(f"ws://{host}/graphql", subprotocols=[PROTOCOL]))
            await client.send(INIT)
            await client.subscribe("1", "subscription { forever }")
            clients.append(client)
        await eventually(lambda: world.running == 100)
        for client in clients:
            client.connection.transport.abort()
        await eventually(lambda: world.running == 0 and world.contexts == 0)
        for client in clients:
            await client.connection.wait_closed()


@pytest.mark.parametrize("protocols", [[Subprotocol("graphql-ws")], None])
async def test_older_protocols_are_turned_away(world: World, protocols: list[Subprotocol] | None) -> None:
    async with (
        served(application(endpoint(world))) as host,
        connect(f"ws://{host}/graphql", subprotocols=protocols) as connection,
    ):
        assert await Client(connection).closed() == (4406, "Subprotocol not acceptable; use graphql-transport-ws")


@pytest.mark.parametrize(
    ("origin", "allowed", "opens"),
    [
        (None, (), True),
        ("http://{host}", (), True),
        ("http://evil.example", (), False),
        ("null", (), False),
        ("https://Books.example:443", ("https://books.example",), True),
        ("http://books.example", ("https://books.example",), False),
        ("http://evil.example", ("*",), True),
    ],
)
async def test_only_pages_on_allowed_origins_open_a_socket(
    world: World, origin: str | None, allowed: tuple[str, ...], opens: bool
) -> None:
    app = application(endpoint(world, HttpOptions(allowed_origins=allowed)))
    async with served(app) as host:
        given = websockets.Origin(origin.format(host=host)) if origin else None
        opening = connect(f"ws://{host}/graphql", subprotocols=[PROTOCOL], origin=given)
        if opens:
            async with opening as connection:
                assert connection.subprotocol == PROTOCOL
        else:
            with pytest.raises(InvalidStatus, match="403"):
                await opening
