"""GraphQL over HTTP: one ASGI application that answers queries, mutations, event streams and WebSockets."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import orjson
import strawberry
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.http.websocket_origin import normalize_allowed_origins
from strawberry.types.graphql import OperationType
from structlog.contextvars import bound_contextvars

from api.client_errors import STATUSES, refusal
from api.graphql_ws import SocketOptions, serve_socket
from api.media_types import ANSWERS, MediaType, is_json, negotiate
from api.operations import (
    EVERY_OPERATION,
    Answer,
    GetContext,
    Operation,
    OperationContext,
    execute,
    opened,
    read_json,
    read_operation,
    refuse,
    stream,
)
from api.refusals import (
    PREFLIGHT_HEADERS,
    BodyTooLarge,
    CsrfHeaderMissing,
    MalformedRequest,
    MethodRefused,
    NotAcceptable,
    RefusedRequest,
    UnsupportedContentType,
)
from api.request_ids import REQUEST_ID_HEADER, request_id_of, trace_of
from api.sse import EventStream
from api.uploads import UploadLimits, is_multipart, read_upload
from library.errors import ErrorCode

# For CORS: what a page on an allowed origin may send, and what it may read.
CORS_REQUEST_HEADERS = ("Authorization", "Content-Type", REQUEST_ID_HEADER, "traceparent", *PREFLIGHT_HEADERS)
CORS_RESPONSE_HEADERS = (REQUEST_ID_HEADER,)

Finish = Callable[[OperationContext, Request, Response], None]

# A GET only reads: a link must not change anything.
QUERIES = frozenset({OperationType.QUERY})
READS = frozenset({OperationType.QUERY, OperationType.SUBSCRIPTION})
SINGLE_ANSWERS = frozenset({OperationType.QUERY, OperationType.MUTATION})


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Sizes in bytes, times in seconds. Origins as browsers send them (`https://books.example`), or `*`."""

    allowed_origins: tuple[str, ...] = ()
    max_body_bytes: int = 1024 * 1024
    max_upload_bytes: int = 64 * 1024 * 1024
    keep_alive: float = 12.0
    viewer_check: float = 5.0
    init_timeout: float = 10.0
    max_operations_per_socket: int = 50


class GraphQLEndpoint:
    """The ASGI application of `/graphql`.

    `get_context` is called for each operation with the connection, whose `state.request_id` is set, and with
    the `connection_params` of a WebSocket (None over HTTP). It raises a `ShelfgraphError` to refuse.
    `playground` answers browsers that open the address. `finish` may add to the response of a query or mutation
    what its context asks for, such as a cookie.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        get_context: GetContext,
        options: HttpOptions | None = None,
        *,
        playground: ASGIApp | None = None,
        finish: Finish | None = None,
    ) -> None:
        self._schema = schema
        self._get_context = get_context
        self._options = options or HttpOptions()
        self._playground = playground
        self._finish = finish
        self._socket_options = _socket_options(self._options)

    def routes(self, path: str) -> list[BaseRoute]:
        """Make the routes that serve this at `path`; a Mount would redirect it to `path/`."""
        return [Route(path, self), WebSocketRoute(path, self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one WebSocket."""
        connection = HTTPConnection(scope)
        request_id = request_id_of(connection.headers)
        connection.state.request_id = request_id
        with bound_contextvars(request_id=request_id, **trace_of(connection.headers)):
            if scope["type"] == "websocket":
                websocket = WebSocket(scope, receive, send)
                await serve_socket(websocket, self._schema, self._get_context, self._socket_options)
                return
            async with AsyncExitStack() as stack:
                response = await self._response(Request(scope, receive), stack)
                await response(scope, receive, send)

    async def _response(self, request: Request, stack: AsyncExitStack) -> ASGIApp:
        """Make the response; what it needs while it is sent is closed with `stack`."""
        if self._playground is not None and _wants_page(request):
            return self._playground
        try:
            return await self._answered(request, stack)
        except ClientDisconnect:
            return _refused(MalformedRequest("The body ended early."), request)
        except Exception as error:  # noqa: BLE001 - the edge: logged with its traceback, and masked
            return _refused(error, request)

    async def _answered(self, request: Request, stack: AsyncExitStack) -> ASGIApp:
        media_type = _media_type(request)
        operation = await self._operation(request, stack)
        context = await stack.enter_async_context(opened(self._get_context, request, None))
        if media_type is MediaType.EVENT_STREAM:
            return self._event_stream(request, operation, context)
        allowed = QUERIES if request.method == "GET" else SINGLE_ANSWERS
        answer = await execute(self._schema, operation, context, allowed)
        response = _json(answer, _status(answer, media_type), media_type, context.request_id)
        if self._finish is not None:
            self._finish(context, request, response)
        return response

    def _event_stream(self, request: Request, operation: Operation, context: OperationContext) -> EventStream:
        allowed = READS if request.method == "GET" else EVERY_OPERATION
        return EventStream(
            answers=stream(self._schema, operation, context, allowed),
            context=context,
            headers={REQUEST_ID_HEADER: context.request_id, "Vary": "Accept"},
            keep_alive=self._options.keep_alive,
            viewer_check=self._options.viewer_check,
        )

    async def _operation(self, request: Request, stack: AsyncExitStack) -> Operation:
        if request.method == "GET":
            _require_preflight(request)
            return read_operation(_parameters(request.query_params))
        content_type = request.headers.get("content-type")
        if is_multipart(content_type):
            _require_preflight(request)
            limits = UploadLimits(self._options.max_upload_bytes, self._options.max_body_bytes)
            return await read_upload(request, limits, stack)
        if not is_json(content_type):
            raise UnsupportedContentType(content_type)
        return read_operation(read_json(await _body(request, self._options.max_body_bytes), "The body"))


def _media_type(request: Request) -> MediaType:
    if request.method not in {"GET", "POST"}:
        raise MethodRefused(request.method)
    chosen = negotiate(request.headers.get("accept"))
    if chosen is None:
        raise NotAcceptable(ANSWERS)
    return chosen


def _wants_page(request: Request) -> bool:
    asks = request.method == "GET" and "query" not in request.query_params
    return asks and negotiate(request.headers.get("accept"), (*ANSWERS, MediaType.HTML)) is MediaType.HTML


def _require_preflight(request: Request) -> None:
    # A page elsewhere can make a browser send a GET with our cookie, but none of these headers unasked.
    if not any(name in request.headers for name in ("Authorization", *PREFLIGHT_HEADERS)):
        raise CsrfHeaderMissing


def _parameters(query: Mapping[str, str]) -> dict[str, object]:
    decoded = {name: read_json(query[name], f"`{name}`") for name in ("variables", "extensions") if query.get(name)}
    return {"query": query.get("query"), "operationName": query.get("operationName"), **decoded}


async def _body(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge(limit)
    return bytes(body)


def _status(answer: Answer, media_type: MediaType) -> int:
    """Return the status: `application/json` keeps to 200, as its clients take anything else for a broken server."""
    if media_type is MediaType.JSON:
        return 200
    return answer.refused or (STATUSES.partial_data if answer.errors else 200)


def _refused(error: Exception, request: Request) -> Response:
    request_id: str = request.state.request_id
    answer = refuse(error, request_id)
    offered = negotiate(request.headers.get("accept"), (MediaType.JSON, MediaType.GRAPHQL))
    response = _json(answer, answer.refused or 500, offered or MediaType.JSON, request_id)
    response.headers.update(_refusal_headers(error))
    return response


def _refusal_headers(error: Exception) -> Mapping[str, str]:
    shown = refusal(error)
    if isinstance(shown, RefusedRequest):
        return shown.headers
    return {"WWW-Authenticate": "Bearer"} if shown and shown.code == ErrorCode.UNAUTHENTICATED else {}


def _json(answer: Answer, status: int, media_type: MediaType, request_id: str) -> Response:
    headers = {
        "Content-Type": f"{media_type}; charset=utf-8",
        "Cache-Control": "no-store",
        "Vary": "Accept",
        REQUEST_ID_HEADER: request_id,
    }
    return Response(orjson.dumps(answer.body), status, headers)


def _socket_options(options: HttpOptions) -> SocketOptions:
    return SocketOptions(
        allowed_origins=normalize_allowed_origins(options.allowed_origins),
        max_message_bytes=options.max_body_bytes,
        viewer_check=options.viewer_check,
        init_timeout=options.init_timeout,
        max_operations=options.max_operations_per_socket,
    )
