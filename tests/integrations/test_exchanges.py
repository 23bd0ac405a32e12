"""One exchange tries the checked addresses in turn, and Retry-After is read in both of its forms."""

import email.utils
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.exchanges import NotConnected, Unfinished, exchange, retry_after

NOW = 1_900_000_000.0
SIX = httpx.URL("http://[::1]:80/x")
FOUR = httpx.URL("http://127.0.0.1:80/x")


def listening_on(*hosts: str) -> tuple[httpx.MockTransport, list[str]]:
    tried = []

    def answer(request: httpx.Request) -> httpx.Response:
        tried.append(request.url.host)
        if request.url.host not in hosts:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, text=f"{request.headers['host']} {request.content.decode()}")

    return httpx.MockTransport(answer), tried


async def test_the_next_address_is_tried_when_nothing_listens_on_the_first() -> None:
    transport, tried = listening_on("127.0.0.1")
    request = httpx.Request("POST", "http://localhost/x", content=b"body")

    answer = await exchange(transport, request, [SIX, FOUR], most_bytes=100, seconds=5)

    assert (answer.text, tried) == ("localhost body", ["::1", "127.0.0.1"])


async def test_an_address_that_answered_is_the_last_that_is_tried() -> None:
    tried = []

    def answer(request: httpx.Request) -> httpx.Response:
        tried.append(request.url.host)
        raise httpx.ReadError("gone")

    with pytest.raises(Unfinished) as caught:
        await exchange(
            httpx.MockTransport(answer),
            httpx.Request("POST", "http://localhost/x"),
            [SIX, FOUR],
            most_bytes=100,
            seconds=5,
        )

    assert (type(caught.value), caught.value.reason, tried) == (Unfinished, "the connection broke", ["::1"])


async def test_nothing_was_sent_when_no_address_can_be_connected_to() -> None:
    transport, tried = listening_on()

    with pytest.raises(NotConnected):
        await exchange(transport, httpx.Request("GET", "http://localhost/x"), [SIX, FOUR], most_bytes=100, seconds=5)

    assert tried == ["::1", "127.0.0.1"]


@given(st.integers(min_value=0, max_value=10**9))
def test_retry_after_means_the_same_in_seconds_and_as_a_date(seconds: int) -> None:
    date = email.utils.format_datetime(datetime.fromtimestamp(NOW + seconds, UTC), usegmt=True)

    said = [retry_after(httpx.Response(429, headers={"retry-after": text}), NOW) for text in (str(seconds), date)]

    assert said == [seconds, seconds]


def test_a_date_in_the_past_means_now() -> None:
    answer = httpx.Response(429, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})

    assert retry_after(answer, NOW) == 0


@pytest.mark.parametrize("said", [None, "", "soon", "-5", "1.5", "Wed, 99 Oct 2015 07:28:00 GMT", "²"])
def test_what_cannot_be_read_says_nothing(said: str | None) -> None:
    headers = [] if said is None else [(b"retry-after", said.encode())]

    assert retry_after(httpx.Response(429, headers=headers), NOW) is None


@given(st.text(max_size=30))
def test_no_header_breaks_the_reading(said: str) -> None:
    retry_after(httpx.Response(429, headers=[(b"retry-after", said.encode())]), NOW)
