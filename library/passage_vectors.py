"""Vectors as pgvector keeps them: one table a model, since the length of its vectors is part of a column's type.

They repeat `embeddings`, which both databases have; rows go with their passages.
"""

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.database import Database
from library.models.passages import Embedding, Passage

# Measured by benchmarks/vectors.py: more of either costs time to build and gains no recall at 100,000 passages.
_M = 16
_EF_CONSTRUCTION = 64
_KEPT_AT_ONCE = 1_000
_MODEL_IN_NAME = 16
_FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class VectorTable:
    """The table of one model's vectors."""

    model: str
    dimension: int

    @property
    def name(self) -> str:
        """Safe to stand in a statement."""
        return f"passage_vectors_{re.sub('[^0-9a-f]', '', self.model)[:_MODEL_IN_NAME]}"

    @property
    def index(self) -> str:
        """The name of its HNSW index."""
        return f"{self.name}_hnsw"


async def extension_version(session: AsyncSession) -> tuple[int, ...] | None:
    """Which pgvector this database has or could have; None: none, or it is no Postgres."""
    if session.get_bind().dialect.name != "postgresql":
        return None
    select = "SELECT coalesce(installed_version, default_version) FROM pg_available_extensions WHERE name = 'vector'"
    found = await session.scalar(sa.text(select))
    return tuple(int(part) for part in str(found).split(".")) if found is not None else None


async def create(session: AsyncSession, table: VectorTable) -> None:
    """Make the table where it is missing."""
    await session.execute(sa.text("CREATE EXTENSION IF NOT EXISTS vector"))
    await session.execute(
        sa.text(
            f"CREATE TABLE IF NOT EXISTS {table.name} ("
            "passage_id bigint PRIMARY KEY REFERENCES passages (id) ON DELETE CASCADE, "
            f"cut varchar(40) NOT NULL, vector vector({table.dimension}) NOT NULL)"
        )
    )


async def exists(session: AsyncSession, name: str) -> bool:
    """Whether a table, or an index that may be used, has this name."""
    select = "SELECT 1 FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid WHERE c.oid = to_regclass(:name) "
    return await session.scalar(sa.text(select + "AND coalesce(i.indisvalid, true)"), {"name": name}) is not None


async def keep(session: AsyncSession, model: str, passage_ids: Sequence[int]) -> None:
    """Take over the vectors of these passages from `embeddings`, where there is a table for the model."""
    table = VectorTable(model, 0)
    if session.get_bind().dialect.name != "postgresql" or not await exists(session, table.name):
        return
    its = sa.and_(Embedding.passage_id == Passage.id, Embedding.model == model)
    select = sa.select(Passage.id, Passage.cut, Embedding.vector).join(Embedding, its)
    rows = await session.execute(select.where(Passage.id.in_(passage_ids)))
    values = [{"id": row[0], "cut": row[1], "vector": as_text(_floats(row[2]))} for row in rows]
    if values:
        await session.execute(
            sa.text(
                f"INSERT INTO {table.name} VALUES (:id, :cut, CAST(CAST(:vector AS text) AS vector)) "  # noqa: S608 hexadecimal digits
                "ON CONFLICT (passage_id) DO UPDATE SET vector = excluded.vector"
            ),
            values,
        )


async def keep_missing(session: AsyncSession, table: VectorTable) -> int:
    """Take over vectors that the table lacks; gives how many, 0 at the end."""
    select = sa.select(Embedding.passage_id).where(
        Embedding.model == table.model,
        sa.text(f"NOT EXISTS (SELECT 1 FROM {table.name} v WHERE v.passage_id = embeddings.passage_id)"),  # noqa: S608 hexadecimal digits
    )
    ids = list(await session.scalars(select.limit(_KEPT_AT_ONCE)))
    if ids:
        await keep(session, table.model, ids)
    return len(ids)


async def build_index(database: Database, table: VectorTable) -> None:
    """Build the HNSW index while others read and write; one that a crash left half is built anew."""
    options = database.engine.execution_options(isolation_level="AUTOCOMMIT")
    async with options.connect() as connection:
        await connection.execute(sa.text("SET maintenance_work_mem = '512MB'"))
        await connection.execute(sa.text(f"DROP INDEX IF EXISTS {table.index}"))
        await connection.execute(
            sa.text(
                f"CREATE INDEX CONCURRENTLY {table.index} ON {table.name} USING hnsw "
                f"((vector::halfvec({table.dimension})) halfvec_ip_ops) "
                f"WITH (m = {_M}, ef_construction = {_EF_CONSTRUCTION})"
            )
        )
        await connection.execute(sa.text("RESET maintenance_work_mem"))
        await connection.execute(sa.text(f"ANALYZE {table.name}"))


async def drop(session: AsyncSession, model: str) -> None:
    """Drop a model's table, if it has one."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(sa.text(f"DROP TABLE IF EXISTS {VectorTable(model, 0).name}"))


def as_text(vector: Iterable[float]) -> str:
    """A vector as pgvector reads it."""
    return f"[{','.join(map(repr, vector))}]"


def _floats(stored: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(stored) // _FLOAT_BYTES}f", stored)
