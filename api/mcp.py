"""The agents' door: MCP over Streamable HTTP, each request by itself and by a bearer token."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from types import ModuleType

import orjson
import strawberry
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from strawberry.http.websocket_origin import normalize_allowed_origins, normalize_origin

from api.client_errors import present_exception, status_of
from api.graphql_http import SINGLE_ANSWERS
from api.mcp_graph import Data, committed, data_of
from api.operations import EVERY_OPERATION, GetContext, Operation, execute, opened, stream
from api.refusals import OriginRefused, ViewerGone
from api.request_ids import request_id_of
from library.errors import Unauthenticated

# For CORS: what a page on an allowed origin may send beside what GraphQL's clients do.
CORS_REQUEST_HEADERS = ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name")
_JSON_RPC_REFUSED = -32000  # the first of the codes that JSON-RPC leaves to servers


@dataclass(frozen=True, slots=True)
class DoorOptions:
    """Origins as browsers send them, or `*`; size in bytes. `writes`: whether tools may change something."""

    version: str
    allowed_origins: tuple[str, ...] = ()
    max_body_bytes: int = 1024 * 1024
    writes: bool = False
    demo: bool = False


class AgentDoor:
    """The ASGI application of `/mcp`.

    Every request is signed in anew and by itself, so there is no session to take over, and a revoked token has ended.
    """

    def __init__(self, schema: strawberry.Schema, get_context: GetContext, options: DoorOptions) -> None:
        self._schema = schema
        self._get_context = get_context
        self._options = options
        self._origins = normalize_allowed_origins(options.allowed_origins)

    def routes(self, path: str) -> list[Route]:
        """Make the routes that serve this at `path`; without sessions there is nothing to GET or to DELETE."""
        return [Route(path, self, methods=["POST"])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(_without_cookies(scope), receive)
        request.state.request_id = request_id_of(request.headers)
        try:
            await self._admit(request)
        except Exception as error:  # noqa: BLE001 - the edge: logged with its traceback, and masked
            await _refused(error, request)(scope, receive, send)
            return
        # In a thread: the SDK takes a second to import, which other requests need not wait for.
        serving = await asyncio.to_thread(_sdk)
        server = serving.AgentServer(
            RequestGraph(self._schema, self._get_context, request),
            version=self._options.version,
            writes=self._options.writes,
            request_id=request.state.request_id,
        ).server
        await serving.serve_request(server, request.scope, receive, send, max_body=self._options.max_body_bytes)

    async def _admit(self, request: Request) -> None:
        """Raise what keeps a request out: a page's origin that is not allowed, or nobody who may read."""
        origin = request.headers.get("origin")
        # Not even pages of this server's own name: a name of somebody else's that leads here looks the same.
        if origin is not None and "*" not in self._origins and normalize_origin(origin) not in self._origins:
            raise OriginRefused
        async with opened(self._get_context, request, None) as context:
            if context.viewer is None and not self._options.demo:
                raise Unauthenticated


class RequestGraph:
    """Runs committed operations in this process for whoever sent a request."""

    def __init__(self, schema: strawberry.Schema, get_context: GetContext, request: Request) -> None:
        self._schema = schema
        self._get_context = get_context
        self._request = request

    async def run(self, name: str, variables: Mapping[str, object]) -> Data:
        """Run a query or mutation; raises ToolFailed."""
        async with opened(self._get_context, self._request, None) as context:
            answer = await execute(self._schema, _operation(name, variables), context, SINGLE_ANSWERS)
        return data_of(answer.body)

    async def follow(self, name: str, variables: Mapping[str, object]) -> AsyncGenerator[Data, None]:
        """Run a subscription; raises ToolFailed, and ViewerGone before the first event after a token's end."""
        async with opened(self._get_context, self._request, None) as context:
            answers = stream(self._schema, _operation(name, variables), context, EVERY_OPERATION)
            async with aclosing(answers):
                async for answer in answers:
                    if not await context.viewer_still_valid():
                        raise ViewerGone
                    yield data_of(answer.body)


def _operation(name: str, variables: Mapping[str, object]) -> Operation:
    return Operation(committed(name), dict(variables))


def _sdk() -> ModuleType:
    from api import mcp_server  # noqa: PLC0415 a server that no agent asks need not load the SDK

    return mcp_server


def _without_cookies(scope: Scope) -> Scope:
    """The request as if no browser had added its cookie: agents present a token."""
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"cookie"]}


def _refused(error: Exception, request: Request) -> Response:
    shown = present_exception(error, request.state.request_id)
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": _JSON_RPC_REFUSED, "message": shown["message"]}}
    status = status_of(error)
    headers = {"Cache-Control": "no-store", **({"WWW-Authenticate": "Bearer"} if status == 401 else {})}  # noqa: PLR2004 the status
    return Response(orjson.dumps(body), status, headers, "application/json")
