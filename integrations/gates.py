"""What every worker passes before a call: the service's circuit, its wish to be left alone, and its token bucket.

All of it lives in Valkey, so that workers act as one: two round trips per call, three after a failure. Times are
milliseconds of the workers' clocks, which must agree to a fraction of a second, as any time service makes them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pyrate_limiter import Rate, TokenBucket
from pyrate_limiter.buckets.redis_state import RedisStateStore

from integrations.errors import RateLimited, Unavailable

# So many failures without a success between them open the circuit …
FAILURES_TO_OPEN = 5
# … for so long; then one call of all workers' probes.
OPEN_SECONDS = 30.0
# A probe that has not come back so long after its own time-out died with its worker.
_PROBE_GRACE_SECONDS = 5.0
# Who is asked to wait longer is told so instead: by the server …
LONGEST_SERVER_WAIT_SECONDS = 10.0
# … or by our own budget.
LONGEST_BUDGET_WAIT_SECONDS = 60.0
# What a server means that says "too many" without saying for how long: twice as long each time in a row.
FIRST_PAUSE_SECONDS = 30.0
_LONGEST_GUESSED_PAUSE_SECONDS = 480.0
# Nobody means more; it also ends what a service that is never called again left behind.
_KEPT = 86_400_000

# ARGV: now, caller, when its probe would be given up. Answers: what to do, for how many ms, whether anything is noted.
_ASK = """
local noted = redis.call('HMGET', KEYS[1], 'held_until', 'open_until', 'probe_until', 'probe')
local now = tonumber(ARGV[1])
local held, open, probing = tonumber(noted[1] or 0), tonumber(noted[2] or 0), tonumber(noted[3] or 0)
if held > now then return {'held', held - now, 1} end
if open > now then return {'open', open - now, 1} end
if open > 0 then
    if probing > now and noted[4] ~= ARGV[2] then return {'open', probing - now, 1} end
    redis.call('HSET', KEYS[1], 'probe', ARGV[2], 'probe_until', ARGV[3])
end
return {'go', 0, redis.call('EXISTS', KEYS[1])}
"""

# ARGV: now, caller. One that set out before the circuit opened proves nothing.
_SUCCEEDED = """
local noted = redis.call('HMGET', KEYS[1], 'open_until', 'probe', 'held_until')
if noted[1] and noted[2] ~= ARGV[2] then return end
redis.call('HDEL', KEYS[1], 'failures', 'open_until', 'probe', 'probe_until')
if tonumber(noted[3] or 0) <= tonumber(ARGV[1]) then redis.call('DEL', KEYS[1]) end
"""

# ARGV: failures to open, until when it would be open, ms to keep. Answers the number of failures in a row.
_FAILED = """
local failures = redis.call('HINCRBY', KEYS[1], 'failures', 1)
if failures >= tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], 'open_until', ARGV[2])
    redis.call('HDEL', KEYS[1], 'probe', 'probe_until')
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return failures
"""

# ARGV: now, ms asked for or -1, first guess, longest guess, ms to keep. Answers the ms.
_HELD = """
local strikes = redis.call('HINCRBY', KEYS[1], 'strikes', 1)
local pause = tonumber(ARGV[2])
if pause < 0 then pause = math.min(tonumber(ARGV[3]) * 2 ^ (strikes - 1), tonumber(ARGV[4])) end
pause = math.min(pause, tonumber(ARGV[5]))
local till = tonumber(ARGV[1]) + pause
if till > tonumber(redis.call('HGET', KEYS[1], 'held_until') or 0) then
    redis.call('HSET', KEYS[1], 'held_until', string.format('%.0f', till))
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return pause
"""


@dataclass(frozen=True, slots=True)
class Service:
    """Who is called, and how gently."""

    name: str  # budgets and circuit are shared by all who use this name, such as "qbittorrent:3"
    base_url: str
    other_urls: tuple[str, ...] = ()  # where else the service lives; requests to other origins are refused
    requests: int = 60  # the bucket fills with so many tokens …
    per_seconds: float = 60.0  # … in so many seconds
    burst: int = 5
    at_once: int = 4  # in one process
    timeout_seconds: float = 30.0  # for a whole exchange; a request may bring its own
    most_bytes: int = 10_000_000  # of an answer, unpacked
    secrets: tuple[str, ...] = field(default=(), repr=False)
    cached: bool = False  # answers may be kept in Valkey: only where they hold no secret


class Circuit(StrEnum):
    """The state of the circuit breaker of a service."""

    CLOSED = "CLOSED"  # calls go through
    OPEN = "OPEN"  # it has failed again and again, and is left alone
    HALF_OPEN = "HALF_OPEN"  # the next call is a probe, which closes or opens it


@dataclass(frozen=True, slots=True)
class Budget:
    """How many calls are left at once, of how many, and for how many seconds none may be made at all."""

    remaining: int
    capacity: int
    held_seconds: float


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to make one call."""

    caller: str
    is_noted: bool  # earlier failures or pauses are noted, which a success takes back


class Gates:
    """The gates of all services; `valkey` is a `redis.asyncio.Redis`, whose errors come through."""

    def __init__(
        self, valkey: Any, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._valkey = valkey
        self._clock = clock
        self._sleep = sleep
        self._ask, self._succeeded, self._failed, self._held = map(
            valkey.register_script, (_ASK, _SUCCEEDED, _FAILED, _HELD)
        )
        self._bucket = TokenBucket()
        self._stores: dict[str, Any] = {}  # RedisStateStore leaves its answers untyped

    async def enter(self, service: Service, caller: str) -> Pass:
        """Wait until `caller` may call.

        Raises Unavailable while the circuit is open; RateLimited where the wait would be long, or has become so
        because others were quicker to take each next token.
        """
        waited = 0.0
        while True:
            # Asked again after each wait: others may have met a failure or a "too many" meanwhile.
            verdict, milliseconds, is_noted = await self._verdict(service, caller)
            seconds = milliseconds / 1000
            if verdict == "open":
                raise Unavailable(service.name, f"it has failed repeatedly and is left alone for {seconds:.0f} s")
            longest = LONGEST_SERVER_WAIT_SECONDS
            if verdict == "go":
                seconds, longest = await self._take(service), LONGEST_BUDGET_WAIT_SECONDS
            if seconds == 0:
                return Pass(caller, is_noted)
            if waited + seconds > longest:
                raise RateLimited(service.name, seconds)
            waited += seconds
            await self._sleep(seconds)

    async def succeeded(self, service: Service, given: Pass) -> None:
        """Note that the service answers."""
        if given.is_noted:
            await self._succeeded(keys=[_key(service.name)], args=[self._now(), given.caller])

    async def failed(self, service: Service) -> bool:
        """Note that the service does not answer; true if its circuit is open because of it."""
        until = self._now() + _milliseconds(OPEN_SECONDS)
        failures = await self._failed(keys=[_key(service.name)], args=[FAILURES_TO_OPEN, until, _KEPT])
        return bool(failures >= FAILURES_TO_OPEN)

    async def hold(self, service: Service, seconds: float | None) -> float:
        """Let nobody call for so long (None: it did not say for how long); give the seconds."""
        asked = -1 if seconds is None else _milliseconds(seconds)
        guesses = map(_milliseconds, (FIRST_PAUSE_SECONDS, _LONGEST_GUESSED_PAUSE_SECONDS))
        arguments = [self._now(), asked, *guesses, _KEPT]
        return float(await self._held(keys=[_key(service.name)], args=arguments)) / 1000

    async def circuit(self, name: str) -> Circuit:
        """The state of a service's circuit."""
        open_until = await self._valkey.hget(_key(name), "open_until")
        if open_until is None:
            return Circuit.CLOSED
        return Circuit.OPEN if int(open_until) > self._now() else Circuit.HALF_OPEN

    async def budget(self, service: Service) -> Budget:
        """What is left of a service's budget."""
        rates, now = [_rate(service)], self._now()
        state = await self._store(service).read(self._bucket, rates)
        held_until = int(await self._valkey.hget(_key(service.name), "held_until") or 0)
        spent = self._bucket.consumed(rates, state, now)
        return Budget(max(0, service.burst - spent), service.burst, max(0, held_until - now) / 1000)

    async def _verdict(self, service: Service, caller: str) -> tuple[str, int, bool]:
        now = self._now()
        given_up = now + _milliseconds(service.timeout_seconds + _PROBE_GRACE_SECONDS)
        verdict, milliseconds, noted = await self._ask(keys=[_key(service.name)], args=[now, caller, given_up])
        return verdict.decode(), int(milliseconds), bool(noted)

    async def _take(self, service: Service) -> float:
        """Take a token, or say in how many seconds there is one."""
        decision = await self._store(service).check(self._bucket, [_rate(service)], self._now(), 1)
        return (decision.retry_after_ms or 0) / 1000

    def _store(self, service: Service) -> Any:
        if service.name not in self._stores:
            self._stores[service.name] = RedisStateStore(self._valkey, f"{_key(service.name)}:bucket")
        return self._stores[service.name]

    def _now(self) -> int:
        return _milliseconds(self._clock())


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _rate(service: Service) -> Rate:
    return Rate(service.requests, _milliseconds(service.per_seconds), burst=service.burst)


def _key(name: str) -> str:
    return f"shelfgraph:outside:{name}"
