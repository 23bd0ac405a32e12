"""What the ranking needs of passages, wherever they lie: in this process's memory or in a database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from rag.keywords import rarity
from rag.segment import Floats, Ids, Mask


class Owner(NamedTuple):
    """Whose passage it is: a kind such as "book", and its id."""

    kind: str
    id: int


@dataclass(frozen=True, eq=False)
class Scope:
    """Which passages may be found: those allowed (None: all), but none excluded and none of one owner."""

    allowed: Ids | None = None
    excluded: Ids | None = None
    apart_from: Owner | None = None


@dataclass(frozen=True)
class Statistics:
    """How many passages there are, and how many of them hold each stem that was asked for; 0 may be left out."""

    count: int
    frequencies: Mapping[str, int]

    def rarity(self, stem: str) -> float:
        """Weigh a stem by how few of the passages hold it."""
        return rarity(self.count, self.frequencies.get(stem, 0))


@dataclass(frozen=True, eq=False)
class Probe:
    """What is looked for: vectors, each of shape (dimension,), and stems with their weights; either may be empty.

    Every vector proposes the `count` passages of the greatest inner product, the words the `count` of the greatest
    BM25 above zero: the sum over stems of weight times impact (`rag.keywords.Postings`).
    """

    vectors: Sequence[Floats]
    weights: Mapping[str, float]
    count: int


@dataclass(frozen=True, eq=False)
class Candidates:
    """The passages that a probe proposed, each once, in no order, all of them scored by vectors and words alike.

    `cosines`, shape (passages, vectors), are zero where a passage is not embedded yet; `near` and `worded` mark what
    was proposed by a vector and what holds any of the words. `complete`: asking for more would give no more.
    """

    passage_ids: Ids
    owners: list[Owner]
    cosines: Floats
    keyword_scores: Floats
    near: Mask
    complete: bool

    @property
    def worded(self) -> Mask:
        """Which passages hold any of the words."""
        return np.asarray(self.keyword_scores > 0)


class PassageSource(Protocol):
    """Passages that can be ranked; every method answers from one state of them."""

    async def statistics(self, stems: Collection[str]) -> Statistics:
        """Count passages, and those that hold each of these stems."""

    async def gather(self, probe: Probe, scope: Scope) -> Candidates:
        """Propose passages within the scope, exactly: no nearer and no better worded one is left out."""

    async def vectors(self, passage_ids: Ids) -> Floats:
        """Return the vectors of passages, shape (passages, dimension); zeros where there is none."""

    async def vectors_of(self, owner: Owner) -> Floats:
        """Return the vectors of an owner's passages that are embedded, shape (passages, dimension)."""
