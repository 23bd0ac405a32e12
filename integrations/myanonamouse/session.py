"""The session at the site: one cookie that every answer may replace, and the only hosts that ever see it.

Facts: MyAnonamouse, ground rules. A value that is lost ends the session, and only the user can make a new one.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import quote, unquote, urlsplit

from integrations.errors import AuthError, IntegrationError, NetworkMismatch

COOKIE = "mam_id"
DOMAIN = "myanonamouse.net"
# What a cookie may hold as it is (RFC 6265), "%" left out: the value is kept decoded.
_COOKIE_SAFE = "!#$&'()*+-./:<=>?@[]^_`{|}~"
NEW_SESSION = (
    "Make a new session on MyAnonamouse under Preferences > Security, for Shelfgraph alone, and enter its value here."
)
OTHER_NETWORK = (
    "The session belongs to another network (IP or ASN) than the one this server calls from. Let it call from there, or"
    " make a session for this network on MyAnonamouse under Preferences > Security and enter its value here."
)


class SessionStore(Protocol):
    """Where the newest value is kept, encrypted, with one owner at a time."""

    async def current(self) -> str:
        """Give the newest value; "" when none was ever entered."""

    async def rotate(self, value: str) -> None:
        """Keep the value that replaces it, atomically: when this returns, no crash can lose it."""


class ForeignHost(IntegrationError):
    """An address that must never be sent the session."""

    code = "FOREIGN_HOST"

    def __init__(self, service: str, host: str) -> None:
        super().__init__(
            service,
            f"{host!r} is not one of {service}'s hosts, and its session is sent to nobody else. "
            f"Use https://www.{DOMAIN}, or a stand-in on this computer's loopback address.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """The site's three base addresses; fakes put theirs on loopback."""

    site: str = f"https://www.{DOMAIN}"
    seedbox: str = f"https://t.{DOMAIN}"
    cdn: str = f"https://cdn.{DOMAIN}"

    def check(self, service: str) -> None:
        """Raise ForeignHost for an address that is neither the site's own, encrypted, nor on loopback."""
        for address in (self.site, self.seedbox, self.cdn):
            parts = urlsplit(address)
            host = parts.hostname or ""
            own = parts.scheme == "https" and (host == DOMAIN or host.endswith(f".{DOMAIN}"))
            if not own and not _is_loopback(host):
                raise ForeignHost(service, host or "An empty address")


def cookie_header(value: str) -> str:
    """The header that carries the session."""
    return f"{COOKIE}={quote(value, safe=_COOKIE_SAFE)}"


def seed_value(typed: str) -> str:
    """The value in what a user pasted: it may be encoded, in quotes, or a whole `mam_id=…`."""
    return unquote(typed.strip().removeprefix(f"{COOKIE}=").strip('"'))


def rotated_value(set_cookies: Iterable[str]) -> str | None:
    """The newest value that `Set-Cookie` headers give, or None; deleting the cookie gives none."""
    newest = None
    for header in set_cookies:
        pair, *attributes = header.split(";")
        name, _, value = pair.partition("=")
        if name.strip() == COOKIE and not _is_expired(attributes):
            newest = unquote(value.strip().strip('"')) or newest
    return newest


def dead_session(service: str, status: int, body: str) -> AuthError | None:
    """The error that an answer of this status and body means, when it means that we are not let in."""
    words = body.lower()
    if status in {401, 403} and any(
        sign in words for sign in ("ip mismatch", "asn mismatch", "does not match account")
    ):
        return NetworkMismatch(service, OTHER_NETWORK)
    redirected = 300 <= status < 400  # noqa: PLR2004 HTTP's own classes; the login page is where it leads
    if status in {401, 403} or redirected or "you are not signed in" in words:
        return AuthError(service, NEW_SESSION)
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_expired(attributes: Iterable[str]) -> bool:
    """Whether the header takes the cookie away: its name for deleting is an end in the past."""
    for attribute in attributes:
        name, _, value = attribute.strip().partition("=")
        if name.lower() == "max-age":
            return value.lstrip("-").isdigit() and int(value) <= 0
        if name.lower() == "expires" and _is_past(value):
            return True
    return False


def _is_past(date: str) -> bool:
    try:
        moment = parsedate_to_datetime(date.replace("-", " "))
    except ValueError:
        return False
    return moment.replace(tzinfo=moment.tzinfo or UTC) < datetime(2000, 1, 1, tzinfo=UTC)
