"""Filling a test's library through the metadata gate, as a scan does."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from library import books
from library.metadata import Entity, Proposal, propose
from library.models import Edition
from library.models.metadata import EntityKind, MetadataSource

RANK = 10


@dataclass(frozen=True)
class Volume:
    """A book with one edition."""

    title: str
    authors: tuple[str, ...] = ("Daniel Defoe",)
    narrators: tuple[str, ...] = ("Ada Reader",)
    series: tuple[tuple[str, str | None], ...] = ()
    genres: tuple[str, ...] = ()
    description: str | None = None
    language: str | None = "en"
    year: int | None = None
    seconds: float = 3600.0
    edition: dict[str, Any] = field(default_factory=dict)


async def add(session: AsyncSession, volume: Volume) -> int:
    """Write a book and its edition; returns the book's row id."""
    book = await books.create(session, volume.title)
    edition = Edition(book_id=book.id, duration_seconds=volume.seconds)
    session.add(edition)
    book.owned, book.duration_seconds = True, volume.seconds
    await session.flush()
    said = {
        "title": volume.title,
        "authors": list(volume.authors),
        "series": [{"name": name, "position": position} for name, position in volume.series],
        "genres": list(volume.genres),
        "description": volume.description,
        "language": volume.language,
        "published_year": volume.year,
    }
    recorded = {"narrators": list(volume.narrators), **volume.edition}
    proposals = {
        Entity(EntityKind.BOOK, book.id): _proposals(said),
        Entity(EntityKind.EDITION, edition.id): _proposals(recorded),
    }
    await propose(session, proposals, actor="test", scope="shelf:")
    return book.id


def _proposals(values: dict[str, Any]) -> list[Proposal]:
    return [
        Proposal(name, value, MetadataSource.TAGS, "shelf:tags", RANK)
        for name, value in values.items()
        if value not in (None, [])
    ]
