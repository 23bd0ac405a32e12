"""Errors as clients see them: an interface, one type per meaning, and the handlers that turn exceptions into them."""

import strawberry

from library.errors import BadInput, Conflict, ErrorCode, NotFound, TokenRefused
from resolvers.descriptions import describe_enum

__all__ = [
    "HANDLERS",
    "BadInputError",
    "ConflictError",
    "Error",
    "ErrorCode",
    "NotFoundError",
    "UnauthenticatedError",
]

describe_enum(
    ErrorCode,
    "What went wrong, for programs. The same codes stand in `extensions.code` of top-level errors.",
    {
        ErrorCode.GRAPHQL_PARSE_FAILED: "The document is not GraphQL.",
        ErrorCode.GRAPHQL_VALIDATION_FAILED: "The document does not fit the schema.",
        ErrorCode.BAD_USER_INPUT: "An argument or variable cannot be meant as it stands; see the message.",
        ErrorCode.OPERATION_RESOLUTION_FAILURE: "The request does not say which operation to run.",
        ErrorCode.BAD_REQUEST: "The HTTP or WebSocket request itself is malformed.",
        ErrorCode.PERSISTED_QUERY_NOT_FOUND: "There is no trusted document with this id.",
        ErrorCode.INTERNAL_SERVER_ERROR: "Something unexpected; the server's log has it under the request id.",
        ErrorCode.UNAUTHENTICATED: "Sign in first, or the token is not valid.",
        ErrorCode.FORBIDDEN: "The viewer's role does not allow this.",
        ErrorCode.NOT_FOUND: "There is no such thing (any more).",
        ErrorCode.CONFLICT: "The request contradicts the present state.",
        ErrorCode.THROTTLED: "Too many requests; try again later.",
        ErrorCode.QUERY_TOO_COMPLEX: "The operation is over one of the server's limits.",
        ErrorCode.PROVIDER_UNAVAILABLE: "A service that the answer depends on does not answer.",
    },
    name="ErrorCode",
)


@strawberry.interface(description="An expected failure of a mutation: one member of every result union.")
class Error:
    """What all expected failures have."""

    code: ErrorCode = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong and what to do, for people.")


@strawberry.type(description="The input cannot be meant as it stands.")
class BadInputError(Error):
    """BAD_USER_INPUT."""


@strawberry.type(description="Something the input refers to does not exist.")
class NotFoundError(Error):
    """NOT_FOUND."""


@strawberry.type(description="The input contradicts the present state.")
class ConflictError(Error):
    """CONFLICT."""


@strawberry.type(description="What should prove who somebody is does not.")
class UnauthenticatedError(Error):
    """UNAUTHENTICATED."""


class BadInputHandler(strawberry.ExceptionHandler[BadInput, BadInputError]):
    """Turns BadInput into its union member."""

    def handle(self, exception: BadInput, *, field: object, info: object) -> BadInputError:  # noqa: ARG002 the protocol's signature
        """Give the client the exception's code and sentence."""
        return BadInputError(code=exception.code, message=str(exception))


class NotFoundHandler(strawberry.ExceptionHandler[NotFound, NotFoundError]):
    """Turns NotFound into its union member."""

    def handle(self, exception: NotFound, *, field: object, info: object) -> NotFoundError:  # noqa: ARG002 the protocol's signature
        """Give the client the exception's code and sentence."""
        return NotFoundError(code=exception.code, message=str(exception))


class ConflictHandler(strawberry.ExceptionHandler[Conflict, ConflictError]):
    """Turns Conflict into its union member."""

    def handle(self, exception: Conflict, *, field: object, info: object) -> ConflictError:  # noqa: ARG002 the protocol's signature
        """Give the client the exception's code and sentence."""
        return ConflictError(code=exception.code, message=str(exception))


class TokenRefusedHandler(strawberry.ExceptionHandler[TokenRefused, UnauthenticatedError]):
    """Turns TokenRefused into its union member, where a token is the input."""

    def handle(self, exception: TokenRefused, *, field: object, info: object) -> UnauthenticatedError:  # noqa: ARG002 the protocol's signature
        """Give the client the exception's code and sentence."""
        return UnauthenticatedError(code=exception.code, message=str(exception))


HANDLERS = (BadInputHandler(), NotFoundHandler(), ConflictHandler(), TokenRefusedHandler())
