"""Buying at a tracker: priced against a budget, written down, sent once, and looked up instead of ever sent again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from integrations.errors import BadPayload, IntegrationError, RateLimited, Unavailable
from integrations.myanonamouse import POINTS_PER_GB, POINTS_PER_VIP_WEEK, POINTS_PER_WEDGE, MyAnonamouse
from integrations.myanonamouse import Purchase as Answer
from integrations.myanonamouse.purchases import SMALLEST_UPLOAD_GB
from jobs.events import unit_of_work
from jobs.execution import Run
from jobs.integrations import IntegrationFailed, Integrations, Opened
from jobs.trackers import account_changed, read_account, tracker_of
from library import purchases, tracker_accounts
from library.errors import Conflict
from library.models.integrations import Purchase, PurchaseKind, PurchaseState, TrackerAccount
from library.models.releases import Release
from library.models.tables import now

# Facts: MyAnonamouse, spending points. Programs can only fill VIP time up to this.
_MOST_VIP = timedelta(days=90)
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Price:
    """What a purchase costs at most, or why it cannot be had."""

    points: int = 0
    wedges: int = 0
    refusal: str | None = None


async def buy_at_tracker(run: Run, integrations: Integrations) -> None:
    """Buy what a purchase row says, or price it.

    Safe to run twice: a price in a PENDING row says that it may have been sent, and it is only looked up then.
    """
    purchase_id = run.job.payload["purchase_id"]
    purchase = await _purchase(integrations, purchase_id)
    if purchase.finished_at is None:
        try:
            await _buy(integrations, await _tracker_for(integrations, purchase), purchase_id)
        except IntegrationError as error:
            await _give_up_unsent(integrations, purchase_id, str(error))
            raise IntegrationFailed(error) from None
    run.result = {"purchase_id": purchase_id}


def price_of(purchase: Purchase, account: TrackerAccount, moment: datetime) -> Price:
    """What it costs at most by the tracker's list, checked against the account and the user's budget."""
    match purchase.kind:
        case PurchaseKind.WEDGE:
            price = Price(points=POINTS_PER_WEDGE)
        case PurchaseKind.PERSONAL_FREELEECH:
            price = Price(wedges=1)
        case PurchaseKind.UPLOAD:
            price = _upload_price(purchase.amount or 0)
        case PurchaseKind.VIP:
            price = _vip_price(account, moment)
    return price if price.refusal else Price(price.points, price.wedges, _objection(price, purchase, account))


async def _buy(integrations: Integrations, opened: Opened[MyAnonamouse], purchase_id: int) -> None:
    async with integrations.account_turn, integrations.calling(opened.integration):
        account = await read_account(integrations, opened)  # also settles it, if it has been sent before
        purchase = await _priced(integrations, purchase_id, account)
        if purchase.finished_at is not None:
            return
        try:
            answer = await _order(opened.client, purchase, await _torrent_id(integrations, purchase))
        except RateLimited as error:
            await _end(integrations, purchase_id, PurchaseState.REFUSED, str(error))
        except (Unavailable, BadPayload):
            # Whether it counted is seen in the account, now or whenever the tracker can be reached again.
            await read_account(integrations, opened)
        except IntegrationError as error:
            await _end(integrations, purchase_id, PurchaseState.REFUSED, str(error))
            raise
        else:
            await _answered(integrations, purchase_id, answer)


async def _priced(integrations: Integrations, purchase_id: int, account: TrackerAccount) -> Purchase:
    """The purchase with its price, committed before anything is sent; finished if nothing is to be sent."""
    async with unit_of_work(integrations.database, integrations.bus) as work:
        purchase = await purchases.get(work.session, purchase_id)
        if purchase.finished_at is not None:
            return purchase
        price = price_of(purchase, account, now())
        purchase.points, purchase.wedges = price.points, price.wedges
        if purchase.state is PurchaseState.ESTIMATED:
            purchases.finish(purchase, PurchaseState.ESTIMATED, price.refusal)
        elif price.refusal is not None:
            purchases.finish(purchase, PurchaseState.REFUSED, price.refusal)
    return purchase


async def _order(client: MyAnonamouse, purchase: Purchase, torrent_id: int) -> Answer:
    match purchase.kind:
        case PurchaseKind.WEDGE:
            return await client.buy_wedge()
        case PurchaseKind.VIP:
            return await client.buy_vip()
        case PurchaseKind.UPLOAD:
            return await client.buy_upload(purchase.amount or 0)
        case PurchaseKind.PERSONAL_FREELEECH:
            return await client.make_personal_freeleech(torrent_id)


async def _answered(integrations: Integrations, purchase_id: int, answer: Answer) -> None:
    async with unit_of_work(integrations.database, integrations.bus) as work:
        purchase = await purchases.get(work.session, purchase_id)
        account = await tracker_accounts.get(work.session, purchase.integration_id)
        if not answer.succeeded:
            state = PurchaseState.DONE if answer.already_free else PurchaseState.REFUSED
            purchases.finish(purchase, state, answer.message or "The tracker refused it and gave no reason.")
            purchase.points = purchase.wedges = 0
            return
        if account is not None:
            _note_spent(purchase, account, answer)
            account_changed(work, account)
        purchases.finish(purchase, PurchaseState.DONE, answer.message or None)


def _note_spent(purchase: Purchase, account: TrackerAccount, answer: Answer) -> None:
    """What it really cost, which for VIP time is less than at most, and what is left."""
    if answer.points_left is not None and account.points is not None and purchase.points:
        purchase.points = max(0, account.points - answer.points_left)
    account.points = answer.points_left if answer.points_left is not None else account.points
    account.wedges = answer.wedges_left if answer.wedges_left is not None else account.wedges


async def _tracker_for(integrations: Integrations, purchase: Purchase) -> Opened[MyAnonamouse]:
    try:
        return await tracker_of(integrations, purchase.integration_id)
    except Conflict as error:
        await _give_up_unsent(integrations, purchase.id, str(error))
        raise


async def _give_up_unsent(integrations: Integrations, purchase_id: int, message: str) -> None:
    """End an order that was never sent; one that may have been stays PENDING until the account can be read."""
    purchase = await _purchase(integrations, purchase_id)
    if purchase.finished_at is None and not (purchase.points or purchase.wedges):
        state = PurchaseState.ESTIMATED if purchase.state is PurchaseState.ESTIMATED else PurchaseState.REFUSED
        await _end(integrations, purchase_id, state, message)


async def _end(integrations: Integrations, purchase_id: int, state: PurchaseState, message: str) -> None:
    async with unit_of_work(integrations.database, integrations.bus) as work:
        purchases.finish(await purchases.get(work.session, purchase_id), state, message)


async def _purchase(integrations: Integrations, purchase_id: int) -> Purchase:
    async with integrations.database.read() as session:
        return await purchases.get(session, purchase_id)


async def _torrent_id(integrations: Integrations, purchase: Purchase) -> int:
    if purchase.release_id is None:
        return 0  # nothing that is bought for itself has one
    async with integrations.database.read() as session:
        return (await session.get_one(Release, purchase.release_id)).tracker_torrent_id or 0


def _upload_price(gigabytes: int) -> Price:
    if gigabytes < SMALLEST_UPLOAD_GB:
        return Price(refusal=f"Upload credit is sold from {SMALLEST_UPLOAD_GB} GB on. Order at least that.")
    return Price(points=gigabytes * POINTS_PER_GB)


def _vip_price(account: TrackerAccount, moment: datetime) -> Price:
    start = max(account.vip_until or moment, moment)
    room = moment + _MOST_VIP - start
    if room < _WEEK:
        return Price(refusal="There are fewer than seven days of VIP time to fill up. Try again later.")
    weeks = ceil(room / _WEEK)
    affordable = account.points // POINTS_PER_VIP_WEEK if account.points is not None else weeks
    return Price(points=max(1, min(weeks, affordable)) * POINTS_PER_VIP_WEEK)


def _objection(price: Price, purchase: Purchase, account: TrackerAccount) -> str | None:
    points, wedges = price.points, price.wedges
    objections = (
        (
            points > purchase.maximum_points,
            f"It costs up to {points} points, and {purchase.maximum_points} may be spent. Raise `maximumPoints`.",
        ),
        (
            wedges > purchase.maximum_wedges,
            f"It costs {wedges} wedge, and {purchase.maximum_wedges} may be spent. Raise `maximumWedges`.",
        ),
        (
            account.points is not None and points > account.points,
            f"It costs {points} points, and the account has {account.points}. Wait until there are enough.",
        ),
        (
            account.wedges is not None and wedges > account.wedges,
            f"It costs {wedges} wedge, and the account has {account.wedges}. Buy one first.",
        ),
    )
    return next((message for objects, message in objections if objects), None)
