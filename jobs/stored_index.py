"""An index that lies in Postgres: the passages that ranking asks for, fetched for each search; nothing is in memory."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import orjson

from jobs.stored_builds import is_built
from library import passages, postings
from library.database import Database
from library.passage_vectors import VectorTable
from library.passages import Lineage
from library.stored_search import (
    EXACT_UP_TO,
    LEAST_PART,
    LOOKED_AT,
    SETTINGS,
    Restriction,
    Scored,
    StoredSearch,
    Wanted,
)
from rag.segment import Floats, Ids
from rag.sources import Candidates, Owner, Probe, Scope, Statistics


@dataclass(frozen=True, eq=False)
class StoredIndex:
    """What the database holds of one lineage; a PassageSource. The numbers are those of its `up_to_version`.

    A change is found as soon as it is committed, whatever this says.
    """

    database: Database
    lineage: Lineage
    dimension: int
    up_to_version: int = 0
    count: int = 0
    pending: int = 0
    generation: int = 0  # 1 once it can be searched
    built_at: datetime | None = None

    @property
    def revision(self) -> str:
        """The hash of the model's weights."""
        return self.lineage.model

    async def statistics(self, stems: Collection[str]) -> Statistics:
        """Count passages, and those of them that hold each stem."""
        # To count them all for each question took longer than the rest of a short one.
        wanted = stems if self.count else {"", *stems}
        async with self.database.read() as session:
            found = await postings.frequencies(session, self.lineage.cut, wanted)
        return Statistics(max(self.count, found.pop("", 0), *found.values(), 0), found)

    async def gather(self, probe: Probe, scope: Scope) -> Candidates:
        """Search both legs: the vectors by HNSW, which misses one in a hundred, the words exactly."""
        restriction = await self._restriction(scope)
        if restriction is not None and restriction.allowed is not None and not restriction.allowed:
            return _candidates([], len(probe.vectors), complete=True)
        weights = postings.weighted_keys(self.lineage.cut, probe.weights)
        near = self._proposals(probe.count, restriction)
        wanted = Wanted([_as_text(vector) for vector in probe.vectors], near, weights, probe.count)
        async with self.database.planned(SETTINGS) as session:
            rows = await self._search.found(session, wanted, restriction)
        size = len(probe.vectors)
        complete = all(sum(row.near[place] for row in rows) < near for place in range(size))
        complete = complete and sum(row.words > 0 for row in rows) < probe.count
        return _candidates(rows, size, complete=complete)

    async def vectors(self, passage_ids: Ids) -> Floats:
        """Return the vectors of passages, shape (passages, dimension); zeros where there is none."""
        condition = "p.id = ANY(CAST(:ids AS bigint[]))"
        found = await self._vectors(condition, {"ids": passage_ids.tolist()})
        nothing = np.zeros(self.dimension, np.float32)
        rows = [found.get(passage_id, nothing) for passage_id in passage_ids.tolist()]
        return np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)

    async def vectors_of(self, owner: Owner) -> Floats:
        """Return the vectors of an owner's embedded passages, shape (passages, dimension)."""
        found = await self._vectors("p.owner_kind = :kind AND p.owner_id = :id", {"kind": owner.kind, "id": owner.id})
        rows = [found[passage_id] for passage_id in sorted(found)]
        return np.stack(rows) if rows else np.empty((0, self.dimension), np.float32)

    @property
    def _search(self) -> StoredSearch:
        return StoredSearch(self.lineage, VectorTable(self.lineage.model, self.dimension))

    async def _vectors(self, condition: str, parameters: dict[str, object]) -> dict[int, Floats]:
        async with self.database.read() as session:
            found = await self._search.vectors(session, condition, parameters)
        return {passage_id: np.array(orjson.loads(text), np.float32) for passage_id, text in found.items()}

    def _proposals(self, count: int, restriction: Restriction | None) -> int:
        """How many passages each vector proposes: fewer where the graph would look at many to find one allowed."""
        if restriction is None or restriction.marked is None or not self.count:
            return count
        within = LOOKED_AT * restriction.marked // self.count
        return min(count, max(within, -(-count // LEAST_PART)))

    async def _restriction(self, scope: Scope) -> Restriction | None:
        excluded = np.empty(0, np.int64) if scope.excluded is None else scope.excluded
        if scope.apart_from is not None:
            async with self.database.read() as session:
                own = await passages.ids_of(session, scope.apart_from.kind, scope.apart_from.id)
            excluded = np.concatenate([excluded, np.array(own, np.int64)])
        if scope.allowed is None and not len(excluded):
            return None
        if scope.allowed is None:
            return Restriction(_bits(excluded, wanted=False), others=True)
        allowed = np.setdiff1d(scope.allowed, excluded) if len(excluded) else scope.allowed
        bits = _bits(allowed, wanted=True)
        if len(allowed) <= EXACT_UP_TO:
            return Restriction(bits, others=False, allowed=allowed.tolist())
        return Restriction(bits, others=False, marked=len(allowed))


async def stored_index(database: Database, before: StoredIndex) -> StoredIndex:
    """The same index with the numbers of now."""
    async with database.read() as session:
        version = await passages.version(session)
        built = int(await is_built(session, VectorTable(before.lineage.model, before.dimension)))
        if (version, built) == (before.up_to_version, before.generation):
            return before
        counts = await passages.counts(session, before.lineage)
    return StoredIndex(database, before.lineage, before.dimension, version, counts.passages, counts.pending, built)


def _as_text(vector: Floats) -> str:
    # No digit more than single precision has: a third of the time, and of the bytes.
    return orjson.dumps(np.ascontiguousarray(vector, np.float32), option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _bits(ids: Ids, *, wanted: bool) -> bytes:
    marks = np.full(int(ids.max(initial=-1)) + 1, not wanted)
    marks[ids] = wanted
    # Bits are left over in the last byte; they must say the same as whatever lies beyond.
    marks = np.concatenate([marks, np.full(-len(marks) % 8, not wanted)])
    return np.packbits(marks, bitorder="little").tobytes()


def _candidates(rows: list[Scored], vectors: int, *, complete: bool) -> Candidates:
    return Candidates(
        passage_ids=np.array([row.passage_id for row in rows], np.int64),
        owners=[Owner(row.owner_kind, row.owner_id) for row in rows],
        cosines=np.array([row.cosines for row in rows], np.float32).reshape(len(rows), vectors),
        keyword_scores=np.array([row.words for row in rows], np.float32),
        near=np.array([any(row.near) for row in rows], np.bool_),
        complete=complete,
    )
