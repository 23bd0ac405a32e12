"""Taking a release: who is asked for its torrent, whether it may be taken now, and the torrent itself.

A wedge is spent at most once: what is about to be spent is written down first, and what may have been spent when a
worker died is never sent again.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from integrations.errors import Refused
from integrations.myanonamouse import MyAnonamouse
from integrations.offers import Magnet
from integrations.torrent_file import TorrentFile, UnusableTorrent, read_torrent
from jobs import queue
from jobs.events import Work, unit_of_work
from jobs.hindrances import EXPECTED, Hindrance, of_indexer, of_refusal
from jobs.integrations import Integrations, Opened
from library import budgets, downloads, tracker_accounts
from library.integrations import NotConfigured
from library.models.downloads import Download, DownloadState
from library.models.integrations import Integration, IntegrationKind, Purchase, PurchaseKind, PurchaseState
from library.models.releases import Release
from library.models.tables import now
from library.releases.decisions import Cost
from library.releases.facts import ReleaseFacts
from library.releases.gate import AccountState, Grab, cost_of, may_grab

_NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """Who gives the torrent of a release."""

    release: Release
    opened: Opened[Any]

    @property
    def tracker(self) -> Integration | None:
        """The tracker whose account pays for it, if it comes from one we know."""
        return self.opened.integration if isinstance(self.opened.client, MyAnonamouse) else None


async def source_of(integrations: Integrations, download: Download) -> Source:
    """The tracker itself where it is configured, else the indexer that found it.

    Raises NotConfigured, NeedsAction, or NotFound where the indexer has been removed.
    """
    async with integrations.database.read() as session:
        release = await session.get_one(Release, download.release_id)
    tracker = await integrations.tracker() if release.tracker_torrent_id is not None else None
    if tracker is not None:
        return Source(release, tracker)
    if release.integration_id is None or release.sealed_link is None:
        raise NotConfigured(IntegrationKind.MYANONAMOUSE, IntegrationKind.PROWLARR, IntegrationKind.TORZNAB)
    return Source(release, await integrations.by_id(release.integration_id))


async def admit(work: Work, download: Download, source: Source, client: Integration) -> Hindrance | None:
    """Begin the grab and count it, or say why it may not be taken now. Only the step from QUEUED counts."""
    tracker = source.tracker
    rules = tracker_accounts.rules(tracker, client)
    budget = f"grabs:{source.opened.integration.id}"
    account = await tracker_accounts.state(work.session, tracker, besides=download.id) if tracker is not None else None
    answer = may_grab(
        Grab(
            cost=_cost(source.release, download, account),
            size_bytes=source.release.size_bytes,
        ),
        account,
        await tracker_accounts.client_state(work.session, client, besides=download.id),
        rules,
        grabs_today=await budgets.used(work.session, budget),
        now=now(),
    )
    if answer.refusals:
        return of_refusal(answer.refusals[0])
    await budgets.spend(work.session, budget, rules.grabs_per_day or _NO_LIMIT)  # counted also where nothing limits it
    downloads.move(work.session, download, DownloadState.GRABBING)
    work.download_changed(download)
    return None


async def fetch(integrations: Integrations, source: Source, download: Download) -> TorrentFile | Hindrance | None:
    """The torrent; None when a wedge may have been spent in vain and the gate must be asked again."""
    wedge = download.wedge and source.tracker is not None
    purchase = await _wedge_of(integrations, source, download) if wedge else None
    if purchase is not None and purchase.state is PurchaseState.UNKNOWN:
        return None
    spends = purchase is not None and purchase.state is PurchaseState.PENDING
    try:
        async with integrations.calling(source.opened.integration):
            torrent = await _torrent(integrations, source, spends=spends)
    except EXPECTED as error:
        await _refused(integrations, source, error)
        await _end_purchase(integrations, purchase, error)
        return of_indexer(error)
    await _end_purchase(integrations, purchase, None)
    return torrent


def _cost(release: Release, download: Download, account: AccountState | None) -> Cost:
    """What it costs now; a wedge only where the user asked for one with this grab."""
    if download.wedge:
        return Cost.WEDGE
    unasked = replace(account, spendable_wedges=0) if account is not None else None
    return cost_of(ReleaseFacts.from_json(release.facts), unasked)


async def _torrent(integrations: Integrations, source: Source, *, spends: bool) -> TorrentFile:
    release, opened = source.release, source.opened
    name = opened.integration.name
    if source.tracker is not None and release.tracker_torrent_id is not None:
        content = await opened.client.torrent(release.tracker_torrent_id, wedge=spends)
    else:
        content = await opened.client.torrent(integrations.seal.open(release.sealed_link or ""))
    if isinstance(content, Magnet):
        raise UnusableTorrent(name, "it is only a magnet link, which names no files to check")
    # A hostile file can take a second.
    return await asyncio.to_thread(read_torrent, content, service=name)


async def _refused(integrations: Integrations, source: Source, error: Exception) -> None:
    """Let nobody ask the tracker before the time it named."""
    if isinstance(error, Refused) and error.until is not None and source.tracker is not None:
        async with unit_of_work(integrations.database, integrations.bus) as work:
            await tracker_accounts.freeze(work.session, source.tracker.id, error.until)


async def _wedge_of(integrations: Integrations, source: Source, download: Download) -> Purchase:
    """The wedge of this grab: PENDING when it is to be spent now, UNKNOWN when a worker died over it."""
    async with unit_of_work(integrations.database, integrations.bus) as work:
        begun = await _begun(work.session, download)
        if begun is None:
            begun = _new_purchase(source, download)
            work.session.add(begun)
            await work.session.flush()
        elif begun.state in {PurchaseState.PENDING, PurchaseState.UNKNOWN}:
            # Without the wedge it costs ratio, so the gate has to say whether it may.
            await _ask_the_gate_again(work, download.id)
            begun.state, begun.finished_at = PurchaseState.UNKNOWN, begun.finished_at or now()
    return begun


async def _begun(session: AsyncSession, download: Download) -> Purchase | None:
    of_download = (
        Purchase.release_id == download.release_id,
        Purchase.created_by == _buyer(download),
        Purchase.state != PurchaseState.REFUSED,
    )
    return await session.scalar(sa.select(Purchase).where(*of_download).order_by(Purchase.id.desc()).limit(1))


def _new_purchase(source: Source, download: Download) -> Purchase:
    return Purchase(
        integration_id=source.opened.integration.id,
        kind=PurchaseKind.PERSONAL_FREELEECH,
        state=PurchaseState.PENDING,
        release_id=download.release_id,
        wedges=1,
        maximum_points=0,
        maximum_wedges=1,
        created_by=_buyer(download),
    )


def _buyer(download: Download) -> str:
    return f"download:{download.id}"


async def _ask_the_gate_again(work: Work, download_id: int) -> None:
    download = await downloads.get(work.session, download_id, locked=True)
    if download.state is DownloadState.GRABBING:
        download.wedge = False
        message = "whether the wedge was spent is not known; it is not spent again"
        downloads.move(work.session, download, DownloadState.QUEUED, message=message)
        work.download_changed(download)
        await queue.refresh_tracker(work, await _tracker_id(work.session, download))


async def _tracker_id(session: AsyncSession, download: Download) -> int:
    paid = sa.select(Purchase.integration_id).where(Purchase.created_by == _buyer(download))
    return (await session.scalars(paid.limit(1))).one()


async def _end_purchase(integrations: Integrations, purchase: Purchase | None, error: Exception | None) -> None:
    if purchase is None or purchase.state is not PurchaseState.PENDING:
        return
    async with unit_of_work(integrations.database, integrations.bus) as work:
        kept = await work.session.get_one(Purchase, purchase.id)
        kept.state, kept.finished_at = _outcome(error), now()
        kept.message = str(error) if error is not None else None
        await queue.refresh_tracker(work, kept.integration_id)


def _outcome(error: Exception | None) -> PurchaseState:
    if error is None:
        return PurchaseState.DONE
    # A refusal spends nothing; of a lost or unreadable answer nobody knows.
    return PurchaseState.REFUSED if isinstance(error, Refused) else PurchaseState.UNKNOWN
