"""A schema of downloads alone, and rows for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.schema.config import StrawberryConfig

from jobs.events import Bus, unit_of_work
from library import downloads
from library.database import Database
from library.models.downloads import Download, DownloadState, ImportMode
from library.models.releases import Release, ReleaseSearch
from library.releases import ReleaseFacts
from resolvers.context import Context
from resolvers.download_changes import DownloadSubscription
from resolvers.download_list import DownloadQuery
from resolvers.download_mutations import DownloadMutation
from resolvers.downloads import DownloadResult
from resolvers.errors import HANDLERS
from resolvers.node_query import NodeQuery
from resolvers.scalars import SCALARS

S = DownloadState
REJECTION = {"code": "ABRIDGED", "message": "It is abridged."}


@strawberry.type
class Query(NodeQuery, DownloadQuery):
    """Everything these tests read."""


schema = strawberry.Schema(
    query=Query,
    mutation=DownloadMutation,
    subscription=DownloadSubscription,
    types=[DownloadResult],
    config=StrawberryConfig(scalar_map=SCALARS),
    exception_handlers=HANDLERS,
)


async def write_release(session: AsyncSession, title: str = "The Sea-Wolf", **values: Any) -> Release:
    """A release of a search; `by` is who searched, and `rejections` are what speaks against it."""
    rejections = values.pop("rejections", [])
    search = ReleaseSearch(
        text=title, profile={}, created_by=values.pop("by", "user:7"), book_id=values.pop("book_id", None)
    )
    session.add(search)
    await session.flush()
    release = Release(
        search_id=search.id,
        key=values.pop("key", f"offer:{search.id}"),
        indexer="Public",
        title=title,
        size_bytes=1_000,
        facts=ReleaseFacts(title=title).to_json(),
        accepted=not rejections,
        score=1.0,
        cost="FREE",
        decision={"accepted": not rejections, "score": 1.0, "cost": "FREE", "components": [], "rejections": rejections},
        **values,
    )
    session.add(release)
    await session.flush()
    return release


async def write_download(
    database: Database,
    bus: Bus,
    *through: DownloadState,
    title: str = "The Sea-Wolf",
    by: str = "user:7",
    **values: Any,
) -> int:
    """A download that has gone through these states, each told of."""
    async with unit_of_work(database, bus) as work:
        release = await write_release(work.session, title, by=by)
        download = await downloads.request(work.session, release, created_by=by, mode=ImportMode.HARDLINK)
        for name, value in values.items():
            setattr(download, name, value)
        work.download_changed(download)
    await go(database, bus, download.id, *through)
    return download.id


async def go(database: Database, bus: Bus, download_id: int, *through: DownloadState) -> None:
    """Move a download on, a transaction for each step."""
    for state in through:
        async with unit_of_work(database, bus) as work:
            download = await downloads.get(work.session, download_id, locked=True)
            _step(work.session, download, state)
            work.download_changed(download)


def _step(session: AsyncSession, download: Download, state: DownloadState) -> None:
    if state is S.BLOCKED:
        reason = downloads.Reason("DISK_FULL", "The library's disk is full.", "Make room.")
        downloads.block(session, download, reason, retry_at=None)
    else:
        downloads.move(session, download, state)


async def show_progress(database: Database, bus: Bus, **done: int) -> None:
    """Write what a poll has seen: bytes done by id, as `d7=500`."""
    async with unit_of_work(database, bus) as work:
        ids = [int(name[1:]) for name in done]
        for download_id, count in zip(ids, done.values(), strict=True):
            (await downloads.get(work.session, download_id)).done_bytes = count
        work.emit("downloads", "PROGRESS", state={"ids": ids})


@asynccontextmanager
async def following(context: Context, query: str, **variables: Any) -> AsyncIterator[Callable[[], Any]]:
    """Subscribe; the value awaits the next event's data."""
    results = await schema.subscribe(query, variable_values=variables, context_value=context)

    async def take() -> Any:
        result = await asyncio.wait_for(anext(results), 10)
        if result.errors:
            raise result.errors[0].original_error or result.errors[0]
        (value,) = (result.data or {}).values()
        return value

    yield take
    await results.aclose()
