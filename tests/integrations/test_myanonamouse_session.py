"""The cookie: who sees it, when it is replaced, and how a dead one is told."""

import asyncio

import httpx
import pytest

from integrations.errors import AuthError, BadPayload, NetworkMismatch, RateLimited, Refused, Unavailable
from integrations.myanonamouse import ForeignHost, Hosts, MyAnonamouse, Query
from integrations.myanonamouse.session import cookie_header, rotated_value, seed_value
from tests.api.toy import eventually
from tests.fakes.catalogue import public_domain
from tests.fakes.myanonamouse import FakeMyAnonamouse
from tests.integrations.myanonamouse_stand_ins import (
    SERVICE,
    MemorySession,
    answering,
    client_of,
    client_on_loopback,
    client_over,
)

SCARLET = Query(text="study in scarlet")
JSON = {"content-type": "application/json"}


@pytest.fixture
def fake() -> FakeMyAnonamouse:
    return FakeMyAnonamouse(public_domain())


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        (["mam_id=new; path=/; secure; HttpOnly"], "new"),
        (['mam_id="a%2Fb%2B%3D"; expires=Sun, 01 Jan 2040 00:00:00 GMT'], "a/b+="),
        (["other=1; path=/", "mam_id=a; path=/", "mam_id=b; path=/"], "b"),
        (["mam_id=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0"], None),
        (["mam_id=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT"], None),
        (["mam_id=; path=/"], None),
        (["mam_id=x; expires=nonsense"], "x"),
        (["xmam_id=1"], None),
        ([], None),
    ],
)
def test_the_newest_value_is_read_out_of_the_headers(headers: list[str], value: str | None) -> None:
    assert rotated_value(headers) == value


def test_a_value_is_sent_as_a_cookie_may_hold_it_and_read_as_it_was_pasted() -> None:
    assert cookie_header('a/b+= "\r\n%') == "mam_id=a/b+=%20%22%0D%0A%25"
    assert [seed_value(typed) for typed in (" a/b ", "a%2Fb", 'mam_id="a%2Fb"')] == ["a/b"] * 3


async def test_every_answer_replaces_the_cookie_and_the_next_request_has_the_new_one(fake: FakeMyAnonamouse) -> None:
    session = MemorySession(fake.session)
    client = client_of(fake, session)
    await client.search(SCARLET)
    await client.account()
    fake.switches.search_error = "Something broke"
    with pytest.raises(Refused):
        await client.search(SCARLET)
    await client.check()
    assert session.values == fake.issued
    assert [seen.session for seen in fake.seen] == fake.issued[:-1]


async def test_requests_at_once_take_turns_so_that_none_has_a_dead_cookie(fake: FakeMyAnonamouse) -> None:
    session = MemorySession(fake.session)
    async with client_on_loopback(fake, session) as client:
        await asyncio.gather(*(client.search(SCARLET) for _ in range(5)))
    assert [seen.session for seen in fake.seen] == fake.issued[:-1]


async def test_an_answer_that_becomes_an_error_below_still_replaces_the_cookie(fake: FakeMyAnonamouse) -> None:
    session = MemorySession(fake.session)
    fake.switches.rate_limited = 1
    async with client_on_loopback(fake, session) as client:
        with pytest.raises(RateLimited):
            await client.account()
        assert session.values == fake.issued
        assert (await client.account()).username == "example_user"


async def test_a_request_that_the_transport_repeated_with_the_dead_cookie_is_sent_with_the_new_one() -> None:
    session = MemorySession("first")
    sent = []

    def site(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["cookie"])
        if len(sent) == 1:
            session.values.append("second")  # came with a failure that the transport has answered by repeating
            return httpx.Response(403)
        return httpx.Response(200, json={"uid": 1, "username": "ann"})

    client = client_over(httpx.MockTransport(site), session, "http://127.0.0.1")
    assert (await client.account()).uid == 1
    assert sent == ["mam_id=first", "mam_id=second"]


async def test_the_cookie_is_kept_when_the_caller_is_cancelled_meanwhile() -> None:
    session, arrived, go_on = MemorySession("seed"), asyncio.Event(), asyncio.Event()

    async def site(_: httpx.Request) -> httpx.Response:
        arrived.set()
        await go_on.wait()
        return httpx.Response(200, json={"Success": "x: ann"}, headers={"set-cookie": "mam_id=new; path=/"})

    client = client_over(httpx.MockTransport(site), session, "http://127.0.0.1")
    asking = asyncio.create_task(client.check())
    await arrived.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    go_on.set()
    await eventually(lambda: session.values == ["seed", "new"])


async def test_a_wrong_network_keeps_the_cookie_that_came_with_the_refusal() -> None:
    session = MemorySession("first")
    refusal = httpx.Response(403, text="Invalid session - IP mismatch", headers={"set-cookie": "mam_id=second"})
    with pytest.raises(NetworkMismatch):
        await answering(refusal, session=session).account()
    assert session.values == ["first", "second"]


async def test_a_purchase_that_is_cancelled_before_its_turn_is_never_sent() -> None:
    arrived, go_on, asked = asyncio.Event(), asyncio.Event(), []

    async def site(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        arrived.set()
        await go_on.wait()
        return httpx.Response(200, json={"Success": "x: ann"})

    client = client_over(httpx.MockTransport(site), MemorySession("seed"), "http://127.0.0.1")
    checking, buying = asyncio.create_task(client.check()), asyncio.create_task(client.buy_wedge())
    await arrived.wait()
    buying.cancel()
    go_on.set()
    assert await checking == "ann"
    assert (await client.check(), asked) == ("ann", ["/json/checkCookie.php"] * 2)
    assert buying.cancelled()


@pytest.mark.parametrize("way", ["403", "text", "redirect", "page"])
async def test_a_dead_session_asks_for_a_new_one_and_is_not_tried_again(fake: FakeMyAnonamouse, way: str) -> None:
    fake.switches.session_expired, fake.switches.dead_session_answer = True, way
    client = client_of(fake)
    for call in (client.check(), client.search(SCARLET), client.account(), client.buy_wedge(), client.torrent(900101)):
        with pytest.raises(AuthError) as error:
            await call
        assert type(error.value) is AuthError
        assert "Preferences > Security" in error.value.what_to_do
    assert len(fake.seen) == 5


@pytest.mark.parametrize("lock", ["IP", "ASN"])
async def test_a_wrong_network_is_told_from_a_dead_session(fake: FakeMyAnonamouse, lock: str) -> None:
    fake.switches.wrong_network = lock
    client = client_of(fake)
    for call in (client.check(), client.search(SCARLET), client.torrent(900101)):
        with pytest.raises(NetworkMismatch):
            await call
    assert len(fake.seen) == 3


async def test_without_a_session_nothing_is_sent(fake: FakeMyAnonamouse) -> None:
    with pytest.raises(AuthError):
        await client_of(fake, MemorySession()).search(SCARLET)
    assert fake.seen == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, headers=JSON, text="{broken"), BadPayload),
        (httpx.Response(200, text="<html>login</html>"), AuthError),
        (httpx.Response(200, headers=JSON, text="[]"), BadPayload),
        (httpx.Response(500, text="oops"), Unavailable),
        (httpx.Response(400, text="no"), Refused),
    ],
)
async def test_each_bad_answer_is_one_kind_of_error(answer: httpx.Response, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        await answering(answer).account()
    assert type(raised.value) is error


@pytest.mark.parametrize(
    "site",
    [
        "https://www.example.org",
        "http://www.myanonamouse.net",
        "https://myanonamouse.net.example.org",
        "https://evilmyanonamouse.net",
        "http://192.168.0.4",
        "",
    ],
)
def test_no_other_host_is_ever_given_the_session(site: str) -> None:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    with pytest.raises(ForeignHost):
        MyAnonamouse(client, SERVICE, MemorySession("x"), hosts=Hosts(site=site))


async def test_a_redirect_to_another_host_is_not_followed() -> None:
    asked = []

    def site(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(302, headers={"location": "https://www.example.org/login"})

    with pytest.raises(AuthError):
        await client_over(httpx.MockTransport(site), MemorySession("x"), "http://127.0.0.1").account()
    assert asked == ["127.0.0.1"]
