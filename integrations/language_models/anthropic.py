"""Anthropic's Messages.

From general knowledge of the public API: `POST {base}/v1/messages` with `x-api-key`, `anthropic-version` and
`stream: true` answers the events message_start (with the usage of the input), content_block_start,
content_block_delta (whose text_delta is text), content_block_stop, message_delta (with stop_reason and the usage of the
output), message_stop, and at any time ping or error.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx

from integrations.errors import Unavailable
from integrations.language_models.streams import (
    Measured,
    check_status,
    counted,
    events,
    names_of_models,
    opened,
    parsed,
    refusal,
)
from integrations.language_models.values import Ended, Piece, Prompt, StopReason, Usage

VERSION = "2023-06-01"
_STOP_REASONS = {
    "end_turn": StopReason.COMPLETE,
    "stop_sequence": StopReason.COMPLETE,
    "max_tokens": StopReason.LENGTH,
    "refusal": StopReason.FILTERED,
}


class Anthropic:
    """A client of one server and one model."""

    def __init__(self, client: httpx.AsyncClient, service: str, *, model: str, api_key: str) -> None:
        self._client = client
        self._service = service
        self._model = model
        self._headers = {"x-api-key": api_key, "anthropic-version": VERSION}

    async def write(self, prompt: Prompt, *, maximum_tokens: int, seconds: float) -> AsyncIterator[Piece | Ended]:
        """See `LanguageModel`."""
        measured, usage, reason, is_over = Measured(self._service), Usage(), StopReason.OTHER, False
        body = {
            "model": self._model,
            "max_tokens": maximum_tokens,
            "system": prompt.instructions,
            "messages": [{"role": "user", "content": prompt.question}],
            "stream": True,
        }
        opening = opened(self._client, self._service, "v1/messages", body=body, headers=self._headers, seconds=seconds)
        async with opening as answer:
            async for event in events(answer, self._service):
                told = parsed(self._service, event.data)
                match told.get("type", event.name):
                    case "error":
                        raise refusal(self._service, told.get("error"))
                    case "message_start":
                        usage = _with_usage(usage, _part(told, "message").get("usage"))
                    case "content_block_delta":
                        if text := _text(_part(told, "delta")):
                            yield Piece(measured.add(text))
                    case "message_delta":
                        usage = _with_usage(usage, told.get("usage"))
                        reason = _STOP_REASONS.get(str(_part(told, "delta").get("stop_reason")), StopReason.OTHER)
                    case "message_stop":
                        is_over = True
                        break
        if not is_over:
            raise Unavailable(self._service, "its answer broke off")
        yield Ended(reason, usage)

    async def models(self) -> list[str]:
        """See `LanguageModel`."""
        answer = await self._client.get("v1/models", headers=self._headers, params={"limit": 1000})
        check_status(self._service, answer)
        return names_of_models(self._service, answer)


def _part(told: dict[str, Any], name: str) -> dict[str, Any]:
    part = told.get(name)
    return part if isinstance(part, dict) else {}


def _text(delta: dict[str, Any]) -> str:
    text = delta.get("text")
    return text if delta.get("type") == "text_delta" and isinstance(text, str) else ""


def _with_usage(known: Usage, told: object) -> Usage:
    if not isinstance(told, dict):
        return known
    found = {name: counted(told.get(name)) for name in ("input_tokens", "output_tokens")}
    return replace(known, **{name: count for name, count in found.items() if count is not None})
