"""The calls that a download needs, on every version."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from integrations.errors import BadPayload, Missing, Refused, Unavailable
from integrations.qbittorrent import Added, ClientFile, ClientState, Credentials, Properties, QBittorrent
from integrations.torrent_file import UnusableTorrent
from tests.fakes.qbittorrent import http_to
from tests.fakes.qbittorrent_control import pull
from tests.fakes.qbittorrent_state import FakeQBittorrent
from tests.fakes.qbittorrent_versions import VERSIONS
from tests.torrents import MadeTorrent, make_torrent

EMMA, SANDITON = "a" * 40, "b" * 40
TAGS = ["shelfgraph", "job-17"]
ANNOUNCE = "https://t.tracker.example/SECRETPASSKEY0123456789/announce"


@pytest.fixture(params=VERSIONS)
def fake(request: pytest.FixtureRequest) -> FakeQBittorrent:
    """A client of each version in turn."""
    return FakeQBittorrent(request.param, clock=lambda: 1_795_296_000)


@pytest.fixture
async def client(fake: FakeQBittorrent) -> AsyncIterator[QBittorrent]:
    """The calls to it; nothing waits."""
    async with http_to(fake) as http:
        yield QBittorrent(http, Credentials("admin", "adminadmin"), wait=no_wait)


@pytest.fixture
def emma(tmp_path: Path) -> MadeTorrent:
    """A torrent of one book."""
    (tmp_path / "Emma").mkdir()
    (tmp_path / "Emma" / "Emma.m4b").write_bytes(bytes(40_000))
    (tmp_path / "Emma" / "cover.jpg").write_bytes(bytes(9))
    return make_torrent(tmp_path / "Emma", trackers=[ANNOUNCE], private=True)


async def test_an_added_torrent_is_listed_with_our_tags(client: QBittorrent, emma: MadeTorrent) -> None:
    added = await client.add(emma.content, save_path="/downloads/sg", category="books", tags=TAGS)
    assert added == Added(added.torrent, already_there=False)
    torrent = added.torrent
    assert (torrent.hash, torrent.tags, torrent.category) == (emma.info_hash, frozenset(TAGS), "books")
    assert (torrent.save_path, torrent.content_path) == ("/downloads/sg", "/downloads/sg/Emma")
    assert (torrent.state, torrent.is_stopped) == (ClientState.STALLED, False)
    assert await client.torrents(tag="job-17") == (torrent,)
    assert await client.torrents(tag="job-18") == ()


async def test_a_torrent_may_wait_to_be_started(client: QBittorrent, emma: MadeTorrent) -> None:
    added = await client.add(emma.content, save_path=None, category="", tags=TAGS, stopped=True)
    assert (added.torrent.state, added.torrent.save_path) == (ClientState.STOPPED, "/downloads")
    await client.start([emma.info_hash])
    [started] = await client.torrents(hashes=[emma.info_hash])
    await client.stop([emma.info_hash])
    [stopped] = await client.torrents(hashes=[emma.info_hash])
    assert (started.is_stopped, stopped.is_stopped) == (False, True)


async def test_what_is_there_already_only_gets_our_tags(
    fake: FakeQBittorrent, client: QBittorrent, emma: MadeTorrent
) -> None:
    pull(fake, "torrents", {"name": "Emma", "hash": emma.info_hash, "tags": ["mine"], "category": "own"})
    added = await client.add(emma.content, save_path="/elsewhere", category="books", tags=TAGS)
    torrent = added.torrent
    assert (added.already_there, torrent.tags, torrent.category) == (True, frozenset({"mine", *TAGS}), "own")
    assert ("POST", "torrents/add") not in fake.calls


async def test_adding_twice_is_adding_once(fake: FakeQBittorrent, client: QBittorrent, emma: MadeTorrent) -> None:
    first = await client.add(emma.content, save_path=None, category="books", tags=TAGS)
    second = await client.add(emma.content, save_path=None, category="books", tags=TAGS)
    assert (first.torrent, second.already_there) == (second.torrent, True)
    assert fake.calls.count(("POST", "torrents/add")) == 1


async def test_a_duplicate_that_came_in_between_is_a_success(fake: FakeQBittorrent, emma: MadeTorrent) -> None:
    """Another process adds it after we looked: each version's answer to a duplicate is not believed."""
    inner = http_to(fake)

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("torrents/add"):
            pull(fake, "torrents", {"name": "Emma", "hash": emma.info_hash})
        sent = inner.build_request(request.method, request.url, headers=request.headers, content=await request.aread())
        return await inner.send(sent)

    fake.bypasses_login = True
    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url=inner.base_url)
    added = await QBittorrent(http, Credentials()).add(emma.content, save_path=None, category="", tags=TAGS)
    assert (added.already_there, added.torrent.tags) == (False, frozenset(TAGS))


async def test_an_answer_that_was_lost_is_made_good_by_asking_again(
    fake: FakeQBittorrent, client: QBittorrent, emma: MadeTorrent
) -> None:
    pull(fake, "fail", {"status": 502, "path": "torrents/add", "after": True})
    with pytest.raises(Unavailable):
        await client.add(emma.content, save_path=None, category="", tags=TAGS)
    added = await client.add(emma.content, save_path=None, category="", tags=TAGS)
    assert (added.already_there, len(fake.torrents)) == (True, 1)


async def test_a_torrent_that_is_taken_and_never_listed_is_said_so(emma: MadeTorrent) -> None:
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    def answer(request: httpx.Request) -> httpx.Response:
        texts = {"torrents/add": "Ok.", "torrents/info": "[]", "app/version": "v4.6.7", "app/webapiVersion": "2.9.3"}
        return httpx.Response(200, text=texts[request.url.path.removeprefix("/api/v2/")])

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://qbittorrent.test")
    with pytest.raises(Unavailable, match="was given the torrent and does not list it"):
        await QBittorrent(http, Credentials(), wait=note).add(emma.content, save_path=None, category="", tags=TAGS)
    assert 9 < sum(pauses) <= 12


async def test_what_is_no_torrent_is_not_even_sent(fake: FakeQBittorrent, client: QBittorrent) -> None:
    with pytest.raises(UnusableTorrent):
        await client.add(b"<html>", save_path=None, category="", tags=TAGS)
    assert fake.calls == []


async def test_what_it_does_not_read_as_a_torrent_is_unusable(fake: FakeQBittorrent, client: QBittorrent) -> None:
    # It is whole for us, and lacks what the fake's reader wants.
    content = b"d4:infod6:lengthi9e4:name4:Emma12:piece lengthi1000e6:pieces20:" + bytes(20) + b"ee"
    with pytest.raises(UnusableTorrent, match="does not read it as one"):
        await client.add(content, save_path=None, category="", tags=TAGS)


async def test_files_trackers_and_properties_are_told(client: QBittorrent, emma: MadeTorrent) -> None:
    await client.add(emma.content, save_path="/downloads/sg", category="", tags=TAGS)
    files = await client.files(emma.info_hash)
    assert files == (
        ClientFile(0, "Emma/Emma.m4b", 40_000, 0.0, is_wanted=True),
        ClientFile(1, "Emma/cover.jpg", 9, 0.0, is_wanted=True),
    )
    trackers = await client.trackers(emma.info_hash)
    assert [tracker.host for tracker in trackers] == ["t.tracker.example"]
    assert "SECRETPASSKEY" not in repr(trackers)
    properties = await client.properties(emma.info_hash)
    assert properties == Properties(
        save_path="/downloads/sg",
        comment="",
        created_by=properties.created_by,
        created_at=None,
        added_at=datetime.fromtimestamp(1_795_296_000, UTC),
        completed_at=None,
        total_bytes=40_009,
        piece_bytes=16_384,
        uploaded_bytes=0,
        downloaded_bytes=0,
        seeding_seconds=0.0,
        ratio=0.0,
    )


async def test_details_of_what_is_not_there_are_missing(client: QBittorrent) -> None:
    for details in (client.files, client.trackers, client.properties):
        with pytest.raises(Missing, match=f"qBittorrent has no torrent {EMMA}"):
            await details(EMMA)


async def test_a_torrent_without_metadata_has_no_files(fake: FakeQBittorrent, client: QBittorrent) -> None:
    pull(fake, "torrents", {"name": EMMA, "hash": EMMA})
    pull(fake, "state", {"hashes": "all", "state": "metaDL"})
    [torrent] = await client.torrents()
    assert (torrent.state, torrent.is_complete, torrent.total_bytes) == (ClientState.METADATA, False, None)
    assert await client.files(EMMA) == ()


async def test_tags_and_categories_are_kept(fake: FakeQBittorrent, client: QBittorrent) -> None:
    pull(fake, "torrents", {"name": "Emma", "hash": EMMA, "tags": ["mine"]})
    await client.ensure_category("books", save_path="/downloads/books")
    await client.ensure_category("books", save_path="/other")
    await client.set_category([EMMA], "books")
    await client.add_tags([EMMA], TAGS)
    await client.remove_tags([EMMA], ["job-17"])
    [torrent] = await client.torrents(hashes=[EMMA])
    assert (torrent.category, torrent.tags) == ("books", frozenset({"mine", "shelfgraph"}))
    assert await client.categories() == {"books": "/downloads/books"}
    assert await client.tags() == {"mine", *TAGS}


async def test_a_category_that_cannot_be_is_refused(client: QBittorrent) -> None:
    with pytest.raises(Refused, match="cannot have a category of this name"):
        await client.ensure_category("/books/")
    with pytest.raises(Refused, match="conflicts"):
        await client.set_category([EMMA], "missing")


async def test_seeding_goals_are_set_in_whole_minutes(fake: FakeQBittorrent, client: QBittorrent) -> None:
    pull(fake, "torrents", {"name": "Emma", "hash": EMMA})
    await client.set_share_limits([EMMA], ratio=None, seeding_seconds=259_201)
    limited = fake.torrents[EMMA]
    assert (limited.ratio_limit, limited.seeding_minutes_limit) == (-1, 4_321)
    await client.set_share_limits([EMMA], ratio=1.5, seeding_seconds=None)
    assert (limited.ratio_limit, limited.seeding_minutes_limit) == (1.5, -1)


async def test_only_what_is_named_is_removed(fake: FakeQBittorrent, client: QBittorrent) -> None:
    for name in (EMMA, SANDITON):
        pull(fake, "torrents", {"name": name, "hash": name})
    await client.delete([], with_files=True)
    await client.delete(["all"], with_files=True)
    assert set(fake.torrents) == {EMMA, SANDITON}
    await client.delete([EMMA, "c" * 40], with_files=False)
    assert set(fake.torrents) == {SANDITON}
    assert await client.torrents(hashes=[]) == ()


async def test_a_torrent_is_checked_and_announced_on_demand(fake: FakeQBittorrent, client: QBittorrent) -> None:
    pull(fake, "torrents", {"name": "Emma", "hash": EMMA, "progress": 1})
    await client.recheck([EMMA])
    await client.reannounce([EMMA])
    [torrent] = await client.torrents()
    assert (torrent.state, torrent.is_complete) == (ClientState.CHECKING, False)
    assert fake.calls.count(("POST", "torrents/reannounce")) == 1


async def test_it_says_where_it_saves(client: QBittorrent) -> None:
    assert await client.default_save_path() == "/downloads"


@pytest.mark.parametrize("body", ["<html>", "7", "[7]", '[{"hash": "x"}]'])
async def test_lists_of_another_shape_are_refused(body: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=body))
    client = QBittorrent(httpx.AsyncClient(transport=transport, base_url="http://qbittorrent.test"), Credentials())
    for call in (client.torrents(), client.files(EMMA), client.trackers(EMMA), client.properties(EMMA)):
        with pytest.raises(BadPayload):
            await call


async def no_wait(_: float) -> None:
    """Wait for nothing."""
