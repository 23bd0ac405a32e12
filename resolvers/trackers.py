"""The account at the tracker, how it is cared for, and what is bought for its points."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import strawberry

from jobs import queue
from jobs.events import Work, unit_of_work
from library import integrations as rows
from library import jobs as job_rows
from library import models, purchases, tracker_accounts
from library.errors import IdempotencyKeyReused
from library.integration_options import MyAnonamouseOptions
from library.integrations import NotConfigured
from library.models.accounts import Role
from library.models.integrations import Integration, IntegrationKind, PurchaseKind, PurchaseState, TrackerAccount
from library.models.tables import now
from library.pagination import Page
from resolvers.connection import After, Before, Connection, First, Last, connect
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.errors import BadInputError, ConflictError, NotFoundError
from resolvers.ids import decode_id_of, encode_id
from resolvers.nodes import Node
from resolvers.permissions import IsAdmin, IsMember, has_role
from resolvers.scalars import BigInt

if TYPE_CHECKING:
    from resolvers.jobs import Job

_FRESH = timedelta(hours=2)  # it is read every hour

describe_enum(
    PurchaseKind,
    "What can be had for a tracker's points or wedges; none of it can be given back.",
    {
        PurchaseKind.WEDGE: "A freeleech wedge, for points.",
        PurchaseKind.VIP: "As much VIP time as can be had, for points.",
        PurchaseKind.UPLOAD: "Upload credit in GB, for points.",
        PurchaseKind.PERSONAL_FREELEECH: "One release that then costs no ratio, for a wedge.",
    },
    name="PurchaseKind",
)
describe_enum(
    PurchaseState,
    "What became of a purchase.",
    {
        PurchaseState.ESTIMATED: "A dry run: it has a price, and nothing was spent.",
        PurchaseState.PENDING: "Waits for a worker, or has been sent and waits for the answer.",
        PurchaseState.DONE: "The tracker said yes.",
        PurchaseState.REFUSED: "The tracker, or the budget, said no; nothing was spent.",
        PurchaseState.UNKNOWN: "Sent, and no answer came. It is never sent again by itself.",
    },
    name="PurchaseState",
)


@strawberry.type(name="TrackerAccount", description="The user's account at the tracker, as last read.")
class TrackerAccountView:
    """A row of tracker accounts."""

    ratio: float | None = strawberry.field(description="Its ratio; null: not known, or nothing was downloaded yet.")
    ratio_floor: float = strawberry.field(description="The ratio below which nothing is taken that costs ratio.")
    below_floor: bool = strawberry.field(description="Whether only free releases are taken until it has recovered.")
    uploaded_bytes: BigInt | None = strawberry.field(description="What was uploaded, in bytes.")
    downloaded_bytes: BigInt | None = strawberry.field(description="What was downloaded, in bytes.")
    points: int | None = strawberry.field(description="Bonus points.")
    wedges: int | None = strawberry.field(description="Freeleech wedges.")
    user_class: str | None = strawberry.field(description="The user's class there.")
    vip_until: datetime | None = strawberry.field(description="When its VIP time ends.")
    unsatisfied: int | None = strawberry.field(
        description="Torrents that still have to be seeded, by the site or the client, whichever says more; "
        "null: not known."
    )
    unsatisfied_limit: int | None = strawberry.field(description="How many of these the tracker allows.")
    free_slots: int | None = strawberry.field(description="How many more may be taken now; null: not known.")
    connectable: bool | None = strawberry.field(description="Whether the tracker reaches the download client.")
    announces_rejected: bool = strawberry.field(description="Whether the tracker turns the client's announces away.")
    frozen_until: datetime | None = strawberry.field(description="The tracker gives no torrent before; null: it does.")
    fetched_at: datetime | None = strawberry.field(description="When it was read; null: not yet.")
    stale_since: datetime | None = strawberry.field(
        description="Since when it can no longer be read, so that all of this may be old; null: it is fresh."
    )
    account: strawberry.Private[TrackerAccount]

    @classmethod
    def of(cls, tracker: Integration, account: TrackerAccount, clients: list[Integration]) -> "TrackerAccountView":
        """View the rows."""
        counts = [account.unsatisfied, *(client.seen.get("unsatisfied") for client in clients)]
        frozen = account.frozen_until is not None and account.frozen_until > now()
        return cls(
            ratio=account.ratio,
            ratio_floor=MyAnonamouseOptions.model_validate(tracker.options).ratio_floor,
            below_floor=bool(account.below_floor),
            uploaded_bytes=_bytes(account.uploaded_bytes),
            downloaded_bytes=_bytes(account.downloaded_bytes),
            points=account.points,
            wedges=account.wedges,
            user_class=account.user_class,
            vip_until=account.vip_until,
            unsatisfied=max((count for count in counts if count is not None), default=None),
            unsatisfied_limit=account.unsatisfied_limit,
            free_slots=tracker_accounts.free_slots(tracker, account, clients),
            connectable=account.connectable,
            announces_rejected=bool(account.announces_rejected),
            frozen_until=account.frozen_until if frozen else None,
            fetched_at=account.fetched_at,
            stale_since=_stale_since(account),
            account=account,
        )

    @strawberry.field(description="The user's name there; null for all but administrators.")
    def username(self, info: Info) -> str | None:
        """The name, for those who may know it."""
        return self.account.username if has_role(info.context.viewer, Role.ADMIN) else None


@strawberry.type(description="Something bought, or nearly bought, at the tracker.")
class Purchase(Node):
    """A row of purchases."""

    kind: PurchaseKind = strawberry.field(description="What it is.")
    state: PurchaseState = strawberry.field(description="What became of it.")
    amount: int | None = strawberry.field(description="GB of upload credit.")
    points: int = strawberry.field(description="Its price in points: at most, until it is done.")
    wedges: int = strawberry.field(description="Its price in wedges.")
    maximum_points: int = strawberry.field(description="How many points could be spent at most.")
    maximum_wedges: int = strawberry.field(description="How many wedges could be spent at most.")
    release_id: strawberry.ID | None = strawberry.field(description="Id of the release it is for.")
    message: str | None = strawberry.field(description="Why it was refused, or what the tracker said.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")

    @classmethod
    def of(cls, row: models.Purchase) -> "Purchase":
        """View a row."""
        return cls(
            id=encode_id("Purchase", row.id),
            kind=row.kind,
            state=row.state,
            amount=row.amount,
            points=row.points,
            wedges=row.wedges,
            maximum_points=row.maximum_points,
            maximum_wedges=row.maximum_wedges,
            release_id=encode_id("Release", row.release_id) if row.release_id is not None else None,
            message=row.message,
            created_at=row.created_at,
            finished_at=row.finished_at,
        )


async def purchase_by_id(info: Info, purchase_id: int) -> Purchase | None:
    """For `node(id:)` and results: for administrators."""
    if not has_role(info.context.viewer, Role.ADMIN):
        return None
    async with info.context.database.read() as session:
        row = await session.get(models.Purchase, purchase_id)
    return Purchase.of(row) if row is not None else None


@strawberry.type(description="An account that was read anew.")
class TrackerRefreshResult:
    """The account."""

    integration_id: strawberry.Private[int]

    @strawberry.field(description="The account as it is known now.")
    async def account(self, info: Info) -> TrackerAccountView | None:
        """The account."""
        return await _account(info, self.integration_id)


@strawberry.type(description="What became of a purchase.")
class PurchaseResult:
    """The purchase."""

    purchase_id: strawberry.Private[int]

    @strawberry.field(description="The purchase; null for all but administrators.")
    async def purchase(self, info: Info) -> Purchase | None:
        """The purchase."""
        return await purchase_by_id(info, self.purchase_id)


@strawberry.type
class TrackerQuery:
    """Root fields over the tracker."""

    @strawberry.field(
        description="The account at the tracker; null when there is no tracker.", permission_classes=[IsMember]
    )
    async def tracker_account(self, info: Info) -> TrackerAccountView | None:
        """The account at the first tracker that is on."""
        return await _account(info, None)

    @strawberry.field(
        description="What was bought at the tracker, and what was only priced; newest first.",
        permission_classes=[IsAdmin],
    )
    async def purchases(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Purchase] | None:
        """A page of purchases."""
        return await connect(info, purchases.newest_first(), Page.of(first, after, last, before), Purchase.of)


@strawberry.input(description="Ask the tracker how the account stands; what is younger than five minutes is kept.")
class RefreshTrackerAccountInput:
    """A key."""

    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same job."
    )


@strawberry.input(description="What to buy. Nothing of it can be undone.")
class BuyAtTrackerInput:
    """An order with its budget."""

    kind: PurchaseKind = strawberry.field(description="What to buy.")
    maximum_points: int = strawberry.field(description="How many points may be spent at most.")
    maximum_wedges: int = strawberry.field(description="How many wedges may be spent at most.")
    release: strawberry.ID | None = strawberry.field(
        default=None, description="For PERSONAL_FREELEECH: the release, which the tracker itself must offer."
    )
    amount: int | None = strawberry.field(default=None, description="For UPLOAD: how many GB.")
    dry_run: bool = strawberry.field(
        default=True, description="Only find out what it would cost; nothing is bought unless this is false."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="A text of your choice: the same key again gives the same purchase, bought once."
    )


@strawberry.type(description="A reading of the account that was started, or the one that is going on already.")
class RefreshTrackerAccountPayload:
    """The job."""

    job: Annotated["Job", strawberry.lazy("resolvers.jobs")] = strawberry.field(description="The reading.")


@strawberry.type(description="A purchase that was asked for.")
class BuyAtTrackerPayload:
    """The purchase and its job."""

    purchase: Purchase = strawberry.field(description="The purchase.")
    job: Annotated["Job", strawberry.lazy("resolvers.jobs")] = strawberry.field(description="What carries it out.")


RefreshTrackerAccountResult = Annotated[
    RefreshTrackerAccountPayload | ConflictError,
    strawberry.union("RefreshTrackerAccountResult", description="The reading, or why there is none."),
]
BuyAtTrackerResult = Annotated[
    BuyAtTrackerPayload | BadInputError | NotFoundError | ConflictError,
    strawberry.union("BuyAtTrackerResult", description="The purchase, or why it cannot be asked for."),
]


@strawberry.type
class TrackerMutation:
    """Mutations of the account at the tracker."""

    @strawberry.mutation(description="Read the account at the tracker anew.", permission_classes=[IsMember])
    async def refresh_tracker_account(
        self,
        info: Info,
        input: Annotated[RefreshTrackerAccountInput, strawberry.argument(description="A key.")],  # noqa: A002 the contract's name
    ) -> RefreshTrackerAccountResult:
        """Start reading."""
        from resolvers.jobs import Job  # noqa: PLC0415 jobs' results refer to this module

        async with unit_of_work(info.context.database, info.context.bus) as work:
            tracker = await _tracker(work)
            job = await queue.refresh_tracker(
                work, tracker.id, created_by=_creator(info), idempotency_key=input.idempotency_key
            )
        return RefreshTrackerAccountPayload(job=Job.of(job))

    @strawberry.mutation(
        description="Buy something at the tracker within a budget, or find out what it would cost. By default nothing "
        "is bought.",
        permission_classes=[IsAdmin],
    )
    async def buy_at_tracker(
        self,
        info: Info,
        input: Annotated[BuyAtTrackerInput, strawberry.argument(description="What, for how much.")],  # noqa: A002 the contract's name
    ) -> BuyAtTrackerResult:
        """Write the order down and start its job."""
        from resolvers.jobs import Job  # noqa: PLC0415 jobs' results refer to this module

        async with unit_of_work(info.context.database, info.context.bus) as work:
            tracker = await _tracker(work)
            purchase = await _ordered_before(work, info, input)
            if purchase is None:
                purchase = await _order(work, info, tracker, input)
            job = await queue.buy_at_tracker(
                work, purchase.id, created_by=_creator(info), idempotency_key=input.idempotency_key
            )
            purchase.job_id = job.id
        return BuyAtTrackerPayload(purchase=Purchase.of(purchase), job=Job.of(job))


async def _tracker(work: Work) -> Integration:
    found = await rows.of_kind(work.session, IntegrationKind.MYANONAMOUSE)
    if not found:
        raise NotConfigured(IntegrationKind.MYANONAMOUSE)
    return found[0]


async def _order(work: Work, info: Info, tracker: Integration, given: BuyAtTrackerInput) -> models.Purchase:
    return await purchases.request(
        work.session,
        tracker,
        kind=given.kind,
        release_id=_release_id(given),
        amount=given.amount,
        maximum_points=given.maximum_points,
        maximum_wedges=given.maximum_wedges,
        dry_run=given.dry_run,
        created_by=_creator(info),
    )


async def _ordered_before(work: Work, info: Info, given: BuyAtTrackerInput) -> models.Purchase | None:
    """The purchase that this key stands for; raises IdempotencyKeyReused when it was another order."""
    if given.idempotency_key is None:
        return None
    job = await job_rows.by_key(work.session, _creator(info), given.idempotency_key)
    if job is None:
        return None
    if "purchase_id" not in job.payload:
        raise IdempotencyKeyReused(given.idempotency_key)
    purchase = await purchases.get(work.session, job.payload["purchase_id"])
    asked = (given.kind, _release_id(given), given.amount, given.maximum_points, given.maximum_wedges)
    wrote = (purchase.kind, purchase.release_id, purchase.amount, purchase.maximum_points, purchase.maximum_wedges)
    if asked != wrote or given.dry_run != (purchase.state is PurchaseState.ESTIMATED):
        raise IdempotencyKeyReused(given.idempotency_key)
    return purchase


def _release_id(given: BuyAtTrackerInput) -> int | None:
    return decode_id_of("Release", given.release) if given.release is not None else None


def _creator(info: Info) -> str:
    viewer = info.context.viewer
    return viewer.actor if viewer is not None else queue.SYSTEM


async def _account(info: Info, integration_id: int | None) -> TrackerAccountView | None:
    async with info.context.database.read() as session:
        found = await rows.of_kind(session, IntegrationKind.MYANONAMOUSE)
        tracker = next((row for row in found if integration_id in {None, row.id}), None)
        if tracker is None:
            return None
        clients = await rows.of_kind(session, IntegrationKind.QBITTORRENT)
        account = await tracker_accounts.get(session, tracker.id)
    account = account or TrackerAccount(integration_id=tracker.id)
    return TrackerAccountView.of(tracker, account, list(clients))


def _stale_since(account: TrackerAccount) -> datetime | None:
    is_old = account.fetched_at is not None and now() - account.fetched_at > _FRESH
    return account.fetched_at if is_old else None


def _bytes(value: int | None) -> BigInt | None:
    return BigInt(value) if value is not None else None
