"""Event rows: written with the change they tell of, read in the order of their sequence, pruned by age."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.database import next_version
from library.errors import MalformedSequence
from library.models.jobs import Event

JOB_PREFIX = "job:"
LIBRARY_TOPIC = "library"
INDEX_TOPIC = "index"
DOWNLOADS_TOPIC = "downloads"
INTEGRATIONS_TOPIC = "integrations"
_LONGEST_SEQUENCE = 16  # 60 bits


def job_topic(job_id: int) -> str:
    """The topic of one job."""
    return f"{JOB_PREFIX}{job_id}"


def search_topic(search_id: int) -> str:
    """The topic of one search for releases."""
    return f"release-search:{search_id}"


def answer_topic(answer_id: int) -> str:
    """The topic of one written answer."""
    return f"answer:{answer_id}"


def encode_sequence(event_id: int) -> str:
    """The opaque string clients resume from."""
    return f"s{event_id:x}"


def decode_sequence(sequence: str) -> int:
    """Read it back; raises MalformedSequence."""
    try:
        if not sequence.startswith("s") or len(sequence) > _LONGEST_SEQUENCE:
            raise MalformedSequence(sequence)
        return int(sequence[1:], 16)
    except ValueError:
        raise MalformedSequence(sequence) from None


async def append(session: AsyncSession, events: Sequence[Event]) -> None:
    """Write events at the end of a unit of work; the counter's lock keeps ids in commit order on Postgres."""
    await next_version(session, "events")
    session.add_all(events)
    await session.flush()


async def latest(session: AsyncSession) -> int:
    """The id of the newest event of any topic; 0 when there is none."""
    return await session.scalar(sa.select(sa.func.max(Event.id))) or 0


async def oldest(session: AsyncSession) -> int:
    """The id of the oldest event kept; 1 when none was ever pruned."""
    return await session.scalar(sa.select(sa.func.min(Event.id))) or 1


async def since(session: AsyncSession, topic: str, after: int, limit: int) -> Sequence[Event]:
    """Events of a topic with a greater id, in order."""
    select = sa.select(Event).where(Event.topic == topic, Event.id > after).order_by(Event.id).limit(limit)
    return (await session.scalars(select)).all()


async def prune(session: AsyncSession, older_than: datetime) -> int:
    """Forget old events; the newest always stays, so that a gap can be told. Returns how many went."""
    newest = await latest(session)
    gone = await session.execute(sa.delete(Event).where(Event.created_at < older_than, Event.id < newest))
    return int(getattr(gone, "rowcount", 0))


def event(topic: str, kind: str, entity_id: int | None = None, state: dict[str, Any] | None = None) -> Event:
    """Describe something that changed."""
    return Event(topic=topic, kind=kind, entity_id=entity_id, state=state)
