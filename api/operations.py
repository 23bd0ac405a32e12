"""One GraphQL operation, from a request's JSON to its answer, whatever carries it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, cast

import orjson
import strawberry
from starlette.requests import Request
from starlette.websockets import WebSocket
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.types.graphql import OperationType

from api.client_errors import present, present_exception, status_in_document, status_of
from api.refusals import BatchRefused, MalformedRequest

EVERY_OPERATION = frozenset(OperationType)


class OperationContext(Protocol):
    """What the transport asks of the context it hands to resolvers. There is one for each operation."""

    @property
    def request_id(self) -> str:
        """The id in logs, `X-Request-Id` and `extensions.requestId`; given as `connection.state.request_id`."""

    @property
    def viewer(self) -> object | None:
        """Who is signed in; None for the anonymous."""

    @property
    def allow_introspection(self) -> bool:
        """Whether this viewer may read the schema."""

    def clear_loaders(self) -> None:
        """Forget what loaders have cached; called after each result of a stream."""

    async def close(self) -> None:
        """Give back what the context holds."""

    async def viewer_still_valid(self) -> bool:
        """Whether the sign-in or token is neither expired nor revoked by now."""


GetContext = Callable[[Request | WebSocket, Mapping[str, object] | None], Awaitable[OperationContext]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A GraphQL request: one document, and which of its operations to run with which variables."""

    query: str
    variables: dict[str, object] | None = None
    operation_name: str | None = None
    extensions: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A response map. `refused` is the HTTP status of an operation that did not run; it has no `data`."""

    body: dict[str, object]
    refused: int | None = None

    @property
    def errors(self) -> list[dict[str, object]]:
        """The errors, none when all went well."""
        return cast("list[dict[str, object]]", self.body.get("errors", []))


def read_operation(payload: object) -> Operation:
    """Read the parameters of a GraphQL request, decoded from JSON.

    Raises:
        MalformedRequest: a parameter is missing or has the wrong type
        BatchRefused: the payload is a list

    """
    if isinstance(payload, list):
        raise BatchRefused
    if not isinstance(payload, dict):
        raise MalformedRequest("The body must be a JSON object with a `query`.")
    query, name = payload.get("query"), payload.get("operationName")
    if not isinstance(query, str) or not query:
        raise MalformedRequest("`query` must be a GraphQL document; it is missing, empty or not a string.")
    if not isinstance(name, str | None):
        raise MalformedRequest("`operationName` must be a string.")
    return Operation(query, _map(payload, "variables"), name or None, _map(payload, "extensions"))


def read_json(text: bytes | str, what: str) -> object:
    """Decode JSON; `what` names it in the error.

    Raises:
        MalformedRequest: it is no JSON

    """
    try:
        return cast("object", orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(f"{what} is not JSON: {error.msg} at character {error.pos}.") from error


@asynccontextmanager
async def opened(
    get_context: GetContext, connection: Request | WebSocket, params: Mapping[str, object] | None
) -> AsyncIterator[OperationContext]:
    """Open the context of one operation, and close it whatever happens."""
    context = await get_context(connection, params)
    try:
        yield context
    finally:
        await context.close()


async def execute(
    schema: strawberry.Schema, operation: Operation, context: OperationContext, allowed: Collection[OperationType]
) -> Answer:
    """Run a query or a mutation.

    Raises:
        InvalidOperationTypeError: the operation is of a type that is not allowed here

    """
    try:
        result = await schema.execute(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.operation_name,
            allowed_operation_types=allowed,
            operation_extensions=operation.extensions,
        )
    except CannotGetOperationTypeError as error:
        return refuse(error, context.request_id)
    return _answer(result, context)


async def stream(
    schema: strawberry.Schema, operation: Operation, context: OperationContext, allowed: Collection[OperationType]
) -> AsyncGenerator[Answer, None]:
    """Run any operation: a query or mutation has one answer, a subscription has as many as it has events."""
    try:
        results = await schema.stream(
            operation.query,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.operation_name,
            operation_extensions=operation.extensions,
            allowed_operation_types=allowed,
        )
        async with aclosing(results):
            async for result in results:
                # Incremental delivery is off, so nothing else comes.
                yield _answer(cast("ExecutionResult", result), context)
                context.clear_loaders()
    except Exception as error:  # noqa: BLE001 - Strawberry lets an extension's exception out; it is shown or masked
        yield refuse(error, context.request_id)


def refuse(error: Exception, request_id: str) -> Answer:
    """Make the answer of a request that did not run."""
    body: dict[str, object] = {
        "errors": [present_exception(error, request_id)],
        "extensions": {"requestId": request_id},
    }
    return Answer(body, refused=status_of(error))


async def until_viewer_goes(context: OperationContext, every: float) -> None:
    """Return when the viewer's sign-in or token has ended; asks each `every` seconds."""
    valid = True
    while valid:
        await asyncio.sleep(every)
        valid = await context.viewer_still_valid()


def _answer(result: ExecutionResult, context: OperationContext) -> Answer:
    errors = result.errors or []
    ran = not isinstance(result, PreExecutionError) and _ran(result)
    body: dict[str, object] = {"data": result.data} if ran else {}
    if errors:
        body["errors"] = present(errors, context)
    body["extensions"] = {**(result.extensions or {}), "requestId": context.request_id}
    return Answer(body, refused=None if ran else max(map(status_in_document, errors)))


def _ran(result: ExecutionResult) -> bool:
    # graphql-core answers unusable variables like a result, but the error of a field has a path.
    return result.data is not None or any(error.path for error in result.errors or [])


def _map(payload: Mapping[str, object], name: str) -> dict[str, object] | None:
    value = payload.get(name)
    if not isinstance(value, dict | None):
        raise MalformedRequest(f"`{name}` must be a JSON object.")
    return value
