"""Telling others what happens: events to webhooks and to services of Apprise, in order, at least once.

One worker at a time delivers, by a lease. Each target's place moves after its delivery; a repeat after a crash has the
same delivery id.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from integrations.apprise_messages import AppriseMessages
from integrations.errors import IntegrationError, RateLimited
from integrations.http import Outside
from integrations.webhooks import Webhook
from library import leases, notification_events, notifications
from library.database import Database
from library.models.integrations import NotificationKind, NotificationTarget
from library.models.tables import now
from library.sealing import Seal, SealUnreadable

log = structlog.get_logger(__name__)

EVERY_SECONDS = 3.0
MOST_EVENTS = 50  # of one target at once; who missed more is told that it did
TITLE = "Shelfgraph"
_LEASE = "notifications"
_LEASE_LASTS = timedelta(seconds=60)
_BROKEN = "The notification could not be sent; the worker's log names the error."
_TURN_SECONDS = 45.0  # below the lease, so that no two workers deliver to one target


@dataclass(frozen=True, slots=True)
class Notifying:
    """What deliveries need; `holder` names this worker."""

    database: Database
    outside: Outside
    apprise: AppriseMessages
    seal: Seal
    holder: str
    clock: Callable[[], datetime] = now


@dataclass(frozen=True, slots=True)
class _Message:
    """What is told, and how far the target has been told everything then."""

    told: Mapping[str, Any]
    upto: int


async def run(notifying: Notifying) -> None:
    """Deliver until cancelled, and give the lease back."""
    try:
        while True:
            try:
                await deliver_due(notifying)
            except (SQLAlchemyError, OSError) as error:
                log.warning("notifications_failed", error=type(error).__name__)
            except Exception:
                log.exception("notifications_failed")
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        with suppress(SQLAlchemyError, OSError):
            async with notifying.database.write() as session:
                await leases.release(session, _LEASE, notifying.holder)


async def deliver_due(notifying: Notifying) -> None:
    """Tell every target what it has not been told; one that fails is paused and keeps nobody waiting.

    Safe to run twice, and by two workers: a target's place is moved only from where it was read.
    """
    async with notifying.database.read() as session:
        targets = await notifications.due(session, notifying.clock())
    if targets and await _holds(notifying):
        await asyncio.gather(*(_catch_up(notifying, target) for target in targets))


async def _catch_up(notifying: Notifying, target: NotificationTarget) -> None:
    with suppress(TimeoutError):  # the rest comes with the next turn
        async with asyncio.timeout(_TURN_SECONDS):
            messages, upto = await _messages(notifying, target)
            for message in messages:
                if not await _deliver(notifying, target, message):
                    return
            await _move_on(notifying, target, upto, delivered=False)


async def _messages(notifying: Notifying, target: NotificationTarget) -> tuple[Sequence[_Message], int]:
    async with notifying.database.read() as session:
        pending = await notifications.pending(session, target, most=MOST_EVENTS)
        if pending.events is None:
            told = notification_events.missed(pending.upto, pending.missed, notifying.clock())
            return [_Message(told, pending.upto)], pending.upto
        messages = [_Message(await notification_events.told(session, event), event.id) for event in pending.events]
    return messages, pending.upto


async def _deliver(notifying: Notifying, target: NotificationTarget, message: _Message) -> bool:
    """Whether it was delivered, and nobody else is at this target."""
    try:
        await _send(notifying, target, message)
    except (IntegrationError, SealUnreadable) as error:
        pause = error.retry_after if isinstance(error, RateLimited) else 0.0
        await _fail(notifying, target, str(error), pause)
        return False
    except Exception as error:  # noqa: BLE001 the edge: what was not foreseen pauses this target alone
        # No traceback: its lines and values hold the target's address.
        log.error("notification_broken", target_id=target.id, error=type(error).__name__)  # noqa: TRY400 see above
        await _fail(notifying, target, _BROKEN)
        return False
    return await _move_on(notifying, target, message.upto, delivered=True)


async def _send(notifying: Notifying, target: NotificationTarget, message: _Message) -> None:
    url = notifying.seal.open(target.sealed_url)
    name = f"Notification target {target.id}"
    if target.kind is NotificationKind.APPRISE:
        text = notification_events.sentence(message.told)
        await notifying.apprise.send(name, url, title=TITLE, body=text)
        return
    webhook = Webhook(notifying.outside, name, url, notifying.seal.open(target.sealed_key or ""))
    delivery = f"{target.id}-{message.upto}"
    body = orjson.dumps({"delivery": delivery, **message.told})
    await webhook.send(body, event=message.told["event"], delivery=delivery, at=notifying.clock().timestamp())


async def _move_on(notifying: Notifying, target: NotificationTarget, upto: int, *, delivered: bool) -> bool:
    if upto == target.delivered_event_id and not delivered:
        return True
    async with notifying.database.write() as session:
        moved = await notifications.move_on(session, target, upto, delivered=delivered)
    target.delivered_event_id = upto
    return moved


async def _fail(notifying: Notifying, target: NotificationTarget, why: str, pause: float = 0.0) -> None:
    message = notifying.outside.redact(why)
    async with notifying.database.write() as session:
        row = await notifications.note_failure(session, target.id, message, notifying.clock(), pause_seconds=pause)
    if row is not None:
        log.warning("notification_failed", target_id=row.id, failures=row.failures, switched_off=not row.enabled)


async def _holds(notifying: Notifying) -> bool:
    try:
        async with notifying.database.write() as session:
            return await leases.acquire(session, _LEASE, notifying.holder, _LEASE_LASTS)
    except IntegrityError:  # another worker was faster with the very first
        return False
