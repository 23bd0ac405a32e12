"""The passages that a question finds, and the words of them that answer it, without any language model."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from library import models
from library.answers import FoundPassage, Quotation
from library.models.passages import OwnerKind
from rag.answers import Answer, Source, answer
from rag.search import PassageHit, question_weights, search_passages
from rag.segment import Floats
from rag.sources import Scope
from resolvers.context import Info
from resolvers.search import SearchFilter
from resolvers.search_access import Ready
from resolvers.search_filters import Limits, allowed_passages

_SPARE = 5  # passages that may turn out to have been replaced, or to be of a document that is gone
_IDS: sa.BindParameter[int] = sa.bindparam("ids", expanding=True)
_PASSAGE = models.Passage
_PASSAGES = sa.select(
    _PASSAGE.id,
    _PASSAGE.owner_kind,
    _PASSAGE.owner_id,
    _PASSAGE.header,
    _PASSAGE.text,
    _PASSAGE.start,
    _PASSAGE.end,
).where(_PASSAGE.id.in_(_IDS))

_MISSING = sa.select(models.Document.id).where(models.Document.id.in_(_IDS), models.Document.missing_since.is_not(None))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the search understands it."""

    question: str
    kinds: list[OwnerKind] | None
    filter: SearchFilter | None
    first: int


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first, each with its cosine; what was asked, as stems with their weights and as a vector."""

    passages: list[FoundPassage]
    cosines: list[float]
    weights: Mapping[str, float]
    vector: Floats


async def find(info: Info, state: Ready, asked: Asked) -> Found:
    """Find the passages of a question."""
    given = asked.filter
    limits = Limits.of(asked.kinds, given.book if given else None, given.document if given else None)
    allowed = await allowed_passages(info.context, limits)
    vector = await asyncio.to_thread(state.embedder.embed_query, asked.question)
    weights = await question_weights(state.index, asked.question)
    hits = await search_passages(state.index, weights, vector, first=asked.first + _SPARE, scope=Scope(allowed))
    rows, missing = await info.context.database.rows(
        (_PASSAGES, {"ids": [hit.passage_id for hit in hits]}),
        (_MISSING, {"ids": [hit.owner.id for hit in hits if hit.owner.kind == OwnerKind.DOCUMENT]}),
    )
    gone = {(OwnerKind.DOCUMENT, row.id) for row in missing}
    texts = {row.id: row for row in rows if row.text and (row.owner_kind, row.owner_id) not in gone}
    alive = [hit for hit in hits if hit.passage_id in texts][: asked.first]
    passages = [_passage(number, hit, texts[hit.passage_id]) for number, hit in enumerate(alive, start=1)]
    return Found(passages, [hit.cosine for hit in alive], weights, vector)


async def quote(state: Ready, found: Found) -> Answer:
    """Choose the words that answer, in a thread: sentences are embedded for it."""
    sources = [
        Source(
            passage_id=passage.passage_id,
            owner=(passage.owner_kind, passage.owner_id),
            header=passage.header,
            text=passage.text,
            start=passage.start,
            cosine=cosine,
        )
        for passage, cosine in zip(found.passages, found.cosines, strict=True)
    ]
    return await asyncio.to_thread(answer, found.weights, found.vector, sources, state.embedder.embed_many)


def quotations(made: Answer, found: Found) -> list[Quotation]:
    """The statements of an answer with the numbers of the passages they are from."""
    return [
        Quotation(found.passages[place.source].number, statement.text, place.start, place.end)
        for statement, place in zip(made.statements, made.citations, strict=True)
    ]


def _passage(number: int, hit: PassageHit, row: Any) -> FoundPassage:
    return FoundPassage(
        number=number,
        passage_id=row.id,
        owner_kind=row.owner_kind,
        owner_id=row.owner_id,
        header=row.header,
        text=row.text,
        start=row.start,
        end=row.end,
        score=hit.score,
    )
