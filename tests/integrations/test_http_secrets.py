"""Nothing that leaves the way out holds a secret: no error, no log line, no key of Valkey."""

import base64
import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from urllib.parse import quote, quote_plus

import httpx
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from integrations.errors import IntegrationError
from integrations.http import Outside, Service
from tests.integrations.loopback import loopback, saying
from tests.integrations.outside_world import Clock, Handler, outside_over

SECRET = 'k3y/with "quotes"+and=signs'
FORMS = (
    SECRET,
    quote(SECRET, safe=""),
    quote(SECRET),
    quote_plus(SECRET),
    json.dumps(SECRET)[1:-1],
    base64.b64encode(SECRET.encode()).decode(),
    base64.b64encode(b"me:" + SECRET.encode()).decode(),
)
HOME = Service("indexer:1", "https://indexer.test", secrets=(SECRET,), burst=50)


def leaks(text: str) -> list[str]:
    """The forms of the secret that a text holds."""
    return [form for form in FORMS if form in text]


async def ask(client: httpx.AsyncClient, path: str = "/dl") -> httpx.Response:
    """Ask with the secret in every place where services want it."""
    return await client.post(
        f"{path}/{quote(SECRET, safe='')}",
        params={"apikey": SECRET},
        headers={"X-Api-Key": quote(SECRET), "Cookie": f"mam_id={quote(SECRET)}"},
        auth=("me", SECRET),
        json={"password": SECRET},
        extensions={"idempotent": True},
    )


def failing(error: type[httpx.HTTPError]) -> Handler:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error(f"{request.url} {request.content!r} {SECRET}")

    return fail


FAILURES: dict[str, Handler] = {
    "no connection": failing(httpx.ConnectError),
    "no answer": failing(httpx.ReadTimeout),
    "a broken one": failing(httpx.RemoteProtocolError),
    "busy": lambda request: httpx.Response(429, text=SECRET, headers={"x-echo": quote(SECRET)}),
    "too large": lambda request: httpx.Response(200, headers={"content-length": "99999999999"}, text=SECRET),
    "damaged": lambda request: httpx.Response(200, headers={"content-encoding": "br", "x": quote(SECRET)}, text=""),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_no_error_and_no_log_line_holds_a_secret(
    redis_url: str, failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logged:
        async with outside_over(FAILURES[failure], redis_url) as outside:
            with pytest.raises(IntegrationError) as caught:
                await ask(outside.client(HOME))
            told = [str(caught.value), repr(caught.value), *everything_about(caught.value)]

    assert [leaks(text) for text in [*told, *map(str, logged), *caplog.messages]] == [
        [] for _ in [*told, *logged, *caplog.messages]
    ]


@pytest.mark.parametrize(
    "misuse",
    [
        lambda client: client.get(f"https://{quote(SECRET)}@[indexer.test/{quote(SECRET)}"),
        lambda client: client.get(f"https://elsewhere.test/{quote(SECRET)}?apikey={quote(SECRET)}"),
    ],
)
async def test_a_refused_address_is_not_told(
    redis_url: str, misuse: Callable[[httpx.AsyncClient], Awaitable[object]]
) -> None:
    async with outside_over(lambda _: httpx.Response(200), redis_url) as outside:
        with pytest.raises(IntegrationError) as caught:
            await misuse(outside.client(HOME))

    assert [leaks(text) for text in everything_about(caught.value)] == [[] for _ in everything_about(caught.value)]


async def test_the_libraries_below_stay_silent_even_when_somebody_debugs(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """They would tell each URL with its query, and each answer's cookies."""
    clock = Clock()
    outside = Outside(redis_url, user_agent="Shelfgraph/test", clock=clock, sleep=clock.sleep)
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection", "hishel"):
        caplog.set_level(logging.DEBUG, name)
    say = saying("200 OK", f"Set-Cookie: mam_id={quote(SECRET)}", "Content-Length: 0", "Cache-Control: max-age=9")
    async with loopback(say) as server:
        url = f"http://127.0.0.1:{server.port}"
        for service in (Service("a", url, secrets=(SECRET,)), Service("b", url, secrets=(SECRET,), cached=True)):
            await ask(outside.client(service))
    await outside.close()

    assert [
        record.name for record in caplog.records if record.name.split(".")[0] in {"httpx", "httpcore", "hishel"}
    ] == []
    assert leaks(caplog.text) == []


async def test_valkey_gets_no_secret_even_where_answers_are_kept(redis_url: str) -> None:
    calls = 0

    def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        return httpx.Response(200, json={"title": "Emma"}, headers={"cache-control": "max-age=60"})

    kept = Service("books:1", "https://books.test", secrets=(SECRET,), cached=True)
    async with outside_over(answer, redis_url) as outside:
        client = outside.client(kept)
        for _ in range(2):
            found = await client.get("/b", params={"key": SECRET}, headers={"X-Api-Key": SECRET})
        assert len(await held_in(redis_url, b"Emma")) == 1
        assert await held_in(redis_url, *(form.encode() for form in FORMS)) == []
        await client.get("/b", params={"key": SECRET}, headers={"X-Api-Key": f"{SECRET}2"})

    assert (found.json(), calls) == ({"title": "Emma"}, 2)


async def test_a_text_of_any_origin_can_be_redacted_and_secrets_learnt_later(redis_url: str) -> None:
    async with outside_over(lambda _: httpx.Response(200), redis_url) as outside:
        outside.client(HOME)
        outside.learn("a-rotated-cookie")
        redacted = [outside.redact(f"<{form}>") for form in FORMS] + [outside.redact("mam_id=a-rotated-cookie")]

    assert [leaks(text) for text in redacted] == [[] for _ in redacted]
    assert redacted[0] == "<[redacted]>"
    assert redacted[-1] == "mam_id=[redacted]"


def test_a_service_does_not_show_its_secrets() -> None:
    assert leaks(repr(HOME)) == []


def everything_about(error: BaseException) -> list[str]:
    """What a thorough log would write of an error: its trace, its fields and all that it was raised from."""
    return [
        *traceback.format_exception(error),
        repr(vars(error)),
        *(repr(chained) for chained in (error.__cause__, error.__context__)),
    ]


async def held_in(redis_url: str, *needles: bytes) -> list[bytes]:
    """The keys of a Valkey database that hold one of the texts, in name or value."""
    valkey = Redis.from_url(redis_url)
    found = []
    for key in await valkey.keys("*"):
        kind = await valkey.type(key)
        if kind == b"hash":
            value = repr(await valkey.hgetall(key)).encode()
        elif kind == b"string":
            value = await valkey.get(key) or b""
        elif kind == b"list":
            value = b"".join(await valkey.lrange(key, 0, -1))
        else:
            value = repr(await valkey.zrange(key, 0, -1)).encode()
        if any(needle in key or needle in value for needle in needles):
            found.append(key)
    await valkey.aclose()
    return found
