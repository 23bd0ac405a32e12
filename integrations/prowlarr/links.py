"""Prowlarr's download links: which are its own, and what comes back from them."""

import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import httpx
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from integrations.errors import AuthError, BadPayload, IntegrationError, Missing, RateLimited, Refused, Unavailable
from integrations.offers import Magnet, magnet, plain_reason, require_torrent

KEY_ADVICE = "Enter the API key that Prowlarr shows under Settings, General."
BLOCKED_SECONDS = 60.0  # when Prowlarr does not say how long an indexer is blocked

_PROXY_PATH = re.compile(r"(?:/[^?#]*)?/(?:api/v1/indexer/)?(?P<indexer>\d+)/download")


def proxied(service: str, link: str) -> tuple[str, dict[str, str]]:
    """The path below Prowlarr's own address, and the parameters, that fetch what `link` leads to.

    Prowlarr writes the name it was called by into its links, which from here may be another or none at all, so the
    name is not compared: only path and parameters are taken, and always asked of the configured address. The key in
    the link is left out; ours goes in a header. Refused when the link is not one of Prowlarr's.
    """
    with suppress(ValueError):
        address = urlsplit(link)
        path = _PROXY_PATH.fullmatch(address.path)
        parameters = {name: values[0] for name, values in parse_qs(address.query).items() if name != "apikey"}
        if address.scheme in {"http", "https"} and path and parameters.get("link"):
            return f"{path['indexer']}/download", parameters
    raise Refused(service, "the link does not lead through this Prowlarr.", code="FOREIGN_LINK")


def torrent_of(service: str, response: httpx.Response) -> bytes | Magnet:
    """Read the answer of the download proxy (facts: Prowlarr v1, download proxy); raise what its errors mean."""
    if response.is_redirect:
        return _redirected(service, response.headers.get("Location", ""))
    if response.is_success:
        return require_torrent(service, response.content)
    raise _failure(service, response)


def _redirected(service: str, target: str) -> Magnet:
    if target.startswith("magnet:"):
        return magnet(service, target)
    raise Refused(
        service,
        "it sends us to the tracker itself instead of handing out the torrent. Switch Redirect off for this indexer.",
        code="REDIRECTS_TO_TRACKER",
    )


def _failure(service: str, response: httpx.Response) -> IntegrationError:
    reason = _reason(response)
    failure: IntegrationError
    match response.status_code:
        case httpx.codes.UNAUTHORIZED:
            failure = AuthError(service, KEY_ADVICE)
        case httpx.codes.BAD_REQUEST:
            failure = Refused(service, "the link is not valid any more. Search again.", code="INVALID_LINK")
        case httpx.codes.NOT_FOUND:
            failure = Missing(service, "such indexer")
        case httpx.codes.GONE if "disabled" in reason.lower():
            failure = Refused(service, f"{reason}.", code="INDEXER_DISABLED")
        case httpx.codes.GONE:
            failure = Missing(service, "such release")
        case httpx.codes.TOO_MANY_REQUESTS:
            failure = RateLimited(service, retry_after(response.headers))
        case status if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            failure = Unavailable(service, reason or f"error {status}")
        case status:
            failure = BadPayload(service, f"status {status}")
    return failure


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait; Prowlarr gives whole seconds."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else BLOCKED_SECONDS


def _reason(response: httpx.Response) -> str:
    """The proxy's own words, which are an attribute in XML; empty when there are none."""
    try:
        return plain_reason(fromstring(response.content).get("description") or "")
    except (ParseError, DefusedXmlException):
        return ""
