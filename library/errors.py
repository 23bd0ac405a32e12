"""What can go wrong in words a client understands.

ShelfgraphError
 ├── BadInput            BAD_USER_INPUT
 │    ├── MalformedId, MalformedCursor, PageOutOfBounds
 │    ├── UnknownField, InvalidFieldValue
 │    └── FolderUnusable, RootsOverlap
 ├── NotFound            NOT_FOUND
 ├── Conflict            CONFLICT
 │    └── IdempotencyKeyReused, JobFinished, JobNotFinished, NameTaken
 ├── Unauthenticated     UNAUTHENTICATED
 ├── TokenRefused        UNAUTHENTICATED
 ├── SignInLinkRefused   UNAUTHENTICATED
 ├── Forbidden           FORBIDDEN
 ├── RootUnavailable     ends a job, under a code of its own
 └── CannotStart         never reaches a client: what `shelfgraph` says on the terminal instead of starting
      └── PgvectorMissing, UnsupportedDatabase; see also api/data_dir.py,
           api/children.py, api/valkey.py, api/serving.py, api/cli.py
"""

from collections.abc import Iterable
from enum import StrEnum


class ErrorCode(StrEnum):
    """The codes of `extensions.code` and of the `Error` interface."""

    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    OPERATION_RESOLUTION_FAILURE = "OPERATION_RESOLUTION_FAILURE"
    BAD_REQUEST = "BAD_REQUEST"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    THROTTLED = "THROTTLED"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"


class ShelfgraphError(Exception):
    """Something a client is told about, with a code and a sentence that says what to do."""

    code = ErrorCode.INTERNAL_SERVER_ERROR

    @property
    def job_code(self) -> str:
        """The code under which a job keeps it; jobs have more codes than the graph."""
        return self.code


class BadInput(ShelfgraphError):
    """The request cannot be meant as it stands."""

    code = ErrorCode.BAD_USER_INPUT


class MalformedId(BadInput):
    """An id that this server never gave out."""

    def __init__(self, value: str) -> None:
        super().__init__(f"{_short(value)} is not an id of this server. Use the `id` of a node you were given.")


class WrongIdType(BadInput):
    """An id of another type than the argument takes."""

    def __init__(self, value: str, *, expected: str, got: str) -> None:
        super().__init__(f"{_short(value)} is the id of a {got}; this argument takes the id of a {expected}.")


class MalformedCursor(BadInput):
    """A cursor that does not belong to this list."""

    def __init__(self, value: str) -> None:
        super().__init__(
            f"{_short(value)} is not a cursor of this list. Use `pageInfo.endCursor` of the same list and order."
        )


class MalformedSequence(BadInput):
    """A sequence that this server never gave out."""

    def __init__(self, value: str) -> None:
        super().__init__(f"{_short(value)} is not a sequence of this server. Leave `after` out to start anew.")


class PageOutOfBounds(BadInput):
    """A page size nobody may ask for."""

    def __init__(self, argument: str, value: int, maximum: int) -> None:
        super().__init__(f"`{argument}` must be between 1 and {maximum}, not {value}.")


class PageContradiction(BadInput):
    """Forward and backward paging at once."""

    def __init__(self) -> None:
        super().__init__("Give either `first` with `after`, or `last` with `before`, not both.")


class UnknownField(BadInput):
    """A metadata field that the entity does not have."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no field {_short(name)}. The fields are: {', '.join(sorted(known))}.")


class InvalidFieldValue(BadInput):
    """A value that a metadata field cannot hold."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"`{field}` {reason}.")


class FolderUnusable(BadInput):
    """A library root that is no readable folder."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{_short(path)} is not a folder the server can read. "
            "Give an absolute path as the server sees it and check its permissions."
        )


class RootsOverlap(BadInput):
    """A library root inside another, whose files would be found twice."""

    def __init__(self, path: str, other: str) -> None:
        super().__init__(
            f"{_short(path)} overlaps with the library root {_short(other)}; its books are found there already."
        )


class NotFound(ShelfgraphError):
    """A thing with this id does not exist (any more)."""

    code = ErrorCode.NOT_FOUND

    def __init__(self, kind: str, value: object) -> None:
        super().__init__(f"There is no {kind} {_short(str(value))}. It may have been removed: read the list again.")


class Conflict(ShelfgraphError):
    """The request contradicts the present state."""

    code = ErrorCode.CONFLICT


class IdempotencyKeyReused(Conflict):
    """A key that already stands for another request."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The idempotency key {_short(key)} was used for another request. Use a new key.")


class JobFinished(Conflict):
    """A job that cannot be cancelled any more."""

    def __init__(self, job_id: int, state: str) -> None:
        super().__init__(f"Job {job_id} has ended already ({state}); there is nothing to cancel.")


class JobNotFinished(Conflict):
    """A job that cannot be retried yet."""

    def __init__(self, job_id: int, state: str) -> None:
        super().__init__(f"Job {job_id} is {state}; wait for its end or cancel it before you retry it.")


class SameJobGoesOn(Conflict):
    """A job whose work another one does already."""

    def __init__(self, job_id: int, other_id: int) -> None:
        super().__init__(f"Job {other_id} is at the work of job {job_id} already. Follow that one.")


class NameTaken(Conflict):
    """A name that another user has."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a user {_short(name)} already. Choose another name.")


class Unauthenticated(ShelfgraphError):
    """Nobody is signed in, and this is not for everybody."""

    code = ErrorCode.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__(
            "Sign in first: send `Authorization: Bearer <token>`, or open the link that `shelfgraph token` prints."
        )


class TokenRefused(ShelfgraphError):
    """A token that is unknown, expired or revoked; which of them is nobody's business."""

    code = ErrorCode.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__("This token is not valid. Create a new one with `createApiToken` or `shelfgraph token`.")


class SignInLinkRefused(ShelfgraphError):
    """A sign-in link that was used, has expired or was never given out."""

    code = ErrorCode.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__(
            "This sign-in link has been used already or is older than 15 minutes. "
            "Print a new one with `shelfgraph token --link`."
        )


class Forbidden(ShelfgraphError):
    """Somebody is signed in who may not do this."""

    code = ErrorCode.FORBIDDEN

    def __init__(self, needed: str) -> None:
        super().__init__(f"This needs the role {needed}. Ask an administrator of this server.")


class RootUnavailable(ShelfgraphError):
    """A library root that is not there, or suddenly empty: most likely a disk that is not mounted."""

    @property
    def job_code(self) -> str:
        """See above."""
        return "ROOT_UNAVAILABLE"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"The library root {_short(path)} {why}, so nothing in the library was changed. "
            "Check that its disk or share is mounted and readable, then scan again."
        )


class CannotStart(ShelfgraphError):
    """What keeps a process from starting, or a command from doing its work."""


class PgvectorMissing(CannotStart):
    """A database that shall hold the search index and cannot."""

    def __init__(self, found: tuple[int, ...] | None, needed: tuple[int, ...]) -> None:
        least = ".".join(map(str, needed))
        there = f"has pgvector {'.'.join(map(str, found))}" if found is not None else "has no pgvector"
        super().__init__(
            f"SHELFGRAPH_VECTOR_INDEX is pgvector, but the database server {there}. "
            f"Install pgvector {least} or newer there, or set SHELFGRAPH_VECTOR_INDEX=faiss."
        )


class UnsupportedDatabase(CannotStart):
    """A database URL of another kind."""

    def __init__(self, driver: str) -> None:
        super().__init__(
            f"SHELFGRAPH_DATABASE_URL names the driver {driver!r}; use sqlite+aiosqlite:// or postgresql+asyncpg://."
        )


def _short(value: str, limit: int = 80) -> str:
    """Quote what the client sent, but never all of a hostile megabyte."""
    return repr(value if len(value) <= limit else value[: limit - 1] + "…")
