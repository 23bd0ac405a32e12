"""The same calls on a real qBittorrent, which downloads from a web seed on loopback."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from integrations.errors import AuthError, Refused
from integrations.qbittorrent import (
    ClientFile,
    ClientState,
    Credentials,
    QBittorrent,
    Torrent,
    TrackerStatus,
    rejection,
)
from integrations.torrent_file import read_torrent
from tests.fakes.qbittorrent import http_to
from tests.fakes.qbittorrent_control import pull
from tests.fakes.qbittorrent_state import FakeQBittorrent
from tests.processes import free_port, wait_until
from tests.real_qbittorrent import RealQBittorrent, real_qbittorrent
from tests.torrents import MadeTorrent, make_newer_torrent, make_torrent
from tests.web_seed import WebSeed, web_seed

TAGS = ["shelfgraph", "job-17"]
SIZE = 600_000
_DEADLINE_SECONDS = 60.0


@dataclass(frozen=True)
class Book:
    """A folder that is seeded, and its torrent."""

    folder: Path
    torrent: MadeTorrent
    seed: WebSeed


@pytest.fixture
def program(tmp_path: Path) -> Iterator[RealQBittorrent]:
    """A running qBittorrent."""
    with real_qbittorrent(tmp_path) as program:
        yield program


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    """A book on a web seed; its tracker answers nobody."""
    folder = tmp_path / "seeded" / "Emma"
    folder.mkdir(parents=True)
    (folder / "Emma.m4b").write_bytes(os.urandom(SIZE))
    (folder / "cover.jpg").write_bytes(b"picture")
    with web_seed(folder.parent) as seed:
        tracker = f"http://127.0.0.1:{free_port()}/SECRETPASSKEY0123456789/announce"
        yield Book(folder, make_torrent(folder, web_seeds=[seed.url], trackers=[tracker], private=True), seed)


@pytest.fixture
async def client(program: RealQBittorrent) -> AsyncIterator[QBittorrent]:
    """The calls to it."""
    async with httpx.AsyncClient(base_url=program.url) as http:
        yield QBittorrent(http, Credentials(program.username, program.password))


async def test_a_torrent_is_downloaded_followed_and_removed(
    program: RealQBittorrent, client: QBittorrent, book: Book
) -> None:
    assert (await client.versions()).api >= (2, 8, 19)
    assert (await client.maindata.poll()).full
    await client.ensure_category("books", save_path=str(program.downloads / "own"))
    save_path = str(program.downloads / "sg")
    added = await client.add(book.torrent.content, save_path=save_path, category="books", tags=TAGS)
    again = await client.add(book.torrent.content, save_path=save_path, category="books", tags=TAGS)
    assert (added.already_there, again.already_there, again.torrent.hash) == (False, True, book.torrent.info_hash)
    torrent = await complete(client, book.torrent.info_hash)
    assert (torrent.tags, torrent.category, torrent.content_path) == (frozenset(TAGS), "books", f"{save_path}/Emma")
    assert (Path(save_path) / "Emma" / "Emma.m4b").read_bytes() == (book.folder / "Emma.m4b").read_bytes()
    assert await client.files(torrent.hash) == (
        ClientFile(0, "Emma/Emma.m4b", SIZE, 1.0, is_wanted=True),
        ClientFile(1, "Emma/cover.jpg", 7, 1.0, is_wanted=True),
    )
    [tracker] = await client.trackers(torrent.hash)
    assert (tracker.host, rejection([tracker])) == ("127.0.0.1", None)
    assert tracker.status in {TrackerStatus.NOT_WORKING, TrackerStatus.UPDATING, TrackerStatus.NOT_CONTACTED}
    assert (await client.properties(torrent.hash)).total_bytes == SIZE + 7
    assert "SECRETPASSKEY" not in repr((torrent, tracker))
    await client.delete([torrent.hash], with_files=True)
    await until(lambda: gone(client, torrent.hash), "it is removed")
    assert torrent.hash not in client.maindata.torrents
    wait_until(lambda: not (Path(save_path) / "Emma").exists(), "its files are removed")


async def test_a_download_is_stopped_and_started_again(client: QBittorrent, book: Book) -> None:
    book.seed.bytes_per_second = 0
    await client.add(book.torrent.content, save_path=None, category="", tags=TAGS, stopped=True)
    name = book.torrent.info_hash
    await until(lambda: is_in(client, name, ClientState.STOPPED), "it is stopped from the beginning")
    await client.start([name])
    await until(lambda: is_in(client, name, ClientState.DOWNLOADING, ClientState.STALLED), "it is started")
    await client.stop([name])
    await until(lambda: is_in(client, name, ClientState.STOPPED), "it is stopped")
    book.seed.bytes_per_second = None
    await client.start([name])
    assert (await complete(client, name)).is_complete
    await client.stop([name])
    await until(lambda: stopped_and_complete(client, name), "a stopped one is complete all the same")
    await client.remove_tags([name], ["job-17"])
    [torrent] = await client.torrents(tag="shelfgraph")
    assert torrent.tags == {"shelfgraph"}
    await client.set_share_limits([name], ratio=None, seeding_seconds=259_200)
    await client.reannounce([name])
    await client.recheck([name])


async def test_after_a_restart_the_session_is_renewed_and_all_is_told_again(
    program: RealQBittorrent, client: QBittorrent, book: Book
) -> None:
    await client.add(book.torrent.content, save_path=None, category="", tags=TAGS)
    await complete(client, book.torrent.info_hash)
    program.stop()
    with pytest.raises(httpx.TransportError):
        await client.maindata.poll()
    program.start()
    changes = await client.maindata.poll()
    assert (changes.full, set(changes.changed)) == (True, {book.torrent.info_hash})
    assert (await complete(client, book.torrent.info_hash)).tags == frozenset(TAGS)


async def test_a_wrong_password_is_sent_once_and_bans_nobody(program: RealQBittorrent, client: QBittorrent) -> None:
    async with httpx.AsyncClient(base_url=program.url) as http:
        wrong = QBittorrent(http, Credentials(program.username, "wrong"))
        for _ in range(8):
            with pytest.raises(AuthError):
                await wrong.tags()
    assert await client.tags() == frozenset()


async def test_a_ban_is_recognised(program: RealQBittorrent, client: QBittorrent) -> None:
    async with httpx.AsyncClient(base_url=program.url) as http:
        for _ in range(5):
            await http.post("/api/v2/auth/login", data={"username": program.username, "password": "wrong"})
    with pytest.raises(Refused) as raised:
        await client.tags()
    assert raised.value.code == "LOGIN_BANNED"


@pytest.mark.parametrize("both_versions", [False, True])
async def test_a_torrent_of_the_second_version_is_found_again(client: QBittorrent, both_versions: bool) -> None:
    content = make_newer_torrent("Emma.m4b", b"sound" * 1_000, both_versions=both_versions)
    added = await client.add(content, save_path=None, category="", tags=TAGS)
    again = await client.add(content, save_path=None, category="", tags=TAGS)
    assert (again.already_there, again.torrent.hash) == (True, added.torrent.hash)
    torrent = read_torrent(content, service="x")
    assert added.torrent.hash == torrent.client_ids[0]
    assert (added.torrent.infohash_v1, added.torrent.infohash_v2) == (torrent.infohash_v1, torrent.infohash_v2)


async def test_the_fake_has_the_shape_of_the_real_one(client: QBittorrent, book: Book) -> None:
    name = ".".join((await client.versions()).program.removeprefix("v").split(".")[:2])
    fake = FakeQBittorrent(name, bypasses_login=True)
    pull(fake, "torrents", {"name": "Emma", "hash": book.torrent.info_hash})
    await client.add(book.torrent.content, save_path=None, category="", tags=TAGS)
    async with http_to(fake) as faked:
        for path in ("sync/maindata", "torrents/info", "torrents/properties", "torrents/files", "torrents/trackers"):
            params = {"hash": book.torrent.info_hash}
            real = await client._session.call("GET", path, params=params)
            assert keys(real.json()) == keys((await faked.get(f"/api/v2/{path}", params=params)).json()), path


async def complete(client: QBittorrent, name: str) -> Torrent:
    """Follow a torrent until all of it is there."""
    await until(lambda: is_in(client, name, ClientState.COMPLETE), "all of it is there")
    return client.maindata.torrents[name]


def keys(value: object) -> object:
    """The keys of an answer with those below them; of a list, of its first element; of what is named by us, none."""
    if isinstance(value, list):
        return [keys(part) for part in value[:1]]
    if not isinstance(value, dict):
        return None
    return {name: keys(part) for name, part in value.items() if name not in {"categories", "tags", "trackers"}}


async def is_in(client: QBittorrent, name: str, *states: ClientState) -> bool:
    """Whether it is in one of these states."""
    await client.maindata.poll()
    return name in client.maindata.torrents and client.maindata.torrents[name].state in states


async def stopped_and_complete(client: QBittorrent, name: str) -> bool:
    """Whether it is whole and does not seed."""
    await client.maindata.poll()
    torrent = client.maindata.torrents[name]
    return torrent.is_stopped and torrent.is_complete


async def gone(client: QBittorrent, name: str) -> bool:
    """Whether a poll says that it was removed."""
    return name in (await client.maindata.poll()).removed


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Look until something is so; fails after a deadline."""
    try:
        async with asyncio.timeout(_DEADLINE_SECONDS):
            while not await condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"not within {_DEADLINE_SECONDS:g} s: {what}")
