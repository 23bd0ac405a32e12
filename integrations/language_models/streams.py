"""Answers as server-sent events, and what both APIs have in common: limits, statuses, and words of refusal."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from integrations.errors import AuthError, BadPayload, IntegrationError, Missing, Refused, Unavailable

MOST_CHARACTERS = 40_000  # of one text, whatever number of tokens was asked for
_LONGEST_LINE = 200_000  # bytes; some servers send a piece's probabilities along
_LONGEST_REASON = 200
_MOST_MODELS = 1_000
_CREDENTIALS = frozenset({401, 403})
# Words in the type or code of an error that will be over by and by.
_PASSING = ("overloaded", "server_error", "api_error", "timeout", "rate_limit", "unavailable")
_WHAT_TO_DO = "Correct its `apiKey`, or what the key may do there."


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event with its data, as text."""

    name: str
    data: str


@asynccontextmanager
async def opened(
    client: httpx.AsyncClient,
    service: str,
    path: str,
    *,
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    seconds: float,
) -> AsyncIterator[httpx.Response]:
    """Ask, and give the answer once its stream begins; raises what its status means."""
    given = {**headers, "Accept": "text/event-stream", "Content-Type": "application/json"}
    asking = client.stream(
        "POST",
        path,
        content=orjson.dumps(body),
        headers=given,
        timeout=seconds,
        extensions={"streamed": True, "idempotent": False, "timeout": httpx.Timeout(seconds).as_dict()},
    )
    async with asking as answer:
        check_status(service, answer)
        if "text/event-stream" not in answer.headers.get("content-type", ""):
            raise BadPayload(service, "no stream of events")
        yield answer


def check_status(service: str, answer: httpx.Response) -> None:
    """Raise what a status other than success means; the body of such an answer has been read."""
    status = answer.status_code
    if answer.is_success:
        return
    if answer.is_redirect:
        raise BadPayload(service, f"a redirect ({status}); give the address that it leads to")
    if status in _CREDENTIALS:
        raise AuthError(service, _WHAT_TO_DO)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Unavailable(service, f"status {status}")
    reason = _reason(answer.content)
    if status == httpx.codes.NOT_FOUND:
        raise Missing(service, f"such model or path: {reason}" if reason else "such model or path")
    raise Refused(service, reason or f"status {status}")


async def events(answer: httpx.Response, service: str) -> AsyncIterator[ServerEvent]:
    """The events of a stream, in order. Raises BadPayload for what is none, and what reading raises."""
    name, data = "message", list[str]()
    async for line in _lines(answer, service):
        if not line:
            if data:
                yield ServerEvent(name, "\n".join(data))
            name, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    if data:
        yield ServerEvent(name, "\n".join(data))


def parsed(service: str, text: str | bytes) -> dict[str, Any]:
    """A JSON object; raises BadPayload for anything else."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise BadPayload(service, "what should be a JSON object")
    return value


def refusal(service: str, error: object) -> IntegrationError:
    """What an error that is reported inside a stream means: too busy, or no."""
    told = error if isinstance(error, dict) else {"message": error}
    kind = f"{told.get('type', '')} {told.get('code', '')}".lower()
    reason = _plain(told.get("message"))
    if any(word in kind for word in _PASSING):
        return Unavailable(service, "it broke off with an error of its own")
    return Refused(service, reason or "it broke off")


def counted(value: object) -> int | None:
    """A number of tokens, or None for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def names_of_models(service: str, answer: httpx.Response) -> list[str]:
    """The ids in a list of models; raises BadPayload."""
    rows = parsed(service, answer.content).get("data")
    if not isinstance(rows, list):
        raise BadPayload(service, "no list of models")
    named = (row.get("id") for row in rows[:_MOST_MODELS] if isinstance(row, dict))
    return [name for name in named if isinstance(name, str)]


class Measured:
    """Keeps a text within its limit of characters."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._characters = 0

    def add(self, text: str) -> str:
        """Count and give the text; raises BadPayload once there is too much."""
        self._characters += len(text)
        if self._characters > MOST_CHARACTERS:
            raise BadPayload(self._service, f"a text of more than {MOST_CHARACTERS:,} characters")
        return text


async def _lines(answer: httpx.Response, service: str) -> AsyncIterator[str]:
    # Not httpx's own: those keep a line without an end for ever.
    waiting = bytearray()
    async for part in answer.aiter_raw():
        waiting += part
        *lines, rest = bytes(waiting).split(b"\n")
        waiting = bytearray(rest)
        if max(map(len, (*lines, rest))) > _LONGEST_LINE:
            raise BadPayload(service, "a line without an end")
        for line in lines:
            yield _decoded(service, line)
    if waiting:
        yield _decoded(service, bytes(waiting))


def _decoded(service: str, line: bytes) -> str:
    try:
        return line.rstrip(b"\r").decode()
    except UnicodeDecodeError:
        pass
    raise BadPayload(service, "text that is not UTF-8")


def _reason(content: bytes) -> str:
    """What an answer says of itself, in its own words."""
    try:
        told = orjson.loads(content)
    except orjson.JSONDecodeError:
        return ""
    error = told.get("error", told) if isinstance(told, dict) else None
    return _plain(error.get("message") if isinstance(error, dict) else error)


def _plain(text: object) -> str:
    """One line without markup, and short."""
    if not isinstance(text, str):
        return ""
    kept = "".join(" " if letter in "<>\r\n\t" or not letter.isprintable() else letter for letter in text)
    return " ".join(kept.split())[:_LONGEST_REASON]
