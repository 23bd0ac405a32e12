"""A language model as both APIs offer one: `/v1/chat/completions` for OpenAI's kind, `/v1/messages` for Anthropic's.

It writes the first sentence of each passage that it is given, cited, and otherwise does what its switches say.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.fakes.indexer_switches import Switches, switches_route

API_KEY = "sk-fake-00000000000000000000000000000000"
MODEL = "fake-model-1"
_PASSAGE = re.compile(r"<<(\w+) passage (\d+)>>\n(.*?)\n<<\1 end of passage \2>>", re.DOTALL)
_COMMAND = re.compile(r"say exactly: (.*)")
_SENTENCE = re.compile(r"(?<=[.!?])\s")
_PIECE = 7  # characters of a piece: words and citations are torn apart


@dataclass
class ModelSwitches(Switches):
    """The bad behaviours of a language model and its server."""

    redirect: bool = False  # leads elsewhere
    no_stream: bool = False  # answers at once and whole
    malformed: bool = False  # events that are no JSON
    hang_midway: bool = False  # nothing more after the first words while this is on
    error_midway: bool = False  # an error after the first words
    break_midway: bool = False  # no end after the first words
    endless: bool = False  # never stops
    huge_line: bool = False  # a line without an end
    finds_nothing: bool = False  # says that the passages do not answer
    cites_nothing: bool = False  # no citation
    invents_citations: bool = False  # cites passages that there are not
    obeys_passages: bool = False  # says what a passage commands by `say exactly: …`
    links: bool = False  # writes links, pictures and markup


class FakeLanguageModel:
    """An ASGI application; `asked` are the bodies of all requests for text."""

    def __init__(self, *, api_key: str = API_KEY, model: str = MODEL) -> None:
        self.api_key = api_key
        self.model = model
        self.switches = ModelSwitches()
        self.asked: list[dict[str, Any]] = []
        self._application = Starlette(
            routes=[
                switches_route(self.switches),
                Route("/v1/models", self._models),
                Route("/v1/chat/completions", self._chat_completions, methods=["POST"]),
                Route("/v1/messages", self._messages, methods=["POST"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._application(scope, receive, send)

    async def _models(self, request: Request) -> Response:
        row = {"id": self.model, "object": "model", "created": 1_780_000_000, "owned_by": "nobody"}
        return await self._troubled(request) or JSONResponse({"object": "list", "data": [row]})

    async def _chat_completions(self, request: Request) -> Response:
        if trouble := await self._troubled(request):
            return trouble
        body = await self._kept(request)
        if body["model"] != self.model:
            return _refused(404, f"The model `{body['model']}` does not exist", "model_not_found")
        text = self._text(body["messages"][-1]["content"])
        if self.switches.no_stream:
            return JSONResponse({"choices": [{"message": {"role": "assistant", "content": "".join(text)}}]})
        return StreamingResponse(self._as_chunks(text), media_type="text/event-stream")

    async def _messages(self, request: Request) -> Response:
        if trouble := await self._troubled(request):
            return trouble
        body = await self._kept(request)
        if body["model"] != self.model:
            return _refused(404, f"model: {body['model']}", "not_found_error")
        text = self._text(body["messages"][-1]["content"])
        return StreamingResponse(self._as_events(text), media_type="text/event-stream; charset=utf-8")

    async def _troubled(self, request: Request) -> Response | None:
        switches = self.switches
        await switches.let_go()
        if switches.page:
            return HTMLResponse("<html><body>Sign in</body></html>")
        if switches.redirect:
            return RedirectResponse("https://elsewhere.example/v1/messages")
        if switches.server_error:
            return _refused(500, "Internal server error", "api_error")
        if switches.blocked_seconds:
            answer = _refused(429, "Rate limit reached", "rate_limit_error")
            answer.headers["Retry-After"] = str(switches.blocked_seconds)
            return answer
        given = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if switches.refuse_key or given != self.api_key:
            return _refused(401, f"Incorrect API key provided: {given}", "authentication_error")
        return None

    async def _kept(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        self.asked.append(body)
        return body

    def _text(self, question: str) -> Iterator[str]:
        if self.switches.endless:
            while True:
                yield "and so on " * 100
        written = self._written(question)
        for start in range(0, len(written), _PIECE):
            yield written[start : start + _PIECE]

    def _written(self, question: str) -> str:
        switches = self.switches
        passages = [(int(number), text) for _, number, text in _PASSAGE.findall(question)]
        if switches.finds_nothing:
            return "NOT FOUND"
        if switches.obeys_passages:
            commands = (_COMMAND.search(text) for _, text in passages)
            if found := next(filter(None, commands), None):
                return found.group(1)
        sentences = " ".join(self._sentence(number, text) for number, text in passages[:2])
        if switches.links:
            sentences += (
                ' See [the manual](https://evil.example/?q=secret) ![pixel](http://evil.example/p.png) <img src="x">'
                " www.evil.example/steal [1]."
            )
        return sentences

    def _sentence(self, number: int, text: str) -> str:
        sentence = _SENTENCE.split(text.strip().splitlines()[-1])[0].rstrip(".!?")
        if self.switches.cites_nothing:
            return f"{sentence}."
        return f"{sentence} [{number}][97]." if self.switches.invents_citations else f"{sentence} [{number}]."

    async def _as_chunks(self, text: Iterable[str]) -> AsyncIterator[str]:
        def chunk(**more: object) -> str:
            shape = {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1_780_000_000,
                "model": self.model,
            }
            return f"data: {json.dumps(shape | more)}\n\n"

        def choice(delta: dict[str, str], finish: str | None = None) -> str:
            return chunk(choices=[{"index": 0, "delta": delta, "finish_reason": finish}])

        yield choice({"role": "assistant", "content": ""})
        async for piece in self._spoken(text):
            if piece is None:
                yield f"data: {json.dumps({'error': {'message': 'upstream failed', 'type': 'server_error'}})}\n\n"
                return
            yield choice({"content": piece})
            if text_ends := self._breaks():
                yield text_ends
                return
        yield choice({}, "stop")
        yield chunk(choices=[], usage={"prompt_tokens": 321, "completion_tokens": 45, "total_tokens": 366})
        yield "data: [DONE]\n\n"

    async def _as_events(self, text: Iterable[str]) -> AsyncIterator[str]:
        def event(kind: str, **more: object) -> str:
            return f"event: {kind}\ndata: {json.dumps({'type': kind} | more)}\n\n"

        message = {"id": "msg_1", "role": "assistant", "model": self.model, "content": []}
        yield event("message_start", message={**message, "usage": {"input_tokens": 321, "output_tokens": 1}})
        yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        yield event("ping")
        async for piece in self._spoken(text):
            if piece is None:
                yield event("error", error={"type": "overloaded_error", "message": "Overloaded"})
                return
            yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
            if text_ends := self._breaks():
                yield text_ends
                return
        yield event("content_block_stop", index=0)
        yield event(
            "message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 45}
        )
        yield event("message_stop")

    async def _spoken(self, text: Iterable[str]) -> AsyncIterator[str | None]:
        """Pieces of text; None stands for an error."""
        for number, piece in enumerate(text):
            yield piece
            if number == 0:
                if self.switches.error_midway:
                    yield None
                while self.switches.hang_midway:
                    await asyncio.sleep(0.02)
            if self.switches.endless:
                await asyncio.sleep(0.01)

    def _breaks(self) -> str:
        """What ends a stream before its time."""
        if self.switches.malformed:
            return "data: {not json\n\n"
        if self.switches.huge_line:
            return f"data: {'x' * 300_000}"
        return ": gone\n\n" if self.switches.break_midway else ""


def _refused(status: int, message: str, kind: str) -> JSONResponse:
    return JSONResponse({"type": "error", "error": {"type": kind, "message": message}}, status)
