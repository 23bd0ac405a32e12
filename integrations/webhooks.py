"""Webhooks: JSON by POST, signed so that receivers can tell who sent it, and numbered so that they can tell repeats."""

import hashlib
import hmac

import httpx

from integrations.errors import BadPayload, Refused
from integrations.http import Outside, Service

SIGNATURE = "X-Shelfgraph-Signature"
EVENT = "X-Shelfgraph-Event"
DELIVERY = "X-Shelfgraph-Delivery"
_LONGEST_ANSWER = 100_000  # which nobody reads


class Webhook:
    """One receiver."""

    def __init__(self, outside: Outside, name: str, url: str, key: str) -> None:
        """`name` is what errors call it; `url` and `key` are secrets. Raises BadPayload for no URL."""
        self._name = name
        self._url = url
        self._key = key
        service = Service(
            name,
            _origin(name, url),
            burst=10,
            at_once=1,
            timeout_seconds=15,
            most_bytes=_LONGEST_ANSWER,
            secrets=(url, key),
        )
        self._http = outside.client(service)

    async def send(self, body: bytes, *, event: str, delivery: str, at: float) -> None:
        """Deliver once more or for the first time; raises IntegrationError unless the answer is 2xx.

        The receiver drops what comes under a delivery id that it knows, so repeating is harmless.
        """
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(self._key, body, int(at)),
            EVENT: event,
            DELIVERY: delivery,
        }
        answer = await self._http.post(self._url, content=body, headers=headers, extensions={"idempotent": True})
        if not answer.is_success:
            raise Refused(self._name, f"it answered with status {answer.status_code}.")


def signature(key: str, body: bytes, at: int) -> str:
    """`t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>" in hexadecimal>`; an old time tells a replay."""
    digest = hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _origin(name: str, url: str) -> str:
    try:
        return str(httpx.URL(url).join("/"))
    except httpx.InvalidURL:
        pass  # its message holds a part of the URL
    raise BadPayload(name, "an address that cannot be read")
