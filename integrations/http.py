"""The one way out: every request to somebody else's server leaves through here.

A client's request passes, in this order: the answers kept (if the service allows it), a place among the calls at once,
then for each attempt the gate that all workers share (circuit, pause, token bucket), the TLS rule and the exchange with
its limits. What leaves upwards are answers or the errors of `integrations.errors`, never httpx's own: they carry URLs,
and URLs carry keys.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast
from uuid import uuid4

import httpx
import structlog
from hishel import AsyncRedisStorage
from redis.asyncio import Redis
from redis.exceptions import RedisError
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt, wait_random_exponential

from integrations.addresses import Resolve, connectable, resolve_name
from integrations.errors import BadPayload, IntegrationError, RateLimited, Unavailable
from integrations.exchanges import Damaged, NotConnected, Unfinished, begin, exchange, retry_after
from integrations.gates import FIRST_PAUSE_SECONDS, LONGEST_SERVER_WAIT_SECONDS, Budget, Circuit, Gates, Pass, Service
from integrations.kept_answers import KeptAnswers
from integrations.redaction import Redactor, silence

__all__ = ["Budget", "Circuit", "Outside", "Service"]

log = structlog.get_logger(__name__)

_T = TypeVar("_T")

Sleep = Callable[[float], Awaitable[None]]

ATTEMPTS = 3
_BACKOFF = wait_random_exponential(multiplier=0.5, max=8)
_IDEMPOTENT = frozenset({"GET", "HEAD"})
_BUSY = frozenset({502, 503, 504})
# Valkey is near: one that takes longer is lost.
_VALKEY_SECONDS = 5.0
_CONNECTIONS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the ways of all services have in common."""

    transport: httpx.AsyncBaseTransport
    gates: Gates
    redactor: Redactor
    plain_http_hosts: Collection[str]
    resolve: Resolve
    clock: Callable[[], float]
    sleep: Sleep


class Outside:
    """The outside world as one worker process sees it."""

    def __init__(
        self,
        redis_url: str,
        *,
        user_agent: str,
        plain_http_hosts: Collection[str] = (),
        clock: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
        transport: httpx.AsyncBaseTransport | None = None,
        resolve: Resolve = resolve_name,
    ) -> None:
        self._valkey = Redis.from_url(redis_url, socket_timeout=_VALKEY_SECONDS, socket_connect_timeout=_VALKEY_SECONDS)
        # Only what can be unpacked piece by piece is asked for.
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}
        self._shared = _Shared(
            transport=transport or httpx.AsyncHTTPTransport(verify=True, trust_env=False, limits=_CONNECTIONS),
            gates=Gates(self._valkey, clock=clock, sleep=sleep),
            redactor=Redactor(),
            plain_http_hosts=plain_http_hosts,
            resolve=resolve,
            clock=clock,
            sleep=sleep,
        )
        self._places: dict[tuple[str, int], asyncio.Semaphore] = {}
        silence("httpx", "httpcore", "hishel")

    def client(self, service: Service) -> httpx.AsyncClient:
        """A client for one service; closing it is not necessary and ends no connection.

        Its requests raise the errors of `integrations.errors`: RateLimited for a 429 and for a budget that is spent
        for long, Unavailable when no whole answer comes, InsecureAddress, and BadPayload for an address that is not
        the service's. Answers of any other status are given back. GET and HEAD are retried unless
        they say `extensions={"idempotent": False}`, and others that say True. An answer to one that says
        `extensions={"streamed": True}` may be read while it comes (`client.stream`), which raises the same errors.
        """
        self._shared.redactor.learn(service.secrets)
        places = self._places.setdefault((service.name, service.at_once), asyncio.Semaphore(service.at_once))
        way: httpx.AsyncBaseTransport = _Way(self._shared, service, places)
        if service.cached:
            way = KeptAnswers(way, self._storage(service), self._shared.redactor)
        return _Client(service, way, self._headers)

    async def circuit(self, name: str) -> Circuit:
        """The state of the circuit of a service, as all workers see it. Raises Unavailable without Valkey."""
        async with _valkey_needed(name):
            return await self._shared.gates.circuit(name)

    async def budget(self, service: Service) -> Budget:
        """What is left of the budget that all workers share. Raises Unavailable without Valkey."""
        async with _valkey_needed(service.name):
            return await self._shared.gates.budget(service)

    def redact(self, text: str) -> str:
        """Replace every secret of every client made here, in raw, URL-encoded, JSON-escaped and base64 form."""
        return self._shared.redactor.redact(text)

    def learn(self, secret: str) -> None:
        """Redact this too: a cookie that has been rotated, a link with a key. The last 50 are remembered."""
        self._shared.redactor.learn_passing(secret)

    async def close(self) -> None:
        """End all connections."""
        await self._shared.transport.aclose()
        await self._valkey.aclose()

    def _storage(self, service: Service) -> AsyncRedisStorage:
        prefix = f"shelfgraph:answers:{service.name}"
        return AsyncRedisStorage(self._valkey, max_stream_size=service.most_bytes, key_prefix=prefix)


class _Client(httpx.AsyncClient):
    """An httpx client from which no error of httpx leaves."""

    def __init__(self, service: Service, transport: httpx.AsyncBaseTransport, headers: dict[str, str]) -> None:
        self._service = service.name
        super().__init__(
            base_url=service.base_url,
            headers=headers,
            timeout=service.timeout_seconds,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
        )

    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        """Refuse an address that is none."""
        try:
            return super().build_request(*args, **kwargs)
        except httpx.InvalidURL:
            pass
        raise BadPayload(self._service, "an address that cannot be read")

    async def send(self, *args: Any, **kwargs: Any) -> httpx.Response:
        """Refuse a redirect that cannot be followed: all else is told apart below."""
        try:
            return await super().send(*args, **kwargs)
        except (httpx.HTTPError, httpx.InvalidURL):
            pass
        raise BadPayload(self._service, "a redirect that cannot be followed")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one attempt."""

    result: httpx.Response | IntegrationError
    is_failure: bool = False  # the circuit counts it
    again: bool = False
    is_held: bool = False  # the gate makes the next attempt wait as long as the server has asked

    @property
    def seen(self) -> str:
        """What a log line says of it."""
        return str(self.result) if isinstance(self.result, IntegrationError) else f"status {self.result.status_code}"


class _Way(httpx.AsyncBaseTransport):
    """The way of one service's requests to the network."""

    def __init__(self, shared: _Shared, service: Service, places: asyncio.Semaphore) -> None:
        self._shared = shared
        self._service = service
        self._places = places
        self._origins = {_origin(httpx.URL(url)) for url in (service.base_url, *service.other_urls)}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give the answer, after as many attempts as it may take."""
        if _origin(request.url) not in self._origins:
            # Keys in headers must not follow a link or a redirect that somebody else has written.
            host = self._shared.redactor.redact(request.url.host)
            raise BadPayload(self._service.name, f"a link to {host}, which is not its own")
        retrying = AsyncRetrying(
            sleep=self._shared.sleep,
            stop=stop_after_attempt(ATTEMPTS),
            wait=_pause,
            retry=retry_if_result(_is_worth_repeating),
            retry_error_callback=_last,
        )
        async with self._places:
            outcome: _Outcome = await retrying(self._attempt, request, uuid4().hex)
        if isinstance(outcome.result, IntegrationError):
            raise outcome.result
        return outcome.result

    async def _attempt(self, request: httpx.Request, caller: str) -> _Outcome:
        service = self._service
        async with _valkey_needed(service.name):
            given = await self._shared.gates.enter(service, caller)
        send = begin if _is_streamed(request) else exchange
        try:
            answer = await send(
                self._shared.transport,
                request,
                await self._targets(request.url),
                most_bytes=service.most_bytes,
                seconds=_seconds(request, service),
            )
        except Unfinished as problem:
            outcome = self._unfinished(problem, request)
        else:
            if not answer.is_closed:
                return _Outcome(self._watched(answer, given))
            outcome = await self._answered(answer, request)
        return await self._settle(outcome, given)

    def _watched(self, answer: httpx.Response, given: Pass) -> httpx.Response:
        """An answer whose body is still to come: how that goes is how the call goes."""

        async def ended() -> None:
            await self._noted(self._shared.gates.succeeded(self._service, given), None)

        stream = cast("httpx.AsyncByteStream", answer.stream)
        body = _WatchedBody(stream, ended, self._broken_off)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=body, extensions=answer.extensions)

    async def _broken_off(self, problem: Unfinished) -> IntegrationError:
        if isinstance(problem, Damaged):
            return BadPayload(self._service.name, problem.reason)
        log.info("outside_broke_off", service=self._service.name, reason=problem.reason)
        await self._noted(self._shared.gates.failed(self._service), otherwise=False)
        return Unavailable(self._service.name, problem.reason)

    async def _targets(self, url: httpx.URL) -> list[httpx.URL]:
        shared = self._shared
        try:
            async with asyncio.timeout(self._service.timeout_seconds):
                return await connectable(self._service.name, url, shared.plain_http_hosts, shared.resolve)
        except OSError:  # a TimeoutError is one, too
            raise NotConnected("its name has no address") from None

    def _unfinished(self, problem: Unfinished, request: httpx.Request) -> _Outcome:
        if isinstance(problem, Damaged):
            return _Outcome(BadPayload(self._service.name, problem.reason))
        repeatable = isinstance(problem, NotConnected) or _is_idempotent(request)
        error = Unavailable(self._service.name, problem.reason)
        return _Outcome(error, is_failure=True, again=problem.worth_repeating and repeatable)

    async def _answered(self, answer: httpx.Response, request: httpx.Request) -> _Outcome:
        status, may_repeat = answer.status_code, _is_idempotent(request)
        asked = retry_after(answer, self._shared.clock())
        if status == httpx.codes.TOO_MANY_REQUESTS:
            pause = await self._hold(asked)
            again = may_repeat and pause <= LONGEST_SERVER_WAIT_SECONDS
            return _Outcome(RateLimited(self._service.name, pause), again=again, is_held=True)
        if status not in _BUSY:
            return _Outcome(answer, is_failure=status >= httpx.codes.INTERNAL_SERVER_ERROR)
        if asked is None:
            return _Outcome(answer, is_failure=True, again=may_repeat)
        pause = await self._hold(asked)
        again = may_repeat and pause <= LONGEST_SERVER_WAIT_SECONDS
        return _Outcome(answer, is_failure=True, again=again, is_held=True)

    async def _hold(self, asked: float | None) -> float:
        noting = self._shared.gates.hold(self._service, asked)
        pause = await self._noted(noting, FIRST_PAUSE_SECONDS if asked is None else asked)
        log.warning("outside_held", service=self._service.name, seconds=pause)
        return pause

    async def _settle(self, outcome: _Outcome, given: Pass) -> _Outcome:
        service, gates = self._service, self._shared.gates
        if not outcome.is_failure:
            await self._noted(gates.succeeded(service, given), None)
            return outcome
        log.info("outside_failed", service=service.name, seen=outcome.seen, again=outcome.again)
        if await self._noted(gates.failed(service), otherwise=False):
            log.warning("outside_circuit_opened", service=service.name)
            return replace(outcome, again=False)
        return outcome

    async def _noted(self, noting: Awaitable[_T], otherwise: _T) -> _T:
        """Tell the other workers; what has been answered stays answered if Valkey is lost meanwhile."""
        try:
            return await noting
        except (RedisError, OSError) as error:
            log.warning("outside_not_noted", service=self._service.name, error=type(error).__name__)
            return otherwise


class _WatchedBody(httpx.AsyncByteStream):
    """A body that is read as it comes; what breaks it off is told, and raised as what that makes of it.

    One that its reader closes has ended well, too: readers need not wait for the last byte.
    """

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        ended: Callable[[], Awaitable[None]],
        broken_off: Callable[[Unfinished], Awaitable[IntegrationError]],
    ) -> None:
        self._stream = stream
        self._ended = ended
        self._broken_off = broken_off
        self._is_over = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield part
        except Unfinished as problem:
            self._is_over = True
            error = await self._broken_off(problem)
        else:
            return
        raise error

    async def aclose(self) -> None:
        """End the connection, and note how it went unless that is noted."""
        await self._stream.aclose()
        if not self._is_over:
            self._is_over = True
            await self._ended()


@asynccontextmanager
async def _valkey_needed(service: str) -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError):
        # Without it nobody knows what the other workers have spent.
        raise Unavailable(service, "the shared budget cannot be reached, since Valkey is not there") from None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _seconds(request: httpx.Request, service: Service) -> float:
    """A request's own time-out, such as that of a slow search, else the service's."""
    return request.extensions.get("timeout", {}).get("read") or service.timeout_seconds


def _is_idempotent(request: httpx.Request) -> bool:
    # Some services spend money by GET: what its sender says counts for more than the method.
    return bool(request.extensions.get("idempotent", request.method in _IDEMPOTENT))


def _is_streamed(request: httpx.Request) -> bool:
    return bool(request.extensions.get("streamed", False))


def _is_worth_repeating(outcome: _Outcome) -> bool:
    return outcome.again


def _pause(state: RetryCallState) -> float:
    return 0.0 if _last(state).is_held else _BACKOFF(state)


def _last(state: RetryCallState) -> _Outcome:
    if state.outcome is None:
        raise AssertionError
    outcome: _Outcome = state.outcome.result()
    return outcome
