"""Live changes: a snapshot first, then what changes, each with the sequence to resume from."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import strawberry

from library import events as event_rows
from library import models
from library.errors import Forbidden
from library.events import LIBRARY_TOPIC, decode_sequence, encode_sequence, job_topic
from library.models.accounts import Role
from library.models.jobs import FINISHED_STATES
from resolvers.books import Book
from resolvers.context import Context, Info
from resolvers.documents import Document, document_by_id
from resolvers.ids import decode_id_of
from resolvers.jobs import Job, visible_job
from resolvers.libraries import LibraryStats, library_stats
from resolvers.permissions import CanRead, IsMember, may_read

POLL_SECONDS = 3.0  # rows are read again this often whatever Valkey says
COALESCE_SECONDS = 0.25  # after the first change, at most four events a second
_OF_DOCUMENTS = "DOCUMENT_"
BATCH = 500  # more events than this at once are a resync, not a list

AfterSequence = Annotated[
    str | None, strawberry.argument(description="Resume: the `sequence` of the last event that was received.")
]


@strawberry.type(description="A job's state now.")
class JobEvent:
    """The whole new state, not a difference."""

    job: Job = strawberry.field(description="The job as it is now.")
    sequence: str = strawberry.field(description="Opaque; give it as `after` to resume here.")
    resync_required: bool = strawberry.field(
        description="Whether events between `after` and now are lost; this event holds the whole state all the same."
    )


@strawberry.type(description="A book or document that was added, changed, found missing or removed.")
class LibraryChange:
    """One event row."""

    kind: str = strawberry.field(
        description="BOOK_ADDED, BOOK_UPDATED or BOOK_MISSING; DOCUMENT_ADDED, DOCUMENT_UPDATED, DOCUMENT_MISSING "
        "or DOCUMENT_REMOVED."
    )
    title: str | None = strawberry.field(description="Its title at that time; a document's path when it is gone.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    row_id: strawberry.Private[int | None]

    @strawberry.field(description="The book as it is now; null for a document.")
    async def book(self, info: Info) -> Book | None:
        """The book, by its loader."""
        if self.row_id is None or self.kind.startswith(_OF_DOCUMENTS):
            return None
        row = await info.context.loaders.book.load(self.row_id)
        return Book.of(row) if row is not None else None

    @strawberry.field(description="The document as it is now; null for a book, and for one that was removed.")
    async def document(self, info: Info) -> Document | None:
        """The document, by its loader."""
        if self.row_id is None or not self.kind.startswith(_OF_DOCUMENTS):
            return None
        return await document_by_id(info, self.row_id)


@strawberry.type(description="What has changed in the library.")
class LibraryEvent:
    """A snapshot, or changes."""

    snapshot: LibraryStats | None = strawberry.field(
        description="The library in numbers: in the first event, and whenever events were lost."
    )
    changes: list[LibraryChange] = strawberry.field(description="What has happened since the event before.")
    sequence: str = strawberry.field(description="Opaque; give it as `after` to resume here.")
    resync_required: bool = strawberry.field(
        description="Whether changes are lost: read again whatever you keep, then go on from here."
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of a topic since the last batch, up to a sequence; `gap` says that some are lost."""

    events: Sequence[models.Event]
    upto: int
    gap: bool = False


@strawberry.type
class ChangeSubscription:
    """Root fields that follow jobs and the library."""

    @strawberry.subscription(
        description="A job as it goes on: its state now, then each change, and its end, after which the stream ends.",
        permission_classes=[IsMember],
    )
    async def job_updated(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The job's id.")],  # noqa: A002 the contract's name
        after: AfterSequence = None,
    ) -> AsyncGenerator[JobEvent, None]:
        """Follow one job."""
        job_id = decode_id_of("Job", id)
        resumed = decode_sequence(after) if after is not None else None
        async for batch in follow(info.context, job_topic(job_id), resumed):
            job = await visible_job(info.context, job_id)
            yield JobEvent(job=Job.of(job), sequence=encode_sequence(batch.upto), resync_required=batch.gap)
            if job.state in FINISHED_STATES:
                return

    @strawberry.subscription(
        description="Changes of the library: numbers first, then books and documents as they change or go.",
        permission_classes=[CanRead],
    )
    async def library_changed(self, info: Info, after: AfterSequence = None) -> AsyncGenerator[LibraryEvent, None]:
        """Follow the library."""
        resumed = decode_sequence(after) if after is not None else None
        first = resumed is None
        async for batch in follow(info.context, LIBRARY_TOPIC, resumed):
            if not may_read(info.context):
                raise Forbidden(Role.VIEWER)
            yield LibraryEvent(
                snapshot=await library_stats(info.context) if first or batch.gap else None,
                changes=[_change(event) for event in batch.events],
                sequence=encode_sequence(batch.upto),
                resync_required=batch.gap,
            )
            first = False


async def follow(context: Context, topic: str, after: int | None) -> AsyncIterator[Batch]:
    """Yield a batch at once, then one whenever the topic has news; no session is held while waiting.

    Listening begins before the first read, so nothing falls between them.
    """
    with context.bus.listening(topic) as woken:
        batch = await _since(context, topic, after)
        yield batch
        while True:
            batch = await _next(context, topic, woken, batch.upto)
            spoken_at = time.monotonic()
            yield batch
            await asyncio.sleep(max(0.0, COALESCE_SECONDS - (time.monotonic() - spoken_at)))


async def _next(context: Context, topic: str, woken: asyncio.Event, seen: int) -> Batch:
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), POLL_SECONDS)
        woken.clear()
        batch = await _since(context, topic, seen)
        if batch.events or batch.gap:
            return batch


async def _since(context: Context, topic: str, after: int | None) -> Batch:
    async with context.database.read() as session:
        latest = await event_rows.latest(session)
        if after is None:
            return Batch((), latest)
        if after > latest or after + 1 < await event_rows.oldest(session):
            return Batch((), latest, gap=True)
        events = await event_rows.since(session, topic, after, BATCH + 1)
    if len(events) > BATCH:
        return Batch((), latest, gap=True)
    return Batch(events, events[-1].id if events else after)


def _change(event: models.Event) -> LibraryChange:
    title = (event.state or {}).get("title")
    return LibraryChange(kind=event.kind, title=title, occurred_at=event.created_at, row_id=event.entity_id)
