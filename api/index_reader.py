"""Following the index: one task loads newer generations and rows, and hands resolvers an immutable snapshot."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from jobs.events import Bus
from jobs.index_rows import catch_up, index_home, open_index
from jobs.passages import Splitter, refresh_passages
from library.database import Database
from library.events import INDEX_TOPIC
from library.passages import Lineage
from rag.errors import RagError
from rag.generations import generation_numbers
from rag.index import SearchIndex
from rag.query_embedder import OnnxEmbedder, find_export, load_tokenizer
from resolvers.search_access import Ready, Warming, WarmingReason
from resolvers.search_filters import PassageFilters

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
_MOSTLY = 10  # of ten passages nine must be embedded before a first search makes sense


class IndexReader:
    """The serving process's view of the index; satisfies resolvers' SearchAccess."""

    def __init__(self, database: Database, bus: Bus, *, models: Path, indexes: Path, model: str) -> None:
        self._database = database
        self._bus = bus
        self._models = models
        self._indexes = indexes
        self._model = model
        self._embedder: OnnxEmbedder | None = None
        self._split: Splitter | None = None
        self._home: Path | None = None
        self._index: SearchIndex | None = None
        self._tried = 0  # number of the newest generation that was opened, or could not be
        self._state: Ready | Warming = Warming(WarmingReason.LOADING, None)
        self._task: asyncio.Task[None] | None = None
        self.filters = PassageFilters()

    @property
    def state(self) -> Ready | Warming:
        """The newest snapshot, or why there is none."""
        return self._state

    @property
    def health(self) -> str:
        """READY or WARMING, for the readiness probe."""
        return "READY" if isinstance(self._state, Ready) else "WARMING"

    def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._follow(), name="index-reader")

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def refresh_passages(self, session: AsyncSession, book_ids: Collection[int]) -> None:
        """Write the passages of edited books anew; without a model yet, leave them to the embedding job."""
        await refresh_passages(session, book_ids, self._split)

    async def _follow(self) -> None:
        with self._bus.listening(INDEX_TOPIC) as woken:
            while True:
                woken.clear()
                try:
                    await self._look()
                except (SQLAlchemyError, OSError, RagError) as error:
                    log.warning("index_not_followed", error=type(error).__name__, hint="trying again in a second")
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), POLL_SECONDS)

    async def _look(self) -> None:
        embedder = self._embedder or await asyncio.to_thread(self._open_model)
        if embedder is None or self._split is None:
            self._state = Warming(WarmingReason.MODEL_MISSING, None)
            return
        card, lineage = embedder.card, Lineage(embedder.card.revision, self._split.cut)
        home = self._home = self._home or await index_home(self._database, self._indexes, lineage)
        newest = await asyncio.to_thread(_newest, home, card.revision)
        if self._index is None or newest > self._tried:
            self._tried = newest  # once: one that is torn stays so, and the rows have replaced it
            self._index = await open_index(self._database, home, lineage, card.dimension)
        self._index = await catch_up(self._database, self._index, lineage)
        self._state = _judged(self._index, embedder)

    def _open_model(self) -> OnnxEmbedder | None:
        folder = find_export(self._models, self._model)
        if folder is None:
            return None
        embedder = OnnxEmbedder.open(folder)
        self._split = Splitter.of(load_tokenizer(folder), embedder.card.window)
        self._embedder = embedder
        return embedder


def _newest(home: Path, revision: str) -> int:
    return max(generation_numbers(home, revision), default=0)


def _judged(index: SearchIndex, embedder: OnnxEmbedder) -> Ready | Warming:
    """A first search makes sense once a generation is there, or nearly all rows have their vectors."""
    mostly_embedded = index.count > 0 and index.pending * _MOSTLY <= index.count
    if index.generation > 0 or mostly_embedded:
        return Ready(index, embedder)
    progress = (index.count - index.pending) / index.count if index.count else None
    return Warming(WarmingReason.EMBEDDING, progress)
