"""The agents' door over HTTP: the SDK's own client against a served process, and clients that mean harm."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import httpx2
import pytest
from mcp import MCPError

from jobs.events import Bus
from library.database import open_database
from library.models.downloads import DownloadState
from tests.api.agent_fixtures import (
    BOTH,
    INITIALIZE,
    INJECTION,
    Agents,
    connected,
    failure,
    new_token,
    post,
    revoke,
    serving_agents,
    told,
)
from tests.conftest import _numbers
from tests.processes import Served
from tests.resolvers.download_fixtures import go

READING = ["search", "similar_books", "look_at_book"]
OF_MEMBERS = ["list_downloads", "follow_download", "list_releases"]
WRITING = ["search_releases", "want_book", "request_download"]


@pytest.fixture(scope="module")
def agents(sqlite_template: Path, valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agents]:
    with serving_agents(sqlite_template, f"{valkey_url}?db={next(_numbers)}", tmp_path_factory.mktemp("agents")) as up:
        yield up


async def names(served: Served, role: str) -> list[str]:
    secret, _ = await asyncio.to_thread(new_token, served, role)
    async with connected(served, secret) as client:
        return [tool.name for tool in (await client.list_tools()).tools]


async def move(agents: Agents, row: int, *states: DownloadState) -> None:
    """Move a download on from another process, as a worker does."""
    database, bus = open_database(agents.database_url), Bus.open(agents.redis_url)
    try:
        await go(database, bus, row, *states)
    finally:
        await bus.close()
        await database.close()


class Notes:
    """Progress as it is told; `begun` is set by the first."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, str | None]] = []
        self.begun = asyncio.Event()

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        """Take one."""
        self.seen.append((progress, message))
        self.begun.set()


async def test_what_changes_something_is_not_there_unless_the_operator_says_so(served_api: Served) -> None:
    assert await names(served_api, "ADMIN") == [*READING, *OF_MEMBERS]
    async with connected(served_api) as client:
        with pytest.raises(MCPError, match="There is no tool 'request_download', or this server does not allow it"):
            await client.call_tool("request_download", {"release_id": "abc"})


async def test_a_role_is_offered_what_it_may_do(agents: Agents) -> None:
    assert await names(agents.served, "VIEWER") == READING
    assert await names(agents.served, "MEMBER") == [*READING, *OF_MEMBERS, *WRITING]


async def test_a_tool_that_is_not_offered_is_refused_by_the_graph_all_the_same(agents: Agents) -> None:
    secret, _ = await asyncio.to_thread(new_token, agents.served, "VIEWER")
    async with connected(agents.served, secret) as client:
        asked = [
            await client.call_tool("request_download", {"release_id": agents.release}),
            await client.call_tool("want_book", {"book_id": agents.book}),
            await client.call_tool("follow_download", {"download_id": agents.downloads[0]}),
        ]
    assert [failure(result).partition(":")[0] for result in asked] == ["FORBIDDEN"] * 3


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_book_is_looked_at_and_long_texts_are_cut(agents: Agents, mode: str) -> None:
    async with connected(agents.served, mode=mode) as client:  # type: ignore[arg-type]  # parametrize gives a str
        result = await client.call_tool("look_at_book", {"book_id": agents.book})
    book = told(result)
    assert (book["title"], book["authors"], book["hours"]) == ("Robinson Crusoe", ["Daniel Defoe"], 1.0)
    assert book["editions"][0]["narrators"] == ["Ada Reader"]
    # A text that gives orders is handed on as what it is; the tool's words say so.
    assert book["description"].startswith(INJECTION)
    assert book["description"].endswith("[…cut: 3161 characters more]")
    assert json.loads(result.content[0].text) == book  # type: ignore[union-attr]  # a text, as the tool gives no other


async def test_a_search_that_warms_up_says_so_instead_of_finding_nothing(agents: Agents) -> None:
    async with connected(agents.served) as client:
        result = await client.call_tool("search", {"query": "an island", "longest_hours": 10, "owned": True})
        similar = await client.call_tool("similar_books", {"book_id": agents.book, "exclude": ["SAME_AUTHOR"]})
    assert failure(result).startswith("PROVIDER_UNAVAILABLE: The embedding model is being prepared")
    assert failure(similar).startswith("PROVIDER_UNAVAILABLE: ")


async def test_a_book_is_wanted_and_a_search_for_it_is_read(agents: Agents) -> None:
    async with connected(agents.served) as client:
        wanted = told(await client.call_tool("want_book", {"book_id": agents.book}))
        offered = told(await client.call_tool("list_releases", {"search_id": wanted["search_id"]}))
        started = told(await client.call_tool("search_releases", {"book_id": agents.book, "wait_seconds": 0}))
    assert (wanted["state"], offered["finished"], offered["releases"]) == ("OPEN", False, [])
    assert started["search_id"] != wanted["search_id"]


async def test_a_release_is_taken_once_however_often_it_is_requested(agents: Agents) -> None:
    async with connected(agents.served) as client:
        first = told(await client.call_tool("request_download", {"release_id": agents.release}))
        again = told(await client.call_tool("request_download", {"release_id": agents.release}))
        refused = await client.call_tool("request_download", {"release_id": agents.rejected})
        listed = told(await client.call_tool("list_downloads", {"first": 1}))
    assert first["download"] == again["download"] == listed["downloads"][0]
    assert (first["download"]["state"], listed["next_page"] is not None) == ("QUEUED", True)
    assert failure(refused).startswith("CONFLICT: 'Crusoe, abridged' was rejected (ABRIDGED: It is abridged.).")


async def test_a_download_is_followed_to_its_next_state(agents: Agents) -> None:
    asked, notes = {"download_id": agents.downloads[0]}, Notes()
    async with connected(agents.served) as client:
        still = told(await client.call_tool("follow_download", {**asked, "wait_seconds": 0}))
        following = asyncio.create_task(client.call_tool("follow_download", asked, progress_callback=notes))
        await asyncio.wait_for(notes.begun.wait(), 10)
        await move(agents, agents.download_rows[0], DownloadState.GRABBING)
        changed = told(await following)
        await move(agents, agents.download_rows[0], DownloadState.BLOCKED)
        blocked = told(await client.call_tool("follow_download", asked))
    assert (still["download"]["state"], still["changed"], still["resting"]) == ("QUEUED", False, False)
    assert (changed["download"]["state"], changed["changed"], changed["resting"]) == ("GRABBING", True, False)
    assert notes.seen == [(0.0, "QUEUED")]
    assert (blocked["changed"], blocked["resting"]) == (False, True)
    assert blocked["download"]["reason"]["hint"] == "Make room."


async def test_a_revoked_token_has_ended_also_in_the_middle_of_a_call(agents: Agents) -> None:
    secret, token_id = await asyncio.to_thread(new_token, agents.served, "ADMIN")
    asked, notes = {"download_id": agents.downloads[1], "wait_seconds": 25}, Notes()
    async with connected(agents.served, secret) as client:
        following = asyncio.create_task(client.call_tool("follow_download", asked, progress_callback=notes))
        await asyncio.wait_for(notes.begun.wait(), 10)
        await asyncio.to_thread(revoke, agents.served, token_id)
        await move(agents, agents.download_rows[1], DownloadState.GRABBING)
        assert failure(await following).startswith("UNAUTHENTICATED: ")
        with pytest.raises((MCPError, httpx2.HTTPError)):
            await client.call_tool("list_downloads")
    with agents.served.client as by_hand:
        refused = post(by_hand, "tools/list", {"Authorization": f"Bearer {secret}"})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("look_at_book", {}, "book_id: Field required"),
        ("look_at_book", {"book_id": "x" * 10_000}, "book_id: String should have at most 200 characters"),
        ("look_at_book", {"book_id": {"$ne": 1}}, "book_id: Input should be a valid string"),
        ("look_at_book", {"book_id": "not an id"}, "'not an id' is not an id of this server"),
        ("look_at_book", {"book_id": "RG93bmxvYWQ6MQ"}, "this argument takes the id of a Book"),
        ("look_at_book", {"book_id": "Qm9vazo5OTk"}, "There is no book with this id"),
        ("search", {"query": "a", "first": 10_000}, "first: Input should be less than or equal to 20"),
        ("search", {"query": "a", "ignoreRejections": True}, "ignoreRejections: Extra inputs are not permitted"),
        ("search", {"query": '"}) { __schema { types { name } } } #'}, "The embedding model is being prepared"),
        ("follow_download", {"download_id": "RG93bmxvYWQ6OTk5"}, "There is no such download"),
        ("follow_download", {"download_id": "RG93bmxvYWQ6MQ", "wait_seconds": 1e9}, "less than or equal to 25"),
        ("list_downloads", {"states": ["LOST"]}, "states.0: Input should be 'QUEUED'"),
        ("list_releases", {"search_id": "RG93bmxvYWQ6MQ"}, "takes the id of a ReleaseSearch"),
        ("request_download", {"release_id": "abc", "use_wedge": True}, "use_wedge: Extra inputs are not permitted"),
    ],
)
async def test_arguments_that_cannot_be_are_refused_in_a_sentence(
    agents: Agents, tool: str, arguments: dict[str, object], said: str
) -> None:
    async with connected(agents.served) as client:
        sentence = failure(await client.call_tool(tool, arguments))
    assert said in sentence
    assert len(sentence) < 500


def test_nobody_is_let_in_by_a_cookie_or_by_nothing(served_api: Served) -> None:
    secret, _ = new_token(served_api, "ADMIN")
    sign_in = "mutation($t: String!) { signIn(input: {token: $t}) { __typename } }"
    with httpx.Client(base_url=served_api.url) as browser:
        anonymous = post(browser, "initialize", params=INITIALIZE)
        browser.post("/graphql", json={"query": sign_in, "variables": {"t": secret}})
        assert browser.cookies
        by_cookie = post(browser, "tools/list")
        wrong = post(browser, "tools/list", {"Authorization": "Bearer sg_wrong"})
    assert [answer.status_code for answer in (anonymous, by_cookie, wrong)] == [401, 401, 401]
    assert anonymous.json()["error"]["message"].startswith("Sign in")


def test_pages_of_other_origins_are_kept_out_by_whatever_name_they_come(served_api: Served) -> None:
    with served_api.client as page:
        answers = [
            post(page, "tools/list", {"Origin": "https://evil.example"}),
            # The name of a page that was made to lead here is also the Host.
            post(page, "tools/list", {"Origin": "http://rebound.example:80", "Host": "rebound.example:80"}),
            post(page, "tools/list", {"Origin": served_api.url}),
            post(page, "tools/list", {"Origin": "null"}),
        ]
    assert [answer.status_code for answer in answers] == [403] * 4


def test_malformed_requests_are_refused_and_nothing_is_kept_between_requests(served_api: Served) -> None:
    headers = {"Accept": BOTH, "Content-Type": "application/json"}
    with served_api.client as client:
        torn = client.post("/mcp", content=b'{"jsonrpc": "2.0", ', headers=headers)
        batch = client.post("/mcp", content=b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', headers=headers)
        deep = client.post("/mcp", content=b'{"a":' * 50_000, headers=headers)
        large = client.post("/mcp", content=b" " * 1_100_000, headers=headers)
        form = client.post("/mcp", data={"method": "tools/list"}, headers={"Accept": BOTH})
        stream, ended = client.get("/mcp", headers=headers), client.delete("/mcp")
        begun = post(client, "initialize", params=INITIALIZE)
        taken_over = post(client, "tools/list", {"Mcp-Session-Id": "of-somebody-else"})
        assert client.get("/health/ready").status_code == 200
    assert [answer.status_code for answer in (torn, batch, deep, form)] == [400] * 4
    assert (large.status_code, stream.status_code, ended.status_code) == (413, 405, 405)
    assert "mcp-session-id" not in begun.headers
    assert (begun.status_code, taken_over.status_code) == (200, 200)
