"""Purchases at a tracker: asked for, priced just before they are sent, and kept for ever, whatever became of them.

A PENDING purchase without a price has not been sent. One with a price may have been: it is never sent again, and the
account shows whether it counted.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.errors import BadInput, NotFound
from library.models.integrations import Integration, Purchase, PurchaseKind, PurchaseState
from library.models.releases import Release
from library.models.tables import now
from library.pagination import Keyset, SortKey


class PurchaseUnclear(BadInput):
    """An order that does not say what it is for, or says too much."""

    def __init__(self, kind: PurchaseKind, argument: str, *, needed: bool) -> None:
        verb = "needs" if needed else "takes no"
        super().__init__(f"`{argument}` is wrong: a purchase of {kind} {verb} `{argument}`. Correct it and ask again.")


class NegativeBudget(BadInput):
    """A budget below nothing."""

    def __init__(self, argument: str) -> None:
        super().__init__(f"`{argument}` must be 0 or more: it is the most that may be spent.")


class NotOfTracker(BadInput):
    """A release that is not a tracker's own, so that no wedge can be spent on it."""

    def __init__(self, release: Release) -> None:
        super().__init__(f"{release.title!r} is not offered by the tracker itself. Choose a release that it offers.")


async def request(
    session: AsyncSession,
    tracker: Integration,
    *,
    kind: PurchaseKind,
    release_id: int | None,
    amount: int | None,
    maximum_points: int,
    maximum_wedges: int,
    dry_run: bool,
    created_by: str,
) -> Purchase:
    """Write down an order that a job will send, or only price; raises BadInput or NotFound."""
    for argument, budget in (("maximumPoints", maximum_points), ("maximumWedges", maximum_wedges)):
        if budget < 0:
            raise NegativeBudget(argument)
    if (kind is PurchaseKind.UPLOAD) != (amount is not None and amount > 0):
        raise PurchaseUnclear(kind, "amount", needed=kind is PurchaseKind.UPLOAD)
    await _check_release(session, kind, release_id)
    purchase = Purchase(
        integration_id=tracker.id,
        kind=kind,
        state=PurchaseState.ESTIMATED if dry_run else PurchaseState.PENDING,
        release_id=release_id,
        amount=amount,
        maximum_points=maximum_points,
        maximum_wedges=maximum_wedges,
        created_by=created_by,
    )
    session.add(purchase)
    await session.flush()
    return purchase


async def get(session: AsyncSession, purchase_id: int) -> Purchase:
    """The purchase with this id; raises NotFound."""
    purchase = await session.get(Purchase, purchase_id, populate_existing=True)
    if purchase is None:
        raise NotFound("purchase", purchase_id)
    return purchase


async def unanswered(session: AsyncSession, integration_id: int) -> Sequence[Purchase]:
    """Orders of jobs that may have been sent, with nobody left to hear the answer."""
    sent = sa.select(Purchase).where(
        Purchase.integration_id == integration_id,
        Purchase.state == PurchaseState.PENDING,
        Purchase.job_id.is_not(None),
        sa.or_(Purchase.points > 0, Purchase.wedges > 0),
    )
    return (await session.scalars(sent.order_by(Purchase.id))).all()


def finish(purchase: Purchase, state: PurchaseState, message: str | None) -> None:
    """End a purchase."""
    purchase.state, purchase.message, purchase.finished_at = state, message, now()
    if state is PurchaseState.REFUSED:
        purchase.points = purchase.wedges = 0


def newest_first() -> Keyset:
    """Every purchase and estimate."""
    return Keyset(sa.select(Purchase), (SortKey(Purchase.id, descending=True),))


async def _check_release(session: AsyncSession, kind: PurchaseKind, release_id: int | None) -> None:
    if (kind is PurchaseKind.PERSONAL_FREELEECH) != (release_id is not None):
        raise PurchaseUnclear(kind, "release", needed=kind is PurchaseKind.PERSONAL_FREELEECH)
    if release_id is None:
        return
    release = await session.get(Release, release_id)
    if release is None:
        raise NotFound("release", release_id)
    if release.tracker_torrent_id is None:
        raise NotOfTracker(release)
