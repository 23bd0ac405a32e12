"""Tracker accounts: what a tracker said last, what we hold ourselves to because of it, and what the gate is told."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.downloads import SEEDING_GOAL
from library.integration_options import MyAnonamouseOptions, QBittorrentOptions
from library.models.downloads import Download, DownloadState
from library.models.integrations import Integration, IntegrationKind, TrackerAccount
from library.models.releases import Release
from library.models.tables import now
from library.releases.decisions import Cost
from library.releases.gate import AccountState, ClientState, GrabRules, is_below_floor

_VIP_CLASSES = frozenset({"VIP", "Elite VIP"})
_OVER = (DownloadState.FAILED, DownloadState.CANCELLED, DownloadState.REPLACED)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountValues:
    """What a tracker says of an account; None is unknown, and an infinite ratio is that of who never downloaded."""

    username: str | None
    user_class: str | None
    ratio: float | None
    uploaded_bytes: int | None
    downloaded_bytes: int | None
    points: int | None
    wedges: int | None
    vip_until: datetime | None
    unsatisfied: int | None
    unsatisfied_limit: int | None
    connectable: bool | None


async def get(session: AsyncSession, integration_id: int) -> TrackerAccount | None:
    """What is known of the account at this tracker; None before it was first asked."""
    return await session.get(TrackerAccount, integration_id, populate_existing=True)


async def save(session: AsyncSession, tracker: Integration, values: AccountValues) -> TrackerAccount:
    """Keep what the tracker says now, and whether its ratio is below the floor or still recovering from that."""
    account = await _locked(session, tracker.id)
    for name, value in asdict(values).items():
        setattr(account, name, value)
    if values.ratio is not None and not math.isfinite(values.ratio):
        account.ratio = None
    account.fetched_at = now()
    account.below_floor = is_below_floor(_state(tracker, account, 0), rules(tracker, None))
    await session.flush()
    return account


async def freeze(session: AsyncSession, integration_id: int, until: datetime) -> TrackerAccount:
    """Keep that the tracker gives no torrent before some time."""
    account = await _locked(session, integration_id)
    account.frozen_until = until
    await session.flush()
    return account


async def note_announces(session: AsyncSession, integration_id: int, *, rejected: bool) -> TrackerAccount:
    """Keep whether the tracker turns the download client's announces away."""
    account = await _locked(session, integration_id)
    account.announces_rejected = rejected
    await session.flush()
    return account


async def state(
    session: AsyncSession, tracker: Integration | None = None, *, besides: int | None = None
) -> AccountState | None:
    """What the gate and the scorer are told of the account at the tracker, or at the first that is on.

    None where there is no tracker. `besides` is the download that is about to be judged.
    """
    tracker = tracker or await _first(session)
    if tracker is None:
        return None
    account = await get(session, tracker.id) or TrackerAccount(
        integration_id=tracker.id, below_floor=False, announces_rejected=False
    )
    return _state(tracker, account, await _uncounted_bytes(session, account.fetched_at, besides))


async def client_state(session: AsyncSession, client: Integration, *, besides: int | None = None) -> ClientState:
    """What the gate is told of the download client: as it was seen last, or as our rows know better.

    What was seen may be older than the newest grabs; torrents on their way to it count too.
    """
    unsatisfied: int | None = client.seen.get("unsatisfied")
    on_their_way = await session.scalar(
        sa.select(sa.func.count())
        .select_from(_tracked())
        .where(Download.state == DownloadState.GRABBING, Download.id != (besides or 0))
    )
    in_client = await session.scalar(
        sa.select(sa.func.count())
        .select_from(_tracked())
        .where(
            Download.client_id == client.id,
            Download.state.not_in([DownloadState.QUEUED, DownloadState.GRABBING, *_OVER]),
            Download.info_hash.is_not(None),
            Download.left_client_at.is_(None),
            Download.seeding_seconds < SEEDING_GOAL.total_seconds(),
            Download.id != (besides or 0),
        )
    )
    pending = await session.scalar(
        sa.select(sa.func.sum(Download.total_bytes - Download.done_bytes)).where(
            Download.state == DownloadState.DOWNLOADING, Download.id != (besides or 0)
        )
    )
    return ClientState(
        unsatisfied=None if unsatisfied is None else max(unsatisfied, in_client or 0) + (on_their_way or 0),
        free_bytes=client.seen.get("free_space_bytes"),
        pending_bytes=max(0, int(pending or 0)),
    )


def rules(tracker: Integration | None, client: Integration | None) -> GrabRules:
    """What is kept back, as the options of both say."""
    care = MyAnonamouseOptions.model_validate(tracker.options if tracker is not None else {})
    given = QBittorrentOptions.model_validate(client.options if client is not None else {})
    return GrabRules(
        reserved_slots=care.reserved_slots,
        ratio_floor=care.ratio_floor,
        recovery_margin=care.recovery_margin,
        reserved_bytes=given.free_space_reserve_bytes,
        # Indexers that care for no account are spared by their own budgets.
        grabs_per_day=care.grabs_per_day if tracker is not None else None,
    )


def free_slots(tracker: Integration, account: TrackerAccount, clients: Sequence[Integration]) -> int | None:
    """How many more torrents may be taken that have to be seeded; None while that is not known."""
    told: list[int | None] = [account.unsatisfied, *(client.seen.get("unsatisfied") for client in clients)]
    counts = [count for count in told if count is not None]
    if account.unsatisfied_limit is None or not counts:
        return None
    return max(0, account.unsatisfied_limit - max(counts) - rules(tracker, None).reserved_slots)


def _state(tracker: Integration, account: TrackerAccount, uncounted_bytes: int) -> AccountState:
    care = MyAnonamouseOptions.model_validate(tracker.options)
    return AccountState(
        uploaded_bytes=account.uploaded_bytes,
        downloaded_bytes=account.downloaded_bytes,
        uncounted_bytes=uncounted_bytes,
        is_vip=account.user_class in _VIP_CLASSES,
        spendable_wedges=(account.wedges or 0) if care.spend_wedges else 0,
        unsatisfied=account.unsatisfied,
        unsatisfied_limit=account.unsatisfied_limit,
        frozen_until=account.frozen_until,
        announces_rejected=account.announces_rejected,
        was_below_floor=account.below_floor,
    )


async def _uncounted_bytes(session: AsyncSession, fetched_at: datetime | None, besides: int | None) -> int:
    """What was taken at the cost of ratio and is not in the account's own figure yet."""
    late = Download.created_at > fetched_at if fetched_at is not None else sa.true()
    missing = sa.case((late, Download.total_bytes), else_=Download.total_bytes - Download.done_bytes)
    taken = (
        Download.info_hash.is_not(None),
        Download.state.not_in(_OVER),
        Download.wedge.is_(False),
        Download.id != (besides or 0),
        Release.cost == Cost.RATIO,
    )
    return int(await session.scalar(sa.select(sa.func.sum(missing)).select_from(_tracked()).where(*taken)) or 0)


def _tracked() -> sa.Join:
    """Downloads of the tracker's torrents."""
    of_tracker = sa.and_(Release.id == Download.release_id, Release.tracker_torrent_id.is_not(None))
    return sa.join(Download, Release, of_tracker)


async def _first(session: AsyncSession) -> Integration | None:
    select = sa.select(Integration).where(Integration.kind == IntegrationKind.MYANONAMOUSE, Integration.enabled)
    return await session.scalar(select.order_by(Integration.id).limit(1))


async def _locked(session: AsyncSession, integration_id: int) -> TrackerAccount:
    found = await session.get(TrackerAccount, integration_id, populate_existing=True, with_for_update=True)
    if found is not None:
        return found
    account = TrackerAccount(integration_id=integration_id)
    session.add(account)
    await session.flush()
    return account
