"""Ranking passages by words and by meaning at once, and giving each owner its best passage.

Both legs are searched exactly, and every candidate of either is scored by both, so nothing is lost between
two cut-off lists. The fused value is the cosine plus a constant times BM25, where BM25 is measured in the
square root of all that the query's words could earn. Against plain points this keeps the words of a long story,
which earn many points by chance, from drowning its meaning; against the share earned it keeps the few words
that a passage does have in common with a long story from being drowned themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rag.errors import QueryVectorMissingError
from rag.keywords import query_stems
from rag.segment import Floats, Ids, Mask
from rag.sources import Candidates, Owner, PassageSource, Probe, Scope

# What that measure of BM25 is worth in cosine: the best of benchmarks/tune.py on training queries.
KEYWORD_WORTH = 0.25
# The same for a book's own text as the query, whose tags say more than its tone.
SIMILAR_KEYWORD_WORTH = 0.6
# A book's own tags against a word of its description, when it is the query.
SIMILAR_HEADER_WEIGHT = 5.0
# Candidates that each leg proposes at first; more are asked for while owners are missing.
CANDIDATES = 200
EVERYTHING = Scope()

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
class PassageHit:
    """A passage by itself; `cosine` is its nearness to the question, `score` within 0..1 falls in the order given."""

    passage_id: int
    owner: Owner
    cosine: float
    score: float


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


async def search(
    source: PassageSource,
    query: str,
    query_vector: Floats | None,
    *,
    first: int,
    scope: Scope = EVERYTHING,
    mode: Mode = Mode.HYBRID,
) -> list[Hit]:
    """Return the `first` best owners for a query.

    `query_vector` is the unit vector of the query; without one, HYBRID ranks by words alone. Raises
    QueryVectorMissingError.
    """
    if mode is Mode.VECTOR and query_vector is None:
        raise QueryVectorMissingError
    vectors = [] if mode is Mode.KEYWORD or query_vector is None else [query_vector]
    words = {} if mode is Mode.VECTOR else query_stems(query)
    return await _ranked(source, vectors, await _weighted(source, words), KEYWORD_WORTH, scope, first)


async def search_passages(
    source: PassageSource, weights: Mapping[str, float], vector: Floats, *, first: int, scope: Scope = EVERYTHING
) -> list[PassageHit]:
    """Return the `first` best passages, several of one owner if need be, ranked as `search` ranks owners.

    `weights` are those of `question_weights`, `vector` is the unit vector of the query.
    """
    candidates = await source.gather(Probe([vector], weights, max(CANDIDATES, first)), scope)
    cosines = np.maximum(candidates.cosines, 0).max(axis=1, initial=0)
    values = cosines + KEYWORD_WORTH / math.sqrt(math.fsum(weights.values()) or 1) * candidates.keyword_scores
    order = np.lexsort((candidates.passage_ids, -values))[:first]
    return [
        PassageHit(
            passage_id=int(candidates.passage_ids[place]),
            owner=candidates.owners[place],
            cosine=float(cosines[place]),
            score=_within_one(float(values[place])),
        )
        for place in order.tolist()
    ]


async def question_weights(source: PassageSource, query: str) -> dict[str, float]:
    """Return the stems that a query asks for, each with how much it says: the rarer, the more."""
    return await _weighted(source, query_stems(query))


async def similar(
    source: PassageSource, owner: Owner, *, header: str, text: str, first: int, scope: Scope = EVERYTHING
) -> list[Hit]:
    """Return the `first` owners that are most like `owner`, whose own header and text are given; never itself."""
    counts: dict[str, float] = dict(query_stems(text))
    for stem, count in query_stems(header).items():
        counts[stem] = counts.get(stem, 0) + count * SIMILAR_HEADER_WEIGHT
    vectors = _middle(await source.vectors_of(owner))
    others = replace(scope, apart_from=owner)
    return await _ranked(source, vectors, await _weighted(source, counts), SIMILAR_KEYWORD_WORTH, others, first)


async def _weighted(source: PassageSource, counts: Mapping[str, float]) -> dict[str, float]:
    statistics = await source.statistics(counts.keys())
    # The root, because a word said four times is not four words.
    return {stem: math.sqrt(count) * statistics.rarity(stem) for stem, count in counts.items()}


def _middle(vectors: Floats) -> list[Floats]:
    # The direction in which all passages of an owner point together, if there is any.
    total = vectors.sum(axis=0)
    length = np.linalg.norm(total)
    return [total / length] if length > 0 else []


async def _ranked(
    source: PassageSource,
    vectors: Sequence[Floats],
    weights: Mapping[str, float],
    keyword_worth: float,
    scope: Scope,
    first: int,
) -> list[Hit]:
    # Several passages may share an owner, so ask for more until there are enough owners or no more passages.
    if not vectors and not weights:
        return []
    worth = keyword_worth / math.sqrt(math.fsum(weights.values()) or 1)
    probe = Probe(vectors, weights, max(CANDIDATES, 4 * first))
    while True:
        candidates = await source.gather(probe, scope)
        found = _fused(candidates, worth)
        if len(found.owners) >= first or candidates.complete:
            return found.best(first)
        probe = replace(probe, count=4 * probe.count)


def _fused(candidates: Candidates, worth: float) -> _Found:
    # An owner's value is made of its best cosine and its best BM25, which may be those of two passages; the
    # passage shown is the one that is best by itself.
    cosines = np.maximum(candidates.cosines, 0).max(axis=1, initial=0)
    words = worth * candidates.keyword_scores
    order = np.lexsort((candidates.passage_ids, -(cosines + words)))
    numbers: dict[Owner, int] = {}
    owners = [candidates.owners[place] for place in order.tolist()]
    number = np.array([numbers.setdefault(owner, len(numbers)) for owner in owners], np.intp)
    best = np.unique(number, return_index=True)[1]
    return _Found(
        owners=list(numbers),
        passage_ids=candidates.passage_ids[order][best],
        values=_greatest(cosines[order], number, len(numbers)) + _greatest(words[order], number, len(numbers)),
        near=_greatest(candidates.near[order], number, len(numbers)),
        worded=_greatest(candidates.worded[order], number, len(numbers)),
    )


def _greatest(values: npt.NDArray[Value], groups: npt.NDArray[np.intp], count: int) -> npt.NDArray[Value]:
    # The greatest value of each group; none is below zero.
    greatest = np.zeros(count, values.dtype)
    np.maximum.at(greatest, groups, values)
    return greatest


def _legs(*, vector: bool, keyword: bool) -> tuple[Leg, ...]:
    return tuple(leg for leg, found in ((Leg.VECTOR, vector), (Leg.KEYWORD, keyword)) if found)


def _within_one(value: float) -> float:
    # Keeps the order, has no upper end to be cut off at, and calls a value of 0.7 a half.
    return 1 - math.exp(-value)
