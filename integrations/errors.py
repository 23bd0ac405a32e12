"""What can go wrong with somebody else's server, whichever it is.

IntegrationError
 ├── Unavailable        it does not answer, or not in time, or its breaker is open: try again later
 │    └── RateLimited   it, or our own budget for it, says when
 ├── AuthError          it does not know us: nobody but the user can mend that, so nothing tries again
 │    └── NetworkMismatch   it knows us, but not from this network
 ├── Refused            it understood, and will not: with a reason, and perhaps until when
 ├── Missing            it has no such thing (any more)
 ├── BadPayload         it answered something that its documentation does not know
 └── InsecureAddress    its address would send secrets in the clear

Every message is written by the class that means it, and never holds a URL's query, a header or a body: those carry
credentials.
"""

from datetime import datetime


class IntegrationError(Exception):
    """A failure of an outside service, with the code clients see it under."""

    code = "INTEGRATION_FAILED"

    def __init__(self, service: str, message: str) -> None:
        self.service = service
        super().__init__(message)


class Unavailable(IntegrationError):
    """It cannot be reached, fails inside, or is left alone for a while after failures."""

    code = "UNAVAILABLE"

    def __init__(self, service: str, reason: str) -> None:
        super().__init__(service, f"{service} does not answer: {reason}. It is tried again by itself.")


class RateLimited(Unavailable):
    """Too many requests, by its word or by the budget we keep for it; `retry_after` in seconds."""

    code = "RATE_LIMITED"

    def __init__(self, service: str, retry_after: float) -> None:
        super().__init__(service, f"too many requests, wait {retry_after:.0f} s")
        self.retry_after = retry_after


class AuthError(IntegrationError):
    """Our credentials are not valid (any more)."""

    code = "CREDENTIALS_REFUSED"

    def __init__(self, service: str, what_to_do: str) -> None:
        super().__init__(service, f"{service} does not accept the credentials. {what_to_do}")
        self.what_to_do = what_to_do


class NetworkMismatch(AuthError):
    """The credentials are good, but this network is not the one they belong to."""

    code = "WRONG_NETWORK"


class Refused(IntegrationError):
    """It understood and said no: `reason` in its own words without markup, `until` when it would say yes again."""

    code = "REFUSED"

    def __init__(self, service: str, reason: str, until: datetime | None = None, *, code: str = "REFUSED") -> None:
        super().__init__(service, f"{service} refused: {_ended(reason)}")
        self.reason = reason
        self.until = until
        self.code = code


class Missing(IntegrationError):
    """There is no such thing on the other side."""

    code = "NOT_FOUND_THERE"

    def __init__(self, service: str, what: str) -> None:
        super().__init__(service, f"{service} has no {what} (any more).")


class BadPayload(IntegrationError):
    """An answer of another shape than documented: nothing is taken from it."""

    code = "UNEXPECTED_ANSWER"

    def __init__(self, service: str, what: str) -> None:
        super().__init__(
            service,
            f"{service} answered something unexpected: {what}. Check that the address is right and its version known.",
        )


class InsecureAddress(IntegrationError):
    """An address that is neither encrypted nor on a private network."""

    code = "INSECURE_ADDRESS"

    def __init__(self, service: str, host: str) -> None:
        super().__init__(
            service,
            f"{host!r} is a public address without TLS. Use https://, or name the host in SHELFGRAPH_PLAIN_HTTP_HOSTS.",
        )


def _ended(reason: str) -> str:
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."
