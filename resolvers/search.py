"""`semanticSearch`: a thread embeds the question, both legs run, and one visit to the database fetches the found."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import sqlalchemy as sa
import strawberry

from library import models, passages
from library.errors import BadInput, PageOutOfBounds
from library.pagination import MAXIMUM_PAGE
from library.passages import Lineage
from rag.keywords import query_stems
from rag.search import Hit, Leg, Mode, search
from rag.sources import Scope
from resolvers.book_filter import BookFilter
from resolvers.books import Book
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.errors import ErrorCode
from resolvers.permissions import CanRead
from resolvers.search_access import Ready, Warming, WarmingReason
from resolvers.search_filters import allowed_passages
from resolvers.snippets import Snippet, snippet_of

MAXIMUM_QUESTION = 4_000
_SPARE = 5  # hits that may turn out to have no book any more
_IDS: sa.BindParameter[int] = sa.bindparam("ids", expanding=True)
_BOOKS = sa.select(models.Book.id, models.Book).where(models.Book.id.in_(_IDS))
_PASSAGES = sa.select(models.Passage.id, models.Passage.header, models.Passage.text).where(models.Passage.id.in_(_IDS))


class SearchKind(StrEnum):
    """What can be found."""

    BOOK = "BOOK"


describe_enum(
    SearchKind, "What can be found.", {SearchKind.BOOK: "Books, by their description and facts."}, name="SearchKind"
)
describe_enum(
    Mode,
    "Which legs of the search run.",
    {
        Mode.HYBRID: "Both, fused: the best for nearly everything.",
        Mode.KEYWORD: "Words only: any word, stemmed, weighted by how rare it is.",
        Mode.VECTOR: "Meaning only: nearness of embeddings.",
    },
    name="SearchMode",
)
describe_enum(
    Leg,
    "A leg of the search that found a hit.",
    {Leg.KEYWORD: "Words of the question stand in it.", Leg.VECTOR: "Its meaning is near the question's."},
    name="SearchLeg",
)
describe_enum(
    WarmingReason,
    "Why search cannot answer yet.",
    {
        WarmingReason.MODEL_MISSING: "The worker is preparing the embedding model, or no worker runs.",
        WarmingReason.EMBEDDING: "The first passages are being embedded.",
        WarmingReason.LOADING: "This server is reading the index.",
    },
    name="WarmingReason",
)
_WARMING_MESSAGES = {
    WarmingReason.MODEL_MISSING: "The embedding model is being prepared by the worker. Ask again in a minute; "
    "if this stays, see whether `shelfgraph work` runs.",
    WarmingReason.EMBEDDING: "The first books are being embedded. Ask again in a moment.",
    WarmingReason.LOADING: "The search index is being loaded. Ask again in a second.",
}

SearchHit = Annotated[Book, strawberry.union("SearchHit", description="What a search can find.")]


@strawberry.input(description="Which of the found things to give.")
class SearchFilter:
    """Applied inside the search: what it leaves out takes nobody's place."""

    book: BookFilter | None = strawberry.field(default=None, description="Which books.")


@strawberry.type(description="A hit and why it was found.")
class SearchEdge:
    """One ranked result."""

    node: SearchHit = strawberry.field(description="What was found.")
    rank: int = strawberry.field(description="Its place, from 1.")
    score: float = strawberry.field(description="How well it fits, from 0 to 1; comparable within one answer.")
    matched_by: list[Leg] = strawberry.field(description="The legs that found it.")
    passage: strawberry.Private[str]
    stems: strawberry.Private[Mapping[str, float]]

    @strawberry.field(description="The sentence that fits best.")
    def snippet(self) -> Snippet | None:
        """The snippet of the best passage."""
        return snippet_of(self.stems, self.passage)


@strawberry.type(description="An index that is being made by another model, or of texts cut in another way.")
class SearchSuccessor:
    """It takes over when it is complete."""

    model: str = strawberry.field(description="Name of its embedding model.")
    lineage: strawberry.Private[Lineage | None]

    @strawberry.field(description="Hash of the model's weights; null until a worker has prepared it.")
    def model_revision(self) -> str | None:
        """Which weights exactly."""
        return self.lineage.model if self.lineage is not None else None

    @strawberry.field(description="How many of its passages have their vectors, from 0 to 1; null before the first.")
    async def progress(self, info: Info) -> float | None:
        """Counted when it is asked for."""
        if self.lineage is None:
            return None
        async with info.context.database.read() as session:
            counts = await passages.counts(session, self.lineage)
        return counts.embedded / counts.passages if counts.passages else None


@strawberry.type(description="What was searched.")
class SearchInfo:
    """The index at the moment of the search."""

    model: str = strawberry.field(description="Name of the embedding model.")
    model_revision: str = strawberry.field(description="Hash of the model's weights.")
    dimension: int = strawberry.field(description="Length of its vectors.")
    generation: int = strawberry.field(description="Number of the index generation; 0 before the first.")
    indexed_passages: int = strawberry.field(description="Passages that can be found.")
    pending_passages: int = strawberry.field(description="Of these, passages found by their words only, as yet.")
    built_at: datetime | None = strawberry.field(description="When the generation was built; newer rows are in a tail.")
    stale: bool = strawberry.field(description="Whether passages still wait for their vectors, or all for a new model.")
    successor: SearchSuccessor | None = strawberry.field(
        description="What is being made to take over from this index; null when nothing is."
    )


@strawberry.type(description="What was found.")
class SemanticSearchPayload:
    """Edges and info."""

    edges: list[SearchEdge] = strawberry.field(description="The hits, best first.")
    info: SearchInfo = strawberry.field(description="What was searched.")


@strawberry.type(description="Search cannot answer yet.")
class SearchUnavailable:
    """A typed answer instead of a silent empty list."""

    code: ErrorCode = strawberry.field(description="PROVIDER_UNAVAILABLE.")
    reason: WarmingReason = strawberry.field(description="Why not.")
    message: str = strawberry.field(description="Why not, and what to do.")
    progress: float | None = strawberry.field(description="How far it is, from 0 to 1, where that is known.")

    @classmethod
    def of(cls, warming: Warming) -> "SearchUnavailable":
        """Say why."""
        return cls(
            code=ErrorCode.PROVIDER_UNAVAILABLE,
            reason=warming.reason,
            message=_WARMING_MESSAGES[warming.reason],
            progress=warming.progress,
        )


SemanticSearchResult = Annotated[
    SemanticSearchPayload | SearchUnavailable,
    strawberry.union("SemanticSearchResult", description="What was found, or why nothing can be found yet."),
]


class QuestionUnusable(BadInput):
    """A question without words, or without end."""

    def __init__(self, length: int) -> None:
        super().__init__(f"`query` must have 1 to {MAXIMUM_QUESTION} characters, not {length}.")


@strawberry.type
class SearchQuery:
    """The root field of search."""

    @strawberry.field(
        description="Find books by what they are about. The question may be a sentence; words count as well.",
        permission_classes=[CanRead],
    )
    async def semantic_search(
        self,
        info: Info,
        query: Annotated[str, strawberry.argument(description="What to look for, in your own words.")],
        kinds: Annotated[
            list[SearchKind] | None, strawberry.argument(description="What to find; everything when left out.")
        ] = None,
        filter: Annotated[SearchFilter | None, strawberry.argument(description="Which of it.")] = None,  # noqa: A002 the contract's name
        mode: Annotated[Mode, strawberry.argument(description="Which legs run.")] = Mode.HYBRID,
        first: Annotated[int, strawberry.argument(description="How many hits, from 1 to 100.")] = 10,
    ) -> SemanticSearchResult | None:
        """Rank passages, collapse them to their books, and give the best."""
        check_first(first)
        question = query.strip()
        if not 1 <= len(question) <= MAXIMUM_QUESTION:
            raise QuestionUnusable(len(question))
        state = info.context.search.state
        if isinstance(state, Warming):
            return SearchUnavailable.of(state)
        found = [] if kinds == [] else await _hits(info, state, question, filter, mode, first)
        return SemanticSearchPayload(edges=await _edges(info, found, question, first), info=_info(state))


def check_first(first: int) -> None:
    """Raise PageOutOfBounds for a number of hits nobody may ask for."""
    if not 1 <= first <= MAXIMUM_PAGE:
        raise PageOutOfBounds("first", first, MAXIMUM_PAGE)


async def _hits(
    info: Info, state: Ready, question: str, given: SearchFilter | None, mode: Mode, first: int
) -> list[Hit]:
    allowed = await allowed_passages(info.context, given.book if given is not None else None)
    vector = None if mode is Mode.KEYWORD else await asyncio.to_thread(state.embedder.embed_query, question)
    return await search(state.index, question, vector, scope=Scope(allowed), first=first + _SPARE, mode=mode)


async def _edges(info: Info, hits: list[Hit], question: str, first: int) -> list[SearchEdge]:
    # Both at once, not by loaders: an answer of milliseconds notices each visit to the database.
    found, texts = await info.context.database.rows(
        (_BOOKS, {"ids": [hit.owner.id for hit in hits]}),
        (_PASSAGES, {"ids": [hit.passage_id for hit in hits]}),
    )
    books = dict(found)
    # A passage that has no text of its own is shown by its header; one that was replaced since, not at all.
    shown = {passage_id: text or header for passage_id, header, text in texts}
    stems = query_stems(question)
    alive = [hit for hit in hits if hit.owner.id in books][:first]
    return [
        SearchEdge(
            node=Book.of(books[hit.owner.id]),
            rank=rank,
            score=hit.score,
            matched_by=sorted(hit.legs),
            passage=shown.get(hit.passage_id, ""),
            stems=stems,
        )
        for rank, hit in enumerate(alive, start=1)
    ]


def _info(state: Ready) -> SearchInfo:
    card, successor = state.embedder.card, state.successor
    return SearchInfo(
        model=card.model,
        model_revision=card.revision,
        dimension=card.dimension,
        generation=state.index.generation,
        indexed_passages=state.index.count,
        pending_passages=state.index.pending,
        built_at=state.index.built_at,
        stale=state.index.pending > 0 or successor is not None,
        successor=SearchSuccessor(model=successor.model, lineage=successor.lineage) if successor is not None else None,
    )
