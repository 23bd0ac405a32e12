"""The worker's embedding model: exported on first use, then kept open."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from jobs.passages import Splitter
from library.errors import ErrorCode, ShelfgraphError
from library.passages import Lineage
from rag.embedder import ensure_exported
from rag.errors import ModelError
from rag.query_embedder import OnnxEmbedder, find_export, load_tokenizer
from rag.reranker_export import ensure_reranker_exported

log = structlog.get_logger(__name__)


class ModelUnavailable(ShelfgraphError):
    """A model that cannot be loaded, exported or vouched for."""

    code = ErrorCode.PROVIDER_UNAVAILABLE

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} See SHELFGRAPH_EMBEDDING_MODEL, then retry this job.")


@dataclass(slots=True)
class EmbeddingModel:
    """Where exports are kept, which model is wanted, and how many threads compute."""

    models: Path
    model: str
    threads: int
    _opened: tuple[OnnxEmbedder, Splitter] | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def splitter(self) -> Splitter | None:
        """The splitter that fits the model, once it is open."""
        return self._opened[1] if self._opened is not None else None

    @property
    def embedder(self) -> OnnxEmbedder | None:
        """The embedder, once it is open."""
        return self._opened[0] if self._opened is not None else None

    @property
    def lineage(self) -> Lineage | None:
        """What the index of this model is made of, once it is open."""
        return lineage_of(*self._opened) if self._opened is not None else None

    async def open(self) -> tuple[OnnxEmbedder, Splitter]:
        """The embedder and the splitter that fits it; the first call on a fresh machine takes half a minute."""
        async with self._opening:
            if self._opened is None:
                self._opened = await self._open()
            return self._opened

    async def mend(self) -> None:
        """Export an open model again whose export was lost or torn since: whoever starts later opens it from there."""
        if self._opened is not None and await asyncio.to_thread(find_export, self.models, self.model) is None:
            await ensure_exported(self.models, self.model)

    async def _open(self) -> tuple[OnnxEmbedder, Splitter]:
        try:
            folder = await ensure_exported(self.models, self.model)
            embedder = await asyncio.to_thread(OnnxEmbedder.open, folder, threads=self.threads)
        except ModelError as error:
            raise ModelUnavailable(str(error)) from error
        return embedder, Splitter.of(load_tokenizer(folder), embedder.card.window)


async def prepare_reranker(folder: Path, model: str) -> None:
    """Export the cross-encoder that searches are to be read again with; without it they are answered as before."""
    try:
        await ensure_reranker_exported(folder, model)
    except ModelError as error:
        log.warning("reranker_unavailable", reason=str(error), hint="see SHELFGRAPH_RERANK_MODEL, then start again")


def lineage_of(embedder: OnnxEmbedder, split: Splitter) -> Lineage:
    """What an index is made of that both go with."""
    return Lineage(embedder.card.revision, split.cut)
