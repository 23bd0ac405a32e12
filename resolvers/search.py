"""`semanticSearch`: a thread embeds the question, both legs run, and one visit to the database fetches the found."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
import sqlalchemy.orm
import strawberry

from library import models, passages
from library.errors import BadInput, PageOutOfBounds
from library.models.passages import OwnerKind
from library.pagination import MAXIMUM_PAGE
from library.passages import Lineage
from rag.keywords import query_stems
from rag.search import Hit, Mode
from rag.sources import Owner
from resolvers.asking import Asked, asked_for, hits_of
from resolvers.book_filter import BookFilter
from resolvers.books import Book
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.document_filter import DocumentFilter
from resolvers.documents import Document
from resolvers.errors import ErrorCode
from resolvers.interpretation import IgnoreFilters, Interpret, Interpretation, InterpretedFilter, interpreted_filters
from resolvers.named_hits import Ranked, with_named
from resolvers.passages import Passage
from resolvers.permissions import CanRead
from resolvers.reranking import hits_wanted, reranked
from resolvers.search_access import Ready, Warming, WarmingReason
from resolvers.search_filters import Limits
from resolvers.search_legs import SearchLeg
from resolvers.snippets import Snippet, snippet_of

MAXIMUM_QUESTION = 4_000
_IDS: sa.BindParameter[int] = sa.bindparam("ids", expanding=True)
_BOOKS = sa.select(models.Book.id, models.Book).where(models.Book.id.in_(_IDS))
_DOCUMENTS = (
    sa.select(models.Document.id, models.Document)
    .options(sa.orm.defer(models.Document.text))
    .where(models.Document.id.in_(_IDS))
)
_PASSAGES = sa.select(models.Passage.id, models.Passage).where(models.Passage.id.in_(_IDS))


describe_enum(
    OwnerKind,
    "What can be found.",
    {
        OwnerKind.BOOK: "Books, by their description and facts.",
        OwnerKind.DOCUMENT: "Documents of the knowledge base, by their text.",
    },
    name="SearchKind",
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

SearchHit = Annotated[Book | Document, strawberry.union("SearchHit", description="What a search can find.")]


@strawberry.input(description="Which of the found things to give.")
class SearchFilter:
    """Applied inside the search: what it leaves out takes nobody's place.

    A filter of one kind alone asks for this kind, unless `kinds` says otherwise.
    """

    book: BookFilter | None = strawberry.field(default=None, description="Which books.")
    document: DocumentFilter | None = strawberry.field(default=None, description="Which documents.")


@strawberry.type(description="A hit and why it was found.")
class SearchEdge:
    """One ranked result."""

    node: SearchHit = strawberry.field(description="What was found.")
    rank: int = strawberry.field(description="Its place, from 1.")
    score: float = strawberry.field(description="How well it fits, from 0 to 1; comparable within one answer.")
    matched_by: list[SearchLeg] = strawberry.field(description="The legs that found it.")
    passage: Passage | None = strawberry.field(
        description="The passage that fits best; null where only its name fits, or if it was replaced just now."
    )
    stems: strawberry.Private[Mapping[str, float]]

    @strawberry.field(description="The sentence that fits best.")
    def snippet(self) -> Snippet | None:
        """The snippet of the best passage."""
        return snippet_of(self.stems, self.passage) if self.passage is not None else None


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
    relevant: bool = strawberry.field(
        description="Whether the best hit is near enough to answer; false says that, by all experience, nothing here "
        "does, and that the hits are merely the nearest there are."
    )
    interpreted_filters: list[InterpretedFilter] = strawberry.field(
        description="The filters that the question says in words, applied or not, in its order."
    )
    searched_text: str = strawberry.field(description="What remained of the question to search for.")
    like_book: Book | None = strawberry.field(description='The book that the hits are like: "something like Dune".')


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
        description="Find books and documents by what they are about. The question may be a sentence; words count too.",
        permission_classes=[CanRead],
    )
    async def semantic_search(
        self,
        info: Info,
        query: Annotated[str, strawberry.argument(description="What to look for, in your own words.")],
        kinds: Annotated[
            list[OwnerKind] | None, strawberry.argument(description="What to find; everything when left out.")
        ] = None,
        filter: Annotated[SearchFilter | None, strawberry.argument(description="Which of it.")] = None,  # noqa: A002 the contract's name
        mode: Annotated[Mode, strawberry.argument(description="Which legs run.")] = Mode.HYBRID,
        first: Annotated[int, strawberry.argument(description="How many hits, from 1 to 100.")] = 10,
        interpret: Interpret = Interpretation.AUTO,
        ignore_filters: IgnoreFilters = None,
    ) -> SemanticSearchResult | None:
        """Rank passages, collapse them to their books and documents, and give the best."""
        check_first(first)
        if not 1 <= len(query.strip()) <= MAXIMUM_QUESTION:
            raise QuestionUnusable(len(query.strip()))
        state = info.context.search.state
        if isinstance(state, Warming):
            return SearchUnavailable.of(state)
        limits = Limits.of(kinds, filter.book if filter else None, filter.document if filter else None)
        asked = await asked_for(info.context, query, limits, interpret, ignore_filters or [])
        found = [] if kinds == [] else await hits_of(state, asked, mode, hits_wanted(state, first))
        return await _payload(info, state, asked, found, 0 if kinds == [] else first)


def check_first(first: int) -> None:
    """Raise PageOutOfBounds for a number of hits nobody may ask for."""
    if not 1 <= first <= MAXIMUM_PAGE:
        raise PageOutOfBounds("first", first, MAXIMUM_PAGE)


async def _payload(info: Info, state: Ready, asked: Asked, hits: list[Hit], first: int) -> SemanticSearchPayload:
    # All at once, not by loaders: an answer of milliseconds notices each visit to the database.
    liked = asked.understood.liked
    ranked = with_named(hits, asked.understood.named)
    book_ids = [one.owner.id for one in ranked if one.owner.kind == OwnerKind.BOOK]
    document_ids = [one.owner.id for one in ranked if one.owner.kind == OwnerKind.DOCUMENT]
    selected = _BOOKS if asked.of_named is None else _BOOKS.where(asked.of_named)
    books, documents, passages = await info.context.database.rows(
        (selected, {"ids": book_ids + ([liked.book_id] if liked is not None else [])}),
        (_DOCUMENTS, {"ids": document_ids}),
        (_PASSAGES, {"ids": [one.hit.passage_id for one in ranked if one.hit is not None]}),
    )
    nodes: dict[Owner, Book | Document] = {
        **{Owner(OwnerKind.BOOK, row_id): Book.of(row) for row_id, row in books},
        **{Owner(OwnerKind.DOCUMENT, row_id): Document.of(row) for row_id, row in documents if not row.missing_since},
    }
    like = nodes.get(Owner(OwnerKind.BOOK, liked.book_id)) if liked is not None else None
    alive = await reranked(state, asked.text, [one for one in ranked if one.owner in nodes], passages)
    return SemanticSearchPayload(
        edges=_edges(alive[:first], nodes, passages, asked),
        info=_info(state),
        relevant=any(one.hit is None or one.hit.relevant or SearchLeg.NAME in one.legs for one in ranked),
        interpreted_filters=interpreted_filters(asked.understood, asked.given_up),
        searched_text=asked.text,
        like_book=like if isinstance(like, Book) else None,
    )


def _edges(
    ranked: Sequence[Ranked], nodes: Mapping[Owner, Book | Document], passages: Sequence[Any], asked: Asked
) -> list[SearchEdge]:
    shown = {row_id: Passage.of(row) for row_id, row in passages}
    stems = query_stems(asked.words)
    return [
        SearchEdge(
            node=nodes[one.owner],
            rank=rank,
            score=one.score,
            matched_by=one.legs,
            passage=shown.get(one.hit.passage_id) if one.hit is not None else None,
            stems=stems,
        )
        for rank, one in enumerate(ranked, start=1)
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
