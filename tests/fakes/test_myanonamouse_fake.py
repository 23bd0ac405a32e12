"""The fake answers with the documented shapes, to the letter, and its switches work over HTTP."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from integrations.myanonamouse.session import cookie_header
from tests.api.toy import eventually, served
from tests.fakes.catalogue import public_domain
from tests.fakes.myanonamouse import FakeMyAnonamouse

NAMES = (
    "id added author_info bookmarked browseflags main_cat category catname mediatype maincat categories cat comments"
    " filetype fl_vip free lang_code language leechers my_snatched narrator_info numfiles owner owner_name"
    " personal_freeleech seeders series_info size tags times_completed title vip vip_expire w"
)
TEXTS = (
    "added author_info catname categories cat filetype lang_code narrator_info owner_name series_info size tags title"
)
ROW = {name: "str" if name in TEXTS.split() else "int" for name in NAMES.split()} | {"bookmarked": "NoneType"}
OPTIONAL = {"dl": "str", "thumbnail": "str"}
DETAIL = {"isbn": "str", "description": "str", "ownership": "str", "mediainfo": "str"}
BUCKET = {"name": "str", "count": "int", "size": "NoneType"}
SIZED = {"name": "str", "count": "int", "size": "int"}
PAGE = {"perpage": "int", "start": "int", "total": "int", "found": "int"}
USER = {
    "classname": "str",
    "country_code": "NoneType",
    "country_name": "NoneType",
    "downloaded": "str",
    "downloaded_bytes": "int",
    "ratio": "float",
    "seedbonus": "int",
    "uid": "int",
    "uploaded": "str",
    "uploaded_bytes": "int",
    "username": "str",
    "vip_until": "str",
    "wedges": "int",
}
SUMMARY = {
    "connectable": "str",
    "created": "int",
    "created_at": "str",
    "inactHnr": BUCKET,
    "inactSat": SIZED,
    "inactUnsat": BUCKET,
    "leeching": BUCKET,
    "sSat": SIZED,
    "seedHnr": BUCKET,
    "seedUnsat": BUCKET,
    "unsat": BUCKET | {"limit": "int"},
}
SEARCH = {"tor": {"text": "time machine", "srchIn": ["title"], "main_cat": [13], "cat": ["0"]}, "perpage": 100}
SNATCH_TEXTS = (
    "catname catimg category id title comments last_seed size tags browseFlags free vip times_completed uploaded"
    " downloaded complete_date seedtime leechtime OneToOne last_action start_date finished to_go seeders leechers"
    " uploaderName uploaderID personalFree cat dl to_go_pretty STG"
)
SNATCH = dict.fromkeys(SNATCH_TEXTS.split(), "str") | {
    "vip_expire": "NoneType",
    "complete_unix": "int",
    "start_unix": "int",
    "last_action_unix": "int",
    "author": [{"id": "str", "name": "str"}],
    "narrator": [{"id": "str", "name": "str"}],
    "series": [],
    "categories": [{"id": "int", "name": "str"}],
    "fileTypes": [{"id": "int", "name": "str"}],
}
BOUGHT = {"success": "bool", "type": "str", "seedbonus": "int"}
SHAPES: list[tuple[str, str, Any, int, Any]] = [
    ("GET", "/json/checkCookie.php", None, 200, {"Success": "str"}),
    (
        "POST",
        "/tor/js/loadSearchJSONbasic.php",
        SEARCH | {"dlLink": "true", "thumbnail": "true"},
        200,
        PAGE | {"data": [ROW | OPTIONAL]},
    ),
    (
        "POST",
        "/tor/js/loadSearchJSONbasic.php",
        {"tor": {"id": 900101}, "perpage": 5, "isbn": "", "description": "", "mediaInfo": ""},
        200,
        PAGE | {"data": [ROW | DETAIL]},
    ),
    ("POST", "/tor/js/loadSearchJSONbasic.php", {"tor": {"text": "nowhere"}}, 200, {"error": "str"}),
    ("GET", "/jsonLoad.php", None, 200, USER),
    ("GET", "/jsonLoad.php?snatch_summary=", None, 200, USER | {"snatch_summary": SUMMARY}),
    ("GET", "/json/loadUserDetailsTorrents.php?uid=1&type=unsat", None, 200, {"success": "bool", "rows": [SNATCH]}),
    ("GET", "/json/bonusBuy.php/?spendtype=VIP&duration=max", None, 200, BOUGHT | {"amount": "int"}),
    (
        "GET",
        "/json/bonusBuy.php/?spendtype=upload&amount=50",
        None,
        200,
        BOUGHT
        | {"amount": "int", "uploaded": "int", "downloaded": "int", "ratio": "float"}
        | {"uploadFancy": "str", "downloadFancy": "str"},
    ),
    ("GET", "/json/bonusBuy.php/?spendtype=wedges&source=points", None, 200, BOUGHT | {"FLleft": "int"}),
    (
        "GET",
        "/json/bonusBuy.php/1?spendtype=personalFL&torrentid=900101",
        None,
        200,
        BOUGHT | {"seedbonus": "str", "FLleft": "int"},
    ),
    (
        "GET",
        "/json/bonusBuy.php/1?spendtype=personalFL&torrentid=900102",
        None,
        200,
        {"success": "bool", "error": "str"},
    ),
    (
        "GET",
        "/json/dynamicSeedbox.php",
        None,
        200,
        {"Success": "bool", "msg": "str", "ip": "str", "ASN": "int", "AS": "str"},
    ),
]


def _shape(value: object) -> object:
    """The names and types; of a list, those of its first item."""
    if isinstance(value, Mapping):
        return {name: _shape(held) for name, held in value.items()}
    return [_shape(held) for held in value[:1]] if isinstance(value, list) else type(value).__name__


@pytest.fixture
def fake() -> FakeMyAnonamouse:
    return FakeMyAnonamouse(public_domain())


def _client(fake: FakeMyAnonamouse) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(fake.app), base_url="http://127.0.0.1")


async def _ask(fake: FakeMyAnonamouse, method: str, path: str, body: object = None) -> httpx.Response:
    async with _client(fake) as client:
        return await client.request(method, path, json=body, headers={"Cookie": cookie_header(fake.session)})


@pytest.mark.parametrize(("method", "path", "body", "status", "shape"), SHAPES)
async def test_every_endpoint_answers_in_its_documented_shape(
    fake: FakeMyAnonamouse, method: str, path: str, body: object, status: int, shape: object
) -> None:
    fake.account.points = 99_999
    fake.account.unsatisfied = {} if "jsonLoad" in path else {900101: fake.catalogue[900101]}
    if "VIP" in path:
        fake.account.vip_until = None
    answer = await _ask(fake, method, path, body)
    assert (answer.status_code, _shape(answer.json())) == (status, shape)


async def test_a_download_is_a_torrent(fake: FakeMyAnonamouse) -> None:
    answer = await _ask(fake, "GET", "/tor/download.php?tid=900101")
    assert answer.headers["content-type"] == "application/x-bittorrent"
    assert answer.content.startswith(b"d8:announce")


async def test_the_older_row_has_its_own_names_and_texts_for_numbers(fake: FakeMyAnonamouse) -> None:
    fake.switches.legacy_types = True
    body = (await _ask(fake, "POST", "/tor/js/loadSearchJSONbasic.php", SEARCH | {"dlLink": ""})).json()
    row = body["data"][0]
    assert (body["total_found"], row["id"], row["size"], row["free"], row["my_snatched"], row["dl"] != "") == (
        1,
        "900101",
        "134637158",
        "0",
        False,
        True,
    )
    assert "mediatype" not in row


async def test_the_cookie_is_replaced_as_the_site_writes_it_and_the_old_one_is_dead(fake: FakeMyAnonamouse) -> None:
    old = cookie_header(fake.session)
    async with _client(fake) as client:
        first = await client.get("/jsonLoad.php", headers={"Cookie": old})
        assert first.headers["set-cookie"].startswith("mam_id=session%201%2F%2B%3D00000001; expires=")
        assert (await client.get("/jsonLoad.php", headers={"Cookie": old})).status_code == 403
        assert (await client.get("/jsonLoad.php")).status_code == 403


async def test_switches_are_turned_over_http_and_unknown_ones_are_named(fake: FakeMyAnonamouse) -> None:
    async with _client(fake) as client:
        turned = await client.post("/fake/switches", json={"session_expired": True, "rate_limited": 2})
        assert (turned.json()["session_expired"], fake.switches.rate_limited) == (True, 2)
        assert (await client.post("/fake/switches", json={"nonsense": 1})).json() == {
            "error": "There is no switch nonsense."
        }
        assert (await client.get("/fake/switches")).json()["rate_limited"] == 2


async def test_a_session_can_be_made_by_hand(fake: FakeMyAnonamouse) -> None:
    fake.switches.session_expired = True
    async with _client(fake) as client:
        value = (await client.post("/fake/session")).json()["mam_id"]
        answer = await client.get("/json/checkCookie.php", headers={"Cookie": cookie_header(value)})
    assert answer.json() == {"Success": "You are logged in as: example_user"}


async def test_a_hanging_site_answers_when_it_is_let_go(fake: FakeMyAnonamouse) -> None:
    fake.switches.hang = True
    async with served(fake.app) as address, httpx.AsyncClient(base_url=f"http://{address}") as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/jsonLoad.php", timeout=0.1)
        fake.switches.hang = False
        await eventually(lambda: len(fake.seen) == 1)
        answer = await client.get("/jsonLoad.php", headers={"Cookie": cookie_header(fake.session)})
    assert answer.status_code == 200
