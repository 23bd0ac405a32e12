"""Where notifications go, as rows: sealed addresses, what each wants to be told, and how far it has been told.

A target's place in the events moves only after a delivery, so a crash repeats one and never skips any.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import events
from library.errors import BadInput, Conflict, NotFound
from library.models.integrations import NotificationKind, NotificationTarget
from library.models.jobs import Event
from library.models.tables import now
from library.notification_events import PREFIX, Topic, interesting, is_news
from library.sealing import Seal

SHORTEST_KEY = 16
FAILURES_TO_DISABLE = 20  # with the pauses below, most of a day
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(hours=1)
_MOST_DOUBLINGS = 16
_LONGEST_NAME = 60
_LONGEST_SECRET = 2_000
_LOOKED_AT = 500  # events read at once; a target further behind is told a summary
TEST = "TEST"


class UnusableTarget(BadInput):
    """A target that cannot be notified; its address is not repeated, as it may hold credentials."""

    def __init__(self, why: str) -> None:
        super().__init__(f"This notification target cannot be used: it {why}.")


class TargetNameTaken(Conflict):
    """A name that another target has."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is another notification target {name!r}. Give this one another name, or say its id.")


class TargetSwitchedOff(Conflict):
    """A target that is told nothing."""

    def __init__(self, target: NotificationTarget) -> None:
        super().__init__(f"The notification target {target.name!r} is switched off. Save it with `enabled` first.")


@dataclass(frozen=True, slots=True)
class Pending:
    """What a target has not been told: the next events, up to where all is known, or (None) too many to tell."""

    events: Sequence[Event] | None
    upto: int
    missed: int = 0


async def all_targets(session: AsyncSession) -> Sequence[NotificationTarget]:
    """Every target, in the order they were made."""
    return (await session.scalars(sa.select(NotificationTarget).order_by(NotificationTarget.id))).all()


async def get(session: AsyncSession, target_id: int, *, locked: bool = False) -> NotificationTarget:
    """The target with this id, on Postgres locked for change if asked; raises NotFound."""
    target = await session.get(NotificationTarget, target_id, populate_existing=True, with_for_update=locked)
    if target is None:
        raise NotFound("notification target", target_id)
    return target


async def create(
    session: AsyncSession,
    seal: Seal,
    *,
    kind: NotificationKind,
    name: str,
    url: str,
    key: str | None,
    topics: Iterable[Topic],
    enabled: bool,
    created_by: str,
) -> NotificationTarget:
    """Make a target that is told what happens from now on; raises BadInput or TargetNameTaken."""
    _check_key(kind, key)
    target = NotificationTarget(
        kind=kind,
        name=await _free_name(session, name),
        sealed_url=seal.seal(_usable_url(kind, url)),
        sealed_key=seal.seal(key) if key is not None else None,
        topics=_chosen(topics),
        enabled=enabled,
        delivered_event_id=await events.latest(session),
        created_by=created_by,
    )
    session.add(target)
    await session.flush()
    return target


async def update(
    session: AsyncSession,
    seal: Seal,
    target: NotificationTarget,
    *,
    name: str | None = None,
    url: str | None = None,
    key: str | None = None,
    topics: Iterable[Topic] | None = None,
    enabled: bool | None = None,
) -> None:
    """Change what is given; the next delivery is tried at once. Raises BadInput or TargetNameTaken."""
    if name is not None:
        target.name = await _free_name(session, name, besides=target.id)
    if url is not None:
        target.sealed_url = seal.seal(_usable_url(target.kind, url))
    if key is not None:
        _check_key(target.kind, key)
        target.sealed_key = seal.seal(key)
    if topics is not None:
        target.topics = _chosen(topics)
    if enabled is not None:
        target.enabled = enabled
    target.failures, target.retry_at = 0, None
    await session.flush()


async def remove(session: AsyncSession, target_id: int) -> NotificationTarget:
    """Forget a target with its credentials; raises NotFound."""
    target = await get(session, target_id, locked=True)
    await session.delete(target)
    return target


async def due(session: AsyncSession, moment: datetime) -> Sequence[NotificationTarget]:
    """Targets that are on, not paused after a failure, and behind the newest event."""
    target = NotificationTarget
    behind = target.delivered_event_id < sa.select(sa.func.max(Event.id)).scalar_subquery()
    ready = sa.or_(target.retry_at.is_(None), target.retry_at <= moment)
    select = sa.select(target).where(target.enabled, ready, behind).order_by(target.id)
    return (await session.scalars(select)).all()


async def pending(session: AsyncSession, target: NotificationTarget, *, most: int) -> Pending:
    """The next events a target wants to be told, at most so many; more, or lost ones, are to be summed up."""
    latest, oldest = await events.latest(session), await events.oldest(session)
    wanted = interesting(target.id, [Topic(topic) for topic in target.topics])
    select = sa.select(Event).where(Event.id > target.delivered_event_id, Event.id <= latest, wanted)
    found = (await session.scalars(select.order_by(Event.id).limit(_LOOKED_AT + 1))).all()
    news = [event for event in found if await is_news(session, event)]
    is_lost = target.delivered_event_id + 1 < oldest
    if is_lost or len(news) > most or len(found) > _LOOKED_AT:
        return Pending(None, latest, missed=len(news))
    return Pending(news, latest)


async def move_on(session: AsyncSession, target: NotificationTarget, upto: int, *, delivered: bool) -> bool:
    """Note how far a target has been told; False if somebody else has moved it meanwhile, who goes on then."""
    values: dict[str, object] = {"delivered_event_id": upto}
    if delivered:
        values |= {"failures": 0, "retry_at": None, "last_success_at": now(), "last_error_message": None}
    row = NotificationTarget
    moved = await session.scalar(
        sa.update(row)
        .where(row.id == target.id, row.delivered_event_id == target.delivered_event_id)
        .values(values)
        .returning(row.id)
    )
    return moved is not None


async def note_failure(
    session: AsyncSession, target_id: int, message: str, moment: datetime, *, pause_seconds: float = 0.0
) -> NotificationTarget | None:
    """Pause a target, longer after each failure in a row and at least so long; one that fails on is switched off."""
    target = await session.get(NotificationTarget, target_id, populate_existing=True, with_for_update=True)
    if target is None:
        return None
    target.failures += 1
    doubled: timedelta = _FIRST_PAUSE * (1 << min(target.failures - 1, _MOST_DOUBLINGS))
    target.retry_at = moment + max(min(doubled, _LONGEST_PAUSE), timedelta(seconds=pause_seconds))
    target.last_error_message = message
    if target.failures >= FAILURES_TO_DISABLE:
        target.enabled = False
        target.last_error_message = (
            f"{message} It was switched off after {target.failures} failures in a row: mend it, then switch it on."
        )
    return target


def for_trial(target: NotificationTarget) -> Event:
    """An event that this target alone is told, at once; raises TargetSwitchedOff."""
    if not target.enabled:
        raise TargetSwitchedOff(target)
    target.retry_at = None
    return events.event(f"{PREFIX}{target.id}", TEST, target.id, {"name": target.name})


def _chosen(topics: Iterable[Topic]) -> list[str]:
    chosen = sorted({topic.value for topic in topics})
    if not chosen:
        raise UnusableTarget("needs at least one topic")
    return chosen


def _check_key(kind: NotificationKind, key: str | None) -> None:
    if kind is NotificationKind.APPRISE and key is not None:
        raise UnusableTarget("takes no key: what Apprise needs is in its URL")
    if kind is NotificationKind.WEBHOOK and not SHORTEST_KEY <= len(key or "") <= _LONGEST_SECRET:
        raise UnusableTarget(f"needs a key of at least {SHORTEST_KEY} characters, with which deliveries are signed")


def _usable_url(kind: NotificationKind, url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port if kind is NotificationKind.WEBHOOK else None
    except ValueError:
        raise UnusableTarget("has an address that cannot be read") from None
    if not parts.scheme or len(url) > _LONGEST_SECRET or (kind is NotificationKind.APPRISE and "://" not in url):
        raise UnusableTarget("needs a URL with a scheme, such as https://, of at most 2000 characters")
    if kind is NotificationKind.WEBHOOK and (parts.scheme not in {"http", "https"} or not host or port == 0):
        raise UnusableTarget("needs an https:// address, or an http:// one in a private network")
    return url


async def _free_name(session: AsyncSession, name: str, *, besides: int = 0) -> str:
    name = name.strip()
    if not 1 <= len(name) <= _LONGEST_NAME:
        raise UnusableTarget(f"needs a name of 1 to {_LONGEST_NAME} characters")
    taken = sa.select(NotificationTarget.id).where(NotificationTarget.name == name, NotificationTarget.id != besides)
    if await session.scalar(taken) is not None:
        raise TargetNameTaken(name)
    return name
