"""What one source says about a book and its edition: the shape that folders, tags and sidecars share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from library.scanning.series import SeriesMention


@dataclass(frozen=True, slots=True)
class BookFacts:
    """The fields that one source knows; what it does not know is None or empty and proposes nothing.

    ``unsure`` holds the confidence (0 to 1) of the fields that the source gives with less certainty than usual.
    """

    title: str | None = None
    subtitle: str | None = None
    authors: tuple[str, ...] = ()
    series: tuple[SeriesMention, ...] = ()
    description: str | None = None
    language: str | None = None
    published_year: int | None = None
    genres: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    narrators: tuple[str, ...] = ()
    publisher: str | None = None
    asin: str | None = None
    isbn: str | None = None
    abridged: bool | None = None
    dramatized: bool | None = None
    published_date: str | None = None
    unsure: Mapping[str, float] = field(default_factory=dict)
