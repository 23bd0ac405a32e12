"""Tools about releases: asking the indexers, reading what they offered, and wanting a book."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Annotated, Any

from pydantic import Field

from api.mcp_graph import Graph, payload
from api.mcp_tools.tool import LONGEST_MESSAGE, LONGEST_SNIPPET, Given, Id, Report, Seconds, Told, Tool, cut
from library.models.accounts import Role

MOST_RELEASES = 20
MOST_REASONS = 5
_PENDING = "PENDING"


class AskIndexers(Given):
    """What to look for."""

    book_id: Annotated[Id, Field(description="`id` of the book to look for.")]
    wait_seconds: Seconds = Field(20, description="How long to wait for the indexers.")
    first: int = Field(10, ge=1, le=MOST_RELEASES, description="How many releases, best first.")


class WhichReleases(Given):
    """A search, and which of its releases."""

    search_id: Annotated[Id, Field(description="`search_id` of `search_releases` or `want_book`.")]
    wait_seconds: Seconds = Field(0, description="How long to wait for indexers that have not answered yet.")
    accepted: bool | None = Field(None, description="true: only what the rules accept; false: only what they reject.")
    first: int = Field(10, ge=1, le=MOST_RELEASES, description="How many, accepted ones first, each kind by score.")


class Wish(Given):
    """A book to want."""

    book_id: Annotated[Id, Field(description="`id` of the book.")]


class ReleaseTold(Told):
    """What an indexer offers."""

    id: str = Field(description="For `request_download`.")
    title: str
    indexer: str
    megabytes: int | None
    seeders: int | None
    authors: list[str]
    narrators: list[str]
    formats: list[str]
    language: str | None
    abridged: bool | None = Field(description="null: nobody says.")
    hours: float | None
    accepted: bool
    score: float
    cost: str = Field(description="FREE, VIP: nothing. WEDGE: a freeleech wedge. RATIO: its size counts.")
    rejections: list[str] = Field(description="What speaks against it; none for an accepted one.")


class IndexerTold(Told):
    """How an indexer answered."""

    indexer: str
    status: str = Field(description="PENDING, OK, EMPTY, FAILED or SKIPPED.")
    found: int
    error: str | None


class Releases(Told):
    """What was offered."""

    search_id: str = Field(description="For `list_releases`.")
    asked: str = Field(description="What the indexers were asked.")
    finished: bool = Field(description="false: some indexers have not answered yet; call `list_releases` later.")
    total: int = Field(description="How many releases there are in all.")
    releases: list[ReleaseTold]
    indexers: list[IndexerTold]


class Wanted(Told):
    """A standing wish."""

    want_id: str
    state: str = Field(description="OPEN, SATISFIED or CLOSED.")
    search_id: str | None = Field(description="For `list_releases`: the search that was started.")


async def search_releases(graph: Graph, given: AskIndexers, report: Report) -> Releases:
    """Ask the indexers, and wait for them."""
    started = payload((await graph.run("SearchReleases", {"by": {"book": given.book_id}}))["searchReleases"])
    search_id: str = started["releaseSearch"]["id"]
    await _wait(graph, search_id, given.wait_seconds, report)
    return await _read(graph, search_id, given.first, accepted=None)


async def list_releases(graph: Graph, given: WhichReleases, report: Report) -> Releases:
    """Read what a search has found."""
    if given.wait_seconds > 0:
        await _wait(graph, given.search_id, given.wait_seconds, report)
    return await _read(graph, given.search_id, given.first, accepted=given.accepted)


async def want_book(graph: Graph, given: Wish, _report: Report) -> Wanted:
    """Want a book, which takes nothing by itself."""
    made = payload((await graph.run("WantBook", {"book": given.book_id}))["wantBook"])
    [want] = made["wants"]
    search = made["releaseSearch"]
    return Wanted(want_id=want["id"], state=want["state"], search_id=search["id"] if search else None)


async def _wait(graph: Graph, search_id: str, seconds: float, report: Report) -> None:
    """Return when every indexer has answered, or after the time."""
    async with aclosing(graph.follow("FollowReleaseSearch", {"id": search_id})) as events:
        try:
            async with asyncio.timeout(seconds):
                async for event in events:
                    reports = event["releaseSearchUpdated"]["reports"]
                    answered = sum(one["status"] != _PENDING for one in reports)
                    share = answered / len(reports) if reports else 0.0
                    await report(share, f"{answered} of {len(reports)} indexers")
        except TimeoutError:
            return


async def _read(graph: Graph, search_id: str, first: int, *, accepted: bool | None) -> Releases:
    data = await graph.run("ReadReleases", {"id": search_id, "first": first, "accepted": accepted})
    search = payload(data["releaseSearch"])
    return Releases(
        search_id=search["id"],
        asked=cut(search["text"], LONGEST_SNIPPET) or "",
        finished=search["finishedAt"] is not None,
        total=search["releases"]["totalCount"],
        releases=[_release(row) for row in search["releases"]["nodes"]],
        indexers=[_indexer(report) for report in search["providerReports"]],
    )


def _release(row: Mapping[str, Any]) -> ReleaseTold:
    decision, size, seconds = row["decision"], row["sizeBytes"], row["durationSeconds"]
    return ReleaseTold(
        id=row["id"],
        title=cut(row["title"], LONGEST_SNIPPET) or "",
        indexer=row["indexer"],
        megabytes=round(size / 1e6) if size is not None else None,
        seeders=row["seeders"],
        authors=row["authors"],
        narrators=row["narrators"],
        formats=row["formats"],
        language=row["language"],
        abridged=row["abridged"],
        hours=round(seconds / 3600, 1) if seconds is not None else None,
        accepted=decision["accepted"],
        score=round(decision["score"], 2),
        cost=decision["cost"],
        rejections=[f"{one['code']}: {one['message']}" for one in decision["rejections"][:MOST_REASONS]],
    )


def _indexer(report: Mapping[str, Any]) -> IndexerTold:
    error = report["error"]
    said = cut(f"{error['code']}: {error['message']}", LONGEST_MESSAGE) if error else None
    return IndexerTold(indexer=report["provider"], status=report["status"], found=report["found"], error=said)


LIST_RELEASES = Tool(
    name="list_releases",
    title="List releases",
    description="Read what the indexers have offered in a search of the user's, with what speaks for and against each.",
    given=WhichReleases,
    told=Releases,
    call=list_releases,
    role=Role.MEMBER,
)
SEARCH_RELEASES = Tool(
    name="search_releases",
    title="Search for releases",
    description="Ask the configured indexers for releases of a book; nothing is taken by that. Indexers allow few "
    "searches a day: if `finished` is false, call `list_releases` instead of searching again.",
    given=AskIndexers,
    told=Releases,
    call=search_releases,
    role=Role.MEMBER,
    writes=True,
    idempotent=False,
    open_world=True,
)
WANT_BOOK = Tool(
    name="want_book",
    title="Want a book",
    description="Put a book on the user's list of wants: it is searched for now and again, and nothing is taken "
    "without being requested.",
    given=Wish,
    told=Wanted,
    call=want_book,
    role=Role.MEMBER,
    writes=True,
    idempotent=False,
    open_world=True,
)
