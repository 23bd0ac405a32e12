"""Text on its way from a language model to those who asked: a bounded stream in Valkey for each answer.

It is a hint like all else there: the row holds the final text, so a lost stream costs the sight of it growing.
"""

from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError

from jobs.events import Bus

log = structlog.get_logger(__name__)

MOST_PARTS = 2_000  # more than the longest text has, at the pace of its writer
KEPT_SECONDS = 600
START = "-"  # before the first part
_BEGIN, _TEXT = b"begin", b"text"


@dataclass(frozen=True, slots=True)
class Growth:
    """What has come since `position` was read last; `restarted` voids what came before this text."""

    text: str
    position: str
    restarted: bool


def answer_topic(answer_id: int) -> str:
    """The topic that is published when an answer grows or ends."""
    return f"answer:{answer_id}"


async def begin(bus: Bus, answer_id: int) -> None:
    """Start a text; what an earlier attempt has written is void."""
    key = _key(answer_id)
    try:
        async with bus.valkey.pipeline(transaction=True) as pipeline:
            pipeline.delete(key)
            pipeline.xadd(key, {_BEGIN: b""})
            pipeline.expire(key, KEPT_SECONDS)
            await pipeline.execute()
    except (RedisError, OSError) as error:
        _lost(error)


async def add(bus: Bus, answer_id: int, text: str) -> None:
    """Add to the text, and wake those who follow it."""
    try:
        await bus.valkey.xadd(_key(answer_id), {_TEXT: text.encode()}, maxlen=MOST_PARTS, approximate=False)
    except (RedisError, OSError) as error:
        _lost(error)
        return
    await bus.publish([answer_topic(answer_id)])


async def read(bus: Bus, answer_id: int, position: str = START) -> Growth:
    """What has come since; nothing while Valkey is away."""
    after = position if position == START else f"({position}"
    try:
        entries = await bus.valkey.xrange(_key(answer_id), after, "+")
    except (RedisError, OSError) as error:
        _lost(error)
        entries = []
    text, restarted = "", False
    for place, fields in entries:
        position = place.decode()
        if _BEGIN in fields:
            text, restarted = "", True
        text += fields.get(_TEXT, b"").decode()
    return Growth(text, position, restarted)


def _key(answer_id: int) -> str:
    return f"shelfgraph:answers-written:{answer_id}"


def _lost(error: Exception) -> None:
    log.warning("answer_stream_lost", error=type(error).__name__, hint="the row holds the final text")
