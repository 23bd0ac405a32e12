"""Which events are worth a notification, and what is told of them."""

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.events import DOWNLOADS_TOPIC, INTEGRATIONS_TOPIC, LIBRARY_TOPIC, encode_sequence
from library.global_ids import global_id
from library.models.books import Book
from library.models.downloads import DownloadChange, DownloadState
from library.models.jobs import Event

PREFIX = "notification:"  # the topic of events for one target alone
MISSED = "MISSED_EVENTS"
_JUST_NOW = timedelta(hours=1)  # no transaction lasts as long


class Topic(enum.StrEnum):
    """What a target may want to be told."""

    DOWNLOAD_DONE = "DOWNLOAD_DONE"  # a book has arrived
    DOWNLOAD_BLOCKED = "DOWNLOAD_BLOCKED"  # a download cannot go on now
    DOWNLOAD_FAILED = "DOWNLOAD_FAILED"  # a download cannot go on
    BOOK_ADDED = "BOOK_ADDED"  # the library has one book more
    INTEGRATION_NEEDS_ACTION = "INTEGRATION_NEEDS_ACTION"  # somebody else's server waits for the user


# The events of a topic, by their own topic and kind.
_EVENTS: Mapping[Topic, tuple[str, str]] = MappingProxyType(
    {
        Topic.DOWNLOAD_DONE: (DOWNLOADS_TOPIC, DownloadState.DONE),
        Topic.DOWNLOAD_BLOCKED: (DOWNLOADS_TOPIC, DownloadState.BLOCKED),
        Topic.DOWNLOAD_FAILED: (DOWNLOADS_TOPIC, DownloadState.FAILED),
        Topic.BOOK_ADDED: (LIBRARY_TOPIC, "BOOK_ADDED"),
        Topic.INTEGRATION_NEEDS_ACTION: (INTEGRATIONS_TOPIC, "CHANGED"),
    }
)
_TOPICS = {event: topic for topic, event in _EVENTS.items()}
_TYPES = {DOWNLOADS_TOPIC: "Download", LIBRARY_TOPIC: "Book", INTEGRATIONS_TOPIC: "Integration"}


def interesting(target_id: int, topics: Iterable[Topic]) -> sa.ColumnElement[bool]:
    """The condition for events that may be news for a target."""
    wanted = [sa.and_(Event.topic == topic, Event.kind == kind) for topic, kind in (_EVENTS[one] for one in topics)]
    return sa.or_(Event.topic == f"{PREFIX}{target_id}", *wanted)


async def is_news(session: AsyncSession, event: Event) -> bool:
    """Whether an event tells of something that began with it: not of another change meanwhile, such as a pause."""
    if event.topic == DOWNLOADS_TOPIC:
        return await _is_new_state(session, event)
    if event.topic == INTEGRATIONS_TOPIC:
        wanted = (event.state or {}).get("needs_action")
        before = await session.scalar(_before(event, Event.state).limit(1))
        return wanted is not None and wanted != (before or {}).get("needs_action")
    return True


async def told(session: AsyncSession, event: Event) -> dict[str, Any]:
    """What is told of an event: the same for every target, and nothing a member may not see.

    {"event": sequence, "kind": …, "at": ISO time, "id": global id, "name": …, and of downloads "state", "reason" and
    "book": {"id", "title"} or None}.
    """
    state = event.state or {}
    shown: dict[str, Any] = {
        "event": encode_sequence(event.id),
        "kind": _TOPICS.get((event.topic, event.kind), event.kind),
        "at": event.created_at.isoformat(),
        "id": global_id(_TYPES.get(event.topic, "NotificationTarget"), event.entity_id or 0),
        "name": state.get("name") or state.get("title"),
    }
    if event.topic == DOWNLOADS_TOPIC:
        shown |= {
            "state": event.kind,
            "reason": state.get("reason"),
            "book": await _book(session, state.get("book_id")),
        }
    if event.topic == INTEGRATIONS_TOPIC:
        shown |= {"needsAction": state.get("needs_action")}
    return shown


def missed(upto: int, count: int, at: datetime) -> dict[str, Any]:
    """What is told instead of more events than anybody reads, or of lost ones: look at all again."""
    return {
        "event": encode_sequence(upto),
        "kind": MISSED,
        "at": at.isoformat(),
        "id": None,
        "name": None,
        "missed": count,
    }


def sentence(told: Mapping[str, Any]) -> str:
    """The same for people."""
    name = told["name"]
    match told["kind"]:
        case Topic.DOWNLOAD_DONE:
            return f"{name} has arrived."
        case Topic.DOWNLOAD_BLOCKED | Topic.DOWNLOAD_FAILED:
            return f"{name} cannot be downloaded: {told['reason']}."
        case Topic.BOOK_ADDED:
            return f"{name} is new in the library."
        case Topic.INTEGRATION_NEEDS_ACTION:
            return f"{name} waits for you: {told['needsAction']}"
        case kind if kind == MISSED:
            return f"{told['missed']} or more things have happened meanwhile. Look at Shelfgraph."
    return f"This is a trial of {name}: it works."


async def _is_new_state(session: AsyncSession, event: Event) -> bool:
    """Whether the download came into this state after the event before that told of the same."""
    entered = sa.select(sa.func.max(DownloadChange.created_at)).where(
        DownloadChange.download_id == event.entity_id,
        DownloadChange.to_state == event.kind,
        DownloadChange.created_at <= event.created_at,
    )
    entered_at = await session.scalar(entered)
    told_at = await session.scalar(_before(event, Event.created_at).where(Event.kind == event.kind).limit(1))
    if entered_at is None:
        return False
    return bool(entered_at > (told_at or event.created_at - _JUST_NOW))


def _before(event: Event, column: Any) -> sa.Select[Any]:
    """Of the events about the same thing before this one, the last first."""
    same = (Event.topic == event.topic, Event.entity_id == event.entity_id, Event.id < event.id)
    return sa.select(column).where(*same).order_by(Event.id.desc())


async def _book(session: AsyncSession, book_id: int | None) -> dict[str, str] | None:
    book = await session.get(Book, book_id) if book_id is not None else None
    return {"id": global_id("Book", book.id), "title": book.title} if book is not None else None
