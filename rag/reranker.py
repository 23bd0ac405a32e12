"""Reading question and passage together: a cross-encoder puts the first hits of a search in a better order.

Slower than all the rest (some milliseconds a passage), so only the first hits are read again, and only when a
model is set. See Nogueira and Cho, "Passage re-ranking with BERT" (2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from rag.query_embedder import OnnxEmbedder
from rag.segment import Floats

# Hits that are read again.
READ_AGAIN = 30


@dataclass(frozen=True)
class Reranker:
    """An exported cross-encoder (`rag.reranker_export`). Safe to share between threads."""

    model: OnnxEmbedder

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the exported model in `folder`. Raises ExportUnreadableError."""
        return cls(OnnxEmbedder.open(folder))

    def scores(self, question: str, texts: Sequence[str]) -> Floats:
        """Say how well each text answers the question, shape (texts,), from 0 to 1."""
        return self.model.run_pairs([(question, text) for text in texts])

    def order(self, question: str, texts: Sequence[str | None]) -> list[int]:
        """Order the places of texts, the best first; those without a text, and all beyond READ_AGAIN, stay in place."""
        places = [place for place, text in enumerate(texts[:READ_AGAIN]) if text]
        scores = self.scores(question, [texts[place] or "" for place in places]) if places else np.empty(0, np.float32)
        better = iter([places[number] for number in np.argsort(-scores, kind="stable").tolist()])
        moved = set(places)
        return [next(better) if place in moved else place for place in range(len(texts))]
