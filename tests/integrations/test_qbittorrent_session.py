"""Signing in: once, with each version's words, and never twice with what was refused."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from integrations.errors import AuthError, BadPayload, Refused, Unavailable
from integrations.qbittorrent import Credentials, QBittorrent
from tests.fakes.qbittorrent import http_to
from tests.fakes.qbittorrent_control import pull
from tests.fakes.qbittorrent_state import FakeQBittorrent
from tests.fakes.qbittorrent_versions import VERSIONS

GOOD = Credentials("admin", "adminadmin")
WRONG = Credentials("admin", "wrong-password")
NAMES = list(VERSIONS)


@pytest.mark.parametrize("name", NAMES)
async def test_it_signs_in_when_it_is_first_asked_to(name: str) -> None:
    fake = FakeQBittorrent(name)
    client = QBittorrent(http_to(fake), GOOD)
    versions = await client.versions()
    assert (versions.program, versions.api) == (VERSIONS[name].program, VERSIONS[name].numbers)
    assert await client.tags() == frozenset()
    assert logins(fake) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_refused_credentials_are_sent_once_and_never_again(name: str) -> None:
    fake = FakeQBittorrent(name)
    client = QBittorrent(http_to(fake), WRONG)
    for _ in range(10):
        with pytest.raises(AuthError, match="Set the user name and password of its Web UI") as raised:
            await client.tags()
        assert "wrong-password" not in str(raised.value)
    assert (logins(fake), fake.is_banned) == (1, False)


@pytest.mark.parametrize("name", NAMES)
async def test_a_session_that_ended_is_renewed_and_the_call_repeated_once(name: str) -> None:
    fake = FakeQBittorrent(name)
    client = QBittorrent(http_to(fake), GOOD)
    await client.tags()
    pull(fake, "restart", {})
    fake.tags.append("job-17")
    assert await client.tags() == {"job-17"}
    assert logins(fake) == 2


async def test_calls_that_find_the_session_ended_together_sign_in_once() -> None:
    all_are_there = asyncio.Barrier(8)
    seen: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        if is_login(request):
            return httpx.Response(200, text="Ok.", headers={"Set-Cookie": "SID=new; path=/"})
        if "cookie" not in request.headers:
            await all_are_there.wait()
            return httpx.Response(403)
        return httpx.Response(200, json=[])

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://qbittorrent.test:8080")
    client = QBittorrent(http, GOOD)
    await asyncio.gather(*(client.tags() for _ in range(8)))
    assert seen.count("/api/v2/auth/login") == 1


async def test_the_version_is_read_anew_after_a_restart() -> None:
    fake = FakeQBittorrent("4.6")
    pull(fake, "torrents", {"name": "Emma", "hash": "a" * 40})
    client = QBittorrent(http_to(fake), GOOD)
    await client.stop(["a" * 40])
    pull(fake, "version", {"version": "5.1"})
    await client.tags()
    await client.start(["a" * 40])
    assert fake.calls[-1] == ("POST", "torrents/start")


async def test_a_ban_is_waited_for_without_a_call() -> None:
    fake = FakeQBittorrent()
    pull(fake, "ban", {})
    start = datetime(2026, 11, 22, tzinfo=UTC)
    clock = Clock(start)
    client = QBittorrent(http_to(fake), GOOD, now=clock)
    for _ in range(3):
        with pytest.raises(Refused, match="banned this address") as raised:
            await client.tags()
        assert (raised.value.code, raised.value.until) == ("LOGIN_BANNED", start + timedelta(hours=1))
    assert logins(fake) == 1
    fake.failed_logins = 0
    clock.moment += timedelta(hours=1)
    assert await client.tags() == frozenset()


async def test_no_sign_in_is_needed_where_our_address_is_let_in() -> None:
    fake = FakeQBittorrent(bypasses_login=True)
    client = QBittorrent(http_to(fake), Credentials())
    assert (await client.versions()).program == "v5.1.4"
    assert (logins(fake), len(fake.sessions)) == (0, 1)


async def test_a_key_takes_the_place_of_a_sign_in() -> None:
    fake = FakeQBittorrent("5.2", api_key="qbt_key")
    assert await QBittorrent(http_to(fake), Credentials(api_key="qbt_key")).tags() == frozenset()
    with pytest.raises(AuthError, match="Make a new API key"):
        await QBittorrent(http_to(fake), Credentials(api_key="revoked")).tags()
    assert logins(fake) == 0


async def test_a_refused_host_is_no_wrong_password() -> None:
    fake = FakeQBittorrent()
    http = http_to(fake)
    http.headers["Host"] = "qbittorrent.test:9999"
    with pytest.raises(Refused, match="reach it by the host and port it listens on") as raised:
        await QBittorrent(http, GOOD).tags()
    assert (raised.value.code, logins(fake)) == ("HOST_REFUSED", 0)


async def test_a_session_that_is_refused_at_once_is_not_renewed_for_ever() -> None:
    client = answering(lambda request: httpx.Response(200, text="Ok.") if is_login(request) else httpx.Response(403))
    with pytest.raises(AuthError, match="then refuses the session"):
        await client.tags()


@pytest.mark.parametrize(("status", "error"), [(500, Unavailable), (502, Unavailable), (302, BadPayload)])
async def test_a_server_that_fails_is_unavailable_and_another_program_is_not_understood(
    status: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await answering(lambda _: httpx.Response(status)).tags()
    with pytest.raises(error):
        await answering(lambda request: httpx.Response(status if is_login(request) else 403)).tags()


@pytest.mark.parametrize("body", ["<html>", "4", "", "4.5.x"])
async def test_what_is_not_qbittorrent_has_no_version(body: str) -> None:
    with pytest.raises(BadPayload, match="no version"):
        await answering(lambda _: httpx.Response(200, text=body)).versions()


async def test_only_a_sign_in_must_not_be_repeated_by_the_way_out() -> None:
    seen: dict[str, object] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        seen[request.url.path] = request.extensions.get("idempotent")
        return httpx.Response(200, text="Ok.") if seen.get("/api/v2/auth/login", 1) is None else httpx.Response(403)

    await answering(answer).recheck(["a" * 40])
    assert seen == {"/api/v2/torrents/recheck": True, "/api/v2/auth/login": None}


def test_credentials_do_not_show_themselves() -> None:
    assert repr(Credentials("admin", "a-secret", "a-key")) == "Credentials(username='admin')"


class Clock:
    """A clock that is set by hand."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        """The time it shows."""
        return self.moment


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> QBittorrent:
    """A client whose server is one function."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://qbittorrent.test:8080")
    return QBittorrent(http, GOOD)


def is_login(request: httpx.Request) -> bool:
    """Whether this is a sign-in."""
    return request.url.path.endswith("auth/login")


def logins(fake: FakeQBittorrent) -> int:
    """How often somebody tried to sign in."""
    return fake.calls.count(("POST", "auth/login"))
