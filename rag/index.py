"""The index that is searched: a published generation, the changes since, and nothing that mutates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from rag.keywords import rarity
from rag.segment import Floats, Ids, Mask, PassageRow, Segment

Slots = npt.NDArray[np.intp]

# Small segments are joined up to this size: few enough to search, small enough to join in a few milliseconds.
JOINED_ROWS = 512


class Owner(NamedTuple):
    """Whose passage it is: a kind such as "book", and its id."""

    kind: str
    id: int


@dataclass(frozen=True, eq=False)
class Part:
    """A segment, and which of its rows are neither deleted nor replaced."""

    segment: Segment
    alive: Mask
    live: int


@dataclass(frozen=True, eq=False)
class SearchIndex:
    """A snapshot: changes make a new one, so readers in any thread keep theirs without a lock.

    Rows of all parts are numbered through as *slots*. The first part is the generation that was opened,
    the others are newer: every passage id is alive in at most one.
    """

    revision: str
    dimension: int
    up_to_version: int = 0
    generation: int = 0
    built_at: datetime | None = None
    parts: tuple[Part, ...] = ()

    @cached_property
    def count(self) -> int:
        """How many passages can be found."""
        return sum(part.live for part in self.parts)

    @cached_property
    def pending(self) -> int:
        """How many of them are not embedded yet, and found by their words only."""
        return sum(int((part.alive & ~part.segment.embedded).sum()) for part in self.parts)

    def with_changes(
        self, upserts: Sequence[PassageRow], deletions: Collection[int] = (), up_to_version: int = 0
    ) -> Self:
        """Return the index after these changes: first the deletions, then the upserts, the last of an id wins.

        Costs what the changes cost, not what the index holds. Applying changes twice does no harm.
        """
        rows = list({row.passage_id: row for row in upserts}.values())
        gone = np.array([*deletions, *(row.passage_id for row in rows)], np.int64)
        parts = [_without(part, gone) for part in self.parts]
        if rows:
            parts.append(whole(Segment.build(rows, self.dimension)))
        return replace(
            self,
            parts=tuple(_tidied(parts, keep_first=self.generation > 0)),
            up_to_version=max(self.up_to_version, up_to_version),
        )

    def compacted(self) -> Segment:
        """Join everything that is alive into one segment, in the order of passage ids."""
        if not self.parts:
            return Segment.build([], self.dimension)
        return Segment.joined([(part.segment, part.alive) for part in self.parts])

    def wanted(self, allowed: Ids | None) -> Mask:
        """Mark the slots that are alive and, unless `allowed` is None, whose passage ids are in it."""
        masks = [
            part.alive if allowed is None else part.alive & np.isin(part.segment.passage_ids, allowed)
            for part in self.parts
        ]
        return np.concatenate(masks) if masks else np.empty(0, np.bool_)

    def nearest(self, vector: Floats, count: int, wanted: Mask) -> Slots:
        """Find the `count` wanted slots nearest to a unit vector, in no order."""
        slots, cosines = [np.empty(0, np.intp)], [np.empty(0, np.float32)]
        for start, part in self._placed():
            rows, found = part.segment.nearest(vector, count, wanted[start : start + len(part.alive)])
            slots.append(start + rows)
            cosines.append(found)
        return np.concatenate(slots)[np.argsort(-np.concatenate(cosines), kind="stable")[:count]]

    def cosines(self, vector: Floats, slots: Slots) -> Floats:
        """Return the cosine of each slot with a unit vector; 0 where it is not embedded."""
        cosines = np.zeros(len(slots), np.float32)
        for start, part in self._placed():
            here = (slots >= start) & (slots < start + len(part.alive))
            cosines[here] = part.segment.vectors[slots[here] - start] @ vector
        return cosines

    def keyword_scores(self, weights: Mapping[str, float]) -> Floats:
        """Score every slot, dead ones included, by BM25 for stems weighted with their rarity."""
        scores = [part.segment.postings.scores(weights) for part in self.parts]
        return np.concatenate(scores) if scores else np.empty(0, np.float32)

    def rarity(self, stem: str) -> float:
        """Weigh a stem by how few of the living passages hold it."""
        frequency = sum(
            part.segment.postings.frequency(stem, None if part.live == len(part.alive) else part.alive)
            for part in self.parts
        )
        return rarity(self.count, frequency)

    def passage_ids(self, slots: Slots) -> Ids:
        """Return the passage id of each slot."""
        return self._ids[slots]

    def owners(self, slots: Slots) -> list[Owner]:
        """Return whose passage is in each slot."""
        owners = np.empty(len(slots), np.object_)
        for start, part in self._placed():
            here = np.flatnonzero((slots >= start) & (slots < start + len(part.alive)))
            rows = slots[here] - start
            kinds, ids = part.segment.owner_kinds[rows].tolist(), part.segment.owner_ids[rows].tolist()
            for place, kind, owner_id in zip(here.tolist(), kinds, ids, strict=True):
                owners[place] = Owner(kind, owner_id)
        return owners.tolist()

    def slots_of(self, owner: Owner) -> Slots:
        """Find the living slots of an owner."""
        found = [
            start
            + np.flatnonzero(
                (part.segment.owner_ids == owner.id) & (part.segment.owner_kinds == owner.kind) & part.alive
            )
            for start, part in self._placed()
        ]
        return np.concatenate([np.empty(0, np.intp), *found])

    def vectors(self, slots: Slots) -> Floats:
        """Return the vectors of those slots that are embedded, shape (slots, dimension)."""
        found = [np.empty((0, self.dimension), np.float32)]
        for start, part in self._placed():
            rows = slots[(slots >= start) & (slots < start + len(part.alive))] - start
            found.append(part.segment.vectors[rows[part.segment.embedded[rows]]])
        return np.concatenate(found)

    @cached_property
    def _starts(self) -> Ids:
        return np.cumsum([0, *(len(part.alive) for part in self.parts)], dtype=np.int64)

    @cached_property
    def _ids(self) -> Ids:
        return np.concatenate([np.empty(0, np.int64), *(part.segment.passage_ids for part in self.parts)])

    def _placed(self) -> Iterator[tuple[int, Part]]:
        return zip(self._starts[:-1].tolist(), self.parts, strict=True)


def whole(segment: Segment) -> Part:
    """Make a part of all rows of a segment."""
    return Part(segment, np.ones(len(segment), np.bool_), len(segment))


def _without(part: Part, gone: Ids) -> Part:
    alive = part.alive & ~np.isin(part.segment.passage_ids, gone)
    live = int(alive.sum())
    return part if live == part.live else Part(part.segment, alive, live)


def _tidied(parts: list[Part], *, keep_first: bool) -> list[Part]:
    # The opened generation is mapped from its file and stays; behind it, like sizes are joined, so that
    # n single changes make about log n parts and each row is copied about log n times.
    first, tail = (parts[:1], parts[1:]) if keep_first else ([], parts)
    tail = [part for part in tail if part.live]
    while len(tail) > 1 and tail[-2].live <= tail[-1].live and tail[-2].live + tail[-1].live <= JOINED_ROWS:
        last, before = tail.pop(), tail.pop()
        tail.append(whole(Segment.joined([(before.segment, before.alive), (last.segment, last.alive)])))
    return first + tail
