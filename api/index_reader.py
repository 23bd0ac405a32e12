"""Following the index: one task loads newer generations and rows, and hands resolvers an immutable snapshot.

While the wanted model or way of cutting has no complete index yet, another one that this database has is served
on, and exchanged in one assignment.
"""

import asyncio
import secrets
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from api.served_lineage import ServedLineage
from jobs.events import Bus
from jobs.lineages import is_complete, searchable
from jobs.passages import refresh_passages
from jobs.stored_index import StoredIndex
from library import lineage_leases
from library.background import end_task
from library.database import Database
from library.events import INDEX_TOPIC
from library.lineage_leases import Part
from library.passages import Counts, Lineage
from rag.errors import RagError
from rag.index import SearchIndex
from rag.query_embedder import find_export
from rag.reranker import Reranker
from resolvers.search_access import Ready, Successor, Warming, WarmingReason
from resolvers.search_filters import PassageFilters

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
_ANNOUNCED_SECONDS = 60.0


class IndexReader:
    """The serving process's view of the index; satisfies resolvers' SearchAccess."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        *,
        models: Path,
        indexes: Path,
        model: str,
        stored: bool = False,
        rerankers: Path | None = None,
        rerank_model: str = "",
    ) -> None:
        self._database = database
        self._bus = bus
        self._models = models
        self._indexes = indexes
        self._model = model
        self._stored = stored
        self._rerankers = rerankers if rerank_model else None
        self._rerank_model = rerank_model
        self._reranker: Reranker | None = None
        self._process = secrets.token_hex(4)
        self._wanted: ServedLineage | None = None
        self._served: ServedLineage | None = None
        self._announced: tuple[ServedLineage, float] | None = None  # with the time on the loop's clock
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
            await end_task(self._task)

    async def refresh_passages(self, session: AsyncSession, book_ids: Collection[int]) -> None:
        """Write the passages of edited books anew; without a model yet, leave them to the embedding job."""
        await refresh_passages(session, book_ids, self._served.split if self._served is not None else None)

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
        if self._wanted is None:
            self._wanted = await asyncio.to_thread(self._open_wanted)
        if self._served is None or self._served is not self._wanted:
            self._served = await self._choose()
        if self._reranker is None and self._rerankers is not None:
            self._reranker = await asyncio.to_thread(self._open_reranker, self._rerankers)
        served = self._served
        if served is None:
            self._state = Warming(WarmingReason.MODEL_MISSING, None)
            return
        await self._announce(served)
        self._state = self._judged(served, await served.follow(self._database, self._indexes))

    def _open_wanted(self) -> ServedLineage | None:
        folder = find_export(self._models, self._model)
        return ServedLineage.open(folder, stored=self._stored) if folder is not None else None

    def _open_reranker(self, folder: Path) -> Reranker | None:
        """The cross-encoder, once a worker has exported it; until then hits stay as the search ranks them."""
        exported = find_export(folder, self._rerank_model)
        return Reranker.open(exported) if exported is not None else None

    async def _choose(self) -> ServedLineage | None:
        """The wanted lineage once it is complete; until then the one that is served, or another that could be."""
        wanted = self._wanted
        if wanted is not None and await self._is_complete(wanted.lineage):
            return wanted
        if self._served is not None:
            return self._served
        others = await searchable(
            self._database, self._models, wanted.lineage if wanted is not None else None, stored=self._stored
        )
        if not others:
            return wanted
        log.info("index_of_another_model", model=others[0].lineage.model, cut=others[0].lineage.cut)
        return await asyncio.to_thread(ServedLineage.open, others[0].folder, others[0].lineage.cut, stored=self._stored)

    async def _is_complete(self, lineage: Lineage) -> bool:
        return await is_complete(self._database, self._indexes, lineage, stored=self._stored)

    async def _announce(self, served: ServedLineage) -> None:
        """Say what is served, so that nobody deletes it, and that it is written on."""
        moment = asyncio.get_running_loop().time()
        if self._announced is not None:
            before, since = self._announced
            if before is served and moment - since < _ANNOUNCED_SECONDS:
                return
        lineage = served.lineage
        async with self._database.write() as session:
            await lineage_leases.announce(
                session, Part.SERVES, model=lineage.model, cut=lineage.cut, process=self._process
            )
        self._announced = served, moment

    def _judged(self, served: ServedLineage, index: SearchIndex | StoredIndex) -> Ready | Warming:
        """A first search makes sense once a generation is there, or nearly all rows have their vectors."""
        counts = Counts(index.count, index.count - index.pending)
        if index.generation > 0 or (counts.nearly_complete and not self._stored):
            return Ready(index, served.embedder, served.lineage, self._successor(served), self._reranker)
        return Warming(WarmingReason.EMBEDDING, counts.embedded / counts.passages if counts.passages else None)

    def _successor(self, served: ServedLineage) -> Successor | None:
        if served is self._wanted:
            return None
        return Successor(self._model, self._wanted.lineage if self._wanted is not None else None)
