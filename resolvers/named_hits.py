"""Books that a question asks for by name come first, before those that are found by what they are about."""

from collections.abc import Sequence
from dataclasses import dataclass

from library.models.passages import OwnerKind
from library.questions.understanding import NamedBook, NameKind
from rag.search import Hit
from rag.sources import Owner
from resolvers.search_legs import SearchLeg, search_legs


@dataclass(frozen=True)
class Ranked:
    """A book or document in its place; `hit` is None where only its name was found."""

    owner: Owner
    score: float
    legs: list[SearchLeg]
    hit: Hit | None


def with_named(hits: Sequence[Hit], named: Sequence[NamedBook]) -> list[Ranked]:
    """Named books first: by title, then volumes of a series in its order, then an author's as the search ranks them."""
    found = {hit.owner.id: hit for hit in hits if hit.owner.kind == OwnerKind.BOOK}
    places = {book_id: place for place, book_id in enumerate(found)}

    def order(place_and_book: tuple[int, NamedBook]) -> tuple[int, int, int]:
        place, book = place_and_book
        is_author = book.kind is NameKind.AUTHOR
        return _ORDER.index(book.kind), places.get(book.book_id, len(places)) if is_author else 0, place

    first = [book for _, book in sorted(enumerate(named), key=order)]
    owners = [Owner(OwnerKind.BOOK, book.book_id) for book in first]
    return [
        *(
            _ranked(owner, found.get(owner.id), book.closeness, named=True)
            for owner, book in zip(owners, first, strict=True)
        ),
        *(_ranked(hit.owner, hit, hit.score, named=False) for hit in hits if hit.owner not in owners),
    ]


_ORDER = (NameKind.TITLE, NameKind.SERIES, NameKind.AUTHOR)


def _ranked(owner: Owner, hit: Hit | None, score: float, *, named: bool) -> Ranked:
    return Ranked(owner, score, search_legs(hit.legs if hit is not None else (), named=named), hit)
