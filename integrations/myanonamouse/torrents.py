"""What comes instead of a torrent file, and what does (facts: MyAnonamouse, torrent file)."""

import html
import re
from datetime import datetime, timedelta

import orjson

from integrations.errors import AuthError, BadPayload, IntegrationError, Refused
from integrations.myanonamouse import values
from integrations.myanonamouse.session import NEW_SESSION, dead_session
from integrations.offers import plain_reason

PATH = "/tor/download.php"
UNSATISFIED_LIMIT = "UNSATISFIED_LIMIT"
_FREEZE_SECONDS = 24 * 3600.0  # when the site does not say how long
_LIMIT = "attempted to download past unsatisfied limit"
_WAIT = re.compile(r"time till download allowed\W*((?:\d{1,4}\s*d\w*\s+)?\d{1,5}:\d{2}:\d{2})")
_BENCODED = re.compile(rb"d\d+:")
_MARKUP = re.compile(r"<[^>]*>")
_REASON = "too many torrents are not yet seeded for 72 hours. Nothing more can be taken until some are"


def parse_torrent(service: str, status: int, body: bytes, now: datetime) -> bytes:
    """Give what begins as a torrent file does, or raise what the site says instead of it."""
    if status == 200 and _BENCODED.match(body):  # noqa: PLR2004 HTTP's own number
        return body
    raise _refusal(service, status, body, now)


def _refusal(service: str, status: int, body: bytes, now: datetime) -> IntegrationError:
    words = _plain(body)
    if _LIMIT in words:
        wait = _WAIT.search(words)
        seconds = values.seconds(wait[1]) if wait else None
        until = now + timedelta(seconds=_FREEZE_SECONDS if seconds is None else seconds)
        return Refused(service, _REASON, until, code=UNSATISFIED_LIMIT)
    if dead := dead_session(service, status, words):
        return dead
    if body.lstrip()[:1] == b"<":
        return AuthError(service, NEW_SESSION)  # the login page
    if reason := _said(body):
        return Refused(service, reason)
    return BadPayload(service, "something else than a torrent file")


def _plain(body: bytes) -> str:
    """The words in lower case, out of text, a page, or JSON that holds a page."""
    held = " ".join(_texts(_json(body))) or body.decode(errors="replace")
    return " ".join(_MARKUP.sub(" ", html.unescape(held)).lower().split())


def _said(body: bytes) -> str:
    """The reason in `{"error": …}`."""
    return plain_reason(html.unescape(" ".join(_texts(_json(body)))))


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _texts(held: object) -> list[str]:
    """Every text in the JSON, at any depth."""
    if isinstance(held, str):
        return [held]
    items = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
    return [found for item in items for found in _texts(item)]
