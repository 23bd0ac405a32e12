"""How resolvers reach the search index: ready, or warming up with a reason."""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from library.passages import Lineage
from rag.sources import PassageSource

if TYPE_CHECKING:
    from rag.query_embedder import OnnxEmbedder
    from rag.reranker import Reranker
    from resolvers.search_filters import PassageFilters


class WarmingReason(enum.StrEnum):
    """Why search cannot answer yet."""

    MODEL_MISSING = "MODEL_MISSING"  # no worker has exported the embedding model yet
    EMBEDDING = "EMBEDDING"  # the first passages are being written and embedded
    LOADING = "LOADING"  # this process is reading the index


@dataclass(frozen=True, slots=True)
class Warming:
    """Search cannot answer yet."""

    reason: WarmingReason
    progress: float | None  # from 0 to 1, where it is known


@dataclass(frozen=True, slots=True)
class Successor:
    """What is being made to take over: the name of its model, and its lineage once the model is exported."""

    model: str
    lineage: Lineage | None


class SearchedPassages(PassageSource, Protocol):
    """Passages to rank, and what is known of them: in this process's memory, or in the database."""

    @property
    def revision(self) -> str:
        """The hash of the model's weights."""

    @property
    def dimension(self) -> int:
        """Length of the vectors."""

    @property
    def count(self) -> int:
        """How many can be found."""

    @property
    def pending(self) -> int:
        """How many of them by their words only, as yet."""

    @property
    def generation(self) -> int:
        """Number of the generation that was opened; 0 before the first."""

    @property
    def built_at(self) -> datetime | None:
        """When that was built."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A snapshot of everything a search needs, all of one lineage; a newer one never changes it."""

    index: "SearchedPassages"
    embedder: "OnnxEmbedder"
    lineage: Lineage
    successor: Successor | None = None
    reranker: "Reranker | None" = None


class SearchAccess(Protocol):
    """What the serving process offers to resolvers."""

    @property
    def state(self) -> Ready | Warming:
        """The newest snapshot, or why there is none."""

    @property
    def filters(self) -> "PassageFilters":
        """What filters of late have left."""

    async def refresh_passages(self, session: AsyncSession, book_ids: Collection[int]) -> None:
        """Write the passages of edited books anew, in the editor's transaction."""
