"""Prowlarr hands out torrents and tells how it fares; what its failures mean is told apart, without its secrets."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from integrations.errors import (
    AuthError,
    BadPayload,
    IntegrationError,
    Missing,
    RateLimited,
    Refused,
    Unavailable,
)
from integrations.offers import Magnet
from integrations.prowlarr import Block, HealthFinding, Indexer, Prowlarr, SystemStatus
from tests.fakes.catalogue import public_domain
from tests.fakes.prowlarr import API_KEY, FakeProwlarr
from tests.fakes.prowlarr_rows import SESSION_IN_CLEAR, FakeIndexer, myanonamouse, public_tracker

ENTRIES = public_domain()
TIME_MACHINE = ENTRIES[0]
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.fixture
def fake() -> FakeProwlarr:
    redirecting = FakeIndexer(id=11, name="Redirecting", redirect=True, entries=tuple(ENTRIES))
    return FakeProwlarr((myanonamouse(ENTRIES), public_tracker(ENTRIES), redirecting), now=lambda: NOW)


@pytest.fixture
async def prowlarr(fake: FakeProwlarr) -> AsyncIterator[Prowlarr]:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9696", transport=httpx.ASGITransport(fake)) as client:
        yield Prowlarr(client, "Prowlarr", API_KEY)


async def test_a_torrent_comes_from_the_configured_address_with_the_key_in_a_header(fake: FakeProwlarr) -> None:
    seen: list[httpx.Request] = []

    async def watch(request: httpx.Request) -> None:
        seen.append(request)

    hooks = {"request": [watch]}
    transport = httpx.ASGITransport(fake)
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9696", transport=transport, event_hooks=hooks) as client:
        prowlarr = Prowlarr(client, "Prowlarr", API_KEY)
        link = await _link(prowlarr, 7)
        torrent = await prowlarr.torrent(link)

    assert torrent == TIME_MACHINE.torrent
    assert link.startswith(f"http://prowlarr:9696/7/download?apikey={API_KEY}&")
    asked = seen[-1].url
    assert (asked.host, asked.port, asked.path) == ("127.0.0.1", 9696, "/7/download")
    assert asked.params["link"] == parse_qs(urlsplit(link).query)["link"][0]
    assert all(API_KEY not in str(request.url) for request in seen)
    assert {request.headers["X-Api-Key"] for request in seen} == {API_KEY}


async def test_a_prowlarr_below_a_path_is_asked_below_it() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, content=TIME_MACHINE.torrent)

    transport = httpx.MockTransport(answer)
    async with httpx.AsyncClient(base_url="https://home.example/prowlarr", transport=transport) as client:
        prowlarr = Prowlarr(client, "Prowlarr", API_KEY)
        await prowlarr.torrent("http://prowlarr:9696/prowlarr/7/download?apikey=k&link=sealed")
        await prowlarr.torrent("http://prowlarr:9696/prowlarr/api/v1/indexer/7/download?apikey=k&link=sealed")

    assert asked == ["/prowlarr/7/download", "/prowlarr/7/download"]


async def test_downloads_may_go_through_a_client_of_their_own(fake: FakeProwlarr) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, content=TIME_MACHINE.torrent)

    address = "http://127.0.0.1:9696"
    async with (
        httpx.AsyncClient(base_url=address, transport=httpx.ASGITransport(fake)) as client,
        httpx.AsyncClient(base_url=address, transport=httpx.MockTransport(answer)) as downloads,
    ):
        prowlarr = Prowlarr(client, "Prowlarr", API_KEY, downloads=downloads)
        await prowlarr.torrent(await _link(prowlarr, 7))

    assert asked == ["/7/download"]


async def test_a_redirect_to_a_magnet_address_is_the_magnet(prowlarr: Prowlarr) -> None:
    magnet = await prowlarr.torrent(await _link(prowlarr, 9))

    assert isinstance(magnet, Magnet)
    assert magnet.info_hash == TIME_MACHINE.info_hash
    assert magnet.uri not in repr(magnet)


async def test_a_redirect_to_the_tracker_is_not_followed(prowlarr: Prowlarr) -> None:
    with pytest.raises(Refused) as raised:
        await prowlarr.torrent(await _link(prowlarr, 11))

    assert raised.value.code == "REDIRECTS_TO_TRACKER"
    assert str(raised.value) == (
        "Prowlarr refused: it sends us to the tracker itself instead of handing out the torrent. "
        "Switch Redirect off for this indexer."
    )


@pytest.mark.parametrize(
    "link",
    [
        "https://www.myanonamouse.net/tor/download.php?tid=900101",
        "http://192.0.2.7/latest/meta-data/?link=x",
        "http://prowlarr:9696/7/download?apikey=k",
        "http://prowlarr:9696/api/v1/indexer?link=x",
        "file:///7/download?link=x",
        "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567",
        "http://[/7/download?link=x",
        "",
    ],
)
async def test_no_other_links_are_fetched(link: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    async with httpx.AsyncClient(base_url="http://127.0.0.1", transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(Refused) as raised:
            await Prowlarr(client, "Prowlarr", API_KEY).torrent(link)

    assert raised.value.code == "FOREIGN_LINK"


@pytest.mark.parametrize(
    ("switch", "value", "error", "message"),
    [
        ("blocked_seconds", 90, RateLimited, "Prowlarr does not answer: too many requests, wait 90 s. It is tried"),
        ("gone", True, Missing, "Prowlarr has no such release (any more)."),
        ("refuse_key", True, AuthError, "Prowlarr does not accept the credentials. Enter the API key"),
        ("server_error", True, Unavailable, "Prowlarr does not answer: error 500. It is tried again by itself."),
        ("page", True, BadPayload, "Prowlarr answered something unexpected: something else than a torrent file."),
    ],
)
async def test_failed_downloads_say_why(
    prowlarr: Prowlarr, fake: FakeProwlarr, switch: str, value: object, error: type[IntegrationError], message: str
) -> None:
    link = await _link(prowlarr, 7)
    fake.switches.set(**{switch: value})

    with pytest.raises(error) as raised:
        await prowlarr.torrent(link)

    assert type(raised.value) is error
    assert str(raised.value).startswith(message)
    assert API_KEY not in str(raised.value)
    if isinstance(raised.value, RateLimited):
        assert raised.value.retry_after == 90


@pytest.mark.parametrize(
    ("link", "error", "code"),
    [
        ("http://prowlarr:9696/7/download?apikey=k&link=of-another-instance", Refused, "INVALID_LINK"),
        ("http://prowlarr:9696/99/download?apikey=k&link=sealed", Missing, "NOT_FOUND_THERE"),
    ],
)
async def test_links_that_prowlarr_does_not_know_say_so(
    prowlarr: Prowlarr, link: str, error: type[IntegrationError], code: str
) -> None:
    with pytest.raises(error) as raised:
        await prowlarr.torrent(link)

    assert raised.value.code == code


async def test_an_indexer_that_is_off_hands_out_nothing(fake: FakeProwlarr, prowlarr: Prowlarr) -> None:
    link = await _link(prowlarr, 7)
    fake.indexers[7] = FakeIndexer(id=7, name="MyAnonamouse", enable=False, entries=tuple(ENTRIES))

    with pytest.raises(Refused) as raised:
        await prowlarr.torrent(link)

    assert (raised.value.code, str(raised.value)) == ("INDEXER_DISABLED", "Prowlarr refused: Indexer is disabled.")


@pytest.mark.parametrize("reason", ["at http://t.example/dl?passkey=abc", '<!DOCTYPE x [<!ENTITY e "abc">]>'])
async def test_addresses_and_entities_in_its_errors_go_nowhere(reason: str) -> None:
    text = reason.replace("&", "&amp;") if reason.startswith("at") else "&e;"
    head = reason if reason.startswith("<!") else ""
    xml = f'<?xml version="1.0"?>{head}<error code="500" description="Failed {text}" />'

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500, text=xml)

    async with httpx.AsyncClient(base_url="http://127.0.0.1", transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(Unavailable) as raised:
            await Prowlarr(client, "Prowlarr", API_KEY).torrent("http://p/7/download?link=x")

    assert "abc" not in str(raised.value)


async def test_indexers_are_read_without_the_sessions_among_their_settings(prowlarr: Prowlarr) -> None:
    indexers = await prowlarr.indexers()

    assert indexers[0] == Indexer(
        id=7,
        name="MyAnonamouse",
        enabled=True,
        privacy="private",
        protocol="torrent",
        definition="MyAnonamouse",
        redirect=False,
        categories=frozenset({3000, 3030, 7000, 7020, 100047}),
        book_params=frozenset({"q"}),
    )
    assert [indexer.is_myanonamouse for indexer in indexers] == [True, False, False]
    assert SESSION_IN_CLEAR not in repr(indexers)


async def test_blocked_indexers_and_findings_are_read(prowlarr: Prowlarr, fake: FakeProwlarr) -> None:
    fake.switches.failing = {9}

    assert await prowlarr.indexer_statuses() == (Block(9, datetime(2026, 11, 22, 9, 15, tzinfo=UTC), NOW),)
    assert await prowlarr.health() == (
        HealthFinding("IndexerStatusCheck", "warning", "Indexers unavailable due to failures: PublicTracker"),
    )


async def test_it_says_who_it_is(prowlarr: Prowlarr) -> None:
    await prowlarr.ping()

    assert await prowlarr.status() == SystemStatus("Prowlarr", "2.3.6.5400", NOW)


async def test_a_ping_that_is_not_prowlarrs_is_told() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"up": True}))
    async with httpx.AsyncClient(base_url="http://127.0.0.1", transport=transport) as client:
        with pytest.raises(BadPayload):
            await Prowlarr(client, "Prowlarr", API_KEY).ping()


@pytest.mark.parametrize("body", ['{"id": 1}', '[{"id": "x", "name": "secret-value"}]', "[1]", "<html>"])
async def test_rows_of_another_shape_are_refused_without_quoting_them(body: str) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=body))
    async with httpx.AsyncClient(base_url="http://127.0.0.1", transport=transport) as client:
        with pytest.raises(BadPayload) as raised:
            await Prowlarr(client, "Prowlarr", API_KEY).indexers()

    assert "secret-value" not in str(raised.value)


async def _link(prowlarr: Prowlarr, indexer: int) -> str:
    answer = await prowlarr.search("time machine", indexer_ids=(indexer,))
    return answer.releases[0].link
