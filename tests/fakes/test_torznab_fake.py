"""The fake Torznab indexer speaks the XML that Jackett speaks, and misbehaves when its switches are set."""

from collections.abc import AsyncIterator
from xml.etree.ElementTree import Element

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from tests.fakes.catalogue import public_domain
from tests.fakes.torznab import API_KEY, FEED, FakeTorznab

ENTRIES = public_domain()
ATTR = "{http://torznab.com/schemas/2015/feed}attr"
ITEM = [
    "title", "guid", "jackettindexer", "type", "comments", "pubDate", "size", "files", "grabs", "description", "link",
    "category", "category", "enclosure", *[ATTR] * 9,
]  # fmt: skip


@pytest.fixture
def fake() -> FakeTorznab:
    return FakeTorznab(ENTRIES)


@pytest.fixture
async def client(fake: FakeTorznab) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url="http://jackett:9117", transport=httpx.ASGITransport(fake)) as client:
        yield client


async def test_items_have_jacketts_elements_and_attributes(client: httpx.AsyncClient) -> None:
    (item,) = await _items(client, t="search", q="time machine")

    assert [child.tag for child in item] == ITEM
    assert [(attr.get("name"), attr.get("value")) for attr in item.findall(ATTR)] == [
        ("category", "3030"),
        ("category", "100047"),
        ("seeders", "58"),
        ("peers", "59"),
        ("infohash", ENTRIES[0].info_hash),
        ("author", "H. G. Wells"),
        ("booktitle", "The Time Machine"),
        ("downloadvolumefactor", "1"),
        ("uploadvolumefactor", "1"),
    ]


async def test_links_carry_the_key_and_give_the_torrent(client: httpx.AsyncClient) -> None:
    (item,) = await _items(client, t="search", q="time machine")
    link = item.findtext("link") or ""

    assert link.startswith(f"http://jackett:9117/dl/shelf/?jackett_apikey={API_KEY}&path=")
    assert (await client.get(link)).content == ENTRIES[0].torrent


async def test_capabilities_name_what_books_are_searched_by(client: httpx.AsyncClient, fake: FakeTorznab) -> None:
    by_name = (await _asked(client, t="caps")).find("searching/book-search")
    fake.by_name = False
    by_words = (await _asked(client, t="caps")).find("searching/book-search")

    assert by_name is not None
    assert by_words is not None
    assert by_name.attrib == {"available": "yes", "supportedParams": "q,author,title"}
    assert by_words.attrib == {"available": "no", "supportedParams": "q"}


async def test_other_categories_and_limits_narrow_the_answer(client: httpx.AsyncClient) -> None:
    assert await _items(client, t="search", q="", cat="2000") == []
    assert len(await _items(client, t="search", q="", cat="3030", limit="2")) == 2


@pytest.mark.parametrize(
    ("parameters", "code"),
    [({"apikey": "another"}, "100"), ({"t": "tvsearch"}, "202"), ({}, "200")],
)
async def test_errors_come_with_status_200(client: httpx.AsyncClient, parameters: dict[str, str], code: str) -> None:
    answer = await client.get(f"{FEED}/api", params={"apikey": API_KEY} | parameters)

    assert (answer.status_code, fromstring(answer.content).get("code")) == (200, code)


@pytest.mark.parametrize(
    ("switches", "status"),
    [({"gone": True}, 404), ({"blocked_seconds": 5}, 429), ({"magnet": True}, 302), ({"to_tracker": True}, 302)],
)
async def test_downloads_fail_as_they_are_told(
    client: httpx.AsyncClient, fake: FakeTorznab, switches: dict[str, object], status: int
) -> None:
    (item,) = await _items(client, t="search", q="time machine")
    (await client.post("/fake/switches", json=switches)).raise_for_status()

    assert (await client.get(item.findtext("link") or "")).status_code == status


async def _items(client: httpx.AsyncClient, **parameters: str) -> list[Element]:
    return (await _asked(client, **parameters)).findall("channel/item")


async def _asked(client: httpx.AsyncClient, **parameters: str) -> Element:
    answer = await client.get(f"{FEED}/api", params={"apikey": API_KEY} | parameters)
    root: Element = fromstring(answer.content)
    return root
