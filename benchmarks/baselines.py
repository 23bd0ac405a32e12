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
from rag.passages import embedded_text

FUSION_K, FUSION_DEPTH = 60, 100
WORDS, VECTOR, FUSION = "keywords (bm25s)", "vector", "fusion (RRF)"
SYSTEMS = (WORDS, VECTOR, FUSION)

Scores = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Baselines:
    """One vector and one bag of words per document, or per section of a page, which is as good as its best."""

    vectors: Scores
    keywords: bm25s.BM25
    stemmer: Any
    # Where the sections of each document begin.
    starts: Places

    @classmethod
    def build(cls, embedder: KeptEmbedder, texts: Sequence[Text]) -> Self:
        """Index whole texts, which the model cuts at its window."""
        stemmer = Stemmer.Stemmer("english")
        whole = [embedded_text(header.strip(), body.strip()) for text in texts for header, body in text.pieces]
        keywords = bm25s.BM25(method="lucene")
        tokens = bm25s.tokenize(whole, stopwords="en", stemmer=stemmer, show_progress=False)
        keywords.index(tokens, show_progress=False)
        starts = np.cumsum([0, *(len(text.pieces) for text in texts[:-1])], dtype=np.intp)
        return cls(embedder.embed(whole), keywords, stemmer, starts)

    def rank(self, query: str, vector: Scores, banned: Places) -> dict[str, list[int]]:
        """Return places, best first, for each leg and for their fusion; `banned` places never."""
        cosines = np.maximum.reduceat(self.vectors @ vector, self.starts)
        points = np.maximum.reduceat(self._points(query), self.starts)
        cosines[banned], points[banned] = -np.inf, 0
        by_vector = np.argsort(-cosines, kind="stable")[:FUSION_DEPTH]
        by_word = np.argsort(-points, kind="stable")[:FUSION_DEPTH]
        by_word = by_word[points[by_word] > 0]
        return {WORDS: by_word.tolist(), VECTOR: by_vector.tolist(), FUSION: fused(by_vector, by_word)}

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
    return sorted(points, key=lambda place: -points[place])[:FUSION_DEPTH]
