"""`Book.similar`: the nearest books by their own text, with the reasons, without what would be no news."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from library import models
from library.models.passages import OwnerKind
from rag.diversity import spread
from rag.search import Hit, Leg, similar
from rag.sources import Owner, Scope
from resolvers.books import Book
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.search import check_first
from resolvers.search_access import Ready, Warming
from resolvers.search_filters import Limits, allowed_passages

# Of so many books one may be of a single series, or by a single author, while there are others.
_SHARE_OF_ONE = 3
# So many times as many books are looked at, so that there are others.
_LOOKED_AT = 3


class SimilarExclusion(StrEnum):
    """What would be no news."""

    SAME_SERIES = "SAME_SERIES"
    SAME_AUTHOR = "SAME_AUTHOR"
    SAME_NARRATOR = "SAME_NARRATOR"
    OWNED = "OWNED"
    NOT_OWNED = "NOT_OWNED"


class SimilarReason(StrEnum):
    """Why a book is like another."""

    MEANING = "MEANING"
    WORDS = "WORDS"
    SHARED_TAGS = "SHARED_TAGS"
    SAME_AUTHOR = "SAME_AUTHOR"
    SAME_SERIES = "SAME_SERIES"
    SAME_NARRATOR = "SAME_NARRATOR"


describe_enum(
    SimilarExclusion,
    "Books that would be no news.",
    {
        SimilarExclusion.SAME_SERIES: "Books of a series the book belongs to.",
        SimilarExclusion.SAME_AUTHOR: "Books by one of its authors.",
        SimilarExclusion.SAME_NARRATOR: "Books read by one of its narrators.",
        SimilarExclusion.OWNED: "Books whose audio files are there.",
        SimilarExclusion.NOT_OWNED: "Books whose audio files are not there.",
    },
    name="SimilarExclusion",
)
describe_enum(
    SimilarReason,
    "Why a book is like another.",
    {
        SimilarReason.MEANING: "Their texts are near in meaning.",
        SimilarReason.WORDS: "Their texts share telling words.",
        SimilarReason.SHARED_TAGS: "They share genres or tags: see `sharedTags`.",
        SimilarReason.SAME_AUTHOR: "They share an author.",
        SimilarReason.SAME_SERIES: "They share a series.",
        SimilarReason.SAME_NARRATOR: "They share a narrator.",
    },
    name="SimilarReason",
)


@strawberry.type(description="A book like another, and why.")
class SimilarBook:
    """A ranked book."""

    book: Book = strawberry.field(description="The book.")
    rank: int = strawberry.field(description="Its place, from 1.")
    score: float = strawberry.field(description="How much alike, from 0 to 1; comparable within one answer.")
    legs: strawberry.Private[tuple[Leg, ...]]
    likened_to: strawberry.Private[models.Book]

    @strawberry.field(description="Why it is like the other book.")
    async def reasons(self, info: Info) -> list[SimilarReason]:
        """The search's legs, and what the graph knows of both."""
        found = [
            reason
            for leg, reason in ((Leg.VECTOR, SimilarReason.MEANING), (Leg.KEYWORD, SimilarReason.WORDS))
            if leg in self.legs
        ]
        mine, other = await asyncio.gather(_traits(info, self.book.row.id), _traits(info, self.likened_to.id))
        return [*found, *(reason for reason in mine if mine[reason] & other[reason])]

    @strawberry.field(description="Genres and tags that both have.")
    async def shared_tags(self, info: Info) -> list[str]:
        """Names of shared tags."""
        loader = info.context.loaders.tags_of_book
        mine, other = await asyncio.gather(loader.load(self.book.row.id), loader.load(self.likened_to.id))
        others = {tag.id for tag in other}
        return [tag.name for tag in mine if tag.id in others]


async def similar_books(
    info: Info, book: models.Book, first: int, exclude: Sequence[SimilarExclusion]
) -> list[SimilarBook] | None:
    """The books most like this one; None while search is warming up."""
    check_first(first)
    state = info.context.search.state
    if isinstance(state, Warming):
        return None
    hits = await _hits(info, state, book.id, first * _LOOKED_AT, exclude)
    rows = await info.context.loaders.book.load_many([hit.owner.id for hit in hits])
    alive = [(hit, row) for hit, row in zip(hits, rows, strict=True) if row is not None]
    groups = await asyncio.gather(*(_groups(info, row.id) for _, row in alive))
    chosen = [alive[place] for place in spread(groups, first, max(first // _SHARE_OF_ONE, 1))]
    return [
        SimilarBook(book=Book.of(row), rank=rank, score=hit.score, legs=hit.legs, likened_to=book)
        for rank, (hit, row) in enumerate(chosen, start=1)
    ]


async def _groups(info: Info, book_id: int) -> set[tuple[str, int]]:
    """What a book shares with books that it is no news beside: its series and its authors."""
    loaders = info.context.loaders
    entries, authors = await asyncio.gather(
        loaders.series_entries_of_book.load(book_id), loaders.authors_of_book.load(book_id)
    )
    return {("series", entry.series_id) for entry in entries} | {("author", author.id) for author in authors}


async def _hits(info: Info, state: Ready, book_id: int, first: int, exclude: Sequence[SimilarExclusion]) -> list[Hit]:
    passage = models.Passage
    own = sa.select(passage.header, passage.text).where(
        passage.owner_kind == OwnerKind.BOOK, passage.owner_id == book_id, passage.cut == state.lineage.cut
    )
    async with info.context.database.read() as session:
        texts = (await session.execute(own.order_by(passage.position))).all()
        excluded = await _passages_of(session, book_id, exclude)
        has_documents = await session.scalar(sa.select(sa.exists().where(passage.owner_kind == OwnerKind.DOCUMENT)))
    only_books = Limits(frozenset({OwnerKind.BOOK}))
    allowed = await allowed_passages(info.context, only_books) if has_documents else None
    header = texts[0].header if texts else ""
    text = "\n".join(row.text for row in texts)
    owner = Owner(OwnerKind.BOOK, book_id)
    return await similar(state.index, owner, header=header, text=text, first=first, scope=Scope(allowed, excluded))


async def _passages_of(
    session: AsyncSession, book_id: int, exclude: Sequence[SimilarExclusion]
) -> npt.NDArray[np.int64] | None:
    if not exclude:
        return None
    books = sa.select(models.Book.id).where(sa.or_(*(_condition(book_id, reason) for reason in exclude)))
    passage = models.Passage
    select = sa.select(passage.id).where(passage.owner_kind == OwnerKind.BOOK, passage.owner_id.in_(books))
    return np.fromiter(await session.scalars(select), np.int64)


def _condition(book_id: int, exclusion: SimilarExclusion) -> sa.ColumnElement[bool]:
    book, entry, author = models.Book, models.SeriesEntry, models.BookAuthor
    match exclusion:
        case SimilarExclusion.OWNED:
            return book.owned.is_(True)
        case SimilarExclusion.NOT_OWNED:
            return book.owned.is_(False)
        case SimilarExclusion.SAME_SERIES:
            shared = sa.select(entry.series_id).where(entry.book_id == book_id)
            return book.id.in_(sa.select(entry.book_id).where(entry.series_id.in_(shared)))
        case SimilarExclusion.SAME_AUTHOR:
            shared = sa.select(author.person_id).where(author.book_id == book_id)
            return book.id.in_(sa.select(author.book_id).where(author.person_id.in_(shared)))
        case SimilarExclusion.SAME_NARRATOR:
            read = sa.select(models.EditionNarrator.person_id, models.Edition.book_id).join(
                models.Edition, models.Edition.id == models.EditionNarrator.edition_id
            )
            shared = read.with_only_columns(models.EditionNarrator.person_id).where(models.Edition.book_id == book_id)
            same = read.with_only_columns(models.Edition.book_id)
            return book.id.in_(same.where(models.EditionNarrator.person_id.in_(shared)))


async def _traits(info: Info, book_id: int) -> dict[SimilarReason, set[int]]:
    """What a book may share, as row ids, by loaders."""
    loaders = info.context.loaders
    tags, authors, entries, editions = await asyncio.gather(
        loaders.tags_of_book.load(book_id),
        loaders.authors_of_book.load(book_id),
        loaders.series_entries_of_book.load(book_id),
        loaders.editions_of_book.load(book_id),
    )
    narrators = await loaders.narrators_of_edition.load_many([edition.id for edition in editions])
    return {
        SimilarReason.SHARED_TAGS: {tag.id for tag in tags},
        SimilarReason.SAME_AUTHOR: {author.id for author in authors},
        SimilarReason.SAME_SERIES: {entry.series_id for entry in entries},
        SimilarReason.SAME_NARRATOR: {person.id for people in narrators for person in people},
    }
