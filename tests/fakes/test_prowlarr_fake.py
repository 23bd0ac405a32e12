"""The fake Prowlarr answers in Prowlarr's shapes to the letter, and misbehaves when its switches are set."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from tests.fakes.catalogue import public_domain
from tests.fakes.prowlarr import API_KEY, STACK_TRACE, FakeProwlarr
from tests.fakes.prowlarr_rows import myanonamouse, public_tracker, usenet_indexer

ENTRIES = public_domain()
GUID = "https://www.myanonamouse.net/t/900101"

CATEGORY = {"id": "int", "name": "str", "subCategories": []}
SUBCATEGORIES = {"id": "int", "name": "str", "subCategories": [CATEGORY]}
RELEASE = {
    "guid": "str", "age": "int", "ageHours": "float", "ageMinutes": "float", "size": "int", "indexerId": "int",
    "indexer": "str", "title": "str", "sortTitle": "str", "imdbId": "int", "tmdbId": "int", "tvdbId": "int",
    "tvMazeId": "int", "publishDate": "str", "indexerFlags": [], "categories": [CATEGORY], "protocol": "str",
    "fileName": "str", "id": "int",
}  # fmt: skip
TORRENT = RELEASE | {"grabs": "int", "infoUrl": "str", "seeders": "int", "leechers": "int"}
CUSTOM = {"id": "int", "subCategories": []}
FIELD = {
    "order": "int", "name": "str", "label": "str", "value": "str", "type": "str", "advanced": "bool",
    "privacy": "str", "isFloat": "bool",
}  # fmt: skip
INDEXER = {
    "indexerUrls": ["str"], "legacyUrls": [], "definitionName": "str", "description": "str", "language": "str",
    "encoding": "str", "enable": "bool", "redirect": "bool", "supportsRss": "bool", "supportsSearch": "bool",
    "supportsRedirect": "bool", "supportsPagination": "bool", "appProfileId": "int", "protocol": "str",
    "privacy": "str",
    "capabilities": {
        "limitsMax": "int", "limitsDefault": "int", "categories": [SUBCATEGORIES, SUBCATEGORIES, CATEGORY],
        "supportsRawSearch": "bool", "searchParams": ["str"], "tvSearchParams": [], "movieSearchParams": [],
        "musicSearchParams": [], "bookSearchParams": ["str"],
    },
    "priority": "int", "downloadClientId": "int", "added": "str", "sortName": "str", "name": "str",
    "fields": [FIELD, FIELD, FIELD | {"value": "int"}],
    "implementationName": "str", "implementation": "str", "configContract": "str", "infoLink": "str", "tags": [],
    "id": "int",
}  # fmt: skip
TEXTS = (
    "appName instanceName version buildTime startupPath appData osName osVersion mode branch databaseType "
    "databaseVersion authentication urlBase runtimeVersion runtimeName startTime packageVersion packageAuthor "
    "packageUpdateMechanism"
)
FLAGS = "isDebug isProduction isAdmin isUserInteractive isNetCore isLinux isOsx isWindows isDocker"
RECORD = {"indexerId": "int", "date": "str", "successful": "bool", "eventType": "str", "id": "int"}
QUERY = "elapsedTime queryResults query queryType categories source host limit offset"
SHAPES: list[tuple[str, Any]] = [
    ("/ping", {"status": "str"}),
    (
        "/api/v1/search?query=time+machine&indexerIds=7&limit=100",
        [TORRENT | {"files": "int", "downloadUrl": "str", "categories": [CATEGORY, CUSTOM]}],
    ),
    (
        "/api/v1/search?query=time+machine&indexerIds=9&limit=100",
        [TORRENT | {"infoHash": "str", "magnetUrl": "str", "categories": [CATEGORY, CATEGORY]}],
    ),
    (
        "/api/v1/search?query=time+machine&indexerIds=4&limit=100",
        [RELEASE | {"downloadUrl": "str", "categories": [CATEGORY, CATEGORY]}],
    ),
    ("/api/v1/search?query=nothing+like+it&limit=100", []),
    ("/api/v1/indexer", [INDEXER, INDEXER, INDEXER]),
    (
        "/api/v1/indexerstatus",
        [{"indexerId": "int", "disabledTill": "str", "mostRecentFailure": "str", "initialFailure": "str", "id": "int"}],
    ),
    (
        "/api/v1/system/status",
        dict.fromkeys(TEXTS.split(), "str") | dict.fromkeys(FLAGS.split(), "bool") | {"migrationVersion": "int"},
    ),
    (
        "/api/v1/health",
        [{"source": "str", "type": "str", "message": "str", "wikiUrl": "str", "id": "int"}],
    ),
    (
        "/api/v1/history?page=1&pageSize=1",
        {
            "page": "int",
            "pageSize": "int",
            "sortKey": "str",
            "sortDirection": "str",
            "totalRecords": "int",
            "records": [RECORD | {"data": dict.fromkeys(QUERY.split(), "str")}],
        },
    ),
]


class Clock:
    """A time that only tests move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> FakeProwlarr:
    return FakeProwlarr((myanonamouse(ENTRIES), public_tracker(ENTRIES), usenet_indexer(ENTRIES)), now=clock)


@pytest.fixture
async def client(fake: FakeProwlarr) -> AsyncIterator[httpx.AsyncClient]:
    transport, headers = httpx.ASGITransport(fake), {"X-Api-Key": API_KEY}
    async with httpx.AsyncClient(base_url="http://prowlarr:9696", transport=transport, headers=headers) as client:
        yield client


@pytest.mark.parametrize(("path", "shape"), SHAPES, ids=[path for path, _ in SHAPES])
async def test_every_answer_has_prowlarrs_keys_and_kinds(
    client: httpx.AsyncClient, fake: FakeProwlarr, path: str, shape: Any
) -> None:
    await client.get("/api/v1/search?query=time&limit=100")
    fake.switches.failing = {9} if "status" in path or "health" in path else set()

    answer = await client.get(path)

    assert _shape(answer.json()) == shape
    assert answer.text == "[]" or answer.text.startswith(("{\n  ", "[\n  {\n    "))


async def test_links_carry_the_key_and_titles_are_built_as_myanonamouses(client: httpx.AsyncClient) -> None:
    (row,) = (await client.get("/api/v1/search?query=time+machine&indexerIds=7&limit=100")).json()

    assert row["downloadUrl"].startswith(f"http://prowlarr:9696/7/download?apikey={API_KEY}&link=")
    assert row["downloadUrl"].endswith("&file=The+Time+Machine+by+H.+G.+Wells+%5BENG+%2F+M4B%5D")
    assert (row["guid"], row["sortTitle"]) == (GUID, "time machine by h g wells eng m4b")


async def test_both_paths_of_the_download_proxy_give_the_torrent(client: httpx.AsyncClient) -> None:
    (row,) = (await client.get("/api/v1/search?query=time+machine&indexerIds=7&limit=100")).json()

    for path in (row["downloadUrl"], row["downloadUrl"].replace("/7/", "/api/v1/indexer/7/")):
        answer = await client.get(path)
        assert (answer.headers["Content-Type"], answer.content) == ("application/x-bittorrent", ENTRIES[0].torrent)


async def test_without_a_limit_no_rows_come(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/search?query=time+machine")).json() == []


async def test_a_comma_list_of_indexers_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/search?query=time&indexerIds=7,9&limit=100")

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"IndexerIds": ["The value '7,9' is not valid."]}


async def test_negative_numbers_stand_for_kinds_of_indexers(client: httpx.AsyncClient) -> None:
    rows = (await client.get("/api/v1/search?query=time+machine&indexerIds=-2&limit=100")).json()

    assert [row["indexerId"] for row in rows] == [7, 9]


async def test_tokens_are_lost_on_an_indexer_that_cannot_use_them(client: httpx.AsyncClient) -> None:
    query = "type=book&query={author:H. G. Wells}{title:Time Machine}&limit=100"

    rows = (await client.get(f"/api/v1/search?{query}&indexerIds=9&indexerIds=7")).json()

    assert [row["indexerId"] for row in rows] == [7] * len(ENTRIES) + [9]


async def test_a_wrong_key_is_401_without_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/indexer", headers={"X-Api-Key": "another"})

    assert (answer.status_code, answer.content) == (401, b"")


async def test_the_key_in_the_query_wins(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/indexer?apikey=another")).status_code == 401


@pytest.mark.parametrize(
    ("minutes", "switches", "status", "message"),
    [
        (30, {}, 200, None),
        (31, {}, 404, "Couldn't find requested release in cache, try searching again"),
        (0, {"gone": True}, 409, "Getting release from indexer failed"),
        (0, {"no_client": True}, 500, "Torrent Download client isn't configured yet"),
    ],
)
async def test_a_grab_works_for_half_an_hour(
    client: httpx.AsyncClient,
    fake: FakeProwlarr,
    clock: Clock,
    minutes: int,
    switches: dict[str, bool],
    status: int,
    message: str | None,
) -> None:
    await client.get("/api/v1/search?query=time+machine&indexerIds=7&limit=100")
    clock.now += timedelta(minutes=minutes)
    fake.switches.set(**switches)
    grab = {"guid": GUID, "indexerId": 7}

    answer = await client.post("/api/v1/search", json=grab)

    expected = grab if message is None else {"message": message, "description": STACK_TRACE}
    assert (answer.status_code, answer.json()) == (status, expected)
    assert fake.grabbed == ([GUID] if message is None else [])


async def test_failing_indexers_are_swallowed_listed_and_recorded(
    client: httpx.AsyncClient, fake: FakeProwlarr
) -> None:
    fake.switches.failing = {9}

    rows = (await client.get("/api/v1/search?query=time+machine&limit=100")).json()
    blocked = (await client.get("/api/v1/indexerstatus")).json()
    records = (await client.get("/api/v1/history?eventType=indexerQuery")).json()["records"]

    assert [row["indexerId"] for row in rows] == [7, 4]
    assert [row["indexerId"] for row in blocked] == [9]
    assert {record["indexerId"]: record["successful"] for record in records} == {7: True, 9: False, 4: True}


@pytest.mark.parametrize(
    ("switches", "status", "description"),
    [
        ({"gone": True}, 410, "Release is unavailable"),
        ({"blocked_seconds": 90}, 429, "Indexer is disabled till 11/22/2026 09:01:30 due to recent failures."),
    ],
)
async def test_refused_downloads_are_xml(
    client: httpx.AsyncClient, fake: FakeProwlarr, switches: dict[str, object], status: int, description: str
) -> None:
    (row,) = (await client.get("/api/v1/search?query=time+machine&indexerIds=7&limit=100")).json()
    fake.switches.set(**switches)

    answer = await client.get(row["downloadUrl"])

    error = fromstring(answer.content)
    assert (answer.status_code, error.tag, error.attrib) == (
        status,
        "error",
        {"code": str(status), "description": description},
    )
    assert answer.headers["Content-Type"].startswith("application/rss+xml")
    assert answer.headers.get("Retry-After") == ("90" if status == 429 else None)


@pytest.mark.parametrize(
    ("switch", "target"), [("magnet", "magnet:?xt=urn:btih:"), ("to_tracker", "https://www.myanonamouse.net/t/900101/")]
)
async def test_downloads_may_lead_elsewhere(
    client: httpx.AsyncClient, fake: FakeProwlarr, switch: str, target: str
) -> None:
    (row,) = (await client.get("/api/v1/search?query=time+machine&indexerIds=7&limit=100")).json()
    fake.switches.set(**{switch: True})

    answer = await client.get(row["downloadUrl"])

    assert (answer.status_code, answer.headers["Location"][: len(target)]) == (301, target)


async def test_links_of_others_and_unknown_indexers_are_refused_in_json(client: httpx.AsyncClient) -> None:
    foreign, unknown = await client.get("/7/download?link=abc"), await client.get("/99/download?link=abc")

    assert (foreign.status_code, foreign.json()) == (
        400,
        {"message": "BadRequest: Invalid Prowlarr link", "content": "Invalid Prowlarr link"},
    )
    assert (unknown.status_code, unknown.json()["message"]) == (404, "IndexerDefinition with ID 99 does not exist")


async def test_switches_are_shown_and_set_over_http(client: httpx.AsyncClient, fake: FakeProwlarr) -> None:
    shown = await client.post("/fake/switches", json={"failing": [9], "empty": True})

    assert (fake.switches.failing, fake.switches.empty) == ({9}, True)
    assert shown.json() == (await client.get("/fake/switches")).json()
    assert (shown.json()["failing"], shown.json()["hang"]) == ([9], False)


@pytest.mark.parametrize("wrong", [{"no_such": True}, {"empty": 1}, {"failing": 9}])
async def test_what_is_no_switch_changes_nothing(
    client: httpx.AsyncClient, fake: FakeProwlarr, wrong: dict[str, object]
) -> None:
    before = replace(fake.switches)

    answer = await client.post("/fake/switches", json={"gone": True} | wrong)

    assert (answer.status_code, fake.switches) == (400, before)


async def test_nothing_is_answered_while_it_hangs(client: httpx.AsyncClient, fake: FakeProwlarr) -> None:
    fake.switches.hang = True
    asking = asyncio.create_task(client.get("/api/v1/indexer"))

    _, waiting = await asyncio.wait([asking], timeout=0.1)
    fake.switches.hang = False

    assert waiting == {asking}
    assert (await asking).status_code == 200


def _shape(value: Any) -> Any:
    """The keys of a JSON value with the kinds of what they hold; lists of simple values by their first."""
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        shapes = [_shape(item) for item in value]
        return shapes if shapes and isinstance(shapes[0], dict) else shapes[:1]
    return type(value).__name__
