"""What the one way out gives back, what it repeats and what it refuses; the network is a function."""

import asyncio
from collections.abc import Iterable

import httpx
import pytest

from integrations.errors import BadPayload, InsecureAddress, IntegrationError, RateLimited, Unavailable
from integrations.http import Circuit, Service
from tests.integrations.outside_world import Clock, outside_over

HOME = Service("indexer:1", "https://indexer.test", burst=50)


class Network:
    """Answers with what it was given, the last for ever, and remembers who asked."""

    def __init__(self, answers: Iterable[httpx.Response | Exception | int]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer) if isinstance(answer, int) else answer


async def test_an_answer_comes_back_whole_and_the_request_names_the_program(redis_url: str) -> None:
    network = Network(
        [httpx.Response(404, json={"no": "such"}, headers=[("set-cookie", "a=1"), ("set-cookie", "b=2")])]
    )
    async with outside_over(network, redis_url) as outside:
        answer = await outside.client(HOME).get("/books", params={"q": "Emma"})

    assert (answer.status_code, answer.json(), answer.headers.get_list("set-cookie")) == (
        404,
        {"no": "such"},
        ["a=1", "b=2"],
    )
    (request,) = network.requests
    assert (str(request.url), request.headers["user-agent"], request.headers["accept-encoding"]) == (
        "https://indexer.test/books?q=Emma",
        "Shelfgraph/test",
        "gzip",
    )


@pytest.mark.parametrize(
    "trouble", [502, 503, 504, httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")]
)
async def test_a_read_is_repeated_after_growing_random_waits(redis_url: str, trouble: int | Exception) -> None:
    network, clock = Network([trouble, trouble, 200]), Clock()
    async with outside_over(network, redis_url, clock) as outside:
        answer = await outside.client(HOME).get("/")

    assert (answer.status_code, len(network.requests), len(clock.slept)) == (200, 3, 2)
    assert all(0 < seconds <= longest for seconds, longest in zip(clock.slept, (0.5, 1.0), strict=True))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 500, 501])
async def test_a_status_that_has_a_meaning_is_given_back_at_once(redis_url: str, status: int) -> None:
    network = Network([status])
    async with outside_over(network, redis_url) as outside:
        answer = await outside.client(HOME).get("/")

    assert (answer.status_code, len(network.requests)) == (status, 1)


async def test_the_last_answer_is_given_back_when_nothing_helps(redis_url: str) -> None:
    network = Network([503])
    async with outside_over(network, redis_url) as outside:
        answer = await outside.client(HOME).get("/")

    assert (answer.status_code, len(network.requests)) == (503, 3)


@pytest.mark.parametrize("trouble", [httpx.ReadError("x"), httpx.ReadTimeout("x"), httpx.WriteError("x"), 429])
async def test_a_write_is_never_repeated_once_it_may_have_been_received(
    redis_url: str, trouble: int | Exception
) -> None:
    network = Network([trouble, 200])
    async with outside_over(network, redis_url) as outside:
        with pytest.raises(Unavailable):
            await outside.client(HOME).post("/torrents/add", data={"urls": "magnet:"})

    assert len(network.requests) == 1


async def test_a_write_is_not_repeated_after_a_busy_answer_either(redis_url: str) -> None:
    network = Network([503, 200])
    async with outside_over(network, redis_url) as outside:
        answer = await outside.client(HOME).post("/torrents/add")

    assert (answer.status_code, len(network.requests)) == (503, 1)


@pytest.mark.parametrize("trouble", [httpx.ConnectError("x"), httpx.ConnectTimeout("x")])
async def test_a_write_that_was_never_sent_is_repeated_with_its_body(redis_url: str, trouble: Exception) -> None:
    network = Network([trouble, 200])
    async with outside_over(network, redis_url) as outside:
        await outside.client(HOME).post("/torrents/add", files={"torrents": ("x.torrent", b"d4:info")})

    assert len(network.requests) == 2
    assert b"d4:info" in network.requests[1].content


@pytest.mark.parametrize("trouble", [httpx.ReadError("x"), httpx.ReadTimeout("x"), 429])
async def test_a_read_that_spends_something_is_never_repeated(redis_url: str, trouble: int | Exception) -> None:
    network = Network([trouble, 200])
    async with outside_over(network, redis_url) as outside:
        with pytest.raises(Unavailable):
            await outside.client(HOME).get("/buy", extensions={"idempotent": False})

    assert len(network.requests) == 1


async def test_a_write_that_says_it_is_idempotent_is_repeated(redis_url: str) -> None:
    network = Network([503, httpx.ReadError("x"), 200])
    async with outside_over(network, redis_url) as outside:
        answer = await outside.client(HOME).post("/search", json={}, extensions={"idempotent": True})

    assert (answer.status_code, len(network.requests)) == (200, 3)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (httpx.ConnectError("key=hush"), "no connection"),
        (httpx.ConnectTimeout("key=hush"), "no connection within 30 s"),
        (httpx.ReadTimeout("key=hush"), "no whole answer within 30 s"),
        (httpx.RemoteProtocolError("key=hush"), "the connection broke"),
    ],
)
async def test_what_went_wrong_is_said_without_the_words_of_others(
    redis_url: str, trouble: Exception, reason: str
) -> None:
    async with outside_over(Network([trouble]), redis_url) as outside:
        with pytest.raises(Unavailable) as caught:
            await outside.client(HOME).get("/?key=hush")

    assert str(caught.value) == f"indexer:1 does not answer: {reason}. It is tried again by itself."
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(
    "address",
    ["https://elsewhere.test/", "https://indexer.test:444/", "http://indexer.test/"],
)
async def test_keys_never_follow_a_link_to_another_origin(redis_url: str, address: str) -> None:
    network = Network([200])
    async with outside_over(network, redis_url) as outside:
        with pytest.raises(BadPayload):
            await outside.client(HOME).get(address, headers={"X-Api-Key": "hush"})

    assert network.requests == []


async def test_a_redirect_is_given_back_and_followed_only_within_the_service(redis_url: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        leads_to = {"/here": "/there", "/away": "https://elsewhere.test/", "/odd": "https://[", "/loop": "/loop"}
        where = leads_to.get(request.url.path)
        return httpx.Response(302, headers={"location": where}) if where else httpx.Response(200)

    async with outside_over(answer, redis_url) as outside:
        client = outside.client(HOME)
        statuses = [
            (await client.get("/away")).status_code,
            (await client.get("/here", follow_redirects=True)).status_code,
        ]
        for path in ("/away", "/odd", "/loop"):
            with pytest.raises(IntegrationError):
                await client.get(path, follow_redirects=True)

    assert statuses == [302, 200]


async def test_a_service_may_live_at_several_addresses(redis_url: str) -> None:
    service = Service("tracker", "https://www.tracker.test", other_urls=("https://cdn.tracker.test",))
    async with outside_over(Network([200]), redis_url) as outside:
        answer = await outside.client(service).get("https://cdn.tracker.test/list")

    assert answer.status_code == 200


async def test_an_address_that_is_none_is_a_value_and_no_crash(redis_url: str) -> None:
    async with outside_over(Network([200]), redis_url) as outside:
        with pytest.raises(BadPayload):
            await outside.client(HOME).get("https://[indexer.test/")


async def test_plain_http_goes_to_the_address_that_was_checked_under_the_hosts_name(redis_url: str) -> None:
    network = Network([200])
    async with outside_over(network, redis_url) as outside:
        await outside.client(Service("prowlarr", "http://prowlarr.test:9696")).get("/api")

    (request,) = network.requests
    assert (str(request.url), request.headers["host"]) == ("http://10.0.0.9:9696/api", "prowlarr.test:9696")


async def test_plain_http_to_a_public_address_is_refused_before_anything_is_sent(redis_url: str) -> None:
    async def somewhere(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34"]

    network = Network([200])
    async with outside_over(network, redis_url, resolve=somewhere) as outside:
        with pytest.raises(InsecureAddress):
            await outside.client(Service("prowlarr", "http://prowlarr.test")).get("/")
        assert await outside.circuit("prowlarr") is Circuit.CLOSED
    async with outside_over(network, redis_url, resolve=somewhere, plain_http_hosts=["prowlarr.test"]) as outside:
        await outside.client(Service("prowlarr", "http://prowlarr.test")).get("/")

    assert [str(request.url) for request in network.requests] == ["http://prowlarr.test/"]


async def test_only_so_many_requests_are_under_way_at_once(redis_url: str) -> None:
    under_way, finish = 0, asyncio.Event()

    async def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal under_way
        under_way += 1
        await finish.wait()
        return httpx.Response(200)

    service = Service("indexer:1", "https://indexer.test", at_once=2, burst=20)
    async with outside_over(answer, redis_url) as outside:
        tasks = [asyncio.create_task(outside.client(service).get("/")) for _ in range(10)]
        for _ in range(50):  # round trips in which the others would have set out
            await outside.circuit(service.name)
        most, under_way = under_way, 0
        finish.set()
        await asyncio.gather(*tasks)

    assert (most, under_way) == (2, 8)


async def test_a_request_that_is_given_up_frees_its_place(redis_url: str) -> None:
    started = asyncio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/slow":
            started.set()
            await asyncio.Event().wait()
        return httpx.Response(200)

    service = Service("indexer:1", "https://indexer.test", at_once=1)
    async with outside_over(answer, redis_url) as outside:
        task = asyncio.create_task(outside.client(service).get("/slow"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await outside.client(service).get("/")).status_code == 200


async def test_a_whole_exchange_has_a_time_out_which_a_request_may_change(redis_url: str) -> None:
    async def answer(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with outside_over(answer, redis_url) as outside:
        with pytest.raises(Unavailable) as caught:
            await outside.client(HOME).post("/", timeout=0.02)

    assert "no whole answer within 0.02 s" in str(caught.value)


async def test_an_exhausted_rate_at_the_server_is_not_an_answer(redis_url: str) -> None:
    network = Network([httpx.Response(429, headers={"retry-after": "120"})])
    async with outside_over(network, redis_url) as outside:
        with pytest.raises(RateLimited) as caught:
            await outside.client(HOME).get("/")

    assert (caught.value.retry_after, len(network.requests)) == (120.0, 1)
