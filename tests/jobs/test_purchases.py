"""Buying at the tracker: within the budget, written down first, sent once, and looked up after a crash."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from integrations.errors import Unavailable
from jobs.events import Bus
from jobs.integrations import IntegrationFailed, Integrations
from jobs.purchases import buy_at_tracker, price_of
from jobs.trackers import MAX_AGE, refresh_due, refresh_tracker
from library import purchases, tracker_accounts
from library.database import Database
from library.errors import BadInput
from library.models import Download, Integration, Job, Purchase, TrackerAccount
from library.models.integrations import IntegrationKind, PurchaseKind, PurchaseState
from library.models.jobs import JobKind
from library.models.tables import now
from tests.jobs.town import Town, run_of, worker
from tests.library.test_tracker_accounts import add_download

TRACKER = IntegrationKind.MYANONAMOUSE
WEDGE, VIP, UPLOAD, FREELEECH = (
    PurchaseKind.WEDGE,
    PurchaseKind.VIP,
    PurchaseKind.UPLOAD,
    PurchaseKind.PERSONAL_FREELEECH,
)
DONE, REFUSED, UNKNOWN, PENDING = (
    PurchaseState.DONE,
    PurchaseState.REFUSED,
    PurchaseState.UNKNOWN,
    PurchaseState.PENDING,
)
SHOP = "/json/bonusBuy.php/"


async def order(database: Database, tracker: Integration, kind: PurchaseKind, **given: Any) -> int:
    """Ask for a purchase; the budget is large unless it is given."""
    async with database.write() as session:
        purchase = await purchases.request(
            session,
            tracker,
            kind=kind,
            **{
                "release_id": None,
                "amount": None,
                "maximum_points": 10**6,
                "maximum_wedges": 9,
                "dry_run": False,
                "created_by": "operator",
                **given,
            },
        )
        job = Job(kind=JobKind.BUY_AT_TRACKER, payload={"purchase_id": purchase.id}, created_by="operator")
        session.add(job)
        await session.flush()
        purchase.job_id = job.id
    return purchase.id


async def buy(integrations: Integrations, purchase_id: int) -> Purchase:
    """Run its job."""
    run = await run_of(integrations.database, integrations.bus, JobKind.BUY_AT_TRACKER, purchase_id=purchase_id)
    await buy_at_tracker(run, integrations)
    assert run.result == {"purchase_id": purchase_id}
    return await bought(integrations.database, purchase_id)


async def bought(database: Database, purchase_id: int) -> Purchase:
    """The purchase as it stands."""
    async with database.read() as session:
        return await purchases.get(session, purchase_id)


def orders(town: Town) -> int:
    """How many orders the tracker got."""
    return sum(SHOP in request for request in town.requests)


async def test_a_dry_run_tells_the_price_and_orders_nothing(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    tracker = await town.configure(database, TRACKER)
    async with worker(town, database, bus, redis_url) as integrations:
        dear = await buy(integrations, await order(database, tracker, WEDGE, dry_run=True))
        upload = await buy(integrations, await order(database, tracker, UPLOAD, amount=60, dry_run=True))
    assert [(each.state, each.points, each.message) for each in (dear, upload)] == [
        (
            PurchaseState.ESTIMATED,
            50_000,
            "It costs 50000 points, and the account has 48211. Wait until there are enough.",
        ),
        (PurchaseState.ESTIMATED, 30_000, None),
    ]
    assert orders(town) == 0


async def test_a_purchase_is_sent_once_however_often_its_job_runs(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    tracker = await town.configure(database, TRACKER)
    async with worker(town, database, bus, redis_url) as integrations:
        purchase_id = await order(database, tracker, UPLOAD, amount=50)
        first = await buy(integrations, purchase_id)
        again = await buy(integrations, purchase_id)
    assert (first.state, first.points, again.finished_at) == (DONE, 25_000, first.finished_at)
    assert (orders(town), town.tracker.account.points) == (1, 23_211)
    async with database.read() as session:
        account = await tracker_accounts.get(session, tracker.id)
    assert account is not None
    assert account.points == 23_211


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (UPLOAD, {"amount": 50, "maximum_points": 24_999}, "maximumPoints"),
        (UPLOAD, {"amount": 49}, "from 50 GB on"),
        (WEDGE, {}, "the account has 48211"),
        (FREELEECH, {"maximum_wedges": 0}, "maximumWedges"),
    ],
)
async def test_what_the_budget_or_the_account_does_not_allow_is_never_sent(
    database: Database, bus: Bus, redis_url: str, kind: PurchaseKind, given: dict[str, Any], said: str
) -> None:
    town = Town()
    tracker = await town.configure(database, TRACKER)
    if kind is FREELEECH:
        given = {**given, "release_id": await release(database)}
    async with worker(town, database, bus, redis_url) as integrations:
        refused = await buy(integrations, await order(database, tracker, kind, **given))
    assert (refused.state, refused.points, refused.wedges, orders(town)) == (REFUSED, 0, 0, 0)
    assert said in (refused.message or "")


async def test_a_wedge_makes_one_release_free_and_none_is_spent_on_what_is_free_already(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    tracker = await town.configure(database, TRACKER)
    release_id = await release(database)
    async with worker(town, database, bus, redis_url) as integrations:
        first = await buy(integrations, await order(database, tracker, FREELEECH, release_id=release_id))
        second = await buy(integrations, await order(database, tracker, FREELEECH, release_id=release_id))
    assert [(each.state, each.wedges) for each in (first, second)] == [(DONE, 1), (DONE, 0)]
    assert (town.tracker.account.wedges, second.message) == (8, "This is already a personal freeleech")


@pytest.mark.parametrize(("counted", "state"), [(True, DONE), (False, UNKNOWN)])
async def test_after_a_crash_the_account_tells_and_nothing_is_ordered_again(
    database: Database, bus: Bus, redis_url: str, counted: bool, state: PurchaseState
) -> None:
    """The worker died between the commit of the price and the answer."""
    town = Town()
    tracker = await town.configure(database, TRACKER)
    async with worker(town, database, bus, redis_url) as integrations:
        purchase_id = await order(database, tracker, UPLOAD, amount=50)
        await refresh_tracker(await refreshing(database, bus, tracker), integrations)
        async with database.write() as session:
            (await purchases.get(session, purchase_id)).points = 25_000
        town.tracker.account.points -= 25_000 - 300 if counted else -300
        ended = await buy(integrations, purchase_id)
    assert (ended.state, orders(town)) == (state, 0)
    assert ended.message is not None


async def test_a_lost_answer_is_looked_up_at_once_and_the_order_never_repeated(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    tracker = await town.configure(database, TRACKER)
    town.tracker.switches.rotate_cookie = False  # else the lost answer had taken the session along
    town.lost = {SHOP}
    async with worker(town, database, bus, redis_url) as integrations:
        ended = await buy(integrations, await order(database, tracker, UPLOAD, amount=50))
    assert (ended.state, ended.points, orders(town)) == (DONE, 25_000, 1)
    assert town.tracker.account.points == 23_211


async def test_when_nothing_answers_the_order_stays_pending_until_the_account_can_be_read(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    town.tracker.switches.rotate_cookie = False
    tracker = await town.configure(database, TRACKER)
    async with worker(town, database, bus, redis_url) as integrations:
        await refresh_tracker(await refreshing(database, bus, tracker), integrations)
        purchase_id = await order(database, tracker, VIP)
        town.lost = {"/jsonLoad.php"}
        with pytest.raises(IntegrationFailed) as failed:
            await buy(integrations, purchase_id)
        assert failed.value.job_code == Unavailable.code
        unsent = await bought(database, purchase_id)
        assert (unsent.state, orders(town)) == (REFUSED, 0)
        town.lost, town.lost_after = set(), SHOP
        sent_id = await order(database, tracker, UPLOAD, amount=50)
        with pytest.raises(IntegrationFailed):
            await buy(integrations, sent_id)
        sent = await bought(database, sent_id)
        assert (sent.state, sent.points, sent.finished_at) == (PENDING, 25_000, None)
        town.lost_after = None
        await grow_old(database, tracker, MAX_AGE + timedelta(seconds=1))
        await refresh_tracker(await refreshing(database, bus, tracker), integrations)
    assert ((await bought(database, sent_id)).state, orders(town)) == (DONE, 1)


async def test_a_purchase_without_a_tracker_ends_and_says_why(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    tracker = await town.configure(database, TRACKER)
    purchase_id = await order(database, tracker, WEDGE)
    await town.configure(database, TRACKER, enabled=False)
    async with worker(town, database, bus, redis_url) as integrations:
        run = await run_of(database, bus, JobKind.BUY_AT_TRACKER, purchase_id=purchase_id)
        with pytest.raises(Exception, match="No MyAnonamouse"):
            await buy_at_tracker(run, integrations)
    assert (await bought(database, purchase_id)).state is REFUSED


def test_vip_time_is_priced_by_the_room_that_is_left() -> None:
    moment = now()
    account = TrackerAccount(points=48_211, vip_until=moment + timedelta(days=20))
    purchase = Purchase(kind=VIP, maximum_points=10**6, maximum_wedges=0)
    assert price_of(purchase, account, moment).points == 10 * 1_250
    account.vip_until = moment + timedelta(days=84)
    assert "fewer than seven days" in (price_of(purchase, account, moment).refusal or "")
    account.vip_until, account.points = None, 3_000
    assert price_of(purchase, account, moment).points == 2 * 1_250


async def test_an_account_is_asked_for_again_after_five_minutes_and_read_every_hour(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    tracker = await town.configure(database, TRACKER)
    async with worker(town, database, bus, redis_url) as integrations:
        for _ in range(3):
            await refresh_tracker(await refreshing(database, bus, tracker), integrations)
        assert len(town.requests) == 1
        await grow_old(database, tracker, MAX_AGE + timedelta(seconds=1))
        await refresh_tracker(await refreshing(database, bus, tracker), integrations)
        assert len(town.requests) == 2
    async with database.write() as session:
        await session.execute(sa.delete(Job))
    await refresh_due(database, bus)
    assert await job_count(database) == 0
    await grow_old(database, tracker, timedelta(minutes=61))
    await refresh_due(database, bus)
    assert await job_count(database) == 1


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (WEDGE, {"maximum_points": -1}),
        (WEDGE, {"amount": 50}),
        (UPLOAD, {}),
        (UPLOAD, {"amount": 0}),
        (FREELEECH, {}),
        (VIP, {"release_id": 1}),
    ],
)
async def test_an_order_that_is_unclear_is_refused(
    database: Database, kind: PurchaseKind, given: dict[str, Any]
) -> None:
    tracker = await Town().configure(database, TRACKER)
    with pytest.raises(BadInput):
        await order(database, tracker, kind, **given)


async def release(database: Database) -> int:
    """A release that the tracker offers."""
    download_id = await add_download(database, "time-machine")
    async with database.read() as session:
        return (await session.get_one(Download, download_id)).release_id


async def refreshing(database: Database, bus: Bus, tracker: Integration) -> Any:
    """A job that reads the account."""
    return await run_of(database, bus, JobKind.REFRESH_TRACKER, integration_id=tracker.id)


async def grow_old(database: Database, tracker: Integration, age: timedelta) -> None:
    """Let the account have been read so long ago."""
    async with database.write() as session:
        account = await tracker_accounts.get(session, tracker.id)
        assert account is not None
        account.fetched_at = now() - age


async def job_count(database: Database) -> int:
    """How many jobs there are."""
    async with database.read() as session:
        return await session.scalar(sa.select(sa.func.count()).select_from(Job)) or 0
