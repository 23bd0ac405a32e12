"""Downloads in the graph: asked for once, steered by their rows, shown to whom they belong."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from strawberry.types import ExecutionResult

from jobs.events import Bus, unit_of_work
from library import downloads
from library.database import Database
from library.models import Book, DownloadFile, Event, Integration, Job
from library.models.accounts import Role
from library.models.downloads import Download, DownloadState
from library.models.integrations import IntegrationKind, IntegrationSource
from resolvers.context import Context, Viewer
from resolvers.ids import encode_id
from tests.resolvers.conftest import viewer
from tests.resolvers.download_fixtures import REJECTION, go, schema, write_download, write_release

Run = Callable[..., Awaitable[Any]]
S = DownloadState
DONE = (S.GRABBING, S.DOWNLOADING, S.VERIFYING, S.IMPORTING, S.IMPORTED, S.ENRICHING, S.DONE)
MEMBER = viewer(Role.MEMBER, 7)
ADMIN = viewer(Role.ADMIN, 1)
REQUEST = """mutation ($input: RequestDownloadInput!) { requestDownload(input: $input) { __typename
  ... on RequestDownloadPayload { download { id name state mode book { title } } job { id kind } }
  ... on AlreadyRequestedError { existing { name } } ... on Error { code message } } }"""
STEER = """mutation ($input: %(name)sInput!) { %(field)s(input: $input) { __typename
  ... on %(name)sPayload { download { state paused } job { kind } } ... on Error { code message } } }"""
LIST = """query ($filter: DownloadFilter, $order: [DownloadOrder!], $first: Int) {
  downloads(filter: $filter, orderBy: $order, first: $first) { totalCount nodes { name } } }"""
WHOLE = """{ downloads { nodes { name book { title } edition { id } release { title } libraryRoot { id } want { id }
  imports { id }
  history(first: 2) { totalCount nodes { fromState toState } pageInfo { hasNextPage } }
  files(last: 1) { nodes { path sizeBytes book { title } } } } } }"""


@pytest.fixture
def run(make_context: Callable[[Viewer | None], Context]) -> Run:
    """Run an operation as somebody, and give the value of its only field."""

    async def run(query: str, who: Viewer = MEMBER, **variables: Any) -> Any:
        result = await schema.execute(query, variable_values=variables, context_value=make_context(who))
        assert isinstance(result, ExecutionResult)
        if result.errors:
            raise result.errors[0].original_error or result.errors[0]
        (value,) = (result.data or {}).values()
        return value

    return run


@pytest.fixture
def steer(run: Run) -> Run:
    """Change a download by the mutation of a name."""

    async def steer(name: str, download_id: int, who: Viewer = MEMBER, **given: Any) -> Any:
        query = STEER % {"name": name, "field": name[0].lower() + name[1:]}
        return await run(query, who, input={"id": encode_id("Download", download_id), **given})

    return steer


async def offer(database: Database, **values: Any) -> str:
    """A release; gives its id in the graph."""
    async with database.write() as session:
        return encode_id("Release", (await write_release(session, **values)).id)


async def rows(database: Database, table: type[Any]) -> list[Any]:
    """Every row of a table."""
    async with database.read() as session:
        return list((await session.scalars(sa.select(table))).all())


async def test_a_release_is_asked_for_with_its_job_and_event(database: Database, run: Run) -> None:
    async with database.write() as session:
        session.add(Book(title="The Sea-Wolf", sort_title="sea-wolf", title_key="the sea-wolf"))
        await session.flush()
    answer = await run(REQUEST, input={"release": await offer(database, book_id=1), "mode": "COPY"})
    async with database.read() as session:
        told = [(event.topic, event.kind) for event in await session.scalars(sa.select(Event))]
    assert answer == {
        "__typename": "RequestDownloadPayload",
        "download": {
            "id": encode_id("Download", 1),
            "name": "The Sea-Wolf",
            "state": "QUEUED",
            "mode": "COPY",
            "book": {"title": "The Sea-Wolf"},
        },
        "job": {"id": encode_id("Job", 1), "kind": "GRAB_DOWNLOAD"},
    }
    assert told == [("downloads", "QUEUED"), ("job:1", "QUEUED")]


async def test_the_same_key_gives_the_same_download_and_another_release_a_conflict(
    database: Database, run: Run
) -> None:
    one, two = await offer(database), await offer(database)
    first = await run(REQUEST, input={"release": one, "idempotencyKey": "k"})
    again = await run(REQUEST, input={"release": one, "idempotencyKey": "k"})
    other = await run(REQUEST, input={"release": two, "idempotencyKey": "k"})
    assert (again, other["__typename"]) == (first, "ConflictError")
    assert (len(await rows(database, Download)), len(await rows(database, Job))) == (1, 1)


async def test_what_is_on_its_way_is_not_asked_for_twice(database: Database, run: Run) -> None:
    offers = [await offer(database, key="mam:1", by=by) for by in ("user:7", "user:7", "user:8")]
    await run(REQUEST, input={"release": offers[0]})
    mine = await run(REQUEST, input={"release": offers[1]})
    others = await run(REQUEST, viewer(Role.MEMBER, 8), input={"release": offers[2]})
    assert (mine["__typename"], mine["existing"]) == ("AlreadyRequestedError", {"name": "The Sea-Wolf"})
    assert (others["__typename"], others["existing"]) == ("AlreadyRequestedError", None)
    assert "is being downloaded already" in mine["message"]


async def test_a_rejected_release_needs_an_express_wish(database: Database, run: Run) -> None:
    release = await offer(database, rejections=[REJECTION])
    refused = await run(REQUEST, input={"release": release})
    taken = await run(REQUEST, input={"release": release, "ignoreRejections": True})
    assert (refused["__typename"], taken["__typename"]) == ("ConflictError", "RequestDownloadPayload")
    assert "ABRIDGED: It is abridged." in refused["message"]


async def test_members_take_only_what_they_have_searched_for(database: Database, run: Run) -> None:
    release = await offer(database, by="user:8")
    assert (await run(REQUEST, input={"release": release}))["__typename"] == "NotFoundError"
    assert (await run(REQUEST, ADMIN, input={"release": release}))["__typename"] == "RequestDownloadPayload"


async def test_a_wedge_is_an_administrators_to_spend(database: Database, run: Run) -> None:
    release = await offer(database)
    with pytest.raises(Exception, match="role ADMIN"):
        await run(REQUEST, input={"release": release, "useWedge": True})
    assert await rows(database, Download) == []


@pytest.mark.parametrize(
    ("through", "name", "given", "state", "paused", "job"),
    [
        ((), "CancelDownload", {"withData": True}, "CANCELLED", False, "STEER_DOWNLOAD"),
        ((S.CANCELLED,), "CancelDownload", {}, "CANCELLED", False, "STEER_DOWNLOAD"),
        ((S.BLOCKED,), "RetryDownload", {}, "QUEUED", False, "GRAB_DOWNLOAD"),
        ((S.GRABBING, S.DOWNLOADING, S.BLOCKED), "RetryDownload", {}, "DOWNLOADING", False, "STEER_DOWNLOAD"),
        ((*DONE[:3], S.BLOCKED), "RetryDownload", {"ignoreWarnings": True}, "VERIFYING", False, "IMPORT_DOWNLOAD"),
        ((S.GRABBING,), "PauseDownload", {}, "GRABBING", True, "STEER_DOWNLOAD"),
        ((S.GRABBING,), "ResumeDownload", {}, "GRABBING", False, "STEER_DOWNLOAD"),
    ],
)
async def test_a_download_is_steered_by_its_row_and_a_job(
    database: Database, bus: Bus, steer: Run, through: Any, name: str, given: Any, state: str, paused: bool, job: str
) -> None:
    one = await write_download(database, bus, *through)
    answer = await steer(name, one, **given)
    assert answer == {
        "__typename": f"{name}Payload",
        "download": {"state": state, "paused": paused},
        "job": {"kind": job},
    }


@pytest.mark.parametrize(
    ("through", "name", "said"),
    [
        (DONE, "CancelDownload", "cannot be cancelled"),
        (DONE, "PauseDownload", "cannot be paused"),
        ((S.CANCELLED,), "ResumeDownload", "cannot be resumed"),
        ((S.GRABBING,), "RetryDownload", "can be retried"),
        ((S.GRABBING,), "AnnounceDownload", "has no torrent"),
        ((S.GRABBING,), "RemoveDownload", "has no torrent"),
    ],
)
async def test_what_cannot_be_is_a_conflict_and_changes_nothing(
    database: Database, bus: Bus, steer: Run, through: Any, name: str, said: str
) -> None:
    one = await write_download(database, bus, *through)
    answer = await steer(name, one)
    assert (answer["__typename"], answer["code"], said in answer["message"]) == ("ConflictError", "CONFLICT", True)
    assert await rows(database, Job) == []


@pytest.mark.parametrize("name", ["CancelDownload", "RetryDownload", "PauseDownload", "RemoveDownload"])
async def test_members_steer_only_their_own(database: Database, bus: Bus, steer: Run, name: str) -> None:
    one = await write_download(database, bus, S.BLOCKED, by="user:8")
    assert (await steer(name, one))["__typename"] == "NotFoundError"


async def in_client(database: Database, bus: Bus, *through: DownloadState, seeded: int = 0) -> int:
    """A download whose torrent the client has."""
    one = await write_download(database, bus, *through, info_hash="ab" * 20, seeding_seconds=seeded)
    async with database.write() as session:
        client = Integration(
            kind=IntegrationKind.QBITTORRENT, name="qBittorrent", url="http://x", source=IntegrationSource.MUTATION
        )
        session.add(client)
        await session.flush()
        (await downloads.get(session, one)).client_id = client.id
    return one


async def test_a_torrent_is_announced_again(database: Database, bus: Bus, steer: Run) -> None:
    one = await in_client(database, bus, S.GRABBING, S.DOWNLOADING)
    assert (await steer("AnnounceDownload", one))["__typename"] == "AnnounceDownloadPayload"
    async with database.read() as session:
        assert (await session.get_one(Job, 1)).payload == {"download_id": one, "action": "ANNOUNCE"}


async def test_nothing_is_removed_before_its_goal_but_by_force(database: Database, bus: Bus, steer: Run) -> None:
    one = await in_client(database, bus, *DONE, seeded=71 * 3600)
    early = await steer("RemoveDownload", one)
    with pytest.raises(Exception, match="role ADMIN"):
        await steer("RemoveDownload", one, force=True)
    forced = await steer("RemoveDownload", one, ADMIN, force=True)
    assert "seeded 1.0 hours more" in early["message"]
    assert (early["__typename"], forced["__typename"]) == ("ConflictError", "RemoveDownloadPayload")
    async with database.read() as session:
        assert (await downloads.get(session, one)).seeding_goal_seconds == 0


async def test_after_its_goal_a_member_may_remove_it(database: Database, bus: Bus, steer: Run) -> None:
    one = await in_client(database, bus, *DONE, seeded=73 * 3600)
    assert (await steer("RemoveDownload", one))["__typename"] == "RemoveDownloadPayload"


async def test_downloads_are_listed_newest_first_to_whom_they_belong(database: Database, bus: Bus, run: Run) -> None:
    await write_download(database, bus, S.BLOCKED, title="A", total_bytes=30)
    await write_download(database, bus, title="B", by="user:8", total_bytes=10)
    await write_download(database, bus, title="C", total_bytes=20)
    listed = [
        await run(LIST),
        await run(LIST, ADMIN, first=2),
        await run(LIST, filter={"states": ["BLOCKED", "FAILED"]}),
        await run(LIST, ADMIN, order=[{"field": "SIZE", "direction": "ASC"}]),
    ]
    assert [(page["totalCount"], [row["name"] for row in page["nodes"]]) for page in listed] == [
        (2, ["C", "A"]),
        (3, ["C", "B"]),
        (1, ["A"]),
        (3, ["B", "C", "A"]),
    ]


async def test_the_number_of_statements_does_not_depend_on_the_rows(
    database: Database, bus: Bus, run: Run, count_statements: Callable[[], Any]
) -> None:
    async def fill(title: str) -> None:
        one = await write_download(database, bus, *DONE, title=title)
        async with database.write() as session:
            for position in range(3):
                file = DownloadFile(download_id=one, position=position, path=f"{title}/{position}.mp3", size_bytes=9)
                session.add(file)

    await fill("A")
    with count_statements() as few:
        await run(WHOLE)
    for title in "BCDE":
        await fill(title)
    with count_statements() as many:
        answer = await run(WHOLE)
    assert len(few) == len(many)
    assert [row["name"] for row in answer["nodes"]] == list("EDCBA")
    assert answer["nodes"][0]["history"] == {
        "totalCount": 8,
        "nodes": [{"fromState": None, "toState": "QUEUED"}, {"fromState": "QUEUED", "toState": "GRABBING"}],
        "pageInfo": {"hasNextPage": True},
    }
    assert answer["nodes"][0]["files"] == {"nodes": [{"path": "E/2.mp3", "sizeBytes": 9, "book": None}]}


async def test_history_is_paged_to_its_end(database: Database, bus: Bus, run: Run) -> None:
    await write_download(database, bus, *DONE)
    query = """query ($after: String) { downloads { nodes { history(first: 3, after: $after) {
      nodes { toState } pageInfo { hasNextPage endCursor } } } } }"""
    states, after, more = [], None, True
    while more:
        page = (await run(query, after=after))["nodes"][0]["history"]
        states += [change["toState"] for change in page["nodes"]]
        more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    assert states == ["QUEUED", *DONE]


async def test_a_blocked_download_says_why_and_what_to_do(database: Database, bus: Bus, run: Run) -> None:
    one = await write_download(database, bus, S.GRABBING, S.DOWNLOADING, total_bytes=4_000_000_000, done_bytes=10**9)
    async with unit_of_work(database, bus) as work:
        download = await downloads.get(work.session, one)
        download.client_state, download.eta_seconds = "somethingNew", 60
    await go(database, bus, one, S.BLOCKED)
    query = """{ downloads { nodes { state blockedReason { code message hint retryAt } clientState clientStateKind
      progress { doneBytes totalBytes ratio } seeding { goalSeconds } } } }"""
    assert (await run(query))["nodes"] == [
        {
            "state": "BLOCKED",
            "blockedReason": {
                "code": "DISK_FULL",
                "message": "The library's disk is full.",
                "hint": "Make room.",
                "retryAt": None,
            },
            "clientState": "somethingNew",
            "clientStateKind": "UNKNOWN",
            "progress": {"doneBytes": 10**9, "totalBytes": 4 * 10**9, "ratio": 0.25},
            "seeding": {"goalSeconds": 72 * 3600},
        }
    ]
