"""How good answers are: the measures of each system on each collection, and what is asked of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from benchmarks.baselines import Baselines
from benchmarks.cache import KeptEmbedder
from benchmarks.collections import DOCUMENTATION, SCIFACT, SUGGESTIONS, TEST, Collection, Query
from benchmarks.shelves import Shelf, asked
from rag.evaluation import ndcg, recall, reciprocal_rank
from rag.search import Mode

OURS = "ours"
LEGS = {"our words": Mode.KEYWORD, "our vectors": Mode.VECTOR, OURS: Mode.HYBRID}
SEED, RESAMPLES = 4, 1_000
# What plain fusion with a stemmed BM25 is known to reach there.
SCIFACT_ABOVE = 0.718
BOOKS_TIMES, DOCUMENTATION_SHARE = 1.10, 0.1


@dataclass(frozen=True)
class Quality:
    """Means over queries; `low` to `high` is the 95 % bootstrap interval of the measure that counts."""

    queries: int
    ndcg_10: float
    recall_10: float
    recall_100: float
    mrr_10: float
    low: float
    high: float

    @classmethod
    def of(cls, queries: Sequence[Query], ranked: Sequence[Sequence[str]], counts: str) -> Self:
        """Judge the answers to queries; `counts` is the name of the measure that counts."""
        pairs = list(zip(ranked, (query.grades for query in queries), strict=True))
        single = {
            "ndcg_10": [ndcg(ids, grades) for ids, grades in pairs],
            "recall_10": [recall(ids, grades) for ids, grades in pairs],
            "recall_100": [recall(ids, grades, 100) for ids, grades in pairs],
            "mrr_10": [reciprocal_rank(ids, grades) for ids, grades in pairs],
        }
        chance = np.random.default_rng(SEED)
        values = np.array(single[counts])
        means = values[chance.integers(len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
        low, high = np.quantile(means, (0.025, 0.975)).tolist()
        measured = {name: float(np.mean(column)) for name, column in single.items()}
        return cls(queries=len(queries), low=low, high=high, **measured)


@dataclass(frozen=True)
class Judgement:
    """A system on the queries of a split, or on those of one sort of them."""

    collection: str
    split: str
    sort: str
    system: str
    quality: Quality
    milliseconds: float | None = None  # median of finding, embedding apart

    @property
    def counts(self) -> float:
        """The value of the measure that counts."""
        return float(getattr(self.quality, counting(self.collection)))


def counting(collection: str) -> str:
    """Name the measure that counts: on pages of documentation whether the first relevant one stands at the top."""
    return "mrr_10" if collection == DOCUMENTATION else "ndcg_10"


def bound(collection: str, best_baseline: float) -> float | None:
    """What ours must reach, given the best of the baselines; None where there are too few queries."""
    if collection == SUGGESTIONS:
        return None
    if collection == SCIFACT:
        return max(best_baseline, SCIFACT_ABOVE)
    if collection == DOCUMENTATION:
        return best_baseline + DOCUMENTATION_SHARE * (1 - best_baseline)
    return BOOKS_TIMES * best_baseline


def judge_baselines(name: str, collection: Collection, split: str, embedder: KeptEmbedder) -> list[Judgement]:
    """Judge each leg as its library gives it, and their plain fusion."""
    texts, baselines = collection.texts, Baselines.build(embedder, collection.texts)
    places = {text.id: place for place, text in enumerate(texts)}
    ranked: dict[str, list[list[str]]] = {}
    for query, vector in asked(collection.queries[split], embedder.embed):
        banned = np.array([places[other] for other in query.excluded], np.intp)
        for system, order in baselines.rank(query.text, vector, banned).items():
            ranked.setdefault(system, []).append([texts[place].id for place in order])
    return [one for system, found in ranked.items() for one in _sorted(name, collection, split, system, found, None)]


def judge_shelf(name: str, collection: Collection, split: str, embedder: KeptEmbedder, shelf: Shelf) -> list[Judgement]:
    """Judge the product's path, its legs alone too."""
    queries = asked(collection.queries[split], embedder.embed_questions)
    judged: list[Judgement] = []
    for system, mode in LEGS.items():
        if mode is not Mode.HYBRID and queries[0][0].document is not None:
            continue  # `similar` has no modes
        answers = shelf.ask_all(queries, mode)
        median = float(np.median([answer.seconds for answer in answers])) * 1000
        judged += _sorted(name, collection, split, system, [answer.ids for answer in answers], median)
    return judged


def answers_of(collection: Collection, embedder: KeptEmbedder, shelf: Shelf) -> list[list[str]]:
    """The first ten of every answer to a test query."""
    answers = shelf.ask_all(asked(collection.queries[TEST], embedder.embed_questions))
    return [answer.ids[:10] for answer in answers]


def _sorted(
    name: str, collection: Collection, split: str, system: str, ranked: list[list[str]], median: float | None
) -> Iterator[Judgement]:
    # All queries together, and then each sort of them.
    queries = collection.queries[split]
    sorts = sorted({query.sort for query in queries} - {""})
    for sort in ["", *sorts]:
        places = [place for place, query in enumerate(queries) if sort in {"", query.sort}]
        some, found = [queries[place] for place in places], [ranked[place] for place in places]
        yield Judgement(name, split, sort, system, Quality.of(some, found, counting(name)), median)
