"""Downloads as the client shows them: which rows are looked for in it, what they last showed, and writing what is new.

Rows are read whole once and then by the events that tell of them, so that a poll costs nothing for what rests.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.database import Database
from library.events import DOWNLOADS_TOPIC
from library.models.downloads import Download, DownloadState, Import, ImportMode, ImportState
from library.models.integrations import Integration, IntegrationKind
from library.models.jobs import Event
from library.models.passages import Embedding, OwnerKind, Passage
from library.models.releases import Release
from library.models.tables import now
from library.passages import Lineage

Value = TypeVar("Value")

PROGRESS = "PROGRESS"  # the kind of the one event that tells of all progress of a poll
UNSATISFIED = "unsatisfied"  # among what is seen of a client: its torrents that have to be seeded longer
MOST_NEWS = 500  # rows that changed since the last look; above it all are read again
# Before these the client has nothing yet, after them it has nothing to do with it any more.
_NOT_IN_CLIENT = (DownloadState.QUEUED, DownloadState.GRABBING, DownloadState.FAILED, DownloadState.REPLACED)
_OVER = (DownloadState.DONE, DownloadState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a client shows of a torrent, as a row keeps it; paths are as the client sees them."""

    done_bytes: int = 0
    total_bytes: int = 0
    bytes_per_second: int = 0
    eta_seconds: int | None = None
    client_state: str | None = None
    share_ratio: float | None = None
    seeding_seconds: int = 0
    save_path: str | None = None
    content_path: str | None = None

    def columns(self) -> dict[str, Any]:
        """As columns of a row."""
        return {name: getattr(self, name) for name in _PROGRESS_COLUMNS}


@dataclass(frozen=True, slots=True)
class Tracked:
    """A download that a client has, or should have."""

    id: int
    info_hash: str
    state: DownloadState
    returns_to: DownloadState | None
    reason_code: str | None
    paused: bool
    missing_polls: int
    left_client_at: datetime | None
    seeding_goal_seconds: int
    progress: Progress

    @property
    def stage(self) -> DownloadState:
        """Where it stands, or stood when it was blocked."""
        return self.returns_to or self.state


@dataclass(frozen=True, slots=True)
class News:
    """Rows that changed, by id, up to an event; `gap` says that there were too many to tell: read all again."""

    upto: int
    ids: frozenset[int]
    gap: bool


_PROGRESS_COLUMNS = tuple(Progress.__dataclass_fields__)
_ROW = (
    Download.id,
    Download.info_hash,
    Download.state,
    Download.returns_to,
    Download.reason_code,
    Download.paused,
    Download.missing_polls,
    Download.left_client_at,
    Download.seeding_goal_seconds,
)
_ROW_NAMES = tuple(column.key for column in _ROW)
_TRACKED = (
    sa.select(*_ROW, *(getattr(Download, name) for name in _PROGRESS_COLUMNS))
    .where(
        Download.client_id == sa.bindparam("client_id"),
        Download.info_hash.is_not(None),
        Download.state.not_in(_NOT_IN_CLIENT),
        sa.or_(Download.left_client_at.is_(None), Download.state.not_in(_OVER)),
    )
    .order_by(Download.id)
)
_SOME = _TRACKED.where(Download.id.in_(sa.bindparam("ids", expanding=True)))
_NEWS = (
    sa.select(Event.id, Event.entity_id)
    .where(Event.topic == DOWNLOADS_TOPIC, Event.id > sa.bindparam("after"), Event.kind != PROGRESS)
    .order_by(Event.id)
    .limit(MOST_NEWS)
)
_LATEST = sa.select(sa.func.coalesce(sa.func.max(Event.id), 0)).where(Event.topic == DOWNLOADS_TOPIC)
_CLIENTS = sa.select(Integration.id).where(
    Integration.kind == IntegrationKind.QBITTORRENT, Integration.enabled.is_(True)
)


async def client_ids(database: Database) -> list[int]:
    """The download clients that are switched on."""
    (rows,) = await database.rows((_CLIENTS.order_by(Integration.id), {}))
    return [row[0] for row in rows]


async def latest_event(database: Database) -> int:
    """The event from which to follow: read it before the rows."""
    (rows,) = await database.rows((_LATEST, {}))
    return int(rows[0][0])


async def news_since(database: Database, after: int) -> News:
    """Which downloads changed since an event; writing down progress is no change."""
    (rows,) = await database.rows((_NEWS, {"after": after}))
    ids = frozenset(row.entity_id for row in rows if row.entity_id is not None)
    return News(rows[-1].id if rows else after, ids, gap=len(rows) == MOST_NEWS)


async def tracked(database: Database, client_id: int, ids: Collection[int] | None = None) -> dict[int, Tracked]:
    """The downloads to be looked for in a client, by id: all, or some of them."""
    if ids is None:
        (rows,) = await database.rows((_TRACKED, {"client_id": client_id}))
    else:
        (rows,) = await database.rows((_SOME, {"client_id": client_id, "ids": list(ids)}))
    return {row.id: _tracked(row) for row in rows}


async def write(session: AsyncSession, progress: Mapping[int, Progress]) -> None:
    """Keep what the client shows; that it is seen is the end of its absence."""
    if progress:
        moment = now()
        seen = {"seen_at": moment, "missing_polls": 0}
        # In order, so that two writers cannot wait for each other.
        rows = [{"id": download_id, **seen, **shown.columns()} for download_id, shown in _in_order(progress)]
        await session.execute(sa.update(Download), rows)


async def count_missing(session: AsyncSession, counts: Mapping[int, int]) -> None:
    """Keep how often in a row each was not in the client."""
    if counts:
        rows = [{"id": download_id, "missing_polls": count} for download_id, count in _in_order(counts)]
        await session.execute(sa.update(Download), rows)


async def count_unsatisfied(session: AsyncSession, client_id: int) -> None:
    """One more torrent in the client that has to be seeded, so that the next grab knows of it before the next count."""
    client = await session.get(Integration, client_id, populate_existing=True, with_for_update=True)
    if client is not None and client.seen.get(UNSATISFIED) is not None:
        client.seen = {**client.seen, UNSATISFIED: client.seen[UNSATISFIED] + 1}


async def enriching(session: AsyncSession, limit: int = 100) -> Sequence[Download]:
    """Downloads whose books are in the library and become searchable by meaning."""
    waiting = sa.select(Download).where(Download.state == DownloadState.ENRICHING)
    return (await session.scalars(waiting.order_by(Download.id).limit(limit))).all()


async def books_of(session: AsyncSession, download: Download) -> set[int]:
    """The books that were made of a download."""
    made = sa.select(Import.book_id).where(Import.download_id == download.id, Import.state == ImportState.APPLIED)
    return {book_id for book_id in [download.book_id, *await session.scalars(made)] if book_id is not None}


async def waits_for_vectors(session: AsyncSession, books: Iterable[int], lineage: Lineage | None) -> bool:
    """Whether a passage of these books has no vector yet: of the lineage, or (None) of any."""
    of_model = Embedding.model == lineage.model if lineage is not None else sa.true()
    cut = Passage.cut == lineage.cut if lineage is not None else sa.true()
    embedded = sa.exists().where(Embedding.passage_id == Passage.id, of_model)
    waiting = sa.select(Passage.id).where(
        Passage.owner_kind == OwnerKind.BOOK, Passage.owner_id.in_(list(books)), cut, ~embedded
    )
    return await session.scalar(waiting.limit(1)) is not None


async def has_no_passages(session: AsyncSession, books: Collection[int]) -> bool:
    """Whether the text of one of these books has not been split into passages yet."""
    split = sa.select(sa.func.count(sa.distinct(Passage.owner_id))).where(
        Passage.owner_kind == OwnerKind.BOOK, Passage.owner_id.in_(list(books))
    )
    return (await session.scalar(split) or 0) < len(books)


async def may_take_files(session: AsyncSession, download_id: int) -> bool:
    """Whether the client's files may go with its torrent: not where they were moved, as they are the library's then."""
    moved = sa.select(Import.id).where(
        Import.download_id == download_id, Import.mode == ImportMode.MOVE, Import.state != ImportState.UNDONE
    )
    return await session.scalar(moved.limit(1)) is None


async def is_in_library(session: AsyncSession, download_id: int) -> bool:
    """Whether files of it were placed in the library by a link or a copy, and are still there."""
    applied = sa.select(Import.id).where(
        Import.download_id == download_id, Import.mode != ImportMode.MOVE, Import.state == ImportState.APPLIED
    )
    return await session.scalar(applied.limit(1)) is not None


async def unknown_ids(session: AsyncSession, ids: Collection[int]) -> set[int]:
    """Which of these are no downloads."""
    known = await session.scalars(sa.select(Download.id).where(Download.id.in_(list(ids)))) if ids else ()
    return set(ids) - set(known)


async def tracker_behind(session: AsyncSession, download_id: int) -> int | None:
    """The integration whose account a download counts on, if it came from a tracker we know."""
    torrent = sa.select(Release.tracker_torrent_id).join(Download, Download.release_id == Release.id)
    if await session.scalar(torrent.where(Download.id == download_id)) is None:
        return None
    known = sa.select(Integration.id).where(Integration.kind == IntegrationKind.MYANONAMOUSE, Integration.enabled)
    return await session.scalar(known.order_by(Integration.id).limit(1))


def _in_order(values: Mapping[int, Value]) -> list[tuple[int, Value]]:
    return sorted(values.items(), key=itemgetter(0))


def _tracked(row: sa.Row[*tuple[Any, ...]]) -> Tracked:
    head = len(_ROW)
    return Tracked(**dict(zip(_ROW_NAMES, row[:head], strict=True)), progress=Progress(*row[head:]))
