"""GraphQL over WebSocket: the graphql-transport-ws protocol, and nothing older."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass

import orjson
import strawberry
from starlette.datastructures import Headers
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.http.websocket_origin import is_same_origin, normalize_origin
from structlog.contextvars import bound_contextvars

from api.client_errors import refusal
from api.operations import (
    EVERY_OPERATION,
    GetContext,
    Operation,
    OperationContext,
    opened,
    read_json,
    read_operation,
    refuse,
    stream,
    until_viewer_goes,
)
from api.refusals import RefusedRequest, TooManyOperations, ViewerGone

PROTOCOL = "graphql-transport-ws"

# A close frame has room for 125 bytes, two of which are the code.
MAX_REASON_BYTES = 123


@dataclass(frozen=True, slots=True)
class SocketOptions:
    """Times in seconds; origins normalized, or `*`."""

    allowed_origins: frozenset[str]
    max_message_bytes: int
    viewer_check: float
    init_timeout: float
    max_operations: int


class SocketEnd(Exception):
    """The socket ends: with the protocol's close code, or with None when the client is gone already."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


async def serve_socket(
    websocket: WebSocket, schema: strawberry.Schema, get_context: GetContext, options: SocketOptions
) -> None:
    """Answer a handshake and serve the socket to its end."""
    if not origin_allowed(websocket.headers, options.allowed_origins):
        await websocket.close()  # before it is accepted: the handshake is answered with 403
    elif PROTOCOL not in websocket.scope["subprotocols"]:
        await websocket.accept()
        await websocket.close(4406, f"Subprotocol not acceptable; use {PROTOCOL}")
    else:
        await websocket.accept(PROTOCOL)
        await _Socket(websocket, schema, get_context, options).serve()


def origin_allowed(headers: Headers, allowed: frozenset[str]) -> bool:
    """Whether the page that opens the socket may; what is not a browser sends no Origin and has no cookies to abuse."""
    origin = headers.get("origin")
    if origin is None or "*" in allowed or normalize_origin(origin) in allowed:
        return True
    return is_same_origin(origin, headers.get("host"))


class _Socket:
    """One accepted socket. Everything that ends it raises SocketEnd, so that all of its tasks end together."""

    def __init__(
        self, websocket: WebSocket, schema: strawberry.Schema, get_context: GetContext, options: SocketOptions
    ) -> None:
        self._websocket = websocket
        self._schema = schema
        self._get_context = get_context
        self._options = options
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._init_received = False
        self._params: Mapping[str, object] | None = None  # set once the connection is acknowledged

    async def serve(self) -> None:
        end = SocketEnd(None)
        try:
            async with AsyncExitStack() as self._stack, asyncio.TaskGroup() as self._tasks:
                self._init_deadline = self._tasks.create_task(self._await_init())
                async for message in self._messages():
                    await self._handle(message)
        except* SocketEnd as ends:
            end = next(each for each in ends.exceptions if isinstance(each, SocketEnd))
        if end.code is not None:
            with suppress(WebSocketDisconnect):
                await self._websocket.close(end.code, end.reason)

    async def _messages(self) -> AsyncIterator[dict[str, object]]:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise SocketEnd(None)
            yield self._decode(message)

    def _decode(self, message: Message) -> dict[str, object]:
        text: str | None = message.get("text")
        if text is None:
            raise SocketEnd(4400, "Messages must be text")
        if len(text.encode()) > self._options.max_message_bytes:
            raise SocketEnd(1009, f"The message is larger than {self._options.max_message_bytes} bytes")
        try:
            decoded = read_json(text, "The message")
        except RefusedRequest as error:
            raise SocketEnd(4400, str(error)) from error
        if not isinstance(decoded, dict):
            raise SocketEnd(4400, "Messages must be JSON objects")
        return decoded

    async def _handle(self, message: dict[str, object]) -> None:
        match message:
            case {"type": "connection_init"}:
                await self._initialise(message.get("payload"))
            case {"type": "ping"}:
                await self._send({**message, "type": "pong"})
            case {"type": "pong"}:
                pass
            case {"type": "subscribe", "id": str(id_), "payload": payload}:
                await self._subscribe(id_, payload)
            case {"type": "complete", "id": str(id_)}:
                self._cancel(id_)
            case _:
                raise SocketEnd(4400, "The message has an unknown type, or lacks an id or a payload")

    async def _await_init(self) -> None:
        await asyncio.sleep(self._options.init_timeout)
        raise SocketEnd(4408, "Connection initialisation timeout")

    async def _initialise(self, payload: object) -> None:
        if self._init_received:
            raise SocketEnd(4429, "Too many initialisation requests")
        if not isinstance(payload, dict | None):
            raise SocketEnd(4400, "The payload of connection_init must be an object")
        self._init_received = True
        self._init_deadline.cancel()
        params = payload or {}
        try:
            context = await self._stack.enter_async_context(opened(self._get_context, self._websocket, params))
        except Exception as error:
            raise self._end_for(error) from error
        self._params = params
        self._tasks.create_task(self._watch(context))
        await self._send({"type": "connection_ack"})

    async def _watch(self, context: OperationContext) -> None:
        try:
            await until_viewer_goes(context, self._options.viewer_check)
        except Exception as error:
            raise self._end_for(error) from error
        raise self._end_for(ViewerGone())

    def _end_for(self, error: Exception) -> SocketEnd:
        # 4403 and not 4401: the graphql-ws client gives up at 4401, and after 4403 asks for fresh params.
        answer = refuse(error, self._websocket.state.request_id)
        return SocketEnd(4403 if refusal(error) else 4500, str(answer.errors[0]["message"]))

    async def _subscribe(self, id_: str, payload: object) -> None:
        if self._params is None:
            raise SocketEnd(4401, "Unauthorized: send connection_init and wait for connection_ack")
        if id_ in self._operations:
            raise SocketEnd(4409, f"Subscriber for {id_} already exists")
        try:
            operation = read_operation(payload)
        except RefusedRequest as error:
            raise SocketEnd(4400, str(error)) from error
        if len(self._operations) >= self._options.max_operations:
            await self._send(_error(id_, TooManyOperations(self._options.max_operations), _new_request_id()))
            return
        self._operations[id_] = self._tasks.create_task(self._run(id_, operation))

    def _cancel(self, id_: str) -> None:
        task = self._operations.pop(id_, None)
        if task is not None:
            task.cancel()

    async def _run(self, id_: str, operation: Operation) -> None:
        request_id = _new_request_id()
        with bound_contextvars(request_id=request_id):
            try:
                last = await self._send_answers(id_, operation, self._connection(request_id))
            except SocketEnd:
                raise
            except Exception as error:  # noqa: BLE001 - the edge: logged with its traceback, and masked
                last = _error(id_, error, request_id)
        del self._operations[id_]  # the client may use the id again as soon as it reads the last message
        await self._send(last)

    async def _send_answers(self, id_: str, operation: Operation, connection: WebSocket) -> dict[str, object]:
        async with (
            opened(self._get_context, connection, self._params) as context,
            aclosing(stream(self._schema, operation, context, EVERY_OPERATION)) as answers,
        ):
            async for answer in answers:
                if answer.refused is not None:
                    return {"type": "error", "id": id_, "payload": answer.errors}
                await self._send({"type": "next", "id": id_, "payload": answer.body})
        return {"type": "complete", "id": id_}

    def _connection(self, request_id: str) -> WebSocket:
        """Give an operation its own view of the handshake, with its own request id in `state`."""
        scope = self._websocket.scope
        state = {**scope.get("state", {}), "request_id": request_id}
        return WebSocket({**scope, "state": state}, self._websocket.receive, self._websocket.send)

    async def _send(self, message: Mapping[str, object]) -> None:
        try:
            await self._websocket.send_text(orjson.dumps(message).decode())
        except WebSocketDisconnect as error:
            raise SocketEnd(None) from error


def _error(id_: str, error: Exception, request_id: str) -> dict[str, object]:
    return {"type": "error", "id": id_, "payload": refuse(error, request_id).errors}


def _new_request_id() -> str:
    return uuid.uuid4().hex
