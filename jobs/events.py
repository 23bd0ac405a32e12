"""Telling the world: a unit of work commits its change and its events together, then publishes and enqueues.

Valkey carries hints only. Whoever listens reads rows, so a lost message costs seconds and nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
import structlog
from arq.connections import ArqRedis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from library import events as event_rows
from library.background import end_task
from library.database import Database
from library.models.downloads import Download
from library.models.jobs import Event, Job

log = structlog.get_logger(__name__)

CHANNEL = "shelfgraph:events"
ALL_TOPICS = "*"
WATCHING_TOPIC = "watching"
_WATCHING_KEY = "shelfgraph:watching"
_WATCHING_SECONDS = 10
# Growing texts, each a short stream: more parts than the longest has at the pace of its writer.
START = "-"  # the position before the first part
_TEXT_KEY = "shelfgraph:text:"
_MOST_PARTS = 2_000
_TEXT_KEPT_SECONDS = 600
_BEGIN, _TEXT = b"begin", b"text"
_RECONNECT_SECONDS = 0.5
_LISTEN_TIMEOUT_SECONDS = 5.0


def open_queue(url: str) -> ArqRedis:
    """A connection pool to the queue; jobs travel as JSON, since a pickle from a shared server would be code."""
    queue: ArqRedis = ArqRedis.from_url(url)
    queue.job_serializer = _serialize
    queue.job_deserializer = orjson.loads
    return queue


@dataclass(frozen=True, slots=True)
class Growth:
    """What has been added to a text up to `position`; `restarted` voids all that came before it."""

    text: str
    position: str
    restarted: bool


class Bus:
    """The process's connection to Valkey: publishes topics, delivers jobs, wakes local listeners."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None
        self.connected = False

    @classmethod
    def open(cls, url: str) -> "Bus":
        """Make a bus for `redis://` or `unix://`; nothing connects before it is used."""
        return cls(open_queue(url))

    def start(self) -> None:
        """Begin to listen, in a task that reconnects for ever."""
        self._task = asyncio.create_task(self._listen(), name="bus")

    async def close(self) -> None:
        """Stop listening and end the connections."""
        if self._task is not None:
            await end_task(self._task)
        await self._redis.aclose()

    async def reachable(self) -> bool:
        """Whether Valkey answers now."""
        try:
            return bool(await self._redis.ping())
        except (RedisError, OSError):
            return False

    async def publish(self, topics: Iterable[str]) -> None:
        """Wake whoever follows these topics, here and in other processes."""
        names = sorted(set(topics))
        self._wake(names)
        try:
            await self._redis.publish(CHANNEL, orjson.dumps(names))
        except (RedisError, OSError) as error:
            log.warning("publish_failed", error=type(error).__name__, hint="followers read rows within seconds")

    async def deliver(self, job_ids: Iterable[int]) -> None:
        """Hand jobs to the workers; a lost delivery is repeated by the sweep."""
        try:
            for job_id in job_ids:
                # A fresh id each time: arq blocks an id while a dead worker's key lives; claims make doubles harmless.
                await self._redis.enqueue_job("run", job_id, _job_id=f"{job_id}:{uuid4().hex}")
        except (RedisError, OSError) as error:
            log.warning("deliver_failed", error=type(error).__name__, hint="the sweep delivers them again")

    async def watch(self) -> None:
        """Say that somebody follows downloads; it holds for ten seconds, and polls come often while it does."""
        try:
            if not await self._redis.set(_WATCHING_KEY, 1, ex=_WATCHING_SECONDS, get=True):
                await self.publish([WATCHING_TOPIC])
        except (RedisError, OSError) as error:
            log.warning("watch_failed", error=type(error).__name__, hint="progress comes at the slower pace")

    async def is_watched(self) -> bool:
        """Whether somebody follows downloads now."""
        try:
            return bool(await self._redis.exists(_WATCHING_KEY))
        except (RedisError, OSError):
            return False

    async def begin_text(self, topic: str) -> None:
        """Start a text that grows; what an earlier attempt has told of it is void."""
        key = _TEXT_KEY + topic
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.delete(key)
                pipeline.xadd(key, {_BEGIN: b""})
                pipeline.expire(key, _TEXT_KEPT_SECONDS)
                await pipeline.execute()
        except (RedisError, OSError) as error:
            log.warning("text_lost", error=type(error).__name__, hint="its row holds the final text")

    async def add_text(self, topic: str, text: str) -> None:
        """Let a text grow, and wake those who follow the topic."""
        try:
            await self._redis.xadd(_TEXT_KEY + topic, {_TEXT: text.encode()}, maxlen=_MOST_PARTS, approximate=False)
        except (RedisError, OSError) as error:
            log.warning("text_lost", error=type(error).__name__, hint="its row holds the final text")
            return
        await self.publish([topic])

    async def text_since(self, topic: str, position: str = START) -> Growth:
        """What has been added to a text since; nothing while Valkey is away."""
        try:
            entries = await self._redis.xrange(_TEXT_KEY + topic, position if position == START else f"({position}")
        except (RedisError, OSError):
            entries = []
        text, restarted = "", False
        for place, fields in entries:
            position = place.decode()
            if _BEGIN in fields:
                text, restarted = "", True
            text += fields.get(_TEXT, b"").decode()
        return Growth(text, position, restarted)

    @contextmanager
    def listening(self, topic: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the topic may have news."""
        woken = asyncio.Event()
        self._listeners.setdefault(topic, set()).add(woken)
        try:
            yield woken
        finally:
            self._listeners[topic].discard(woken)
            if not self._listeners[topic]:
                del self._listeners[topic]

    @property
    def listener_count(self) -> int:
        """How many followers there are in this process."""
        return sum(len(listeners) for listeners in self._listeners.values())

    def _wake(self, topics: Iterable[str]) -> None:
        for topic in topics:
            for woken in self._listeners.get(topic, ()):
                woken.set()

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (RedisError, OSError) as error:
                if self.connected:
                    log.warning("valkey_lost", error=type(error).__name__, hint="reconnecting; nothing is lost")
                self.connected = False
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(CHANNEL)
            self.connected = True
            self._wake(list(self._listeners))  # news of the time without a connection
            while True:
                message = await pubsub.get_message(timeout=_LISTEN_TIMEOUT_SECONDS)
                if message is not None:
                    topics = orjson.loads(message["data"])
                    self._wake(list(self._listeners) if ALL_TOPICS in topics else topics)


def _serialize(value: dict[str, Any]) -> bytes:
    # arq also writes down exceptions of its own, which nobody reads.
    return orjson.dumps(value, default=repr)


@dataclass(slots=True)
class Work:
    """What one transaction does: its session, the events it causes and the jobs it starts."""

    session: AsyncSession
    events: list[Event] = field(default_factory=list)
    deliveries: list[int] = field(default_factory=list)

    def emit(self, topic: str, kind: str, entity_id: int | None = None, state: dict[str, Any] | None = None) -> None:
        """Tell of a change, once the transaction has committed."""
        self.events.append(event_rows.event(topic, kind, entity_id, state))

    def job_changed(self, job: Job) -> None:
        """Tell of a job's new state."""
        self.emit(event_rows.job_topic(job.id), job.state, job.id)

    def download_changed(self, download: Download) -> None:
        """Tell of a download's new state."""
        self.emit(
            event_rows.DOWNLOADS_TOPIC,
            download.state,
            download.id,
            {"name": download.name, "book_id": download.book_id, "reason": download.reason_code},
        )

    def deliver(self, job: Job) -> None:
        """Hand the job to a worker, once the transaction has committed."""
        self.deliveries.append(job.id)


@asynccontextmanager
async def unit_of_work(database: Database, bus: Bus) -> AsyncIterator[Work]:
    """One transaction with its events; publishes and delivers after commit, and only then."""
    async with database.write() as session:
        work = Work(session)
        yield work
        if work.events:
            await session.flush()
            await event_rows.append(session, work.events)
    if work.events:
        await bus.publish(event.topic for event in work.events)
    if work.deliveries:
        await bus.deliver(work.deliveries)
