"""The index that is searched: a published generation, the changes since, and nothing that mutates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import ParamSpec, Self, TypeVar

import numpy as np
import numpy.typing as npt

from rag.segment import Floats, Ids, Mask, PassageRow, Segment
from rag.sources import Candidates, Owner, Probe, Scope, Statistics

Slots = npt.NDArray[np.intp]

# Small segments are joined up to this size: few enough to search, small enough to join in a few milliseconds.
JOINED_ROWS = 512
# Up to this many passages a search takes less than a millisecond, and a thread would cost more than it frees.
INLINE_ROWS = 8192

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False)
class Part:
    """A segment, and which of its rows are neither deleted nor replaced."""

    segment: Segment
    alive: Mask
    live: int


@dataclass(frozen=True, eq=False)
class SearchIndex:
    """A snapshot: changes make a new one, so readers in any thread keep theirs without a lock; a PassageSource.

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

    async def statistics(self, stems: Collection[str]) -> Statistics:
        """Count living passages, and those of them that hold each stem."""
        return Statistics(self.count, {stem: self._frequency(stem) for stem in stems})

    async def gather(self, probe: Probe, scope: Scope) -> Candidates:
        """Search both legs exactly, looking at nothing but what the scope leaves."""
        return await self._computed(self._gathered, probe, scope)

    async def vectors(self, passage_ids: Ids) -> Floats:
        """Return the vectors of living passages, shape (passages, dimension); zeros where there is none."""
        return await self._computed(self._vectors, passage_ids)

    async def vectors_of(self, owner: Owner) -> Floats:
        """Return the vectors of an owner's embedded passages, shape (passages, dimension)."""
        return self._embedded_vectors(self._slots_of(owner))

    async def _computed(self, compute: Callable[Asked, Answer], *asked: Asked.args, **options: Asked.kwargs) -> Answer:
        if self.count <= INLINE_ROWS:
            return compute(*asked, **options)
        return await asyncio.to_thread(compute, *asked, **options)

    def _gathered(self, probe: Probe, scope: Scope) -> Candidates:
        wanted = self._within(scope)
        keyword_scores = np.where(wanted, self._keyword_scores(probe.weights), 0)
        near = [self._nearest(vector, probe.count, wanted) for vector in probe.vectors]
        worded = _best(keyword_scores, probe.count)
        slots = np.unique(np.concatenate([*near, worded]))
        return Candidates(
            passage_ids=self._ids[slots],
            owners=self._owners(slots),
            cosines=self._cosines(probe.vectors, slots),
            keyword_scores=keyword_scores[slots],
            near=np.isin(slots, np.concatenate([np.empty(0, np.intp), *near])),
            complete=probe.count >= int(wanted.sum()),
        )

    def _within(self, scope: Scope) -> Mask:
        masks = [np.empty(0, np.bool_)]
        for part in self.parts:
            mask, ids = part.alive, part.segment.passage_ids
            if scope.allowed is not None:
                mask = mask & np.isin(ids, scope.allowed)
            if scope.excluded is not None:
                mask = mask & ~np.isin(ids, scope.excluded)
            masks.append(mask)
        wanted = np.concatenate(masks)
        if scope.apart_from is not None:
            wanted[self._slots_of(scope.apart_from)] = False
        return wanted

    def _nearest(self, vector: Floats, count: int, wanted: Mask) -> Slots:
        # The `count` wanted slots nearest to a vector, in no order.
        slots, cosines = [np.empty(0, np.intp)], [np.empty(0, np.float32)]
        for start, part in self._placed():
            rows, found = part.segment.nearest(vector, count, wanted[start : start + len(part.alive)])
            slots.append(start + rows)
            cosines.append(found)
        return np.concatenate(slots)[np.argsort(-np.concatenate(cosines), kind="stable")[:count]]

    def _cosines(self, vectors: Sequence[Floats], slots: Slots) -> Floats:
        # Of each slot with each vector; 0 where it is not embedded.
        cosines = np.zeros((len(slots), len(vectors)), np.float32)
        if not vectors:
            return cosines
        columns = np.stack(vectors, axis=1)
        for start, part in self._placed():
            here = (slots >= start) & (slots < start + len(part.alive))
            cosines[here] = part.segment.vectors[slots[here] - start] @ columns
        return cosines

    def _keyword_scores(self, weights: Mapping[str, float]) -> Floats:
        # Every slot, dead ones included.
        return np.concatenate(
            [np.empty(0, np.float32), *(part.segment.postings.scores(weights) for part in self.parts)]
        )

    def _frequency(self, stem: str) -> int:
        return sum(
            part.segment.postings.frequency(stem, None if part.live == len(part.alive) else part.alive)
            for part in self.parts
        )

    def _owners(self, slots: Slots) -> list[Owner]:
        owners = np.empty(len(slots), np.object_)
        for start, part in self._placed():
            here = np.flatnonzero((slots >= start) & (slots < start + len(part.alive)))
            rows = slots[here] - start
            kinds, ids = part.segment.owner_kinds[rows].tolist(), part.segment.owner_ids[rows].tolist()
            for place, kind, owner_id in zip(here.tolist(), kinds, ids, strict=True):
                owners[place] = Owner(kind, owner_id)
        return owners.tolist()

    def _slots_of(self, owner: Owner) -> Slots:
        found = [
            start
            + np.flatnonzero(
                (part.segment.owner_ids == owner.id) & (part.segment.owner_kinds == owner.kind) & part.alive
            )
            for start, part in self._placed()
        ]
        return np.concatenate([np.empty(0, np.intp), *found])

    def _vectors(self, passage_ids: Ids) -> Floats:
        vectors = np.zeros((len(passage_ids), self.dimension), np.float32)
        for part in self.parts:
            places = {int(part.segment.passage_ids[row]): row for row in self._living(part, passage_ids).tolist()}
            for place, passage_id in enumerate(passage_ids.tolist()):
                if passage_id in places:
                    vectors[place] = part.segment.vectors[places[passage_id]]
        return vectors

    @staticmethod
    def _living(part: Part, passage_ids: Ids) -> Slots:
        return np.flatnonzero(part.alive & np.isin(part.segment.passage_ids, passage_ids))

    def _embedded_vectors(self, slots: Slots) -> Floats:
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


def _best(scores: Floats, count: int) -> Slots:
    # The slots of the `count` greatest scores above zero, in no order.
    matching = np.flatnonzero(scores > 0)
    if len(matching) <= count:
        return matching
    return matching[np.argpartition(-scores[matching], count - 1)[:count]]


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
