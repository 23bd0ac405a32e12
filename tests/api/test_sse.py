"""Server-sent events, from a real server."""

from typing import Any

import httpx
import orjson
import pytest

from api.graphql_http import HttpOptions
from tests.api.toy import TOKEN, World, application, endpoint, eventually, served

STREAM = {"Accept": "text/event-stream", "X-Request-Id": "test-1"}
SIGNED_IN = {**STREAM, "Authorization": f"Bearer {TOKEN}"}
EXTENSIONS = {"requestId": "test-1"}


@pytest.fixture
def world() -> World:
    return World()


def next_event(**body: Any) -> dict[str, Any]:
    return {"event": "next", "data": {**body, "extensions": EXTENSIONS}}


COMPLETE = {"event": "complete", "data": None}


def events(text: str) -> list[dict[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            data = fields["data"].strip()
            found.append({"event": fields["event"].strip(), "data": orjson.loads(data) if data else None})
    return found


async def ask(host: str, query: str, headers: dict[str, str] | None = None) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.post(f"http://{host}/graphql", json={"query": query}, headers=headers or STREAM)


async def test_a_subscription_is_a_next_for_each_event_and_a_complete(world: World) -> None:
    async with served(application(endpoint(world))) as host:
        response = await ask(host, "subscription { count(to: 2) }")
    assert events(response.text) == [next_event(data={"count": 0}), next_event(data={"count": 1}), COMPLETE]
    assert response.status_code == 200
    names = ["content-type", "cache-control", "x-accel-buffering", "x-request-id", "vary"]
    assert [response.headers[name] for name in names] == [
        "text/event-stream; charset=utf-8",
        "no-cache, no-transform",
        "no",
        "test-1",
        "Accept",
    ]
    assert world.contexts == 0


async def test_a_query_over_a_stream_is_one_next(world: World) -> None:
    async with served(application(endpoint(world))) as host:
        response = await ask(host, "{ hello }")
    assert events(response.text) == [next_event(data={"hello": "hello world"}), COMPLETE]


async def test_a_get_subscribes_but_changes_nothing(world: World) -> None:
    async with served(application(endpoint(world))) as host, httpx.AsyncClient() as client:
        texts = []
        for query in ["subscription { count(to: 1) }", 'mutation { rename(name: "x") }']:
            response = await client.get(f"http://{host}/graphql", params={"query": query}, headers=SIGNED_IN)
            texts.append(response.text)
    subscription, mutation = map(events, texts)
    assert subscription == [next_event(data={"count": 0}), COMPLETE]
    message = "A GET only runs queries. Send the mutation by POST."
    assert mutation == [next_event(errors=[{"message": message, "extensions": {"code": "BAD_REQUEST"}}]), COMPLETE]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($to: Int!) { count(to: $to) }", "BAD_USER_INPUT"),
        ("subscription a { count(to: 1) } subscription b { count(to: 1) }", "OPERATION_RESOLUTION_FAILURE"),
        ("{ hello @a @b @c @d @e }", "QUERY_TOO_COMPLEX"),
        ("{" + " hello" * 20_000 + "}", "QUERY_TOO_COMPLEX"),
    ],
)
async def test_an_operation_that_cannot_run_is_an_event_with_a_code(world: World, query: str, code: str) -> None:
    async with served(application(endpoint(world))) as host:
        only, complete = events((await ask(host, query)).text)
    assert [error["extensions"]["code"] for error in only["data"]["errors"]] == [code]
    assert ("data" in only["data"], complete) == (False, COMPLETE)
    assert world.contexts == 0


async def test_an_error_in_mid_stream_is_the_last_event(world: World) -> None:
    async with served(application(endpoint(world))) as host:
        received = events((await ask(host, "subscription { failing }")).text)
    assert received[0] == next_event(data={"failing": 1})
    assert [error["extensions"]["code"] for error in received[1]["data"]["errors"]] == ["NOT_FOUND"]
    assert received[2:] == [COMPLETE]


async def test_a_malformed_request_is_refused_before_the_stream(world: World) -> None:
    async with served(application(endpoint(world))) as host, httpx.AsyncClient() as client:
        response = await client.post(f"http://{host}/graphql", json=[], headers=STREAM)
    assert (response.status_code, response.headers["content-type"]) == (400, "application/json; charset=utf-8")


async def test_loaders_batch_within_an_event_and_forget_between_events(world: World) -> None:
    async with served(application(endpoint(world))) as host:
        response = await ask(host, "subscription { things(to: 3) { two inner { two } } }")
    assert len(events(response.text)) == 4
    assert world.batches == 3


async def test_a_quiet_stream_is_kept_alive_by_comments(world: World) -> None:
    app = application(endpoint(world, HttpOptions(keep_alive=0.01)))
    async with served(app) as host, httpx.AsyncClient() as client:
        request = client.stream(
            "POST", f"http://{host}/graphql", json={"query": "subscription { forever }"}, headers=STREAM
        )
        comments = 0
        async with request as response:
            async for line in response.aiter_lines():
                comments += line == ":"
                if comments == 3:
                    break
        await eventually(lambda: world.running == 0 and world.contexts == 0)


async def test_a_hundred_clients_that_leave_leave_nothing_behind(world: World) -> None:
    app = application(endpoint(world))
    async with served(app) as host:
        limits = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(limits=limits) as client:
            for _ in range(100):
                request = client.build_request(
                    "POST", f"http://{host}/graphql", json={"query": "subscription { forever }"}, headers=STREAM
                )
                await client.send(request, stream=True)
            await eventually(lambda: world.running == 100)
        await eventually(lambda: world.running == 0 and world.contexts == 0)


async def test_a_stream_ends_when_its_token_is_revoked(world: World) -> None:
    app = application(endpoint(world, HttpOptions(viewer_check=0.01)))
    async with served(app) as host, httpx.AsyncClient() as client:
        request = client.stream(
            "POST", f"http://{host}/graphql", json={"query": "subscription { forever }"}, headers=SIGNED_IN
        )
        async with request as response:
            await eventually(lambda: world.running == 1)
            world.token_valid = False
            received = events((await response.aread()).decode())
    message = "The sign-in or token of this stream is no longer valid. Sign in again and reconnect."
    refused = next_event(errors=[{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}])
    assert received == [next_event(data={"forever": 1}), refused, COMPLETE]
    assert world.running == world.contexts == 0


async def test_a_query_over_a_stream_is_held_to_its_time_but_a_subscription_is_not(world: World) -> None:
    async with served(application(endpoint(world, timeout=0.05))) as host:
        (only, _) = events((await ask(host, "{ slow }")).text)
        assert [error["extensions"]["code"] for error in only["data"]["errors"]] == ["QUERY_TOO_COMPLEX"]
        assert world.cancelled == 1
        async with httpx.AsyncClient() as client:
            url, body = f"http://{host}/graphql", {"query": "subscription { forever }"}
            async with client.stream("POST", url, json=body, headers=STREAM) as response:
                await eventually(lambda: world.running == 1)
                await ask(host, "{ slow }")
                world.release.set()
                assert events((await response.aread()).decode()) == [next_event(data={"forever": 1}), COMPLETE]
