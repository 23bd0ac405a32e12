"""The statements by which Postgres finds passages: nearest by pgvector, best by the postings, and both scored."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.passage_vectors import VectorTable
from library.passages import Lineage

# Up to this many allowed passages each is compared: exact, and quicker than leaving most of a graph's out.
EXACT_UP_TO = 2_500
# Where more are allowed, a vector proposes what the graph finds among so many it looks at, but this part of what was
# asked for: a tenth allowed would else have it look at ten times as many for neighbours that no ranking reaches.
LOOKED_AT = 300
LEAST_PART = 5
# How many candidates HNSW keeps while it searches; measured by benchmarks/vectors.py.
EF_SEARCH = 200
MAX_SCAN_TUPLES = 60_000
# Of connections that search. The planner cannot know how much a restriction leaves, and would sort everything.
SETTINGS = {
    "hnsw.ef_search": str(EF_SEARCH),
    "hnsw.iterative_scan": "relaxed_order",
    "hnsw.max_scan_tuples": str(MAX_SCAN_TUPLES),
    "enable_seqscan": "off",
    "jit": "off",
    # A plan for any question would read the question's vector from its text again for every row: 15 ms instead of 1.
    "plan_cache_mode": "force_custom_plan",
}


@dataclass(frozen=True, slots=True)
class Restriction:
    """Which passages may be found: bit n of `bits` says that of the passage with id n; `others`: of all beyond it."""

    bits: bytes
    others: bool
    allowed: Sequence[int] | None = None  # their ids, where they are few
    marked: int | None = None  # how many there are, where they are many and known

    def condition(self, column: str) -> str:
        """As SQL over a column of ids, with `parameters`."""
        return (
            f"CASE WHEN {column} < :size THEN get_bit(CAST(:bits AS bytea), {column}) = 1 "
            f"ELSE CAST(:others AS boolean) END"
        )

    @property
    def parameters(self) -> dict[str, object]:
        """What the condition's names stand for."""
        return {"size": len(self.bits) * 8, "bits": self.bits, "others": self.others}


@dataclass(frozen=True, slots=True)
class Scored:
    """A passage with its owner, its inner product with each vector, and its sum of weight times impact."""

    passage_id: int
    owner_kind: str
    owner_id: int
    cosines: list[float]
    words: float


@dataclass(frozen=True, slots=True)
class StoredSearch:
    """Search in one lineage. Vectors are given as text, as pgvector reads them."""

    lineage: Lineage
    table: VectorTable

    async def nearest(
        self, session: AsyncSession, vector: str, count: int, restriction: Restriction | None
    ) -> list[int]:
        """Ids of the `count` passages nearest to a unit vector, in no order."""
        few = restriction is not None and restriction.allowed is not None
        if not few:
            found = await self._by_graph(session, vector, count, restriction)
            if len(found) == count:
                return found
        return await self._by_comparing(session, vector, count, restriction)

    async def scored(
        self,
        session: AsyncSession,
        vectors: Sequence[str],
        weights: tuple[Sequence[int], Sequence[float]],
        near: Sequence[int],
        count: int,
        restriction: Restriction | None,
    ) -> list[Scored]:
        """Score the passages that are near, and the `count` best by words."""
        products = "".join(
            f", coalesce(-(v.vector <#> CAST(CAST(:vector{place} AS text) AS vector)), 0)"
            for place in range(len(vectors))
        )
        within = f"WHERE {restriction.condition('k.passage_id')}" if restriction is not None else ""
        statement = sa.text(
            "WITH words AS MATERIALIZED (SELECT k.passage_id, sum(k.impact * w.weight) AS score "  # noqa: S608 hexadecimal digits and numbers
            "FROM unnest(CAST(:stems AS bigint[]), CAST(:weights AS double precision[])) AS w (stem, weight) "
            f"JOIN passage_postings k ON k.stem = w.stem {within} GROUP BY k.passage_id), "
            "found AS (SELECT unnest(CAST(:near AS bigint[])) AS id UNION "
            "(SELECT passage_id FROM words ORDER BY score DESC LIMIT :count)) "
            f"SELECT p.id, p.owner_kind, p.owner_id, coalesce(words.score, 0) {products} "
            "FROM found JOIN passages p ON p.id = found.id LEFT JOIN words ON words.passage_id = p.id "
            f"LEFT JOIN {self.table.name} v ON v.passage_id = p.id"
        )
        named = {f"vector{place}": vector for place, vector in enumerate(vectors)}
        given = {"stems": weights[0], "weights": weights[1], "near": near, "count": count}
        rows = await session.execute(
            statement, {**named, **given, **(restriction.parameters if restriction is not None else {})}
        )
        return [Scored(row[0], row[1], row[2], list(row[4:]), row[3]) for row in rows]

    async def vectors(self, session: AsyncSession, condition: str, parameters: dict[str, object]) -> dict[int, str]:
        """Vectors by passage id, as text, of the passages `p` that a condition marks."""
        statement = (
            f"SELECT p.id, CAST(v.vector AS text) FROM passages p JOIN {self.table.name} v ON v.passage_id = p.id "  # noqa: S608 constants
            f"WHERE p.cut = :cut AND {condition}"
        )
        rows = await session.execute(sa.text(statement), {**parameters, "cut": self.lineage.cut})
        return {row[0]: row[1] for row in rows}

    async def _by_graph(
        self, session: AsyncSession, vector: str, count: int, restriction: Restriction | None
    ) -> list[int]:
        half = f"halfvec({self.table.dimension})"
        near = f"vector::{half} <#> CAST(CAST(:vector AS text) AS {half})"
        return await self._ids(session, near, vector, count, restriction)

    async def _by_comparing(
        self, session: AsyncSession, vector: str, count: int, restriction: Restriction | None
    ) -> list[int]:
        near = "vector <#> CAST(CAST(:vector AS text) AS vector)"
        return await self._ids(session, near, vector, count, restriction)

    async def _ids(
        self, session: AsyncSession, near: str, vector: str, count: int, restriction: Restriction | None
    ) -> list[int]:
        parameters: dict[str, object] = {"vector": vector, "count": count, "cut": self.lineage.cut}
        within = ""
        if restriction is not None and restriction.allowed is not None:
            within, parameters["ids"] = "AND passage_id = ANY(CAST(:ids AS bigint[]))", restriction.allowed
        elif restriction is not None:
            within = f"AND {restriction.condition('passage_id')}"
            parameters |= restriction.parameters
        statement = f"SELECT passage_id FROM {self.table.name} WHERE cut = :cut {within} ORDER BY {near} LIMIT :count"  # noqa: S608 constants
        return list(await session.scalars(sa.text(statement), parameters))
