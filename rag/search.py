"""Ranking passages by words and by meaning at once, and giving each owner its best passage.

Both legs are searched exactly, and every candidate of either is scored by both, so nothing is lost between
two cut-off lists. The fused value is the cosine plus a constant times BM25, where BM25 is measured in the
square root of all that the query's words could earn. Against plain points this keeps the words of a long story,
which earn many points by chance, from drowning its meaning; against the share earned it keeps the few words
that a passage does have in common with a long story from being drowned themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rag.errors import QueryVectorMissingError
from rag.index import Owner, SearchIndex, Slots
from rag.keywords import query_stems
from rag.segment import Floats, Ids, Mask

# What that measure of BM25 is worth in cosine: the best of benchmarks/tune.py on training queries.
KEYWORD_WORTH = 0.25
# The same for a book's own text as the query, whose tags say more than its tone.
SIMILAR_KEYWORD_WORTH = 0.6
# A book's own tags against a word of its description, when it is the query.
SIMILAR_HEADER_WEIGHT = 5.0
# Candidates that each leg proposes at first; more are asked for while owners are missing.
CANDIDATES = 200

Value = TypeVar("Value", np.float32, np.bool_)


class Mode(StrEnum):
    """Which legs rank."""

    HYBRID = "HYBRID"
    VECTOR = "VECTOR"
    KEYWORD = "KEYWORD"


class Leg(StrEnum):
    """Which leg proposed a hit."""

    VECTOR = "VECTOR"
    KEYWORD = "KEYWORD"


@dataclass(frozen=True)
class Hit:
    """An owner with its best passage; `score` is within 0..1 and falls with `rank`, which starts at 1."""

    passage_id: int
    owner: Owner
    score: float
    rank: int
    legs: tuple[Leg, ...]


@dataclass(frozen=True)
class _Question:
    # What is looked for: a unit vector, or None, and stems weighted with their rarity, perhaps none.
    vector: Floats | None
    weights: Mapping[str, float]
    worth: float


@dataclass(frozen=True)
class _Found:
    # Owners with the passage that stands for each, what they are worth, and which legs proposed them.
    owners: list[Owner]
    passage_ids: Ids
    values: Floats
    near: Mask
    worded: Mask

    def best(self, first: int) -> list[Hit]:
        order = np.lexsort((self.passage_ids, -self.values))[:first]
        return [
            Hit(
                passage_id=int(self.passage_ids[place]),
                owner=self.owners[place],
                score=_within_one(float(self.values[place])),
                rank=rank,
                legs=_legs(vector=bool(self.near[place]), keyword=bool(self.worded[place])),
            )
            for rank, place in enumerate(order.tolist(), start=1)
        ]


def search(
    index: SearchIndex,
    query: str,
    query_vector: Floats | None,
    *,
    first: int,
    allowed: Ids | None = None,
    mode: Mode = Mode.HYBRID,
) -> list[Hit]:
    """Return the `first` best owners for a query.

    `query_vector` is the unit vector of the query; without one, HYBRID ranks by words alone. `allowed`
    holds the passage ids that a filter leaves, None without a filter. Raises QueryVectorMissingError.
    """
    if mode is Mode.VECTOR and query_vector is None:
        raise QueryVectorMissingError
    vector = None if mode is Mode.KEYWORD else query_vector
    words = {} if mode is Mode.VECTOR else query_stems(query)
    question = _question(index, vector, words, KEYWORD_WORTH)
    return _ranked(index, question, index.wanted(allowed), first)


def similar(
    index: SearchIndex,
    owner: Owner,
    *,
    header: str,
    text: str,
    first: int,
    allowed: Ids | None = None,
    excluded: Ids | None = None,
) -> list[Hit]:
    """Return the `first` owners that are most like `owner`, whose own header and text are given.

    `excluded` holds passage ids that may not be found; the owner itself never is.
    """
    own = index.slots_of(owner)
    wanted = index.wanted(allowed)
    wanted[own] = False
    if excluded is not None:
        wanted &= ~np.isin(index.passage_ids(np.arange(len(wanted))), excluded)
    counts: dict[str, float] = dict(query_stems(text))
    for stem, count in query_stems(header).items():
        counts[stem] = counts.get(stem, 0) + count * SIMILAR_HEADER_WEIGHT
    question = _question(index, _middle(index.vectors(own)), counts, SIMILAR_KEYWORD_WORTH)
    return _ranked(index, question, wanted, first)


def _question(index: SearchIndex, vector: Floats | None, counts: Mapping[str, float], worth: float) -> _Question:
    # The root, because a word said four times is not four words.
    weights = {stem: math.sqrt(count) * index.rarity(stem) for stem, count in counts.items()}
    return _Question(vector, weights, worth / math.sqrt(math.fsum(weights.values()) or 1))


def _middle(vectors: Floats) -> Floats | None:
    # The direction in which all passages of an owner point together.
    total = vectors.sum(axis=0)
    length = np.linalg.norm(total)
    return total / length if length > 0 else None


def _ranked(index: SearchIndex, question: _Question, wanted: Mask, first: int) -> list[Hit]:
    # Several passages may share an owner, so ask for more until there are enough owners or no more passages.
    keyword_scores = np.where(wanted, index.keyword_scores(question.weights), 0)
    available = int(wanted.sum())
    count = max(CANDIDATES, 4 * first)
    while True:
        found = _fused(index, question, _proposed(index, question, wanted, keyword_scores, count), keyword_scores)
        if len(found.owners) >= first or count >= available:
            return found.best(first)
        count *= 4


def _proposed(
    index: SearchIndex, question: _Question, wanted: Mask, keyword_scores: Floats, count: int
) -> dict[Leg, Slots]:
    matching = np.flatnonzero(keyword_scores > 0)
    if len(matching) > count:
        best = np.argpartition(-keyword_scores[matching], count - 1)[:count]
        matching = matching[best]
    nearest = np.empty(0, np.intp) if question.vector is None else index.nearest(question.vector, count, wanted)
    return {Leg.VECTOR: nearest, Leg.KEYWORD: matching}


def _fused(index: SearchIndex, question: _Question, proposed: Mapping[Leg, Slots], keyword_scores: Floats) -> _Found:
    # An owner's value is made of its best cosine and its best BM25, which may be those of two passages; the
    # passage shown is the one that is best by itself.
    slots = np.unique(np.concatenate(list(proposed.values())))
    cosines = np.zeros(len(slots), np.float32)
    if question.vector is not None:
        cosines = np.maximum(index.cosines(question.vector, slots), 0)
    words = question.worth * keyword_scores[slots]
    order = np.lexsort((index.passage_ids(slots), -(cosines + words)))
    slots, cosines, words = slots[order], cosines[order], words[order]
    numbers: dict[Owner, int] = {}
    number = np.array([numbers.setdefault(owner, len(numbers)) for owner in index.owners(slots)], np.intp)
    best = np.unique(number, return_index=True)[1]
    near = np.isin(slots, proposed[Leg.VECTOR])
    return _Found(
        owners=list(numbers),
        passage_ids=index.passage_ids(slots[best]),
        values=_greatest(cosines, number, len(numbers)) + _greatest(words, number, len(numbers)),
        near=_greatest(near, number, len(numbers)),
        worded=_greatest(words > 0, number, len(numbers)),
    )


def _greatest(values: npt.NDArray[Value], groups: Slots, count: int) -> npt.NDArray[Value]:
    # The greatest value of each group; none is below zero.
    greatest = np.zeros(count, values.dtype)
    np.maximum.at(greatest, groups, values)
    return greatest


def _legs(*, vector: bool, keyword: bool) -> tuple[Leg, ...]:
    return tuple(leg for leg, found in ((Leg.VECTOR, vector), (Leg.KEYWORD, keyword)) if found)


def _within_one(value: float) -> float:
    # Keeps the order, has no upper end to be cut off at, and calls a value of 0.7 a half.
    return 1 - math.exp(-value)
