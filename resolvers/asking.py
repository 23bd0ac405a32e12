"""What a question asks for once it is understood: the passages that may be found, and the words and the vector."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from library import models
from library.models.passages import OwnerKind
from library.questions.conditions import books_condition
from library.questions.filters import FilterKind
from library.questions.liked_books import AboutBook, about_book
from library.questions.naming import understand
from library.questions.understanding import LikedBook, Understanding
from rag.likeness import like_vector, like_words
from rag.search import Hit, Mode, search
from rag.segment import Floats
from rag.sources import Owner, Scope
from resolvers.context import Context
from resolvers.interpretation import Interpretation
from resolvers.search_access import Ready
from resolvers.search_filters import Ids, Limits, allowed_passages

_SPARE = 5  # hits that may turn out to have no book any more
_MOST_OF_ONE_SERIES = 3  # of so many hits one may be of the liked book's own series
_MOST_SIBLINGS = 100
_NOTHING_LEFT = "Together with the other filters in the question it leaves no book, so all of them were given up."
_IGNORED = "`ignoreFilters` names it."
_SAID = "`filter` says it already."
# The conditions of an explicit filter that win over what is said in words.
_EXPLICIT = {
    FilterKind.DURATION: "duration_seconds",
    FilterKind.LANGUAGE: "language",
    FilterKind.AUTHOR: "author",
    FilterKind.NARRATOR: "narrator",
    FilterKind.SERIES: "series",
    FilterKind.STANDALONE: "series",
    FilterKind.FIRST_IN_SERIES: "series",
    FilterKind.ABRIDGED: "abridged",
    FilterKind.DRAMATIZED: "dramatized",
    FilterKind.PUBLISHED_YEAR: "published_year",
    FilterKind.OWNED: "owned",
    FilterKind.TAG: "tag",
}


@dataclass(frozen=True)
class Asked:
    """What is searched for, and where: `allowed` holds the passages that filters leave, None without a filter.

    `given_up` says why no filter of the question was applied, where they were given up.
    """

    understood: Understanding
    text: str
    allowed: Ids | None = None
    condition: sa.ColumnElement[bool] | None = None
    given_up: str | None = None
    about: AboutBook | None = None  # of the book that others should be like

    @property
    def of_named(self) -> sa.ColumnElement[bool] | None:
        """What a book must meet that was found by its name alone, where there are both names and filters."""
        named = [book.book_id for book in self.understood.named]
        if not named or self.condition is None:
            return None
        return sa.or_(models.Book.id.not_in(named), self.condition)

    @property
    def words(self) -> str:
        """The words that are looked for."""
        if self.about is None or self.understood.liked is None:
            return self.text
        return like_words(self.about.text, self.text, self.understood.liked.unwanted)


async def asked_for(
    context: Context, question: str, limits: Limits, how: Interpretation, ignored: Sequence[FilterKind]
) -> Asked:
    """Understand a question beside the limits that were given with it; what it says of books counts where books do."""
    understood = Understanding(question)
    if how is not Interpretation.OFF and OwnerKind.BOOK in limits.wanted:
        understood = (await understand(context.database, question)).refusing(ignored, _IGNORED)
    text = understood.searched_text
    understood = understood.refusing([kind for kind, name in _EXPLICIT.items() if name in limits.said], _SAID)
    about = await about_book(context.database, understood.liked.book_id) if understood.liked is not None else None
    return await _filtered(context, Asked(understood, text, about=about), limits, how)


async def hits_of(state: Ready, asked: Asked, mode: Mode, first: int) -> list[Hit]:
    """Rank for what is asked."""
    liked, about = asked.understood.liked, asked.about
    scope, embed = Scope(asked.allowed), state.embedder.embed_query
    if liked is None or about is None:
        vector = None if mode is Mode.KEYWORD else await asyncio.to_thread(embed, asked.text)
        return await search(state.index, asked.text, vector, scope=scope, first=first + _SPARE, mode=mode)
    vector = None if mode is Mode.KEYWORD else await _like_vector(state, asked.text, liked)
    count = first + _SPARE + 1 + min(len(about.series), _MOST_SIBLINGS)
    mode = Mode.KEYWORD if vector is None else mode
    hits = await search(state.index, asked.words, vector, scope=scope, first=count, mode=mode)
    return _varied(hits, liked.book_id, about.series, first)


async def _filtered(context: Context, asked: Asked, limits: Limits, how: Interpretation) -> Asked:
    understood = asked.understood
    if understood.applicable:
        spoken = limits.and_books(books_condition(understood.applicable))
        allowed = await allowed_passages(context, spoken, understood.version)
        if how is Interpretation.STRICT or allowed is None or len(allowed):
            return replace(asked, allowed=allowed, condition=spoken.books)
        asked = replace(asked, given_up=_NOTHING_LEFT)
    allowed = await allowed_passages(context, limits, understood.version)
    return replace(asked, allowed=allowed, condition=limits.books)


async def _like_vector(state: Ready, wanted: str, liked: LikedBook) -> Floats | None:
    own = await state.index.vectors_of(Owner(OwnerKind.BOOK, liked.book_id))

    def run() -> Floats | None:
        embed = state.embedder.embed_query
        return like_vector(own, embed(wanted) if wanted else None, embed(liked.unwanted) if liked.unwanted else None)

    return await asyncio.to_thread(run)


def _varied(hits: Sequence[Hit], liked: int, series: Collection[int], first: int) -> list[Hit]:
    # Without the liked book, and with few of its series: whoever knows the book knows those.
    room = max(first // _MOST_OF_ONE_SERIES, 1)
    kept = []
    for hit in hits:
        is_sibling = hit.owner.kind == OwnerKind.BOOK and hit.owner.id in series
        if hit.owner == (OwnerKind.BOOK, liked) or (is_sibling and room == 0):
            continue
        room -= is_sibling
        kept.append(hit)
    return kept
