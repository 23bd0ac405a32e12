"""Which words stand in which passage, as rows of Postgres: what the keyword leg asks where no process holds an index.

One row a stem of a passage, with its impact: the part of BM25 that depends on the passage alone. The key of a stem is
64 bits of a hash over cut and stem, so one index answers for every cut; the empty stem stands in every passage.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.passages import Passage

Impacts = Callable[[str, str], Mapping[str, float]]  # of a header and a text, by stem

_TABLE = (
    "CREATE TABLE IF NOT EXISTS passage_postings (stem bigint NOT NULL, "
    "passage_id bigint NOT NULL REFERENCES passages (id) ON DELETE CASCADE, impact real NOT NULL, "
    "PRIMARY KEY (stem, passage_id) INCLUDE (impact))",
    # Without it each deletion of a passage would walk through all rows.
    "CREATE INDEX IF NOT EXISTS ix_passage_postings_passage_id ON passage_postings (passage_id)",
)
_INSERT = sa.text(
    "INSERT INTO passage_postings SELECT * FROM unnest(CAST(:stems AS bigint[]), CAST(:ids AS bigint[]), "
    "CAST(:impacts AS real[])) ON CONFLICT DO NOTHING"
)
_FREQUENCIES = sa.text(
    "SELECT stem, count(*) FROM passage_postings WHERE stem = ANY(CAST(:stems AS bigint[])) GROUP BY stem"
)
_KEY_BYTES = 8
_AT_ONCE = 1_000


def stem_key(cut: str, stem: str) -> int:
    """What stands for a stem of passages of a cut."""
    digest = hashlib.blake2b(f"{cut}\x1f{stem}".encode(), digest_size=_KEY_BYTES).digest()
    return int.from_bytes(digest, "little", signed=True)


async def create(session: AsyncSession) -> None:
    """Make the table where it is missing."""
    for statement in _TABLE:
        await session.execute(sa.text(statement))


async def are_kept(session: AsyncSession) -> bool:
    """Whether this database has such rows."""
    if session.get_bind().dialect.name != "postgresql":
        return False
    return await session.scalar(sa.text("SELECT to_regclass('passage_postings')")) is not None


async def write_missing(
    session: AsyncSession, impacts: Impacts, *passages: sa.ColumnElement[bool], limit: int = _AT_ONCE
) -> int:
    """Write the postings of those passages that have none, newest first; gives of how many, 0 at the end."""
    missing = sa.text("NOT EXISTS (SELECT 1 FROM passage_postings k WHERE k.passage_id = passages.id)")
    select = sa.select(Passage.id, Passage.cut, Passage.header, Passage.text).where(missing, *passages)
    rows = (await session.execute(select.order_by(Passage.id.desc()).limit(limit))).all()
    stems: list[int] = []
    ids: list[int] = []
    values: list[float] = []
    for passage_id, cut, header, text in rows:
        for stem, impact in ({"": 0.0} | dict(impacts(header, text))).items():
            stems.append(stem_key(cut, stem))
            ids.append(passage_id)
            values.append(impact)
    if rows:
        await session.execute(_INSERT, {"stems": stems, "ids": ids, "impacts": values})
    return len(rows)


async def frequencies(session: AsyncSession, cut: str, stems: Iterable[str]) -> dict[str, int]:
    """How many passages of a cut hold each stem; those that none holds are left out."""
    keys = {stem_key(cut, stem): stem for stem in stems}
    return {keys[key]: count for key, count in await session.execute(_FREQUENCIES, {"stems": list(keys)})}


def weighted_keys(cut: str, weights: Mapping[str, float]) -> tuple[Sequence[int], Sequence[float]]:
    """Stems and their weights as two columns."""
    return [stem_key(cut, stem) for stem in weights], list(weights.values())
