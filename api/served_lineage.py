"""What answers searches: one model, the passages cut for it, and the index of both, which belong together."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from jobs.index_rows import catch_up, index_home, open_index
from jobs.passages import Splitter
from jobs.stored_index import StoredIndex, stored_index
from library.database import Database
from library.passages import Lineage
from rag.generations import generation_numbers
from rag.index import SearchIndex
from rag.query_embedder import OnnxEmbedder, load_tokenizer


@dataclass(eq=False)
class ServedLineage:
    """A lineage with its open model, and the newest snapshot of its index once it was followed."""

    embedder: OnnxEmbedder
    split: Splitter
    stored: bool = False  # in Postgres, by pgvector
    index: SearchIndex | StoredIndex | None = None
    _tried: int = field(default=0)  # number of the newest generation that was opened, or could not be

    @classmethod
    def open(cls, folder: Path, cut: str | None = None, *, stored: bool = False) -> Self:
        """Open the model exported in a folder, for passages cut as they are now or, once, were. Raises ModelError."""
        embedder = OnnxEmbedder.open(folder)
        return cls(embedder, Splitter.of(load_tokenizer(folder), embedder.card.window, cut), stored)

    @property
    def lineage(self) -> Lineage:
        """Which one it is."""
        return Lineage(self.embedder.card.revision, self.split.cut)

    async def follow(self, database: Database, indexes: Path) -> SearchIndex | StoredIndex:
        """Take up what is new: a generation published since, then rows."""
        if self.stored:
            before = self.index if isinstance(self.index, StoredIndex) else None
            before = before or StoredIndex(database, self.lineage, self.embedder.card.dimension)
            self.index = await stored_index(database, before)
            return self.index
        home = await index_home(database, indexes, self.lineage)
        newest = await asyncio.to_thread(_newest, home, self.lineage.model)
        index = self.index
        if not isinstance(index, SearchIndex) or newest > self._tried:
            self._tried = newest  # once: one that is torn stays so, and the rows have replaced it
            index = await open_index(database, home, self.lineage, self.embedder.card.dimension)
        self.index = await catch_up(database, index, self.lineage)
        return self.index


def _newest(home: Path, model: str) -> int:
    return max(generation_numbers(home, model), default=0)
