"""Reading tracker accounts: seldom, by one at a time, and with an eye on orders that nobody has heard of again."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from integrations.errors import IntegrationError
from integrations.myanonamouse import ACCOUNT_MAX_AGE_SECONDS, Account, MyAnonamouse
from jobs import queue
from jobs.events import Bus, Work, unit_of_work
from jobs.execution import Run
from jobs.integrations import IntegrationFailed, Integrations, Opened
from library import events, purchases, tracker_accounts
from library import integrations as rows
from library.database import Database
from library.integrations import NotConfigured
from library.models.integrations import IntegrationKind, Purchase, PurchaseKind, PurchaseState, TrackerAccount
from library.models.tables import now
from library.tracker_accounts import AccountValues

MAX_AGE = timedelta(seconds=ACCOUNT_MAX_AGE_SECONDS)
REFRESH_EVERY = timedelta(hours=1)
_AT_ONCE = timedelta(0)


async def refresh_tracker(run: Run, integrations: Integrations) -> None:
    """Ask how the account stands. Safe to run twice: what was read in the last five minutes is not asked for again."""
    opened = await tracker_of(integrations, run.job.payload["integration_id"])
    try:
        async with integrations.account_turn, integrations.calling(opened.integration):
            await read_account(integrations, opened, max_age=MAX_AGE)
    except IntegrationError as error:
        raise IntegrationFailed(error) from None
    run.result = {"integration_id": opened.integration.id}


async def refresh_due(database: Database, bus: Bus) -> None:
    """Start reading every account that was last read an hour ago."""
    due_before = now() - REFRESH_EVERY
    async with unit_of_work(database, bus) as work:
        for tracker in await rows.of_kind(work.session, IntegrationKind.MYANONAMOUSE):
            account = await tracker_accounts.get(work.session, tracker.id)
            is_due = account is None or account.fetched_at is None or account.fetched_at < due_before
            if is_due and tracker.needs_action is None:
                await queue.refresh_tracker(work, tracker.id)


async def tracker_of(integrations: Integrations, integration_id: int) -> Opened[MyAnonamouse]:
    """A tracker that may be called; raises NotFound, NotConfigured or NeedsAction."""
    opened = await integrations.by_id(integration_id)
    if opened.integration.kind is not IntegrationKind.MYANONAMOUSE:
        raise NotConfigured(IntegrationKind.MYANONAMOUSE)
    return opened


async def read_account(
    integrations: Integrations, opened: Opened[MyAnonamouse], *, max_age: timedelta = _AT_ONCE
) -> TrackerAccount:
    """The account, asked for if what is kept is older; for who has `account_turn` and is `calling`.

    Orders whose job has died are settled by what has become of points and wedges.
    """
    tracker = opened.integration
    async with integrations.database.read() as session:
        kept = await tracker_accounts.get(session, tracker.id)
    if kept is not None and kept.fetched_at is not None and now() - kept.fetched_at < max_age:
        return kept
    values = _values(await opened.client.account())
    async with unit_of_work(integrations.database, integrations.bus) as work:
        before = await tracker_accounts.get(work.session, tracker.id)
        await _settle(work.session, tracker.id, before, values)
        account = await tracker_accounts.save(work.session, tracker, values)
        account_changed(work, account)
    return account


def account_changed(work: Work, account: TrackerAccount) -> None:
    """Tell of an account's new state."""
    state = {"below_floor": account.below_floor, "points": account.points, "wedges": account.wedges}
    work.emit(events.INTEGRATIONS_TOPIC, "TRACKER_ACCOUNT", account.integration_id, state)


async def _settle(session: AsyncSession, tracker_id: int, before: TrackerAccount | None, after: AccountValues) -> None:
    for purchase in await purchases.unanswered(session, tracker_id):
        if before is not None and _has_counted(purchase, before, after):
            purchases.finish(purchase, PurchaseState.DONE, "No answer came, but the account shows that it counted.")
        else:
            message = "No answer came, and the account shows no change. Look at the tracker before you order it again."
            purchases.finish(purchase, PurchaseState.UNKNOWN, message)


def _has_counted(purchase: Purchase, before: TrackerAccount, after: AccountValues) -> bool:
    """Points come in all the time, so most of a price that is gone is enough."""
    wedges = _difference(after.wedges, before.wedges)
    match purchase.kind:
        case PurchaseKind.WEDGE:
            return wedges >= 1
        case PurchaseKind.PERSONAL_FREELEECH:
            return wedges <= -1
        case _:
            return -_difference(after.points, before.points) * 2 > purchase.points


def _difference(after: int | None, before: int | None) -> int:
    return after - before if after is not None and before is not None else 0


def _values(account: Account) -> AccountValues:
    return AccountValues(
        username=account.username or None,
        user_class=account.user_class or None,
        ratio=account.ratio,
        uploaded_bytes=account.uploaded_bytes,
        downloaded_bytes=account.downloaded_bytes,
        points=account.points,
        wedges=account.wedges,
        vip_until=account.vip_until,
        unsatisfied=account.unsat,
        unsatisfied_limit=account.unsat_limit,
        connectable=account.connectable,
    )
