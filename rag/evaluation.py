"""The measures of information retrieval, as trec_eval defines them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Id = TypeVar("Id", bound=Hashable)


def ndcg(ranked: Sequence[Id], grades: Mapping[Id, int], depth: int = 10) -> float:
    """Return nDCG: gain 2^grade - 1, discounted by log2 of the rank, against the best possible order."""
    best = _discounted(sorted(grades.values(), reverse=True)[:depth])
    return _discounted([grades.get(found, 0) for found in ranked[:depth]]) / best if best else 0.0


def recall(ranked: Sequence[Id], grades: Mapping[Id, int], depth: int = 10) -> float:
    """Return the share of the relevant that is among the first `depth`."""
    relevant = {known for known, grade in grades.items() if grade > 0}
    return len(relevant & set(ranked[:depth])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranked: Sequence[Id], grades: Mapping[Id, int], depth: int = 10) -> float:
    """Return one over the rank of the first relevant among the first `depth`, or 0."""
    for rank, found in enumerate(ranked[:depth], start=1):
        if grades.get(found, 0) > 0:
            return 1 / rank
    return 0.0


def _discounted(grades: Sequence[int]) -> float:
    return math.fsum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))
