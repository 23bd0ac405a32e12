"""All workers act as one towards a service: its budget, its wish to be left alone, and its circuit are shared."""

import asyncio
import email.utils
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from integrations.errors import RateLimited, Unavailable
from integrations.http import Budget, Circuit, Service
from tests.integrations.outside_world import Clock, outside_over
from tests.processes import valkey

GENTLE = Service("indexer:1", "https://indexer.test", requests=6, per_seconds=12.0, burst=2)


async def test_two_workers_draw_from_one_bucket_and_wait_for_its_next_token(redis_url: str) -> None:
    clock, seen = Clock(), list[float]()

    def answer(_request: httpx.Request) -> httpx.Response:
        seen.append(clock.now)
        return httpx.Response(200)

    began = clock.now
    async with outside_over(answer, redis_url, clock) as one, outside_over(answer, redis_url, clock) as two:
        budgets = [await two.budget(GENTLE)]
        for outside in (one, two, one, two):
            await outside.client(GENTLE).get("/")
            budgets.append(await two.budget(GENTLE))

    assert [when - began for when in seen] == [0, 0, 2, 4]
    assert budgets == [Budget(left, 2, 0.0) for left in (2, 1, 0, 0, 0)]


async def test_services_of_other_names_have_budgets_of_their_own(redis_url: str) -> None:
    clock = Clock()
    async with outside_over(lambda _: httpx.Response(200), redis_url, clock) as outside:
        for number in range(6):
            await outside.client(Service(f"indexer:{number}", "https://indexer.test", burst=1)).get("/")

    assert clock.slept == []


async def test_who_would_wait_too_long_for_the_budget_is_told_so(redis_url: str) -> None:
    slow = Service("daily", "https://daily.test", requests=1, per_seconds=3_600, burst=1)
    async with outside_over(lambda _: httpx.Response(200), redis_url) as outside:
        await outside.client(slow).get("/")
        with pytest.raises(RateLimited) as caught:
            await outside.client(slow).get("/")

    assert caught.value.retry_after == 3_600


async def test_who_is_always_too_late_for_the_next_token_gives_up(redis_url: str) -> None:
    class Beaten(Clock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            rival.now = self.now
            await quicker.client(GENTLE).get("/")

    clock, rival = Beaten(), Clock()
    async with (
        outside_over(lambda _: httpx.Response(200), redis_url, clock) as slower,
        outside_over(lambda _: httpx.Response(200), redis_url, rival) as quicker,
    ):
        for _ in range(2):
            await slower.client(GENTLE).get("/")
        with pytest.raises(RateLimited) as caught:
            await slower.client(GENTLE).get("/")

    assert (sum(clock.slept), rival.slept, caught.value.retry_after) == (60, [], 2)


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
async def test_a_short_retry_after_is_waited_for_to_the_second(redis_url: str, form: str, status: int) -> None:
    clock, seen = Clock(), list[float]()
    date = email.utils.format_datetime(datetime.fromtimestamp(clock.now + 7, UTC), usegmt=True)

    def answer(_request: httpx.Request) -> httpx.Response:
        seen.append(clock.now)
        said = {"retry-after": "7" if form == "seconds" else date}
        return httpx.Response(status, headers=said) if len(seen) == 1 else httpx.Response(200)

    async with outside_over(answer, redis_url, clock) as outside:
        await outside.client(GENTLE).get("/")

    assert [when - seen[0] for when in seen] == [0, 7]


async def test_a_long_retry_after_keeps_every_worker_away_and_for_no_longer(redis_url: str) -> None:
    clock, answers = Clock(), [httpx.Response(429, headers={"retry-after": "90"}), httpx.Response(200)]
    async with (
        outside_over(lambda _: answers.pop(0), redis_url, clock) as one,
        outside_over(lambda _: answers.pop(0), redis_url, clock) as two,
    ):
        waits = []
        for outside in (one, two, one):
            with pytest.raises(RateLimited) as caught:
                await outside.client(GENTLE).get("/")
            waits.append(caught.value.retry_after)
            clock.now += 30
        held = await two.budget(GENTLE)
        clock.now += 1
        answer = await two.client(GENTLE).get("/")

    assert (waits, held.held_seconds, answer.status_code) == ([90, 60, 30], 0, 200)


async def test_a_pause_of_unknown_length_doubles_until_an_answer_comes(redis_url: str) -> None:
    clock, waits = Clock(), []
    answers = [httpx.Response(status) for status in (429, 429, 429, 200, 429)]
    async with outside_over(lambda _: answers.pop(0), redis_url, clock) as outside:
        for _ in range(5):
            try:
                await outside.client(GENTLE).get("/")
            except RateLimited as limited:
                waits.append(limited.retry_after)
            clock.now += 500

    assert waits == [30, 60, 120, 30]


async def test_a_circuit_that_one_worker_opened_is_open_for_all_then_one_call_probes(redis_url: str) -> None:
    """And it does so only after a while; a probe that fails opens it again."""
    clock, calls, healthy = Clock(), list[str](), asyncio.Event()
    probing = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        if request.url.path == "/probe":
            await probing.wait()
        return httpx.Response(200 if healthy.is_set() else 500)

    service = Service("indexer:1", "https://indexer.test", burst=50, at_once=50)
    async with outside_over(answer, redis_url, clock) as one, outside_over(answer, redis_url, clock) as two:
        for _ in range(5):
            await one.client(service).get("/")
        states = [await two.circuit(service.name)]
        with pytest.raises(Unavailable, match="left alone for 30 s"):
            await two.client(service).get("/")
        clock.now += 31
        states.append(await two.circuit(service.name))
        failing = asyncio.create_task(two.client(service).get("/probe"))
        probing.set()
        await failing
        states.append(await one.circuit(service.name))
        clock.now += 31
        healthy.set()
        probing.clear()
        probe, *others = [asyncio.create_task(two.client(service).get("/probe")) for _ in range(5)]
        refused = await asyncio.gather(*others, one.client(service).get("/other"), return_exceptions=True)
        probing.set()
        await probe
        states.append(await one.circuit(service.name))
        await one.client(service).get("/after")

    assert states == [Circuit.OPEN, Circuit.HALF_OPEN, Circuit.OPEN, Circuit.CLOSED]
    assert [type(each) for each in refused] == [Unavailable] * 5
    assert calls == ["/"] * 5 + ["/probe", "/probe", "/after"]


async def test_a_probe_whose_worker_died_is_followed_by_another(redis_url: str) -> None:
    clock, started = Clock(), asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/killed":
            started.set()
            await asyncio.Event().wait()
        return httpx.Response(500 if request.url.path == "/bad" else 200)

    service = Service("indexer:1", "https://indexer.test", burst=50)
    async with outside_over(answer, redis_url, clock) as outside:
        for _ in range(5):
            await outside.client(service).get("/bad")
        clock.now += 31
        task = asyncio.create_task(outside.client(service).get("/killed"))
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with pytest.raises(Unavailable):
            await outside.client(service).get("/")
        clock.now += service.timeout_seconds + 6
        assert (await outside.client(service).get("/")).status_code == 200
        assert await outside.circuit(service.name) is Circuit.CLOSED


async def test_a_probe_that_hears_too_many_closes_the_circuit_and_keeps_the_pause(redis_url: str) -> None:
    clock, status = Clock(), 500
    service = Service("indexer:1", "https://indexer.test", burst=50)
    async with outside_over(lambda _: httpx.Response(status), redis_url, clock) as outside:
        for _ in range(5):
            await outside.client(service).get("/")
        clock.now += 31
        status = 429
        with pytest.raises(RateLimited):
            await outside.client(service).get("/")
        assert await outside.circuit(service.name) is Circuit.CLOSED
        assert (await outside.budget(service)).held_seconds == 30


async def test_an_answer_to_what_was_asked_before_the_circuit_opened_does_not_close_it(redis_url: str) -> None:
    asked, slowly = asyncio.Event(), asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/slow":
            asked.set()
            await slowly.wait()
            return httpx.Response(200)
        return httpx.Response(500)

    service = Service("indexer:1", "https://indexer.test", burst=50)
    async with outside_over(answer, redis_url) as outside:
        client = outside.client(service)
        await client.get("/")
        late = asyncio.create_task(client.get("/slow"))
        await asked.wait()
        for _ in range(4):
            await client.get("/")
        slowly.set()
        await late
        assert await outside.circuit(service.name) is Circuit.OPEN


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429])
async def test_a_service_that_answers_at_all_keeps_its_circuit_closed(redis_url: str, status: int) -> None:
    said = {"retry-after": "0"} if status == 429 else {}
    service = Service("indexer:1", "https://indexer.test", burst=50)
    async with outside_over(lambda _: httpx.Response(status, headers=said), redis_url) as outside:
        for _ in range(8):
            await asyncio.gather(outside.client(service).post("/"), return_exceptions=True)
        assert await outside.circuit(service.name) is Circuit.CLOSED


async def test_an_open_circuit_ends_the_attempts_of_a_call(redis_url: str) -> None:
    calls = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.method)
        raise httpx.ConnectError("x")

    async with outside_over(answer, redis_url) as outside:
        for _ in range(2):
            with pytest.raises(Unavailable, match="no connection"):
                await outside.client(GENTLE).get("/")

    assert len(calls) == 5


async def test_without_valkey_nothing_goes_out(short_folder: Path) -> None:
    """Nor is an answer lost when it goes away during a call."""
    socket, calls = short_folder / "lost.sock", list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        server.close()
        return httpx.Response(503 if request.url.path == "/busy" else 200)

    server = ExitStack()
    server.enter_context(valkey(socket))
    async with outside_over(answer, f"unix://{socket}") as outside:
        client = outside.client(GENTLE)
        assert (await client.post("/busy")).status_code == 503
        with pytest.raises(Unavailable, match="the shared budget cannot be reached"):
            await client.get("/")
        for question in (outside.budget(GENTLE), outside.circuit(GENTLE.name)):
            with pytest.raises(Unavailable, match="the shared budget cannot be reached"):
                await question
        server.enter_context(valkey(socket))
        assert (await client.get("/again")).status_code == 200

    assert calls == ["/busy", "/again"]
