"""The endpoint over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import structlog
from structlog.testing import LogCapture

from api.graphql_http import HttpOptions
from api.request_ids import trace_of
from tests.api.toy import TOKEN, World, application, endpoint, eventually

GRAPHQL = {"Accept": "application/graphql-response+json"}
SIGNED_IN = {"Authorization": f"Bearer {TOKEN}"}
ID = {"X-Request-Id": "test-1"}
EXTENSIONS = {"requestId": "test-1"}


@pytest.fixture
def world() -> World:
    return World()


def client(world: World, options: HttpOptions | None = None, **more: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(application(endpoint(world, options, **more)))
    return httpx.AsyncClient(transport=transport, base_url="http://toy", headers=ID)


@pytest.fixture
async def toy(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with client(world) as made:
        yield made
    assert world.contexts == 0


async def ask(toy: httpx.AsyncClient, query: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
    return await toy.post("/graphql", json={"query": query, **more}, headers=headers)


def error(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}], "extensions": EXTENSIONS}


def code(response: httpx.Response) -> str:
    (only,) = response.json()["errors"]
    return str(only["extensions"]["code"])


async def test_a_query_is_answered_with_its_request_id(toy: httpx.AsyncClient) -> None:
    response = await ask(toy, "query($n: String!) { hello(name: $n) }", variables={"n": "Ann"})
    assert response.json() == {"data": {"hello": "hello Ann"}, "extensions": EXTENSIONS}
    assert response.status_code == 200
    assert dict(response.headers) == {
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(response.content)),
        "cache-control": "no-store",
        "vary": "Accept",
        "x-request-id": "test-1",
    }


async def test_the_answer_has_the_media_type_that_accept_prefers(toy: httpx.AsyncClient) -> None:
    response = await ask(toy, "{ hello }", GRAPHQL)
    assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"


async def test_the_accept_header_of_an_urql_query_does_not_open_a_stream(toy: httpx.AsyncClient) -> None:
    accept = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream"
    response = await ask(toy, "{ hello }", {"Accept": f"{accept}, multipart/mixed"})
    assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"


async def test_nothing_acceptable_is_406(toy: httpx.AsyncClient) -> None:
    response = await ask(toy, "{ hello }", {"Accept": "image/png"})
    assert (response.status_code, code(response)) == (406, "BAD_REQUEST")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_that_is_not_json_is_415(toy: httpx.AsyncClient, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await toy.post("/graphql", content=b'{"query": "{ hello }"}', headers=headers)
    assert (response.status_code, code(response)) == (415, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{ "not', "The body is not JSON: unexpected end of data at character 6."),
        ("[" * 2000, "The body is not JSON: depth limit exceeded at character 1025."),
        ('"{ hello }"', "The body must be a JSON object with a `query`."),
        ("[]", "Batches are not accepted. Send one operation per request; HTTP keeps the connection."),
        (
            '[{"query": "{ hello }"}]',
            "Batches are not accepted. Send one operation per request; HTTP keeps the connection.",
        ),
        ("{}", "`query` must be a GraphQL document; it is missing, empty or not a string."),
        ('{"query": 1}', "`query` must be a GraphQL document; it is missing, empty or not a string."),
        ('{"query": ""}', "`query` must be a GraphQL document; it is missing, empty or not a string."),
        ('{"query": "{ hello }", "operationName": 1}', "`operationName` must be a string."),
        ('{"query": "{ hello }", "variables": []}', "`variables` must be a JSON object."),
        ('{"query": "{ hello }", "extensions": "x"}', "`extensions` must be a JSON object."),
    ],
)
async def test_a_malformed_request_is_400_and_says_why(toy: httpx.AsyncClient, body: str, message: str) -> None:
    response = await toy.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()) == (400, error("BAD_REQUEST", message))


async def test_null_parameters_are_as_good_as_none(toy: httpx.AsyncClient) -> None:
    response = await ask(toy, "{ hello }", variables=None, operationName=None, extensions=None)
    assert response.json() == {"data": {"hello": "hello world"}, "extensions": EXTENSIONS}


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query($n: Int!) { first(first: $n) }", {}, "BAD_USER_INPUT"),
        ("query($n: Int!) { first(first: $n) }", {"n": "x"}, "BAD_USER_INPUT"),
        ("query a { hello } query b { hello }", {}, "OPERATION_RESOLUTION_FAILURE"),
        ("{ __schema { queryType { name } } }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("{ hello @a @b @c @d @e }", {}, "QUERY_TOO_COMPLEX"),
    ],
)
async def test_an_operation_that_cannot_run_is_400_without_data_but_200_for_plain_json(
    toy: httpx.AsyncClient, query: str, variables: dict[str, object], expected: str
) -> None:
    strict = await ask(toy, query, GRAPHQL, variables=variables)
    assert (strict.status_code, code(strict), "data" in strict.json()) == (400, expected, False)
    plain = await ask(toy, query, variables=variables)
    assert (plain.status_code, plain.json()) == (200, strict.json())


async def test_an_operation_name_that_does_not_exist_is_refused(toy: httpx.AsyncClient) -> None:
    response = await ask(toy, "query a { hello }", GRAPHQL, operationName="b")
    message = "The document has no operation named 'b'."
    assert (response.status_code, response.json()) == (400, error("OPERATION_RESOLUTION_FAILURE", message))


async def test_the_named_one_of_several_operations_runs(toy: httpx.AsyncClient) -> None:
    response = await ask(toy, "query a { hello } query b { first }", operationName="b")
    assert response.json()["data"] == {"first": 10}


async def test_an_explicit_null_for_an_argument_is_the_clients_mistake(toy: httpx.AsyncClient) -> None:
    response = await ask(toy, "query($n: Int = 3) { first(first: $n) }", GRAPHQL, variables={"n": None})
    assert (response.status_code, code(response)) == (200, "BAD_USER_INPUT")


async def test_a_get_runs_a_query(toy: httpx.AsyncClient) -> None:
    params = {"query": "query a($n: String!) { hello(name: $n) }", "variables": '{"n": "Ann"}', "operationName": "a"}
    response = await toy.get("/graphql", params={**params, "extensions": "{}"}, headers=SIGNED_IN)
    assert (response.status_code, response.json()["data"]) == (200, {"hello": "hello Ann"})


async def test_a_get_with_broken_variables_says_so(toy: httpx.AsyncClient) -> None:
    response = await toy.get("/graphql", params={"query": "{ hello }", "variables": "{"}, headers=SIGNED_IN)
    message = "`variables` is not JSON: unexpected end of data at character 1."
    assert (response.status_code, response.json()) == (400, error("BAD_REQUEST", message))


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_mutation_by_get_is_405_and_names_post(toy: httpx.AsyncClient, accept: str) -> None:
    params = {"query": 'mutation { rename(name: "x") }'}
    response = await toy.get("/graphql", params=params, headers={**SIGNED_IN, "Accept": accept})
    assert (response.status_code, response.headers["allow"], code(response)) == (405, "POST", "BAD_REQUEST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_405(toy: httpx.AsyncClient, method: str) -> None:
    response = await toy.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"], code(response)) == (405, "GET, POST", "BAD_REQUEST")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Cookie": "session=x"}, 403),
        ({}, 403),
        ({"Cookie": "session=x", "X-Shelfgraph-CSRF": "1"}, 200),
        ({"Cookie": "session=x", "Apollo-Require-Preflight": "true"}, 200),
        ({"Cookie": "session=x", "X-Requested-With": "fetch"}, 200),
        (SIGNED_IN, 200),
    ],
)
async def test_a_get_needs_a_header_that_no_other_page_can_send(
    toy: httpx.AsyncClient, headers: dict[str, str], status: int
) -> None:
    response = await toy.get("/graphql", params={"query": "{ hello }"}, headers=headers)
    assert response.status_code == status


async def test_a_subscription_needs_a_stream(toy: httpx.AsyncClient) -> None:
    response = await ask(toy, "subscription { count(to: 2) }")
    message = "Subscriptions need `Accept: text/event-stream`, or a graphql-transport-ws WebSocket."
    assert (response.status_code, response.json()) == (406, error("BAD_REQUEST", message))


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_body_over_the_limit_is_413_whether_its_length_is_declared_or_not(world: World, streamed: bool) -> None:
    body = b'{"query": "{ hello }"}' + b" " * 100

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 10):
            yield body[start : start + 10]

    async with client(world, HttpOptions(max_body_bytes=100)) as toy:
        content = chunks() if streamed else body
        response = await toy.post("/graphql", content=content, headers={"Content-Type": "application/json"})
    assert (response.status_code, code(response)) == (413, "BAD_REQUEST")


async def test_a_body_of_exactly_the_limit_is_read(world: World) -> None:
    body = b'{"query": "{ hello }"}'
    async with client(world, HttpOptions(max_body_bytes=len(body))) as toy:
        response = await toy.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 200


async def test_an_operation_over_its_time_is_cancelled(world: World) -> None:
    async with client(world, timeout=0.2) as toy:
        response = await ask(toy, "{ a: slow b: slow hello }", GRAPHQL)
    message = "The operation was cancelled after 0.2 seconds. Ask for less at once."
    assert (response.status_code, response.json()) == (503, error("QUERY_TOO_COMPLEX", message))
    assert world == World(cancelled=2, release=world.release)


async def test_a_request_cut_off_gives_back_its_context(toy: httpx.AsyncClient, world: World) -> None:
    request = asyncio.create_task(ask(toy, "{ slow }"))
    await eventually(lambda: world.running == 1)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert world == World(cancelled=1, release=world.release)


async def test_a_plain_request_id_is_kept_and_any_other_replaced(toy: httpx.AsyncClient) -> None:
    for given in ["a" * 65, "line\tbreak", "{}", ""]:
        response = await ask(toy, "{ hello }", {"X-Request-Id": given})
        made = response.headers["x-request-id"]
        assert made != given
        assert len(made) == 32
        assert response.json()["extensions"] == {"requestId": made}


def test_a_traceparent_goes_into_the_log_lines() -> None:
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    assert trace_of({"traceparent": f"00-{trace}-{span}-01"}) == {"trace_id": trace, "parent_span_id": span}
    for malformed in [f"00-{'0' * 32}-{span}-01", f"00-{trace}-{'0' * 16}-01", f"00-{trace}-{span}", "x"]:
        assert trace_of({"traceparent": malformed}) == {}


async def test_a_domain_error_of_a_resolver_keeps_its_sentence_and_code(toy: httpx.AsyncClient) -> None:
    response = await ask(toy, "{ hello lost }", GRAPHQL)
    assert response.status_code == 200
    assert response.json() == {
        "data": {"hello": "hello world", "lost": None},
        "errors": [
            {
                "message": "There is no Book '1'. It may have been removed: read the list again.",
                "locations": [{"line": 1, "column": 9}],
                "path": ["lost"],
                "extensions": {"code": "NOT_FOUND"},
            }
        ],
        "extensions": EXTENSIONS,
    }


@pytest.mark.parametrize("field", ["crash", "tooBig"])
async def test_an_unexpected_error_is_masked_and_logged_once_with_its_traceback(
    toy: httpx.AsyncClient, field: str
) -> None:
    logged = LogCapture()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, logged])
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    try:
        response = await ask(toy, f"{{ {field} }}", {"traceparent": f"00-{trace}-{span}-01"})
    finally:
        structlog.reset_defaults()
    (shown,) = response.json()["errors"]
    assert (shown["message"], shown["extensions"]) == (
        "Internal server error; quote request id test-1",
        {"code": "INTERNAL_SERVER_ERROR"},
    )
    (entry,) = logged.entries
    assert isinstance(entry.pop("exc_info"), Exception)
    assert entry == {
        "event": "unexpected error",
        "log_level": "error",
        "path": [field],
        "request_id": "test-1",
        "trace_id": trace,
        "parent_span_id": span,
    }


async def test_a_refused_token_is_401(toy: httpx.AsyncClient) -> None:
    response = await ask(toy, "{ hello }", {"Authorization": "Bearer sg_wrong"})
    message = "This token is unknown. Make one with `shelfgraph token`."
    assert (response.status_code, response.json()) == (401, error("UNAUTHENTICATED", message))
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("query", "variables", "plain", "hint"),
    [
        ("{ helo }", {}, "Cannot query field 'helo' on type 'Query'.", " Did you mean 'hello'?"),
        (
            '{ hello(nam: "x") }',
            {},
            "Unknown argument 'nam' on field 'Query.hello'.",
            " Did you mean 'name'?",
        ),
    ],
)
async def test_field_names_are_suggested_to_the_signed_in_only(
    toy: httpx.AsyncClient, query: str, variables: dict[str, object], plain: str, hint: str
) -> None:
    anonymous = await ask(toy, query, variables=variables)
    signed_in = await ask(toy, query, SIGNED_IN, variables=variables)
    messages = [response.json()["errors"][0]["message"] for response in (anonymous, signed_in)]
    assert messages == [plain, plain + hint]


async def test_the_signed_in_may_read_the_schema(toy: httpx.AsyncClient) -> None:
    query = "{ __schema { queryType { name } } }"
    for _ in range(2):  # the second time the document is known
        anonymous = await ask(toy, query)
        signed_in = await ask(toy, query, SIGNED_IN)
        assert code(anonymous) == "GRAPHQL_VALIDATION_FAILED"
        assert signed_in.json()["data"] == {"__schema": {"queryType": {"name": "Query"}}}


async def test_a_browser_gets_the_playground(world: World) -> None:
    async with client(world, playground=True) as toy:
        page = await toy.get("/graphql", headers={"Accept": "text/html,*/*;q=0.8"})
        query = await toy.get("/graphql", params={"query": "{ hello }"}, headers={"Accept": "*/*", **SIGNED_IN})
    assert (page.text, query.json()["data"]) == ("the playground", {"hello": "hello world"})
