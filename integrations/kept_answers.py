"""Answers kept in Valkey by the rules of HTTP caching, for all workers, under requests without their secrets."""

import hashlib

import httpx
from hishel import AsyncRedisStorage, CacheOptions
from hishel.httpx import AsyncCacheTransport

from integrations.redaction import Redactor

_ALWAYS_SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})
# Where a request carries the one that it stands for.
_ASKED = "asked"


class KeptAnswers(AsyncCacheTransport):
    """A private cache before a way out; it sees requests from which everything secret is taken out."""

    def __init__(self, way: httpx.AsyncBaseTransport, storage: AsyncRedisStorage, redactor: Redactor) -> None:
        super().__init__(_Asked(way), storage, rfc=CacheOptions(shared=False))
        self._redactor = redactor

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give an answer that is kept and fresh, else ask for it, or whether it still holds."""
        harmless, secret = self._divided(request.headers)
        # Whoever asks with another key gets other answers.
        key = hashlib.sha256("\n".join([str(request.url), *secret]).encode()).hexdigest()
        return await super().handle_async_request(
            httpx.Request(
                request.method,
                self._redactor.redact(str(request.url)),
                headers=harmless,
                stream=request.stream,
                extensions={**request.extensions, "caching": {"key": key}, _ASKED: request},
            )
        )

    async def aclose(self) -> None:
        """Leave the storage's connection open: it is shared."""

    def _divided(self, headers: httpx.Headers) -> tuple[list[tuple[str, str]], list[str]]:
        harmless, secret = [], []
        for name, value in headers.multi_items():
            if name in _ALWAYS_SECRET or self._redactor.redact(value) != value:
                secret.append(f"{name}: {value}")
            else:
                harmless.append((name, value))
        return harmless, secret


class _Asked(httpx.AsyncBaseTransport):
    """Sends what was asked for, with the conditions that the cache has added."""

    def __init__(self, way: httpx.AsyncBaseTransport) -> None:
        self._way = way

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked: httpx.Request = request.extensions[_ASKED]
        conditions = [(name, value) for name, value in request.headers.raw if name.decode() not in asked.headers]
        return await self._way.handle_async_request(
            httpx.Request(
                asked.method,
                asked.url,
                headers=[*asked.headers.raw, *conditions],
                stream=asked.stream,
                extensions=asked.extensions,
            )
        )
