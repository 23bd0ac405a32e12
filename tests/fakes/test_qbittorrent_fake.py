"""The fake qBittorrent answers as each version does, in shape and in manner."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.qbittorrent import http_to, running_fake
from tests.fakes.qbittorrent_control import pull
from tests.fakes.qbittorrent_state import FakeQBittorrent
from tests.fakes.qbittorrent_versions import VERSIONS
from tests.torrents import make_torrent

NAMES = list(VERSIONS)
TORRENT = "a" * 40
GOOD = {"username": "admin", "password": "adminadmin"}
BANNED = "Your IP address has been banned after too many failed authentication attempts."

ROW = {
    **dict.fromkeys(
        ["category", "content_path", "download_path", "infohash_v1", "infohash_v2", "magnet_uri", "name"], "str"
    ),
    **dict.fromkeys(["save_path", "state", "tags", "tracker"], "str"),
    **dict.fromkeys(["auto_tmm", "f_l_piece_prio", "force_start", "seq_dl", "super_seeding"], "bool"),
    **dict.fromkeys(
        ["added_on", "amount_left", "availability", "completed", "completion_on", "dl_limit", "dlspeed"], "number"
    ),
    **dict.fromkeys(
        ["downloaded", "downloaded_session", "eta", "last_activity", "max_ratio", "max_seeding_time"], "number"
    ),
    **dict.fromkeys(
        ["num_complete", "num_incomplete", "num_leechs", "num_seeds", "priority", "progress", "ratio"], "number"
    ),
    **dict.fromkeys(
        ["ratio_limit", "seeding_time", "seeding_time_limit", "seen_complete", "size", "time_active"], "number"
    ),
    **dict.fromkeys(["total_size", "trackers_count", "up_limit", "uploaded", "uploaded_session", "upspeed"], "number"),
}
ROW_4_6 = ROW | {"inactive_seeding_time_limit": "number", "max_inactive_seeding_time": "number"}
ROW_5_0 = ROW_4_6 | {
    "comment": "str",
    "popularity": "number",
    "private": "bool",
    "reannounce": "number",
    "root_path": "str",
}
ROW_5_1 = ROW_5_0 | {"has_metadata": "bool"}
ROW_5_2 = (
    ROW_5_1
    | dict.fromkeys(["creation_date", "total_wasted", "pieces_num", "piece_size", "pieces_have"], "number")
    | {"connections_count": "number", "connections_limit": "number", "created_by": "str", "share_limit_action": "str"}
)
ROWS = {"4.5": ROW, "4.6": ROW_4_6, "5.0": ROW_5_0, "5.1": ROW_5_1, "5.2": ROW_5_2}
WARNINGS = dict.fromkeys(["has_tracker_warning", "has_tracker_error", "has_other_announce_error"], "bool")
TRACKER = dict.fromkeys(["num_downloaded", "num_leeches", "num_peers", "num_seeds", "status", "tier"], "number") | {
    "msg": "str",
    "url": "str",
}
FILE = dict.fromkeys(["availability", "index", "priority", "progress", "size"], "number") | {
    "name": "str",
    "piece_range": ["number"],
}
TRANSFER = {
    "connection_status": "str",
    **dict.fromkeys(["dht_nodes", "dl_info_data", "dl_info_speed", "dl_rate_limit"], "number"),
    **dict.fromkeys(["up_info_data", "up_info_speed", "up_rate_limit"], "number"),
}
ADDRESSES = {"last_external_address_v4": "str", "last_external_address_v6": "str"}
SERVER = TRANSFER | {
    **dict.fromkeys(["alltime_dl", "alltime_ul", "average_time_queue", "free_space_on_disk"], "number"),
    **dict.fromkeys(["queued_io_jobs", "refresh_interval", "total_buffers_size"], "number"),
    **dict.fromkeys(["total_peer_connections", "total_queued_size", "total_wasted_session"], "number"),
    **dict.fromkeys(["global_ratio", "read_cache_hits", "read_cache_overload", "write_cache_overload"], "str"),
    **dict.fromkeys(["queueing", "use_alt_speed_limits"], "bool"),
}
PROPERTIES = {
    **dict.fromkeys(
        ["comment", "created_by", "download_path", "hash", "infohash_v1", "infohash_v2", "name", "save_path"], "str"
    ),
    **dict.fromkeys(
        ["addition_date", "completion_date", "creation_date", "dl_limit", "dl_speed", "dl_speed_avg", "eta"], "number"
    ),
    **dict.fromkeys(
        ["last_seen", "nb_connections", "nb_connections_limit", "peers", "peers_total", "piece_size"], "number"
    ),
    **dict.fromkeys(
        ["pieces_have", "pieces_num", "reannounce", "seeding_time", "seeds", "seeds_total", "share_ratio"], "number"
    ),
    **dict.fromkeys(["time_elapsed", "total_downloaded", "total_downloaded_session", "total_size"], "number"),
    **dict.fromkeys(["total_uploaded", "total_uploaded_session", "total_wasted", "up_limit", "up_speed"], "number"),
    "up_speed_avg": "number",
    "is_private": "bool",
}
CATEGORY = {"name": "str", "savePath": "str"}


@pytest.mark.parametrize("name", NAMES)
async def test_every_endpoint_has_the_shape_of_its_version(name: str) -> None:
    fake = FakeQBittorrent(name)
    pull(fake, "torrents", {"name": "Emma", "hash": TORRENT, "tags": ["job-17"], "category": "books", "progress": 0.5})
    async with http_to(fake) as http:
        await http.post("/api/v2/auth/login", data=GOOD)
        info = (await http.get("/api/v2/torrents/info")).json()
        assert shape(info) == [ROWS[name] | {"hash": "str"}]
        of_torrent = {"hash": TORRENT}
        files = (await http.get("/api/v2/torrents/files", params=of_torrent)).json()
        assert shape(files) == [FILE | {"is_seed": "bool"}]
        assert shape((await http.get("/api/v2/torrents/trackers", params=of_torrent)).json()) == [TRACKER]
        fifth = {"popularity": "number", "private": "bool"} if name >= "5.0" else {}
        there = {"availability": "number", "has_metadata": "bool", "progress": "number"} if name >= "5.1" else {}
        properties = PROPERTIES | fifth | there
        assert shape((await http.get("/api/v2/torrents/properties", params=of_torrent)).json()) == properties
        assert shape((await http.get("/api/v2/torrents/categories")).json()) == {"books": CATEGORY}
        assert shape((await http.get("/api/v2/torrents/tags")).json()) == ["str"]
        addresses = ADDRESSES if name >= "5.0" else {}
        assert shape((await http.get("/api/v2/transfer/info")).json()) == TRANSFER | addresses
        nested = {"use_subcategories": "bool"} if name in {"4.6", "5.0", "5.1"} else {}
        assert shape((await http.get("/api/v2/sync/maindata")).json()) == {
            "rid": "number",
            "full_update": "bool",
            "torrents": {TORRENT: ROWS[name] | (WARNINGS if name == "5.2" else {})},
            "categories": {"books": CATEGORY},
            "tags": ["str"],
            "trackers": {"https://tracker.example/EXAMPLEKEY0123456789/announce": ["str"]},
            "server_state": SERVER | addresses | nested,
        }
        texts = [(await http.get(f"/api/v2/app/{what}")).text for what in ("version", "webapiVersion")]
        assert texts == [VERSIONS[name].program, VERSIONS[name].api]


@pytest.mark.parametrize("name", NAMES)
async def test_signing_in_is_answered_as_the_version_does(name: str) -> None:
    async with http_to(FakeQBittorrent(name)) as http:
        bad = await http.post("/api/v2/auth/login", data=GOOD | {"password": "wrong"})
        good = await http.post("/api/v2/auth/login", data=GOOD)
        again = await http.post("/api/v2/auth/login", data=GOOD)
    is_new = name == "5.2"
    assert (bad.status_code, bad.text) == ((401, "Unauthorized") if is_new else (200, "Fails."))
    assert (good.status_code, good.text) == ((204, "") if is_new else (200, "Ok."))
    assert list(good.cookies) == ["QBT_SID_8080" if is_new else "SID"]
    assert (again.status_code, list(again.cookies)) == (good.status_code, [])


async def test_the_sixth_sign_in_after_five_refused_ones_meets_a_ban_until_a_restart() -> None:
    fake = FakeQBittorrent("4.6")
    async with http_to(fake) as http:
        for _ in range(5):
            assert (await http.post("/api/v2/auth/login", data={"username": "x", "password": "y"})).text == "Fails."
        banned = await http.post("/api/v2/auth/login", data=GOOD)
        pull(fake, "restart", {})
        after = await http.post("/api/v2/auth/login", data=GOOD)
    assert (banned.status_code, banned.text, after.text) == (403, BANNED, "Ok.")


async def test_nothing_is_answered_without_a_session() -> None:
    fake = FakeQBittorrent()
    async with http_to(fake) as http:
        before = await http.get("/api/v2/app/version")
        await http.post("/api/v2/auth/login", data=GOOD)
        signed_in = await http.get("/api/v2/app/version")
        pull(fake, "expire", {})
        after = await http.get("/api/v2/app/version")
    assert [answer.status_code for answer in (before, signed_in, after)] == [403, 200, 403]


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.test"}, {"Referer": "http://evil.test/x"}, {"Host": "qbittorrent.test:8081"}]
)
async def test_other_sites_and_other_ports_are_refused(headers: dict[str, str]) -> None:
    async with http_to(FakeQBittorrent(bypasses_login=True)) as http:
        refused = await http.get("/api/v2/app/version", headers=headers)
        own = await http.get("/api/v2/app/version", headers={"Origin": "http://qbittorrent.test:8080"})
    assert (refused.status_code, own.status_code) == (401, 200)


async def test_a_wrong_method_a_wrong_name_and_a_missing_parameter_are_told_apart() -> None:
    async with http_to(FakeQBittorrent("5.1", bypasses_login=True)) as http:
        answers = [
            await http.get("/api/v2/torrents/add"),
            await http.post("/api/v2/torrents/pause", data={"hashes": "all"}),
            await http.post("/api/v2/torrents/delete", data={"hashes": "all"}),
        ]
    assert [(answer.status_code, answer.text) for answer in answers] == [
        (405, "Method Not Allowed"),
        (404, "Not Found"),
        (400, "Missing required parameters: deleteFiles"),
    ]


@pytest.mark.parametrize("name", NAMES)
async def test_adding_is_answered_as_the_version_does(name: str, tmp_path: Path) -> None:
    (tmp_path / "Emma.m4b").write_bytes(bytes(50_000))
    made = make_torrent(tmp_path / "Emma.m4b")
    async with http_to(FakeQBittorrent(name, bypasses_login=True)) as http:
        answers = [
            await http.post("/api/v2/torrents/add", files={"torrents": ("x.torrent", content)})
            for content in (made.content, made.content, b"<html>")
        ]
    if name == "5.2":
        counts = {"failure_count": 0, "pending_count": 0, "success_count": 1}
        assert answers[0].json() == {"added_torrent_ids": [made.info_hash], **counts}
        assert (answers[1].status_code, answers[1].text) == (409, "Conflict")
    else:
        assert [answer.text for answer in answers[:2]] == ["Ok.", "Fails."]
    assert (answers[2].status_code, answers[2].text) == (415, "Error: 'x.torrent' is not a valid torrent file.")


async def test_maindata_follows_the_documented_numbers() -> None:
    fake = FakeQBittorrent(bypasses_login=True)
    async with http_to(fake) as http:

        async def ask(rid: int) -> dict[str, Any]:
            answer: dict[str, Any] = (await http.get("/api/v2/sync/maindata", params={"rid": rid})).json()
            return answer

        first = await ask(0)
        assert (first["rid"], first["full_update"], "torrents" in first) == (1, True, False)
        assert await ask(1) == {"rid": 2}
        pull(fake, "space", {"bytes": 10})
        assert await ask(2) == {"rid": 3, "server_state": {"free_space_on_disk": 10}}
        pull(fake, "space", {"bytes": 20})
        # The answer to 2 was lost: what it brought comes again.
        assert await ask(2) == {"rid": 4, "server_state": {"free_space_on_disk": 20}}
        unknown = await ask(77)
        assert (unknown["rid"], unknown["full_update"]) == (1, True)


async def test_what_is_downloaded_is_put_in_place_and_removed_with_its_torrent(tmp_path: Path) -> None:
    book = tmp_path / "source" / "Emma" / "Emma.m4b"
    book.parent.mkdir(parents=True)
    book.write_bytes(b"sound" * 10_000)
    made = make_torrent(book.parent)
    downloads = tmp_path / "downloads"
    fake = FakeQBittorrent(bypasses_login=True, downloads=str(downloads), source=tmp_path / "source")
    async with http_to(fake) as http:
        await http.post("/api/v2/torrents/add", files={"torrents": ("x.torrent", made.content)})
        pull(fake, "progress", {"hashes": made.info_hash, "progress": 1})
        placed = (downloads / "Emma" / "Emma.m4b").read_bytes()
        await http.post("/api/v2/torrents/delete", data={"hashes": made.info_hash, "deleteFiles": "true"})
    assert placed == book.read_bytes()
    assert list(downloads.iterdir()) == []


def test_switches_are_pulled_over_loopback_while_it_hangs() -> None:
    with running_fake(FakeQBittorrent(bypasses_login=True)) as fake:
        fake.pull("hang", on=True)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{fake.url}/api/v2/app/version", timeout=0.3)
        fake.pull("hang", on=False)
        fake.pull("fail", status=500, times=1, path="app/version")
        answers = [httpx.get(f"{fake.url}/api/v2/app/version") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [500, 200]
        assert fake.told()["calls"] == ["GET app/version"] * 3


async def test_a_lost_answer_is_one_whose_call_was_done() -> None:
    fake = FakeQBittorrent(bypasses_login=True)
    pull(fake, "torrents", {"name": "Emma", "hash": TORRENT})
    pull(fake, "fail", {"status": 502, "after": True})
    async with http_to(fake) as http:
        lost = await http.post("/api/v2/torrents/delete", data={"hashes": TORRENT, "deleteFiles": "false"})
    assert (lost.status_code, fake.torrents) == (502, {})


async def test_it_becomes_another_version_by_a_restart_and_can_lose_everything() -> None:
    fake = FakeQBittorrent("4.6")
    pull(fake, "torrents", {"name": "Emma", "state": "stoppedDL"})
    async with http_to(fake) as http:
        states = []
        for name in ("4.6", "5.0"):
            pull(fake, "version", {"version": name})
            await http.post("/api/v2/auth/login", data=GOOD)
            states += [row["state"] for row in (await http.get("/api/v2/torrents/info")).json()]
        pull(fake, "empty", {})
    assert (states, fake.torrents, fake.sessions) == (["pausedDL", "stoppedDL"], {}, {})


def shape(value: Any) -> Any:
    """Keys and types; of a list the shapes that occur in it, each once."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        shapes = {json.dumps(shape(part), sort_keys=True) for part in value}
        return [json.loads(text) for text in sorted(shapes)]
    kinds: dict[type, str] = {bool: "bool", int: "number", float: "number", str: "str"}
    return kinds[type(value)]
