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
LEAST_PART = 4
# How many candidates HNSW keeps while it searches; measured by benchmarks/vectors.py.
EF_SEARCH = 280
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
class Wanted:
    """What is looked for: vectors as text, stems with their weights, and how many of each may be found."""

    vectors: Sequence[str]  # as pgvector reads them
    near: int  # passages, by each vector
    weights: tuple[Sequence[int], Sequence[float]]
    worded: int  # passages


@dataclass(frozen=True, slots=True)
class Scored:
    """A passage with its owner, its sum of weight times impact, and its inner product with each vector.

    `near` says by which of them it was found.
    """

    passage_id: int
    owner_kind: str
    owner_id: int
    words: float
    cosines: Sequence[float]
    near: Sequence[bool]


@dataclass(frozen=True, slots=True)
class StoredSearch:
    """Search in one lineage."""

    lineage: Lineage
    table: VectorTable

    async def found(self, session: AsyncSession, wanted: Wanted, restriction: Restriction | None) -> list[Scored]:
        """Score the passages nearest to each vector, and those best by words; in no order."""
        if restriction is None or restriction.allowed is None:
            rows = await self._found(session, wanted, restriction, by_graph=True)
            if all(sum(row.near[place] for row in rows) == wanted.near for place in range(len(wanted.vectors))):
                return rows
        return await self._found(session, wanted, restriction, by_graph=False)

    async def vectors(self, session: AsyncSession, condition: str, parameters: dict[str, object]) -> dict[int, str]:
        """Vectors by passage id, as text, of the passages `p` that a condition marks."""
        statement = (
            f"SELECT p.id, CAST(v.vector AS text) FROM passages p JOIN {self.table.name} v ON v.passage_id = p.id "  # noqa: S608 constants
            f"WHERE p.cut = :cut AND {condition}"
        )
        rows = await session.execute(sa.text(statement), {**parameters, "cut": self.lineage.cut})
        return {row[0]: row[1] for row in rows}

    async def _found(
        self, session: AsyncSession, wanted: Wanted, restriction: Restriction | None, *, by_graph: bool
    ) -> list[Scored]:
        size = len(wanted.vectors)
        nearest = "".join(f" UNION SELECT id FROM near{place}" for place in range(size))  # noqa: S608 numbers
        products = "".join(f", coalesce(-(v.vector <#> {_vector(place)}), 0)" for place in range(size))
        marks = "".join(f", found.id IN (SELECT id FROM near{place})" for place in range(size))  # noqa: S608 numbers
        # One statement: another visit to the database costs as much as a leg.
        statement = (
            f"WITH {self._words(restriction)}, {self._near(size, restriction, by_graph=by_graph)}"  # noqa: S608 hexadecimal digits and numbers
            f"found AS ((SELECT passage_id AS id FROM words ORDER BY score DESC LIMIT :worded){nearest}) "
            f"SELECT p.id, p.owner_kind, p.owner_id, coalesce(words.score, 0) {products} {marks} "
            "FROM found JOIN passages p ON p.id = found.id LEFT JOIN words ON words.passage_id = p.id "
            f"LEFT JOIN {self.table.name} v ON v.passage_id = p.id"
        )
        rows = (await session.execute(sa.text(statement), self._given(wanted, restriction))).all()
        return [Scored(row[0], row[1], row[2], row[3], row[4 : 4 + size], row[4 + size :]) for row in map(tuple, rows)]

    def _given(self, wanted: Wanted, restriction: Restriction | None) -> dict[str, object]:
        stems, weights = wanted.weights
        given: dict[str, object] = {"stems": stems, "weights": weights, "worded": wanted.worded}
        if wanted.vectors:
            given |= {"near": wanted.near, "cut": self.lineage.cut}
            given |= {f"vector{place}": vector for place, vector in enumerate(wanted.vectors)}
        if restriction is not None:
            given |= restriction.parameters
            if wanted.vectors and restriction.allowed is not None:
                given["ids"] = restriction.allowed
        return given

    def _words(self, restriction: Restriction | None) -> str:
        within = f"WHERE {restriction.condition('k.passage_id')}" if restriction is not None else ""
        return (
            "words AS MATERIALIZED (SELECT k.passage_id, sum(k.impact * w.weight) AS score "  # noqa: S608 hexadecimal digits and numbers
            "FROM unnest(CAST(:stems AS bigint[]), CAST(:weights AS double precision[])) AS w (stem, weight) "
            f"JOIN passage_postings k ON k.stem = w.stem {within} GROUP BY k.passage_id)"
        )

    def _near(self, size: int, restriction: Restriction | None, *, by_graph: bool) -> str:
        within = ""
        if restriction is not None and restriction.allowed is not None:
            within = "AND passage_id = ANY(CAST(:ids AS bigint[]))"
        elif restriction is not None:
            within = f"AND {restriction.condition('passage_id')}"
        half = f"halfvec({self.table.dimension})"
        column, kind = (f"vector::{half}", half) if by_graph else ("vector", "vector")
        return "".join(
            f"near{place} AS MATERIALIZED (SELECT passage_id AS id FROM {self.table.name} WHERE cut = :cut {within} "  # noqa: S608 constants
            f"ORDER BY {column} <#> {_vector(place, kind)} LIMIT :near), "
            for place in range(size)
        )


def _vector(place: int, kind: str = "vector") -> str:
    return f"CAST(CAST(:vector{place} AS text) AS {kind})"
