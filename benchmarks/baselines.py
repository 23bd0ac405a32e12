"""What search is compared with: each leg as it comes from its library, and their plain fusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import bm25s
import numpy as np
import numpy.typing as npt
import Stemmer

from benchmarks.cache import KeptEmbedder
from benchmarks.collections import Text

FUSION_K, FUSION_DEPTH = 60, 100
SYSTEMS = ("vector", "bm25s", "fusion")

Scores = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Baselines:
    """One vector and one bag of words per document."""

    vectors: Scores
    keywords: bm25s.BM25
    stemmer: Any

    @classmethod
    def build(cls, embedder: KeptEmbedder, texts: Sequence[Text]) -> Self:
        """Index whole documents, which the model cuts at its window."""
        stemmer, whole = Stemmer.Stemmer("english"), [text.whole for text in texts]
        keywords = bm25s.BM25(method="lucene")
        tokens = bm25s.tokenize(whole, stopwords="en", stemmer=stemmer, show_progress=False)
        keywords.index(tokens, show_progress=False)
        return cls(embedder.embed(whole), keywords, stemmer)

    def rank(self, query: str, vector: Scores, banned: Places) -> dict[str, list[int]]:
        """Return places, best first, for each leg and for their fusion; `banned` places never."""
        cosines, points = self.vectors @ vector, self._points(query)
        cosines[banned], points[banned] = -np.inf, 0
        by_vector = np.argsort(-cosines, kind="stable")[:FUSION_DEPTH]
        by_word = np.argsort(-points, kind="stable")[:FUSION_DEPTH]
        by_word = by_word[points[by_word] > 0]
        ranked = by_vector.tolist(), by_word.tolist(), fused(by_vector, by_word)
        return dict(zip(SYSTEMS, ranked, strict=True))

    def _points(self, query: str) -> Scores:
        (words,) = bm25s.tokenize([query], stopwords="en", stemmer=self.stemmer, return_ids=False, show_progress=False)
        if not any(word in self.keywords.vocab_dict for word in words):
            return np.zeros(len(self.vectors), np.float32)
        return np.array(self.keywords.get_scores(words), np.float32)


def fused(*lists: Places) -> list[int]:
    """Fuse lists of places by the sum of 1 / (k + rank), the earlier list first among equals."""
    points: dict[int, float] = {}
    for places in lists:
        for rank, place in enumerate(places.tolist(), start=1):
            points[place] = points.get(place, 0) + 1 / (FUSION_K + rank)
    return sorted(points, key=lambda place: -points[place])
