"""OpenAI's chat completions, which Ollama, llama.cpp, vLLM, LM Studio and most gateways speak, too.

From general knowledge of the public API: `POST {base}/chat/completions` with `stream: true` answers events of JSON,
whose `choices[0].delta.content` is text, and ends with `data: [DONE]`; usage comes in an event of its own when
`stream_options.include_usage` asks for it, with an empty `choices`. The base usually ends in `/v1`.
"""

from collections.abc import AsyncIterator
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

# Its newer models refuse the name that everybody else has kept.
_RENAMED_LIMIT_AT = "api.openai.com"
_STOP_REASONS = {
    "stop": StopReason.COMPLETE,
    "length": StopReason.LENGTH,
    "content_filter": StopReason.FILTERED,
}


class OpenAICompatible:
    """A client of one server and one model; `api_key` may be empty for servers that want none."""

    def __init__(self, client: httpx.AsyncClient, service: str, *, model: str, api_key: str = "") -> None:
        self._client = client
        self._service = service
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    async def write(self, prompt: Prompt, *, maximum_tokens: int, seconds: float) -> AsyncIterator[Piece | Ended]:
        """See `LanguageModel`."""
        measured, usage, reason = Measured(self._service), Usage(), None
        body = self._body(prompt, maximum_tokens)
        opening = opened(
            self._client, self._service, "chat/completions", body=body, headers=self._headers, seconds=seconds
        )
        async with opening as answer:
            async for event in events(answer, self._service):
                if event.data == "[DONE]":
                    reason = reason or StopReason.COMPLETE
                    break
                told = parsed(self._service, event.data)
                if error := told.get("error"):
                    raise refusal(self._service, error)
                usage = _usage(told.get("usage")) or usage
                choice = _first_choice(told)
                if text := _text(choice):
                    yield Piece(measured.add(text))
                if finish := choice.get("finish_reason"):
                    reason = _STOP_REASONS.get(str(finish), StopReason.OTHER)
        if reason is None:
            raise Unavailable(self._service, "its answer broke off")
        yield Ended(reason, usage)

    async def models(self) -> list[str]:
        """See `LanguageModel`."""
        answer = await self._client.get("models", headers=self._headers)
        check_status(self._service, answer)
        return names_of_models(self._service, answer)

    def _body(self, prompt: Prompt, maximum_tokens: int) -> dict[str, Any]:
        limit = "max_completion_tokens" if self._client.base_url.host == _RENAMED_LIMIT_AT else "max_tokens"
        return {
            "model": self._model,
            "messages": [
                {"role": "system", "content": prompt.instructions},
                {"role": "user", "content": prompt.question},
            ],
            limit: maximum_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }


def _first_choice(told: dict[str, Any]) -> dict[str, Any]:
    choices = told.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _text(choice: dict[str, Any]) -> str:
    delta = choice.get("delta")
    content = delta.get("content") if isinstance(delta, dict) else None
    return content if isinstance(content, str) else ""


def _usage(told: object) -> Usage | None:
    if not isinstance(told, dict):
        return None
    return Usage(counted(told.get("prompt_tokens")), counted(told.get("completion_tokens")))
