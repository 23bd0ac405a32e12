"""Following a search for releases: what is there, then what each indexer adds, to the end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, cast

import sqlalchemy as sa
import strawberry

from library import events as event_rows
from library import models, release_searches
from library import provider_reports as reports_of
from library.events import decode_sequence, encode_sequence, job_topic, search_topic
from library.models.jobs import FINISHED_STATES
from library.models.releases import Release as ReleaseRow
from resolvers.context import Context, Info
from resolvers.ids import decode_id_of
from resolvers.permissions import IsMember
from resolvers.release_searches import ProviderReport, ReleaseSearch
from resolvers.releases import Release, visible_search
from resolvers.subscriptions import BATCH, AfterSequence, Batch, follow

MOST_RELEASES = 100  # in one event; `omitted` says how many more there are


@strawberry.type(description="A search for releases, and what is new of it.")
class ReleaseSearchEvent:
    """A snapshot, or changes."""

    search: ReleaseSearch = strawberry.field(description="The search as it is now.")
    releases: list[Release] = strawberry.field(
        description="Releases that are new or changed since the event before, best first; at first, and whenever "
        "events were lost, the best of all. At most 100."
    )
    omitted: int = strawberry.field(description="How many more there are: read them by `search { releases }`.")
    reports: list[ProviderReport] = strawberry.field(description="How each indexer has answered by now, by name.")
    sequence: str = strawberry.field(description="Opaque; give it as `after` to resume here.")
    resync_required: bool = strawberry.field(
        description="Whether changes are lost: forget the releases you keep, these are the best of all."
    )


@strawberry.type
class ReleaseSubscription:
    """Root fields of subscriptions over searches."""

    @strawberry.subscription(
        description="A search as the indexers answer: what is there, then each answer, and its end, after which the "
        "stream ends.",
        permission_classes=[IsMember],
    )
    async def release_search_updated(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The search's id.")],  # noqa: A002 the contract's name
        after: AfterSequence = None,
    ) -> AsyncGenerator[ReleaseSearchEvent, None]:
        """Follow one search."""
        search_id = decode_id_of("ReleaseSearch", id)
        resumed = decode_sequence(after) if after is not None else None
        is_first = resumed is None
        async with aclosing(_changes(info.context, search_id, resumed)) as batches:
            async for batch in batches:
                # The job first: when it is seen to have ended, the search that is read then has its last state.
                is_over = await _has_ended(info.context, search_id)
                search = await visible_search(info.context, search_id)
                is_last = is_over or search.finished_at is not None
                told = await _completed(info.context, batch, search) if is_last else batch
                yield await _event(info.context, search, told, whole=is_first or told.gap)
                if is_last:
                    return
                is_first = False


async def _changes(context: Context, search_id: int, after: int | None) -> AsyncGenerator[Batch, None]:
    """The search's batches, and one when its job has ended: it may not have ended the search, but been cancelled."""
    search = await visible_search(context, search_id)
    topics = [search_topic(search_id), *([job_topic(search.job_id)] if search.job_id is not None else [])]
    streams = {topic: cast("AsyncGenerator[Batch, None]", follow(context, topic, after)) for topic in topics}
    waiting = {_next(stream): topic for topic, stream in streams.items()}
    seen: int | None = None
    try:
        while True:
            ended, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(ended, key=lambda one: topics.index(waiting[one])):
                topic, batch = waiting.pop(task), task.result()
                if topic == topics[0]:
                    seen = batch.upto
                    yield batch
                elif seen is not None and await _has_ended(context, search_id):
                    yield Batch((), seen)
                waiting[_next(streams[topic])] = topic
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for stream in streams.values():
            await stream.aclose()


def _next(stream: AsyncGenerator[Batch, None]) -> "asyncio.Task[Batch]":
    return asyncio.ensure_future(anext(stream))


async def _has_ended(context: Context, search_id: int) -> bool:
    """Whether nobody goes on with a search, ended or not."""
    of_search = sa.select(models.Job.state).join(models.ReleaseSearch, models.ReleaseSearch.job_id == models.Job.id)
    async with context.database.read() as session:
        state = await session.scalar(of_search.where(models.ReleaseSearch.id == search_id))
    return state in FINISHED_STATES


async def _completed(context: Context, batch: Batch, search: models.ReleaseSearch) -> Batch:
    """A batch with what has come since, so that the last event leaves nothing out."""
    async with context.database.read() as session:
        more = await event_rows.since(session, search_topic(search.id), batch.upto, BATCH + 1)
    if len(more) > BATCH:
        return Batch((), more[-1].id, gap=True)
    return Batch([*batch.events, *more], more[-1].id if more else batch.upto, gap=batch.gap)


async def _event(context: Context, search: models.ReleaseSearch, batch: Batch, *, whole: bool) -> ReleaseSearchEvent:
    keyset = release_searches.best_first(search.id)
    changed = {row_id for event in batch.events for row_id in (event.state or {}).get("releases", ())}
    select = keyset.rows if whole else keyset.rows.where(ReleaseRow.id.in_(changed))
    order = (ReleaseRow.accepted.desc(), ReleaseRow.score.desc(), ReleaseRow.id)
    async with context.database.read() as session:
        rows = (await session.scalars(select.order_by(*order).limit(MOST_RELEASES))).all()
        total = await session.scalar(sa.select(sa.func.count()).select_from(select.subquery())) or 0
        reports = await reports_of.of_search(session, search.id)
    return ReleaseSearchEvent(
        search=ReleaseSearch.of(search),
        releases=[Release.of(row) for row in rows],
        omitted=total - len(rows),
        reports=[ProviderReport.of(report) for report in reports],
        sequence=encode_sequence(batch.upto),
        resync_required=batch.gap,
    )
