"""Following a client: whatever is lost on the way, what is known is what is there."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from integrations.errors import BadPayload, Unavailable
from integrations.qbittorrent import ClientState, Credentials, Maindata, QBittorrent, ServerState
from tests.fakes.qbittorrent import http_to
from tests.fakes.qbittorrent_control import pull
from tests.fakes.qbittorrent_state import FREE_BYTES, FakeQBittorrent
from tests.fakes.qbittorrent_sync import Follower

EMMA, SANDITON = "a" * 40, "b" * 40
GOOD = Credentials("admin", "adminadmin")


def following(fake: FakeQBittorrent) -> Maindata:
    """The follower of a client that signs in by itself."""
    return QBittorrent(http_to(fake), GOOD).maindata


def holding_both(name: str = "5.1") -> FakeQBittorrent:
    """A client with two downloads."""
    fake = FakeQBittorrent(name)
    pull(fake, "torrents", {"name": "Emma", "hash": EMMA, "tags": ["job-17"]})
    pull(fake, "torrents", {"name": "Sanditon", "hash": SANDITON})
    return fake


@pytest.mark.parametrize("name", ["4.5", "4.6", "5.1", "5.2"])
async def test_the_first_poll_brings_all_and_the_next_ones_what_changed(name: str) -> None:
    fake = holding_both(name)
    maindata = following(fake)
    first = await maindata.poll()
    assert (first.full, set(first.changed), first.removed) == (True, {EMMA, SANDITON}, frozenset())
    assert first.server == ServerState(FREE_BYTES, "connected", 0, 0)
    pull(fake, "progress", {"hashes": EMMA, "progress": 0.5, "bytes_per_second": 77})
    second = await maindata.poll()
    assert (second.full, list(second.changed), second.removed) == (False, [EMMA], frozenset())
    emma = second.changed[EMMA]
    assert (emma.state, emma.progress, emma.name, emma.tags) == (
        ClientState.DOWNLOADING,
        0.5,
        "Emma",
        frozenset({"job-17"}),
    )
    assert second.server.download_bytes_per_second == 77
    third = await maindata.poll()
    assert (third.full, dict(third.changed), third.removed) == (False, {}, frozenset())
    assert third.server == second.server


async def test_what_is_removed_is_named_once() -> None:
    fake = holding_both()
    maindata = following(fake)
    await maindata.poll()
    pull(fake, "vanish", {"hashes": EMMA})
    assert (await maindata.poll()).removed == {EMMA}
    assert (await maindata.poll()).removed == frozenset()
    assert set(maindata.torrents) == {SANDITON}


async def test_a_full_answer_replaces_all_and_what_it_leaves_out_is_empty() -> None:
    fake = holding_both()
    maindata = following(fake)
    await maindata.poll()
    pull(fake, "empty", {})
    changes = await maindata.poll()
    assert (changes.full, dict(changes.changed), changes.removed) == (True, {}, frozenset({EMMA, SANDITON}))
    assert dict(maindata.torrents) == {}


async def test_a_restart_brings_all_again_and_loses_nothing() -> None:
    fake = holding_both()
    maindata = following(fake)
    before = dict((await maindata.poll()).changed)
    pull(fake, "restart", {})
    changes = await maindata.poll()
    assert (changes.full, dict(changes.changed), changes.removed) == (True, before, frozenset())


@pytest.mark.parametrize("after", [False, True])
async def test_an_answer_that_is_lost_comes_again(after: bool) -> None:
    fake = holding_both()
    maindata = following(fake)
    await maindata.poll()
    pull(fake, "progress", {"hashes": EMMA, "progress": 0.5})
    pull(fake, "vanish", {"hashes": SANDITON})
    pull(fake, "fail", {"status": 502, "path": "sync/maindata", "after": after})
    with pytest.raises(Unavailable):
        await maindata.poll()
    assert maindata.torrents[EMMA].progress == 0
    changes = await maindata.poll()
    assert (changes.full, list(changes.changed), changes.removed) == (True, [EMMA], frozenset({SANDITON}))


async def test_after_a_sign_in_everything_is_asked_for() -> None:
    """The number of an old session may be one of the new session's own, whose answer was lost."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("auth/login"):
            return httpx.Response(200, text="Ok.")
        asked.append(request.url.params["rid"])
        return httpx.Response(403) if len(asked) == 2 else httpx.Response(200, json=whole())

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://qbittorrent.test")
    maindata = QBittorrent(http, GOOD).maindata
    await maindata.poll()
    await maindata.poll()
    assert asked == ["0", "1", "0"]


async def test_what_a_poll_gave_stays_as_it_was() -> None:
    fake = holding_both()
    maindata = following(fake)
    first = await maindata.poll()
    pull(fake, "progress", {"hashes": EMMA, "progress": 0.5})
    await maindata.poll()
    assert first.changed[EMMA].progress == 0


async def test_a_change_of_what_is_not_read_is_none() -> None:
    maindata = Maindata(answers(whole(), {"rid": 2, "torrents": {EMMA: {"time_active": 9, "reannounce": 3}}}), "x")
    await maindata.poll()
    assert dict((await maindata.poll()).changed) == {}


@pytest.mark.parametrize(
    "damage",
    [
        b"<html>",
        b"[]",
        b"{}",
        {"rid": 2, "torrents": {SANDITON: {"progress": 1}}},
        {"rid": 2, "torrents": [EMMA]},
        {"rid": 2, "server_state": {"free_space_on_disk": "much"}},
    ],
)
async def test_an_answer_of_another_shape_is_refused_and_everything_asked_anew(damage: bytes | dict[str, Any]) -> None:
    rids: list[int] = []
    maindata = Maindata(answers(whole(), damage, whole(), rids=rids), "qBittorrent")
    await maindata.poll()
    with pytest.raises(BadPayload, match="maindata of another shape"):
        await maindata.poll()
    assert set(maindata.torrents) == {EMMA}
    assert (await maindata.poll()).full
    assert rids == [0, 1, 0]


async def test_free_space_that_is_not_told_is_unknown() -> None:
    maindata = Maindata(answers({"rid": 1, "full_update": True}), "x")
    assert (await maindata.poll()).server == ServerState(None, None, 0, 0)


STEPS = st.lists(st.sampled_from(["poll", "poll", "lose", "restart", "add", "remove", "advance", "readd"]), max_size=40)


@given(STEPS)
# The new session's first answer is lost, and has the number of the old session's.
@example(["poll", "restart", "add", "lose"])
async def test_after_any_course_of_events_what_is_known_is_what_is_there(steps: list[str]) -> None:
    fake = FakeQBittorrent("5.1")
    follower = Follower()
    known: dict[str, float] = {}

    is_lost = False

    async def fetch(rid: int) -> bytes:
        answer = follower.answer(rid, fake.snapshot(), keeps_empty=False)
        if is_lost:
            raise Unavailable("qBittorrent", "the answer was lost")
        return orjson.dumps(answer)

    maindata = Maindata(fetch, "qBittorrent")
    for number, step in enumerate([*steps, "poll"]):
        match step:
            case "poll" | "lose":
                is_lost = step == "lose"
                with suppress(Unavailable):
                    changes = await maindata.poll()
                    known = {name: part for name, part in known.items() if name not in changes.removed}
                    known |= {name: torrent.progress for name, torrent in changes.changed.items()}
            case "restart":
                follower = Follower()
            case _:
                change(fake, step, number)
    there = {name: torrent.progress for name, torrent in fake.torrents.items()}
    assert known == there == {name: torrent.progress for name, torrent in maindata.torrents.items()}


def change(fake: FakeQBittorrent, step: str, number: int) -> None:
    """Let something happen in the client."""
    if step == "add":
        pull(fake, "torrents", {"name": "Emma", "hash": f"{number:040x}"})
    elif fake.torrents:
        oldest = next(iter(fake.torrents))
        if step == "advance":
            pull(fake, "progress", {"hashes": oldest, "progress": number / 50})
        else:
            pull(fake, "vanish", {"hashes": oldest})
        if step == "readd":
            pull(fake, "torrents", {"name": "Emma again", "hash": oldest})


def whole() -> dict[str, Any]:
    """A full answer with one torrent."""
    fake = FakeQBittorrent("4.6")
    pull(fake, "torrents", {"name": "Emma", "hash": EMMA})
    return Follower().answer(0, fake.snapshot(), keeps_empty=False)


def answers(*given: dict[str, Any] | bytes, rids: list[int] | None = None) -> Callable[[int], Awaitable[bytes]]:
    """A server that gives these answers one after the other."""
    left = iter(given)

    async def fetch(rid: int) -> bytes:
        if rids is not None:
            rids.append(rid)
        answer = next(left)
        return answer if isinstance(answer, bytes) else orjson.dumps(answer)

    return fetch
