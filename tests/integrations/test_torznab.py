"""A Torznab indexer is searched by what it can, its feed is read whole, and its failures are told apart."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

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
from integrations.offers import IndexerReport, IndexerStatus, Magnet, NamedBook, Offer
from integrations.torznab import Capabilities, Torznab
from tests.fakes.catalogue import public_domain
from tests.fakes.torznab import API_KEY, FEED, FakeTorznab

ENTRIES = public_domain()
TIME_MACHINE = ENTRIES[0]
ADDRESS = f"http://127.0.0.1:9117{FEED}/"


@pytest.fixture
def fake() -> FakeTorznab:
    return FakeTorznab(ENTRIES)


@pytest.fixture
async def torznab(fake: FakeTorznab) -> AsyncIterator[Torznab]:
    async with httpx.AsyncClient(base_url=ADDRESS, transport=httpx.ASGITransport(fake)) as client:
        yield Torznab(client, "Shelf", API_KEY)


async def test_a_release_comes_whole(torznab: Torznab) -> None:
    answer = await torznab.search("time machine")

    (offer,) = answer.releases
    assert offer == Offer(
        guid="https://shelf.example/torrent/900101",
        indexer_id=0,
        indexer="Shelf",
        title="The Time Machine - H. G. Wells, read by Jane Reader (Unabridged) M4B 64kbps",
        link=offer.link,
        size_bytes=134_637_158,
        files=1,
        grabs=311,
        seeders=58,
        leechers=1,
        published=datetime(2026, 3, 14, 7, 22, 5, tzinfo=UTC),
        categories=(3030, 100047),
        info_url="https://shelf.example/torrent/900101",
        info_hash=TIME_MACHINE.info_hash,
        book=NamedBook("The Time Machine", ("H. G. Wells",)),
    )
    assert answer.reports == (IndexerReport(0, "Shelf", IndexerStatus.OK, 1),)
    assert API_KEY in offer.link
    assert API_KEY not in repr(answer)


async def test_nothing_found_is_empty(torznab: Torznab) -> None:
    answer = await torznab.search("no such book")

    assert answer.reports == (IndexerReport(0, "Shelf", IndexerStatus.EMPTY),)


async def test_it_is_asked_by_name_where_it_can(torznab: Torznab, fake: FakeTorznab) -> None:
    await torznab.search("wells machine", author="H. G. Wells", title="The Time Machine")
    await torznab.search("wells machine")

    always = {"cat": "3030", "limit": "100", "extended": "1"}
    assert fake.searches == [
        {"t": "book", "author": "H. G. Wells", "title": "The Time Machine"} | always,
        {"t": "search", "q": "wells machine"} | always,
    ]


async def test_it_is_asked_by_words_where_it_can_only_that(torznab: Torznab, fake: FakeTorznab) -> None:
    fake.by_name = False

    answer = await torznab.search("", author="H. G. Wells", title="The Time Machine", categories=(3030, 3040))

    assert [(search["t"], search["q"], search["cat"]) for search in fake.searches] == [
        ("search", "H. G. Wells The Time Machine", "3030,3040")
    ]
    assert len(answer.releases) == 1


async def test_a_search_of_books_that_is_off_is_not_used() -> None:
    caps = '<caps><searching><book-search available="no" supportedParams="q,author,title"/></searching></caps>'
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["t"])
        return httpx.Response(200, text=caps if asked == ["caps"] else "<rss><channel/></rss>")

    async with httpx.AsyncClient(base_url=ADDRESS, transport=httpx.MockTransport(answer)) as client:
        await Torznab(client, "Shelf", API_KEY).search("x", author="H. G. Wells")

    assert asked == ["caps", "search"]


async def test_its_capabilities_are_read_once(torznab: Torznab, fake: FakeTorznab) -> None:
    first = await torznab.capabilities()
    fake.switches.refuse_key = True

    assert await torznab.capabilities() == first
    assert first == Capabilities(
        title="Shelf",
        can_search=True,
        can_search_books=True,
        book_params=frozenset({"q", "author", "title"}),
        categories=(3000, 3030, 100047),
        limit=100,
    )


async def test_free_releases_say_so(torznab: Torznab, fake: FakeTorznab) -> None:
    fake.entries = [replace(TIME_MACHINE, id=1, free=True), replace(TIME_MACHINE, id=2)]

    answer = await torznab.search("time machine")

    assert [offer.flags for offer in answer.releases] == [("freeleech",), ()]


@pytest.mark.parametrize(
    ("attributes", "flags"),
    [
        ({"downloadvolumefactor": "0.0", "uploadvolumefactor": "0"}, ("neutralleech",)),
        ({"downloadvolumefactor": "0.5", "uploadvolumefactor": "2"}, ("halfleech", "doubleupload")),
        ({"downloadvolumefactor": "odd", "tag": "Internal"}, ("internal",)),
    ],
)
async def test_factors_and_tags_become_flags(attributes: dict[str, str], flags: tuple[str, ...]) -> None:
    attrs = "".join(f'<t:attr name="{name}" value="{value}"/>' for name, value in attributes.items())
    body = f"<item><title>T</title><link>http://t/x</link>{attrs}</item>"

    answer = await _search_of(
        f'<rss xmlns:t="http://www.newznab.com/DTD/2010/feeds/attributes/"><channel>{body}</channel></rss>'
    )

    assert answer[0].flags == flags


async def test_a_poor_item_is_read_as_far_as_it_goes() -> None:
    magnet = "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567"
    body = f"""<item><title>She &amp; He</title><enclosure url="{magnet}" length="12"/><pubDate>some day</pubDate>
        <size>much</size></item><item><title>no link</title></item><item><link>http://no.title/</link></item>"""

    (offer,) = await _search_of(f"<rss><channel>{body}</channel></rss>")

    assert offer == Offer(guid=magnet, indexer_id=0, indexer="Shelf", title="She & He", link=magnet, size_bytes=12)


async def test_a_torrent_comes_from_the_configured_address(torznab: Torznab) -> None:
    link = (await torznab.search("time machine")).releases[0].link

    assert link.startswith("http://jackett:9117/dl/shelf/")
    assert await torznab.torrent(link) == TIME_MACHINE.torrent


async def test_magnet_addresses_are_magnets(torznab: Torznab, fake: FakeTorznab) -> None:
    link = (await torznab.search("time machine")).releases[0].link
    fake.switches.magnet = True

    redirected = await torznab.torrent(link)

    uri = f"magnet:?xt=urn:btih:{TIME_MACHINE.info_hash}&dn=900101"
    assert redirected == Magnet(TIME_MACHINE.info_hash, uri) == await torznab.torrent(uri)


async def test_a_redirect_to_the_tracker_is_not_followed(torznab: Torznab, fake: FakeTorznab) -> None:
    link = (await torznab.search("time machine")).releases[0].link
    fake.switches.to_tracker = True

    with pytest.raises(Refused) as raised:
        await torznab.torrent(link)

    assert (raised.value.code, "passkey" in str(raised.value)) == ("REDIRECTS_TO_TRACKER", False)


@pytest.mark.parametrize(
    ("link", "asked"),
    [
        ("http://127.0.0.1:9117/dl/x?k=1", "http://127.0.0.1:9117/dl/x?k=1"),
        ("http://192.168.1.5:9117/dl/x", "http://127.0.0.1:9117/dl/x"),
        ("https://jackett/dl/x", "http://127.0.0.1:9117/dl/x"),
        ("https://files.example/x", "https://files.example/x"),
    ],
)
async def test_only_its_own_and_allowed_hosts_are_asked(link: str, asked: str) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200, content=TIME_MACHINE.torrent)

    async with httpx.AsyncClient(base_url=ADDRESS, transport=httpx.MockTransport(answer)) as client:
        await Torznab(client, "Shelf", API_KEY, download_hosts={"files.example"}).torrent(link)

    assert seen == [asked]


@pytest.mark.parametrize(
    "link", ["https://tracker.example/dl?passkey=secret", "ftp://127.0.0.1/x", "/dl/x", "http://", "http://h:p"]
)
async def test_other_links_are_refused_without_quoting_them(torznab: Torznab, link: str) -> None:
    with pytest.raises((Refused, BadPayload)) as raised:
        await torznab.torrent(link)

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("code", "error", "known_as"),
    [
        (100, AuthError, "CREDENTIALS_REFUSED"),
        (101, AuthError, "CREDENTIALS_REFUSED"),
        (203, Refused, "REFUSED"),
        (300, Missing, "NOT_FOUND_THERE"),
        (410, Refused, "INDEXER_DISABLED"),
        (429, RateLimited, "RATE_LIMITED"),
        (500, RateLimited, "RATE_LIMITED"),
        (900, Unavailable, "UNAVAILABLE"),
        (910, Refused, "API_DISABLED"),
    ],
)
async def test_errors_mean_what_their_numbers_say(
    torznab: Torznab, fake: FakeTorznab, code: int, error: type[IntegrationError], known_as: str
) -> None:
    fake.error = (code, "No, see http://x/?apikey=secret")

    with pytest.raises(error) as raised:
        await torznab.search("time machine")

    assert (type(raised.value), raised.value.code) == (error, known_as)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("switch", "error"),
    [("refuse_key", AuthError), ("server_error", Unavailable), ("page", BadPayload)],
)
async def test_failed_searches_never_look_empty(
    torznab: Torznab, fake: FakeTorznab, switch: str, error: type[IntegrationError]
) -> None:
    fake.switches.set(**{switch: True})

    with pytest.raises(error) as raised:
        await torznab.search("time machine")

    assert API_KEY not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(302, headers={"Location": "/UI/Login"}), AuthError),
        (httpx.Response(403), AuthError),
        (httpx.Response(404), Missing),
        (httpx.Response(429, headers={"Retry-After": "7"}), RateLimited),
        (httpx.Response(503, text="<html>away</html>"), Unavailable),
        (httpx.Response(418), BadPayload),
        (httpx.Response(200, text="<caps/>"), BadPayload),
        (httpx.Response(200, text='<!DOCTYPE x [<!ENTITY e "e">]><rss>&e;</rss>'), BadPayload),
    ],
)
async def test_statuses_mean_what_they_say(answer: httpx.Response, error: type[IntegrationError]) -> None:
    with pytest.raises(error) as raised:
        await _search(lambda request: answer)

    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("switch", "value", "error"),
    [("gone", True, Missing), ("blocked_seconds", 90, RateLimited)],
)
async def test_failed_downloads_say_why(
    torznab: Torznab, fake: FakeTorznab, switch: str, value: object, error: type[IntegrationError]
) -> None:
    link = (await torznab.search("time machine")).releases[0].link
    fake.switches.set(**{switch: value})

    with pytest.raises(error):
        await torznab.torrent(link)


@pytest.mark.parametrize(("base", "path"), [("/torznab", "/torznab/api"), ("/7/api/", "/7/api"), ("", "/api")])
async def test_the_address_of_the_feed_may_end_with_api(base: str, path: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, text="<caps/>")

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1{base}", transport=httpx.MockTransport(answer)) as client:
        await Torznab(client, "Shelf", "").capabilities()

    assert asked == [path]


async def _search(answer: Callable[[httpx.Request], httpx.Response]) -> tuple[Offer, ...]:
    def with_capabilities(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<caps/>") if request.url.params["t"] == "caps" else answer(request)

    async with httpx.AsyncClient(base_url=ADDRESS, transport=httpx.MockTransport(with_capabilities)) as client:
        return (await Torznab(client, "Shelf", API_KEY).search("x")).releases


async def _search_of(feed: str) -> tuple[Offer, ...]:
    return await _search(lambda request: httpx.Response(200, text=feed))
