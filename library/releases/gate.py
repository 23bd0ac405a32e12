"""Whether a release may be taken now: the tracker's rules, the disk and the day's budget, in the order of the facts.

The order (facts: advice for clients, grab gate): not there already; free slots; no freeze and no refused announces;
ratio; disk; budget.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from library.releases.decisions import Cost
from library.releases.facts import ReleaseFacts

GIB = 1 << 30


class RefusalCode(StrEnum):
    """Why a release may not be taken now."""

    IN_LIBRARY = "IN_LIBRARY"  # it has been imported already
    IN_CLIENT = "IN_CLIENT"  # the download client has this torrent already
    NO_SLOTS = "NO_SLOTS"  # as many torrents as the tracker allows still have to be seeded
    SLOTS_UNKNOWN = "SLOTS_UNKNOWN"  # nobody says how many torrents still have to be seeded, or how many may be
    FROZEN = "FROZEN"  # the tracker refuses downloads until some time
    ANNOUNCES_REJECTED = "ANNOUNCES_REJECTED"  # the tracker does not accept what the client tells it
    RATIO_TOO_LOW = "RATIO_TOO_LOW"  # its size would take the account below its ratio floor
    RATIO_RECOVERING = "RATIO_RECOVERING"  # the account was below its floor and is not far enough above it again
    RATIO_UNKNOWN = "RATIO_UNKNOWN"  # what it would do to the ratio cannot be worked out
    DISK_FULL = "DISK_FULL"  # it would leave less free than must stay
    BUDGET_SPENT = "BUDGET_SPENT"  # as many releases as are allowed were taken today


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """An account at a tracker, as last read; None is unknown and never stands for 0.

    `is_vip` says that what is free for VIPs is free for it. `spendable_wedges` are those that settings allow to be
    spent unasked, 0 unless that is switched on. `uncounted_bytes` were taken at the cost of ratio since the account
    was read. `was_below_floor` is what `is_below_floor` answered last.
    """

    uploaded_bytes: int | None = None
    downloaded_bytes: int | None = None
    uncounted_bytes: int = 0
    is_vip: bool = False
    spendable_wedges: int = 0
    unsatisfied: int | None = None
    unsatisfied_limit: int | None = None
    frozen_until: datetime | None = None
    announces_rejected: bool = False
    was_below_floor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientState:
    """The download client; None is unknown.

    `unsatisfied` counts the tracker's torrents that have not been seeded long enough, with those on their way to the
    client. `pending_bytes` is what all its torrents have still to download.
    """

    unsatisfied: int | None = None
    free_bytes: int | None = None
    pending_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GrabRules:
    """What is kept back: unsatisfied slots, ratio, bytes on disk; None of `grabs_per_day` is no limit.

    Once below `ratio_floor`, only free releases are taken until the ratio is `recovery_margin` above it.
    """

    reserved_slots: int = 2
    ratio_floor: float = 1.1
    recovery_margin: float = 0.1
    reserved_bytes: int = 5 * GIB
    grabs_per_day: int | None = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Grab:
    """What is about to be taken; `size_bytes` None is unknown."""

    cost: Cost
    size_bytes: int | None
    in_library: bool = False
    in_client: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, in a sentence, and from when on it may be different if that is known."""

    code: RefusalCode
    message: str
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """All refusals in order, and the flag to keep as `was_below_floor` for the next time."""

    refusals: tuple[Refusal, ...]
    below_floor: bool

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.refusals


def may_grab(
    grab: Grab,
    account: AccountState | None,
    client: ClientState,
    rules: GrabRules,
    *,
    grabs_today: int,
    now: datetime,
) -> GateAnswer:
    """Ask every rule; `account` is None for an indexer without one, to which the tracker's rules do not apply.

    Of two counts of unsatisfied torrents the larger counts; with one unknown, the other; with both unknown, or the
    limit, nothing is taken. An unknown ratio or size stops only what costs ratio, an unknown disk nothing: the client
    says itself when it is full.
    """
    refusals = [
        *_already_there(grab),
        *(_account_refusals(grab, account, client, rules, now) if account else ()),
        *_disk_refusals(grab, client, rules),
        *_budget_refusals(rules, grabs_today, now),
    ]
    return GateAnswer(tuple(refusals), account is not None and is_below_floor(account, rules))


def cost_of(release: ReleaseFacts, account: AccountState | None) -> Cost:
    """What taking it costs; free for a VIP only if the account is one, a wedge only where one may be spent."""
    if release.is_free or release.is_free_for_me:
        return Cost.FREE
    if release.is_free_for_vip and account is not None and account.is_vip:
        return Cost.VIP
    return Cost.WEDGE if account is not None and account.spendable_wedges > 0 else Cost.RATIO


def is_below_floor(account: AccountState, rules: GrabRules) -> bool:
    """Whether only free releases are taken: from below the floor until the margin above it is reached."""
    ratio = _ratio(account, 0)
    if ratio is None:
        return account.was_below_floor
    # Rounded, as 1.1 and 0.1 make a little more than 1.2, which a ratio of exactly 1.2 would never reach.
    return ratio < (
        round(rules.ratio_floor + rules.recovery_margin, 6) if account.was_below_floor else rules.ratio_floor
    )


def slot_refusal(account: AccountState, client: ClientState, rules: GrabRules) -> Refusal | None:
    """Why no slot for another torrent that has to be seeded is free, if none is."""
    counts = [count for count in (account.unsatisfied, client.unsatisfied) if count is not None]
    limit = account.unsatisfied_limit
    if not counts or limit is None:
        unknown = "how many torrents still have to be seeded" if limit is not None else "how many torrents it allows"
        message = f"The tracker does not say {unknown}. Refresh its account, then try again."
        return Refusal(RefusalCode.SLOTS_UNKNOWN, message)
    if limit - max(counts) - rules.reserved_slots > 0:
        return None
    message = (
        f"{max(counts)} of {limit} torrents still have to be seeded, and {rules.reserved_slots} places are kept free. "
        "Wait until some have been seeded long enough."
    )
    return Refusal(RefusalCode.NO_SLOTS, message)


def ratio_refusal(grab: Grab, account: AccountState, rules: GrabRules) -> Refusal | None:
    """Why the account's ratio does not allow it, if it does not; what costs no ratio is always allowed."""
    if grab.cost is not Cost.RATIO:
        return None
    if is_below_floor(account, rules):
        message = (
            f"The ratio fell below {rules.ratio_floor:.2f}. "
            f"Take free releases until it is {rules.ratio_floor + rules.recovery_margin:.2f} again."
        )
        return Refusal(RefusalCode.RATIO_RECOVERING, message)
    after = _ratio(account, grab.size_bytes) if grab.size_bytes else None
    if after is None:
        unknown = "size of the release" if not grab.size_bytes else "account's ratio"
        message = f"The {unknown} is not known. Refresh the account, or take a free release."
        return Refusal(RefusalCode.RATIO_UNKNOWN, message)
    if after >= rules.ratio_floor:
        return None
    message = f"The ratio would be {after:.2f}, below {rules.ratio_floor:.2f}. Take a free release, or seed more first."
    return Refusal(RefusalCode.RATIO_TOO_LOW, message)


def _already_there(grab: Grab) -> Iterator[Refusal]:
    if grab.in_library:
        yield Refusal(
            RefusalCode.IN_LIBRARY, "This release is in the library already. Retry its download to replace it."
        )
    if grab.in_client:
        message = "The download client has this torrent already. Follow that download instead."
        yield Refusal(RefusalCode.IN_CLIENT, message)


def _account_refusals(
    grab: Grab, account: AccountState, client: ClientState, rules: GrabRules, now: datetime
) -> Iterator[Refusal]:
    if refusal := slot_refusal(account, client, rules):
        yield refusal
    if account.frozen_until is not None and account.frozen_until > now:
        until = account.frozen_until.astimezone(UTC)
        yield Refusal(RefusalCode.FROZEN, f"The tracker refuses downloads until {until:%Y-%m-%d %H:%M} UTC.", until)
    if account.announces_rejected:
        message = "The tracker does not accept the client's announces. Tell it the client's address first."
        yield Refusal(RefusalCode.ANNOUNCES_REJECTED, message)
    if refusal := ratio_refusal(grab, account, rules):
        yield refusal


def _disk_refusals(grab: Grab, client: ClientState, rules: GrabRules) -> Iterator[Refusal]:
    if client.free_bytes is None:
        return
    left = client.free_bytes - client.pending_bytes - (grab.size_bytes or 0)
    if left < rules.reserved_bytes:
        message = (
            f"It would leave {max(left, 0) / GIB:.1f} GiB on the client's disk, and {rules.reserved_bytes / GIB:.1f} "
            "GiB must stay free. Make room, then try again."
        )
        yield Refusal(RefusalCode.DISK_FULL, message)


def _budget_refusals(rules: GrabRules, grabs_today: int, now: datetime) -> Iterator[Refusal]:
    if rules.grabs_per_day is None or grabs_today < rules.grabs_per_day:
        return
    tomorrow = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    message = f"{grabs_today} releases were taken today, and {rules.grabs_per_day} are allowed. It goes on tomorrow."
    yield Refusal(RefusalCode.BUDGET_SPENT, message, tomorrow)


def _ratio(account: AccountState, more_bytes: int | None) -> float | None:
    """The ratio after so many bytes more; infinite before anything was downloaded, None while unknown."""
    if account.uploaded_bytes is None or account.downloaded_bytes is None or more_bytes is None:
        return None
    downloaded = account.downloaded_bytes + account.uncounted_bytes + more_bytes
    return account.uploaded_bytes / downloaded if downloaded > 0 else float("inf")
