"""The table of the demo's books, read from the files in facts/."""

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

# Raised when the same table has to be written in another way, so that collections already on disk are redone.
WRITING = 1


@dataclass(frozen=True)
class SeriesPlace:
    """A book's place in a series; the position is text, as history gave it."""

    series: str
    position: str

    def __str__(self) -> str:
        return f"{self.series} #{self.position}"


@dataclass(frozen=True)
class DemoEdition:
    """One recording. `hours` is set for the few that get their real length instead of some seconds."""

    narrators: tuple[str, ...]
    hours: float | None = None
    abridged: bool = False
    dramatized: bool = False


@dataclass(frozen=True)
class DemoBook:
    """One row of the table. `language` is ISO 639-1; `year` is that of the first publication."""

    title: str
    subtitle: str | None
    authors: tuple[str, ...]
    series: tuple[SeriesPlace, ...]
    year: int
    language: str
    genres: tuple[str, ...]
    tags: tuple[str, ...]
    blurb: str
    editions: tuple[DemoEdition, ...]


def load_books() -> tuple[DemoBook, ...]:
    """Every book of the demo, in the order of the files and of the rows in them."""
    files = sorted((resources.files(__package__) / "facts").iterdir(), key=lambda file: file.name)
    tables = [tomllib.loads(file.read_text("utf-8")) for file in files if file.name.endswith(".toml")]
    return tuple(_book(row) for table in tables for row in table["book"])


def table_hash(books: Sequence[DemoBook]) -> str:
    """Hex digest that changes when the table, or the way it is written, changes."""
    rows = json.dumps([WRITING, *(asdict(book) for book in books)], sort_keys=True)
    return hashlib.sha256(rows.encode()).hexdigest()


def _book(row: Mapping[str, Any]) -> DemoBook:
    return DemoBook(
        title=row["title"],
        subtitle=row.get("subtitle"),
        authors=tuple(row["authors"]),
        series=tuple(_place(text) for text in row.get("series", ())),
        year=row["year"],
        language=row.get("language", "en"),
        genres=tuple(row["genres"]),
        tags=tuple(row["tags"]),
        blurb=row["blurb"],
        editions=tuple(_edition(edition) for edition in (row, *row.get("also", ()))),
    )


def _place(text: str) -> SeriesPlace:
    series, _, position = text.rpartition(" #")
    return SeriesPlace(series, position)


def _edition(row: Mapping[str, Any]) -> DemoEdition:
    return DemoEdition(
        narrators=tuple(row["narrators"]),
        hours=row.get("hours"),
        abridged=row.get("abridged", False),
        dramatized=row.get("dramatized", False),
    )
