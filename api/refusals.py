"""What the endpoint itself refuses, before any resolver is asked.

RefusedRequest
 ├── MalformedRequest, BatchRefused                        400  BAD_REQUEST
 ├── CsrfHeaderMissing, OriginRefused                      403  FORBIDDEN
 ├── MethodRefused, MutationByGet                          405  BAD_REQUEST
 ├── NotAcceptable, SubscriptionNeedsStream                406  BAD_REQUEST
 ├── BodyTooLarge                                          413  BAD_REQUEST
 ├── UnsupportedContentType                                415  BAD_REQUEST
 ├── OperationNotFound                                     400  OPERATION_RESOLUTION_FAILURE
 ├── IntrospectionRefused                                  400  GRAPHQL_VALIDATION_FAILED
 ├── QueryTooComplex                                       400  QUERY_TOO_COMPLEX
 ├── OperationTimedOut                                     503  QUERY_TOO_COMPLEX
 ├── TooManyOperations                                     429  THROTTLED
 └── ViewerGone                                            401  UNAUTHENTICATED
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from library.errors import ErrorCode, ShelfgraphError

# Headers that no form and no image can send, so a browser asks us first (CORS preflight).
PREFLIGHT_HEADERS = ("X-Shelfgraph-CSRF", "Apollo-Require-Preflight", "X-Requested-With")


class RefusedRequest(ShelfgraphError):
    """A request that is answered with an error and an HTTP status of its own."""

    code = ErrorCode.BAD_REQUEST
    status: ClassVar[int] = 400

    @property
    def headers(self) -> Mapping[str, str]:
        """What the answer's headers add."""
        return {}


class MalformedRequest(RefusedRequest):
    """The request is not a GraphQL request; the sentence says which part is wrong."""


class BatchRefused(RefusedRequest):
    """A JSON array of operations."""

    def __init__(self) -> None:
        super().__init__("Batches are not accepted. Send one operation per request; HTTP keeps the connection.")


class CsrfHeaderMissing(RefusedRequest):
    """A GET or a form that any web page could have made a browser send."""

    code = ErrorCode.FORBIDDEN
    status = 403

    def __init__(self) -> None:
        headers = ", ".join(PREFLIGHT_HEADERS)
        super().__init__(f"GET and multipart need an Authorization header or one of {headers}; or POST JSON.")


class OriginRefused(RefusedRequest):
    """A web page that is on no allowed origin, at the agents' door."""

    code = ErrorCode.FORBIDDEN
    status = 403

    def __init__(self) -> None:
        super().__init__("Pages of this origin may not ask. List it in SHELFGRAPH_ALLOWED_ORIGINS, or send no Origin.")


class MethodRefused(RefusedRequest):
    """Neither GET nor POST."""

    status = 405

    def __init__(self, method: str) -> None:
        super().__init__(f"{method} is not a method of this endpoint. Use POST, or GET for queries.")

    @property
    def headers(self) -> Mapping[str, str]:
        """Name the methods that are allowed."""
        return {"Allow": "GET, POST"}


class MutationByGet(RefusedRequest):
    """A GET that would change something."""

    status = 405

    def __init__(self) -> None:
        super().__init__("A GET only runs queries. Send the mutation by POST.")

    @property
    def headers(self) -> Mapping[str, str]:
        """Name the method that is allowed."""
        return {"Allow": "POST"}


class NotAcceptable(RefusedRequest):
    """The client accepts nothing that we can answer with."""

    status = 406

    def __init__(self, offers: Iterable[str]) -> None:
        super().__init__(f"Nothing in the Accept header can be answered. Accept one of {', '.join(offers)}.")


class SubscriptionNeedsStream(RefusedRequest):
    """A subscription whose client accepts one JSON answer only."""

    status = 406

    def __init__(self) -> None:
        super().__init__("Subscriptions need `Accept: text/event-stream`, or a graphql-transport-ws WebSocket.")


class BodyTooLarge(RefusedRequest):
    """A body of more bytes than are read."""

    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit} bytes. Send less at once.")


class UnsupportedContentType(RefusedRequest):
    """A body that is not JSON; uploads are not accepted."""

    status = 415

    def __init__(self, content_type: str | None) -> None:
        given = f"not {content_type[:100]!r}" if content_type else "and it is missing"
        super().__init__(f"The Content-Type must be application/json in UTF-8, {given}.")


class OperationNotFound(RefusedRequest):
    """The document does not say which operation is meant."""

    code = ErrorCode.OPERATION_RESOLUTION_FAILURE

    def __init__(self, name: str | None) -> None:
        super().__init__(
            "The document has no single operation. Name the one to run in `operationName`."
            if name is None
            else f"The document has no operation named {name[:100]!r}."
        )


class IntrospectionRefused(RefusedRequest):
    """An anonymous client asks for the schema."""

    code = ErrorCode.GRAPHQL_VALIDATION_FAILED

    def __init__(self) -> None:
        super().__init__("Introspection is for signed-in clients. Send `Authorization: Bearer` with an API token.")


class QueryTooComplex(RefusedRequest):
    """A limit of `api.limits.Limits` is exceeded."""

    code = ErrorCode.QUERY_TOO_COMPLEX

    def __init__(self, limit: str, maximum: int, value: int | None = None) -> None:
        found = "more" if value is None else value
        super().__init__(f"The query is too complex: {limit} is {maximum}, this has {found}. Ask for less at once.")


class OperationTimedOut(RefusedRequest):
    """A query or mutation that was cancelled."""

    code = ErrorCode.QUERY_TOO_COMPLEX
    status = 503

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The operation was cancelled after {seconds:g} seconds. Ask for less at once.")


class TooManyOperations(RefusedRequest):
    """One operation too many on one WebSocket."""

    code = ErrorCode.THROTTLED
    status = 429

    def __init__(self, maximum: int) -> None:
        super().__init__(f"This socket runs {maximum} operations already. Complete one first.")


class ViewerGone(RefusedRequest):
    """The token of a running stream has expired or was revoked."""

    code = ErrorCode.UNAUTHENTICATED
    status = 401

    def __init__(self) -> None:
        super().__init__("The sign-in or token of this stream is no longer valid. Sign in again and reconnect.")
