"""What the graph knows of a book that is looked for: what indexers are asked, and what offers are compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.books import Book, BookAuthor, Person, Series, SeriesEntry
from library.models.editions import AudioFile, Copy, Edition, EditionNarrator
from library.releases import OwnedBest, QualityProfile, Wanted, judge
from library.releases.points import quality_of
from library.scanning.series import SeriesMention
from library.text_search import words

LONGEST_QUESTION = 200


async def wanted_of(session: AsyncSession, book: Book, profile: QualityProfile) -> Wanted:
    """The book as releases are compared with it; narrators count where the profile requires them."""
    series = sa.select(Series.name, SeriesEntry.position).join(SeriesEntry, SeriesEntry.series_id == Series.id)
    placed = await session.execute(series.where(SeriesEntry.book_id == book.id).order_by(SeriesEntry.id))
    whole = (Edition.book_id == book.id, Edition.duration_seconds > 0)
    is_plain = (Edition.abridged.is_not(True), Edition.dramatized.is_not(True))
    lengths = sa.select(Edition.duration_seconds).where(*whole, *is_plain).order_by(Edition.id)
    return Wanted(
        title=book.title,
        subtitle=book.subtitle,
        authors=tuple(author.name for author in await _authors(session, book.id)),
        narrators=profile.required_narrators,
        series=tuple(SeriesMention(name, position) for name, position in placed),
        durations=tuple(await session.scalars(lengths)),
    )


async def question_of(session: AsyncSession, book: Book) -> str:
    """What indexers are asked: the title and its author's surname, as given names are written in too many ways."""
    authors = await _authors(session, book.id)
    return " ".join([book.title, *(_surname(author) for author in authors[:1])])[:LONGEST_QUESTION]


async def owned_best(session: AsyncSession, book_id: int, profile: QualityProfile) -> OwnedBest | None:
    """The owned edition that serves the profile best: one it would take, then the one of the highest quality."""
    there = sa.exists().where(Copy.edition_id == Edition.id, Copy.missing_since.is_(None))
    editions = await session.scalars(sa.select(Edition).where(Edition.book_id == book_id, there).order_by(Edition.id))
    owned = [await owned_edition(session, edition) for edition in editions]
    return max(owned, key=lambda one: (fits(one, profile), quality_of(one.as_release(), profile)), default=None)


async def owned_edition(session: AsyncSession, edition: Edition) -> OwnedBest:
    """An edition as if it were offered; its format and bit rate are those of its files."""
    files = (
        sa.select(AudioFile.path, AudioFile.bit_rate)
        .join(Copy, Copy.id == AudioFile.copy_id)
        .where(Copy.edition_id == edition.id, Copy.missing_since.is_(None))
        .order_by(Copy.id, AudioFile.position)
        .limit(1)
    )
    path, bits_per_second = (await session.execute(files)).first() or (None, None)
    narrators = (
        sa.select(Person.name)
        .join(EditionNarrator, EditionNarrator.person_id == Person.id)
        .where(EditionNarrator.edition_id == edition.id)
        .order_by(EditionNarrator.position)
    )
    return OwnedBest(
        format=(PurePosixPath(path).suffix.removeprefix(".").lower() or None) if path else None,
        bit_rate_kbps=round(bits_per_second / 1000) if bits_per_second else None,
        narrators=tuple(await session.scalars(narrators)),
        language=edition.language,
        abridged=edition.abridged,
        dramatized=edition.dramatized,
        duration_seconds=edition.duration_seconds or None,
    )


def fits(owned: OwnedBest, profile: QualityProfile) -> bool:
    """Whether an owned edition is one that the profile asks for; formats and bit rates are a matter of upgrades."""
    asked = replace(profile, only_formats=False, min_bit_rate=None, max_bit_rate=None, max_bytes=None)
    return judge(owned.as_release(), None, asked).accepted


def to_json(wanted: Wanted) -> dict[str, Any]:
    """The book as a search keeps it."""
    return {
        "title": wanted.title,
        "subtitle": wanted.subtitle,
        "authors": list(wanted.authors),
        "narrators": list(wanted.narrators),
        "series": [{"name": one.name, "position": one.position} for one in wanted.series],
        "durations": list(wanted.durations),
        "aliases": list(wanted.aliases),
    }


def from_json(kept: Mapping[str, Any]) -> Wanted:
    """Read what `to_json` gave."""
    return Wanted(
        title=kept["title"],
        subtitle=kept["subtitle"],
        authors=tuple(kept["authors"]),
        narrators=tuple(kept["narrators"]),
        series=tuple(SeriesMention(one["name"], one["position"]) for one in kept["series"]),
        durations=tuple(kept["durations"]),
        aliases=tuple(kept["aliases"]),
    )


def _surname(person: Person) -> str:
    """The surname as the name has it; the name as it is filed only tells which words that are."""
    filed_first = words(person.sort_name.partition(",")[0])
    return " ".join(word for word in person.name.split() if set(words(word)) & set(filed_first))


async def _authors(session: AsyncSession, book_id: int) -> Sequence[Person]:
    written = sa.select(Person).join(BookAuthor, BookAuthor.person_id == Person.id)
    return (await session.scalars(written.where(BookAuthor.book_id == book_id).order_by(BookAuthor.position))).all()
