"""What a client is told of an error: a sentence and a code of the contract, never a stack, SQL or file path."""

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import strawberry
import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import ExecutionContext
from strawberry.types.graphql import OperationType

from api.refusals import MutationByGet, OperationNotFound, RefusedRequest, SubscriptionNeedsStream
from library.errors import ErrorCode, ShelfgraphError

log = structlog.stdlib.get_logger(__name__)


class Statuses(NamedTuple):
    """The statuses on which the drafts of GraphQL over HTTP differ, for `application/graphql-response+json`."""

    invalid_document: int
    partial_data: int


# What the official audits ask for. The newer draft says Statuses(invalid_document=422, partial_data=294).
STATUSES = Statuses(invalid_document=400, partial_data=200)

# The statuses of errors that are not the endpoint's own and stop a request as a whole.
STATUS_BY_CODE = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.THROTTLED: 429,
    ErrorCode.INTERNAL_SERVER_ERROR: 500,
    ErrorCode.PROVIDER_UNAVAILABLE: 503,
}

SUGGESTION = re.compile(r" Did you mean .*\?", re.DOTALL)


class Audience(Protocol):
    """Who reads the error."""

    @property
    def request_id(self) -> str:
        """The id a user can quote to the operator."""

    @property
    def viewer(self) -> object | None:
        """The signed-in viewer, or None: names of fields are not suggested to the anonymous."""


class QuietSchema(strawberry.Schema):
    """A schema whose errors are logged by `present`, once, instead of by Strawberry, each with a stack."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing."""


def present(errors: Sequence[GraphQLError], audience: Audience) -> list[dict[str, object]]:
    """Turn the errors of a result into those of the answer; what is unexpected is logged, once, and masked."""
    return [_entry(error, audience) for error in errors]


def present_exception(error: Exception, request_id: str) -> dict[str, object]:
    """Show an error that no place in a document belongs to."""
    shown = refusal(error)
    if shown is not None:
        return {"message": str(shown), "extensions": {"code": shown.code}}
    return {"message": _mask(error, request_id), "extensions": {"code": ErrorCode.INTERNAL_SERVER_ERROR}}


def refusal(error: BaseException | None) -> ShelfgraphError | None:
    """Return the error that a client may read, if this is one."""
    match error:
        case ShelfgraphError() if error.code != ErrorCode.INTERNAL_SERVER_ERROR:
            return error
        case CannotGetOperationTypeError():
            return OperationNotFound(error.operation_name)
        case InvalidOperationTypeError(operation_type=OperationType.SUBSCRIPTION):
            return SubscriptionNeedsStream()
        case InvalidOperationTypeError():
            return MutationByGet()
        case _:
            return None


def status_of(error: BaseException | None) -> int:
    """Return the HTTP status of an error that stops a request as a whole; 500 for what is masked."""
    shown = refusal(error)
    if shown is None:
        return 500
    if isinstance(shown, RefusedRequest):
        return shown.status
    return STATUS_BY_CODE.get(shown.code, 400)


def status_in_document(error: GraphQLError) -> int:
    """Return the HTTP status of an error that kept an operation from running."""
    shown = refusal(cause_of(error))
    if shown is not None:
        return status_of(shown)
    return STATUSES.invalid_document if _known_code(error) else 500


def cause_of(error: GraphQLError) -> GraphQLError | Exception:
    """Return what was raised first: a resolver's exception, or the innermost GraphQL error."""
    cause: GraphQLError | Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _entry(error: GraphQLError, audience: Audience) -> dict[str, object]:
    shown = refusal(cause_of(error))
    if shown is not None:
        return _located(error, str(shown), {"code": shown.code})
    code = _known_code(error)
    if code is not None:
        return _located(error, _without_hint(error, audience), {**(error.extensions or {}), "code": code})
    message = _mask(cause_of(error), audience.request_id, path=error.path)
    return _located(error, message, {"code": ErrorCode.INTERNAL_SERVER_ERROR})


def _located(error: GraphQLError, message: str, extensions: dict[str, object]) -> dict[str, object]:
    return {**error.formatted, "message": message, "extensions": extensions}


def _known_code(error: GraphQLError) -> str | None:
    given = (error.extensions or {}).get("code")
    if isinstance(given, str):
        return given
    if isinstance(error, GraphQLSyntaxError):
        return ErrorCode.GRAPHQL_PARSE_FAILED
    # graphql-core points at the variable or the argument whose value it cannot use. It does not point
    # anywhere when it cannot serialise a result, and nobody does when an exception is merely wrapped.
    pointer = error if error.path is None else error.original_error
    return ErrorCode.BAD_USER_INPUT if isinstance(pointer, GraphQLError) and pointer.nodes else None


def _without_hint(error: GraphQLError, audience: Audience) -> str:
    return SUGGESTION.sub("", error.message) if audience.viewer is None else error.message


def _mask(error: Exception, request_id: str, **facts: object) -> str:
    log.error("unexpected error", exc_info=error, **facts)
    return f"Internal server error; quote request id {request_id}"
