"""Tools about downloads: listing them, following one, and asking for one."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Annotated, Any

from pydantic import Field

from api.mcp_graph import Data, Graph, ToolFailed, payload
from api.mcp_tools.tool import LONGEST_MESSAGE, Given, Id, Report, Seconds, Told, Tool, cut
from library.errors import ErrorCode
from library.models.accounts import Role
from library.models.downloads import ENDED_STATES, DownloadState

MOST_DOWNLOADS = 20
_RESTING = frozenset({*ENDED_STATES, DownloadState.BLOCKED})  # waiting for the next state would be in vain


class WhichDownloads(Given):
    """A page of downloads."""

    states: list[DownloadState] | None = Field(None, max_length=12, description="Only those in one of these states.")
    first: int = Field(10, ge=1, le=MOST_DOWNLOADS, description="How many, newest first.")
    after: Annotated[str, Field(max_length=500)] | None = Field(None, description="`next_page` of the page before.")


class Follow(Given):
    """A download, and how long to wait."""

    download_id: Annotated[Id, Field(description="`id` of a download.")]
    wait_seconds: Seconds = Field(20, description="How long to wait for its next state; 0: only look.")


class Take(Given):
    """A release to take."""

    release_id: Annotated[Id, Field(description="`id` of a release, as `list_releases` gives it.")]
    book_id: Id | None = Field(None, description="The book it is; the one that was searched for when left out.")


class Reason(Told):
    """Why a download cannot go on."""

    code: str
    message: str
    hint: str | None = Field(description="What the user can do.")
    retry_at: str | None = Field(description="When it is tried again by itself; null: it waits for a person.")


class DownloadTold(Told):
    """A download as it stands."""

    id: str = Field(description="For `follow_download`.")
    name: str = Field(description="The release's title.")
    state: DownloadState
    since: str = Field(description="When it came into this state.")
    paused: bool
    reason: Reason | None = Field(description="Why it is BLOCKED or FAILED; null in other states.")
    ratio: float = Field(description="The part that has been fetched, from 0 to 1.")
    eta_seconds: float | None
    book_id: str | None


class Downloads(Told):
    """A page of downloads."""

    downloads: list[DownloadTold] = Field(description="Newest first.")
    next_page: str | None = Field(description="Give it as `after`; null: there are no more.")


class Followed(Told):
    """What became of a download within the wait."""

    download: DownloadTold
    changed: bool = Field(description="Whether its state has changed during this call.")
    resting: bool = Field(description="Whether it has ended or is blocked: following it further is of no use.")


class Requested(Told):
    """A download that is under way."""

    download: DownloadTold
    is_new: bool = Field(description="false: this release was being downloaded already.")


async def list_downloads(graph: Graph, given: WhichDownloads, _report: Report) -> Downloads:
    """List downloads."""
    states = {"states": list(given.states)} if given.states is not None else None
    asked = {"filter": states, "first": given.first, "after": given.after}
    page = (await graph.run("ListDownloads", asked))["downloads"]
    more = page["pageInfo"]
    return Downloads(
        downloads=[_told(row) for row in page["nodes"]],
        next_page=more["endCursor"] if more["hasNextPage"] else None,
    )


async def follow_download(graph: Graph, given: Follow, report: Report) -> Followed:
    """Wait for a download's next state, or the end of the wait."""
    first = last = None
    async with aclosing(graph.follow("FollowDownload", {"id": given.download_id})) as events:
        try:
            # The first event is not waited for, it is there: reading it has no time limit but the server's own.
            first = last = _followed(await anext(events), None)
            async with asyncio.timeout(given.wait_seconds):
                while last["state"] == first["state"] and last["state"] not in _RESTING:
                    await report(last["progress"]["ratio"], last["state"])
                    last = _followed(await anext(events), last)
        except (TimeoutError, StopAsyncIteration):
            pass
    if first is None or last is None:
        raise ToolFailed(ErrorCode.PROVIDER_UNAVAILABLE, "The server ended the stream. Try again.")
    return Followed(download=_told(last), changed=last["state"] != first["state"], resting=last["state"] in _RESTING)


async def request_download(graph: Graph, given: Take, _report: Report) -> Requested:
    """Ask for a download, once for each release however often the tool is called."""
    key = f"mcp:{given.release_id}"
    asked = {"release": given.release_id, "book": given.book_id, "key": key}
    result = (await graph.run("RequestDownload", asked))["requestDownload"]
    existing = (result or {}).get("existing")
    if existing is not None:
        return Requested(download=_told(existing), is_new=False)
    return Requested(download=_told(payload(result)["download"]), is_new=True)


def _followed(event: Data, last: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The download as an event tells of it; raises ToolFailed where it is gone, or was never the viewer's to see."""
    told = event["downloadsUpdated"]
    rows = [*(told["snapshot"] or ()), *told["changes"]]
    row: Mapping[str, Any] | None = rows[-1] if rows else last
    if row is None or told["removed"]:
        raise ToolFailed(ErrorCode.NOT_FOUND, "There is no such download (any more), or it is somebody else's.")
    return row


def _told(row: Mapping[str, Any]) -> DownloadTold:
    return DownloadTold(
        id=row["id"],
        name=row["name"],
        state=row["state"],
        since=row["stateSince"],
        paused=row["paused"],
        reason=_reason(row["blockedReason"]),
        ratio=round(row["progress"]["ratio"], 3),
        eta_seconds=row["progress"]["etaSeconds"],
        book_id=(row["book"] or {}).get("id"),
    )


def _reason(reason: Mapping[str, Any] | None) -> Reason | None:
    if reason is None:
        return None
    return Reason(
        code=reason["code"],
        message=cut(reason["message"], LONGEST_MESSAGE) or "",
        hint=cut(reason["hint"], LONGEST_MESSAGE),
        retry_at=reason["retryAt"],
    )


LIST_DOWNLOADS = Tool(
    name="list_downloads",
    title="List downloads",
    description="List the user's downloads with their states, and why any of them cannot go on.",
    given=WhichDownloads,
    told=Downloads,
    call=list_downloads,
    role=Role.MEMBER,
)
FOLLOW_DOWNLOAD = Tool(
    name="follow_download",
    title="Follow a download",
    description="Wait, at most 25 seconds, until a download comes into another state, and say where it stands. "
    "Call it again to go on waiting, unless `resting` is true.",
    given=Follow,
    told=Followed,
    call=follow_download,
    role=Role.MEMBER,
)
REQUEST_DOWNLOAD = Tool(
    name="request_download",
    title="Request a download",
    description="Take a release: it is fetched, checked and put into the library. It may cost the user ratio at the "
    "tracker, so ask the user first. What was rejected is refused with the reasons. Calling it again with "
    "the same release gives the same download.",
    given=Take,
    told=Requested,
    call=request_download,
    role=Role.MEMBER,
    writes=True,
    open_world=True,
)
