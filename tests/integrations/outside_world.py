"""An outside world for tests of the way out: a clock that sleeping moves, and a network that is a function."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx

from integrations.http import Outside

Handler = Callable[[httpx.Request], httpx.Response] | Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]


class Clock:
    """Time that passes only while somebody sleeps, and is kept."""

    def __init__(self, now: float = 1_900_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self.now += seconds
        if seconds:
            self.slept.append(seconds)


@asynccontextmanager
async def outside_over(
    handler: Handler, redis_url: str, clock: Clock | None = None, **options: Any
) -> AsyncIterator[Outside]:
    """The way out to a network that is a function; names mean 10.0.0.9 there."""
    clock = clock or Clock()
    outside = Outside(
        redis_url,
        user_agent="Shelfgraph/test",
        clock=clock,
        sleep=clock.sleep,
        transport=httpx.MockTransport(handler),
        **({"resolve": _at_home} | options),
    )
    try:
        yield outside
    finally:
        await outside.close()


async def _at_home(_host: str, _port: int) -> list[str]:
    return ["10.0.0.9"]
