"""Lineages side by side: which there are, vectors that one can take from another, and room once one is not needed."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from library import passage_vectors
from library.database import next_version
from library.models.passages import Embedding, Passage
from library.passages import COUNTER, Lineage


async def with_vectors(session: AsyncSession, models: Collection[str]) -> list[Lineage]:
    """Lineages of these models of which at least one passage has its vector."""
    known = await embedding_models(session)
    return [
        Lineage(model, cut)
        for cut in await _values(session, Passage.cut)
        for model in known
        if model in models and await _has_vector(session, Lineage(model, cut))
    ]


async def embedding_models(session: AsyncSession) -> list[str]:
    """All models that some passage has a vector of."""
    return await _values(session, Embedding.model)


async def reusable(session: AsyncSession, lineage: Lineage, limit: int) -> list[int]:
    """Ids of passages without a vector of the lineage's model, while an equal passage has one."""
    embedded = sa.exists().where(Embedding.passage_id == Passage.id, Embedding.model == lineage.model)
    same, its = aliased(Passage), aliased(Embedding)
    equal = sa.exists().where(
        same.content_hash == Passage.content_hash, its.passage_id == same.id, its.model == lineage.model
    )
    select = sa.select(Passage.id).where(Passage.cut == lineage.cut, ~embedded, equal)
    return list(await session.scalars(select.limit(limit)))


async def reuse_vectors(session: AsyncSession, model: str, passage_ids: Collection[int]) -> None:
    """Give passages the vector of an equal passage: of another cut, or of another owner."""
    taken = await next_version(session, COUNTER)
    same, its = aliased(Passage), aliased(Embedding)
    vector = (
        sa.select(its.vector)
        .join(same, same.id == its.passage_id)
        .where(same.content_hash == Passage.content_hash, its.model == model)
        .limit(1)
        .scalar_subquery()
    )
    embedded = sa.exists().where(Embedding.passage_id == Passage.id, Embedding.model == model)
    found = sa.select(Passage.id, sa.literal(model), vector, sa.literal(taken)).where(
        Passage.id.in_(list(passage_ids)), ~embedded, vector.is_not(None)
    )
    await session.execute(sa.insert(Embedding).from_select(["passage_id", "model", "vector", "version"], found))
    await passage_vectors.keep(session, model, list(passage_ids))


async def prune(session: AsyncSession, kept: Collection[Lineage], limit: int) -> bool:
    """Delete up to `limit` rows that belong to none of these lineages; gives whether there were any.

    Nobody follows what is deleted here, so no deletion is written down.
    """
    for cut in set(await _values(session, Passage.cut)) - {lineage.cut for lineage in kept}:
        ids = list(await session.scalars(sa.select(Passage.id).where(Passage.cut == cut).limit(limit)))
        await session.execute(sa.delete(Embedding).where(Embedding.passage_id.in_(ids)))
        await session.execute(sa.delete(Passage).where(Passage.id.in_(ids)))
        return True
    for model in set(await embedding_models(session)) - {lineage.model for lineage in kept}:
        select = sa.select(Embedding.passage_id).where(Embedding.model == model).limit(limit)
        ids = list(await session.scalars(select))
        await session.execute(sa.delete(Embedding).where(Embedding.passage_id.in_(ids), Embedding.model == model))
        return True
    return False


async def _has_vector(session: AsyncSession, lineage: Lineage) -> bool:
    select = sa.select(Passage.id).join(Embedding, Embedding.passage_id == Passage.id)
    found = select.where(Passage.cut == lineage.cut, Embedding.model == lineage.model).limit(1)
    return await session.scalar(found) is not None


async def _values(session: AsyncSession, column: InstrumentedAttribute[str]) -> list[str]:
    """The different values of an indexed column, by one step of the index each instead of a walk through all rows."""
    values: list[str] = []
    least: Any = sa.select(sa.func.min(column))
    while (value := await session.scalar(least)) is not None:
        values.append(value)
        least = sa.select(sa.func.min(column)).where(column > value)
    return values
