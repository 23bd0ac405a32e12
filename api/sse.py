"""GraphQL over server-sent events, as graphql-sse's "distinct connections mode" has it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import orjson
from starlette.types import Receive, Scope, Send

from api.operations import Answer, OperationContext, refuse, until_viewer_goes
from api.refusals import ViewerGone

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would keep events back
}

# A comment: clients skip it, and proxies see that the connection lives.
KEEP_ALIVE = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"


@dataclass(frozen=True, slots=True)
class EventStream:
    """An ASGI response: one `next` event for each answer, then `complete`.

    It ends early, and closes `answers`, when the client leaves or the viewer's sign-in ends.
    `keep_alive` and `viewer_check` are seconds.
    """

    answers: AsyncGenerator[Answer, None]
    context: OperationContext
    headers: Mapping[str, str]
    keep_alive: float
    viewer_check: float

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until one of the tasks ends."""
        await _start(send, {**HEADERS, **self.headers})
        answering = asyncio.create_task(self._send_answers(send))
        leaving = asyncio.create_task(_client_leaves(receive))
        going = asyncio.create_task(until_viewer_goes(self.context, self.viewer_check))
        beating = asyncio.create_task(_send_keep_alive(send, self.keep_alive))
        tasks = (answering, leaving, going, beating)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(tasks)
        problem = _problem(answering) or _problem(going) or (None if going.cancelled() else ViewerGone())
        if problem is not None:
            await _send(send, _event(refuse(problem, self.context.request_id)))
        await send({"type": "http.response.body", "body": COMPLETE, "more_body": False})

    async def _send_answers(self, send: Send) -> None:
        async with aclosing(self.answers) as answers:
            async for answer in answers:
                await _send(send, _event(answer))


async def _client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_keep_alive(send: Send, every: float) -> None:
    while True:
        await _send(send, KEEP_ALIVE)
        await asyncio.sleep(every)


async def _cancel(tasks: tuple[asyncio.Task[None], ...]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _problem(task: asyncio.Task[None]) -> Exception | None:
    problem = None if task.cancelled() else task.exception()
    return problem if isinstance(problem, Exception) else None


def _event(answer: Answer) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(answer.body) + b"\n\n"


async def _start(send: Send, headers: Mapping[str, str]) -> None:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": raw})


async def _send(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})
