"""Following downloads: those that matter first, then each that changes, whole, and which of them no longer belong."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Annotated

import sqlalchemy as sa
import strawberry

from library import models
from library.errors import BadInput, Forbidden
from library.events import decode_sequence, encode_sequence
from library.models.accounts import Role
from library.models.downloads import ENDED_STATES, DownloadState
from resolvers.context import Context, Info, Viewer
from resolvers.download_feed import DownloadFeed, News, feed_of
from resolvers.downloads import Download, may_see, shown, visible
from resolvers.ids import decode_id_of, encode_id
from resolvers.permissions import IsMember, has_role
from resolvers.subscriptions import COALESCE_SECONDS, AfterSequence

MOST_DOWNLOADS = 100  # of one event
MOST_IDS = 100


class TooManyDownloads(BadInput):
    """More downloads than one subscription follows by id."""

    def __init__(self, count: int) -> None:
        super().__init__(f"`ids` has {count} values; follow at most {MOST_IDS} downloads by id, or all of them.")


@strawberry.type(description="What has become of downloads.")
class DownloadsEvent:
    """A snapshot, or changes."""

    snapshot: list[Download] | None = strawberry.field(
        description="The downloads that are followed, newest first: in the first event, and whenever events were lost. "
        "Without `ids` and `states` those that have not ended."
    )
    changes: list[Download] = strawberry.field(
        description="Downloads that have changed since the event before, as they are now."
    )
    removed: list[strawberry.ID] = strawberry.field(
        description="Ids of downloads that are no longer in one of the `states` asked for, or no longer there."
    )
    omitted: int = strawberry.field(
        description="How many downloads this event leaves out, as it holds at most 100; their progress comes later, "
        "whoever has a new state is never left out."
    )
    sequence: str = strawberry.field(description="Opaque; give it as `after` to resume here.")
    resync_required: bool = strawberry.field(
        description="Whether changes are lost: keep nothing but the snapshot, then go on from here."
    )


@dataclass(slots=True)
class Following:
    """What one subscriber follows, and has been shown."""

    viewer: Viewer | None
    ids: frozenset[int] | None
    states: frozenset[DownloadState] | None
    resumed: bool  # then nobody knows what was shown before
    _shown: set[int] = field(default_factory=set)
    _gone: set[int] = field(default_factory=set)

    async def snapshot(self, context: Context, sequence: int, *, gap: bool = False) -> DownloadsEvent:
        """Everything that is followed, as it is now."""
        rows, total = await self._read(context)
        self._shown, self._gone, self.resumed = {row.id for row in rows}, set(), False
        return DownloadsEvent(
            snapshot=shown(rows),
            changes=[],
            removed=[],
            omitted=total - len(rows),
            sequence=encode_sequence(sequence),
            resync_required=gap,
        )

    def events(self, news: News, after: int) -> Iterator[DownloadsEvent]:
        """What of the news this subscriber is told: in several events where there are more new states than fit."""
        told = {one for step in news.steps if not step.is_progress for one in step.ids}
        touched = told.union(*(step.ids for step in news.steps))
        belongs = {one for one in touched if self._belongs(news.rows.get(one))}
        removed = self._removed(touched - belongs, news)
        first, then = sorted(told & belongs), sorted(belongs - told)
        while len(first) > MOST_DOWNLOADS:
            yield self._event(news, first[:MOST_DOWNLOADS], (), 0, after)
            first = first[MOST_DOWNLOADS:]
        changed = (first + then)[:MOST_DOWNLOADS]
        yield self._event(news, changed, removed, len(first) + len(then) - len(changed), news.upto)

    def _event(
        self, news: News, changed: Sequence[int], removed: Iterable[int], omitted: int, sequence: int
    ) -> DownloadsEvent:
        self._shown.update(changed)
        self._gone.difference_update(changed)
        return DownloadsEvent(
            snapshot=None,
            changes=shown([news.rows[one] for one in changed]),
            removed=[encode_id("Download", one) for one in sorted(removed)],
            omitted=omitted,
            sequence=encode_sequence(sequence),
            resync_required=False,
        )

    def _belongs(self, row: models.Download | None) -> bool:
        if row is None or not may_see(self.viewer, row) or (self.ids is not None and row.id not in self.ids):
            return False
        return self.states is None or row.state in self.states

    def _removed(self, others: set[int], news: News) -> set[int]:
        """Those the client may still keep: what it was shown, and after a resumption what it may have been."""
        removed = others & self._shown
        if self.resumed and self.states is not None:
            may_keep = {one for one in others - self._gone if self._was_followed(news.rows.get(one))}
            self._gone |= may_keep
            removed |= may_keep
        self._shown -= removed
        return removed

    def _was_followed(self, row: models.Download | None) -> bool:
        return row is not None and may_see(self.viewer, row) and (self.ids is None or row.id in self.ids)

    async def _read(self, context: Context) -> tuple[Sequence[models.Download], int]:
        row = models.Download
        where = [visible(self.viewer)]
        if self.ids is not None:
            where.append(row.id.in_(self.ids))
        if self.states is not None:
            where.append(row.state.in_(self.states))
        elif self.ids is None:
            where.append(row.state.not_in(list(ENDED_STATES)))
        select = sa.select(row).where(*where).order_by(row.id.desc())
        async with context.database.read() as session:
            rows = (await session.scalars(select.limit(MOST_DOWNLOADS + 1))).all()
            if len(rows) <= MOST_DOWNLOADS:
                return rows, len(rows)
            total = await session.scalar(sa.select(sa.func.count()).select_from(row).where(*where))
        return rows[:MOST_DOWNLOADS], total or 0


@strawberry.type
class DownloadSubscription:
    """Subscriptions to downloads."""

    @strawberry.subscription(
        description="Downloads as they go on: those that are followed first, then each that changes, as it is then. "
        "At most four events a second: a state that lasts less may be passed over, the last one never. "
        "Members follow their own, administrators all.",
        permission_classes=[IsMember],
    )
    async def downloads_updated(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID] | None, strawberry.argument(description="Follow these alone; at most 100.")
        ] = None,
        states: Annotated[
            list[DownloadState] | None,
            strawberry.argument(description="Follow those in one of these states; one that leaves them is `removed`."),
        ] = None,
        after: AfterSequence = None,
    ) -> AsyncGenerator[DownloadsEvent, None]:
        """Follow downloads; while anybody does, their progress comes every other second."""
        resumed = decode_sequence(after) if after is not None else None
        following = Following(
            viewer=info.context.viewer,
            ids=_row_ids(ids) if ids is not None else None,
            states=frozenset(states) if states is not None else None,
            resumed=resumed is not None,
        )
        async with aclosing(_events(info.context, following, resumed)) as events:
            async for event in events:
                yield event


async def _events(context: Context, following: Following, after: int | None) -> AsyncGenerator[DownloadsEvent, None]:
    feed = feed_of(context)
    async with feed.followed(context.bus) as woken, aclosing(_batches(feed, woken, after)) as batches:
        is_first = True
        async for begun, news in batches:
            if not has_role(context.viewer, Role.MEMBER):
                raise Forbidden(Role.MEMBER)
            if begun is None or news.gap:
                yield await following.snapshot(context, news.upto, gap=news.gap)
            else:
                for event in following.events(news, begun):
                    if event.changes or event.removed or is_first:
                        yield event
            is_first = False


async def _batches(
    feed: DownloadFeed, woken: asyncio.Event, after: int | None
) -> AsyncGenerator[tuple[int | None, News], None]:
    """News since the batch before, and where that ended: the first at once, then at most four a second."""
    news = await feed.since(after) if after is not None else News((), {}, feed.upto)
    yield after, news
    while True:
        await woken.wait()
        woken.clear()
        seen = news.upto
        news = await feed.since(seen)
        if not (news.steps or news.gap):
            continue
        spoken_at = time.monotonic()
        yield seen, news
        await asyncio.sleep(max(0.0, COALESCE_SECONDS - (time.monotonic() - spoken_at)))


def _row_ids(ids: list[strawberry.ID]) -> frozenset[int]:
    if len(ids) > MOST_IDS:
        raise TooManyDownloads(len(ids))
    return frozenset(decode_id_of("Download", one) for one in ids)
