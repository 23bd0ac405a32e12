"""Uploads by the GraphQL multipart request specification."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import strawberry
from starlette.requests import Request
from starlette.websockets import WebSocket
from strawberry.schema.config import StrawberryConfig

from api.client_errors import QuietSchema
from api.graphql_http import GraphQLEndpoint, HttpOptions
from resolvers.scalars import SCALARS, Upload
from tests.api.toy import ToyContext, World, application

PREFLIGHT = {"X-Shelfgraph-CSRF": "1"}
QUERY = "mutation ($file: Upload!) { store(file: $file) }"
OPERATIONS = {"query": QUERY, "variables": {"file": None}}


@strawberry.type
class Query:
    @strawberry.field
    def name(self) -> str:
        return "toy"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def store(self, file: Upload) -> str:
        return f"{file.filename}: {(await file.read()).decode()}"


def client() -> httpx.AsyncClient:
    async def get_context(connection: Request | WebSocket, params: Mapping[str, object] | None) -> ToyContext:
        return ToyContext(World(), connection.state.request_id, None, params)

    schema = QuietSchema(Query, Mutation, config=StrawberryConfig(scalar_map=SCALARS))
    options = HttpOptions(max_body_bytes=1_024, max_upload_bytes=2_000)
    endpoint = GraphQLEndpoint(schema, get_context, options)
    return httpx.AsyncClient(transport=httpx.ASGITransport(application(endpoint)), base_url="http://toy")


async def send(
    operations: object = OPERATIONS,
    places: object = None,
    content: bytes = b"Alone.",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    fields = {"operations": json.dumps(operations), "map": json.dumps(places or {"0": ["variables.file"]})}
    async with client() as toy:
        files = {"0": ("crusoe.md", content)}
        return await toy.post("/graphql", data=fields, files=files, headers=PREFLIGHT if headers is None else headers)


async def test_a_file_takes_the_place_its_map_names() -> None:
    response = await send()
    assert (response.status_code, response.json()["data"]) == (200, {"store": "crusoe.md: Alone."})


async def test_a_form_that_any_page_could_send_is_refused() -> None:
    assert (await send(headers={})).status_code == 403


@pytest.mark.parametrize(
    ("operations", "places", "content", "status"),
    [
        (OPERATIONS, None, b"x" * 2_001, 413),
        (OPERATIONS, None, b"x" * 80_000, 413),
        ([OPERATIONS], None, b"x", 400),
        (OPERATIONS, {"0": ["variables.other"]}, b"x", 400),
        (OPERATIONS, {"0": ["query"]}, b"x", 400),
        (OPERATIONS, {"1": ["variables.file"]}, b"x", 400),
        (OPERATIONS, {"0": "variables.file"}, b"x", 400),
        (OPERATIONS | {"variables": {"file": "text"}}, None, b"x", 400),
    ],
)
async def test_what_is_too_large_or_leads_nowhere_is_refused(
    operations: Any, places: Any, content: bytes, status: int
) -> None:
    assert (await send(operations, places, content)).status_code == status


async def test_a_torn_form_is_the_clients_mistake() -> None:
    async with client() as toy:
        headers = PREFLIGHT | {"Content-Type": "multipart/form-data; boundary=x"}
        torn = await toy.post("/graphql", content=b"--x\r\nbroken", headers=headers)
        without = await toy.post("/graphql", content=b"", headers=PREFLIGHT | {"Content-Type": "multipart/form-data"})
    assert (torn.status_code, without.status_code) == (400, 400)


async def test_text_is_no_upload() -> None:
    async with client() as toy:
        response = await toy.post("/graphql", json={"query": QUERY, "variables": {"file": "text"}})
    assert "Upload is a file" in response.text
