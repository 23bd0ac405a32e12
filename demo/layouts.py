"""Which files each edition of the demo becomes: folders, containers, parts, tag dialect, sidecars and cover."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, auto

from demo.books import DemoBook, DemoEdition

# A real recording has a chapter about this often.
CHAPTER_SECONDS = 25 * 60
# A packet of AAC silence can be repeated; each frame of FLAC has its own number and must be encoded.
LONGEST_HOURS = {".m4b": 100.0, ".flac": 5.5}
CHAPTER_WORDS = {"en": "Chapter", "fr": "Chapitre", "de": "Kapitel", "es": "Capítulo"}


class Shape(StrEnum):
    """How the audio of one edition is spread over files."""

    SINGLE = auto()  # one file in the edition's folder
    ROOT = auto()  # one file beside the authors' folders
    PARTS = auto()  # several files in the edition's folder
    DISCS = auto()  # CD1, CD2, … below the edition's folder, track numbers restarting in each


class Dialect(StrEnum):
    """Which of the customs seen in real collections the audio tags follow."""

    CLASSIC = auto()  # narrators in composer, series in grouping, everything joined to one value
    MOVEMENT = auto()  # narrator fields, series in MVNM and MVIN, several values per field
    FREEFORM = auto()  # narrators as performer, SERIES and SERIES-PART, slashes between genres, ID3 v2.3
    FOLDER = auto()  # title, authors, series, year and narrators only in folder names and sidecars


class Blurb(StrEnum):
    """Where the description of the book is written."""

    DESCRIPTION = auto()  # the description tag
    COMMENT = auto()  # the comment tag
    DESC_TXT = "desc.txt"
    METADATA_JSON = "metadata.json"
    OPF = "metadata.opf"
    NFO = "book.nfo"


class Cover(StrEnum):
    """Where the cover image is."""

    EMBEDDED = auto()
    FILE = auto()
    NONE = auto()


@dataclass(frozen=True)
class Recipe:
    """One way in which people keep an audiobook. `folder` is a template over the fields of `_names`."""

    suffix: str
    shape: Shape
    folder: str
    dialect: Dialect
    blurb: Blurb
    cover: Cover
    inverted_authors: bool = False
    says_unabridged: bool = False

    def suits(self, book: DemoBook, edition: DemoEdition) -> bool:
        """Whether every fact of the edition can reach a reader of these files."""
        if "{series}" in self.folder and not book.series:
            return False
        if edition.hours is not None and not self._holds(edition.hours):
            return False
        if self.dialect is Dialect.FOLDER:
            return len(book.series) <= 1 and not (edition.abridged or edition.dramatized)
        return True

    def _holds(self, hours: float) -> bool:
        """Whether silence of that length is small and quick to write in this way."""
        return self.shape in {Shape.SINGLE, Shape.ROOT} and hours <= LONGEST_HOURS.get(self.suffix, 0)


RECIPES = (
    Recipe(".m4b", Shape.SINGLE, "{author}/{title} ({year})", Dialect.CLASSIC, Blurb.DESCRIPTION, Cover.EMBEDDED,
           says_unabridged=True),
    Recipe(".mp3", Shape.PARTS, "{author}/{series}/{position:0>2} - {title}", Dialect.CLASSIC, Blurb.DESC_TXT,
           Cover.FILE),
    Recipe(".m4b", Shape.SINGLE, "{author}/{series}/{position}. {title}", Dialect.FREEFORM, Blurb.METADATA_JSON,
           Cover.NONE),
    Recipe(".flac", Shape.SINGLE, "{author}/{year} - {title}", Dialect.MOVEMENT, Blurb.DESCRIPTION, Cover.FILE),
    Recipe(".mp3", Shape.DISCS, "{inverted}/{year} - {title}", Dialect.FREEFORM, Blurb.COMMENT, Cover.EMBEDDED),
    Recipe(".opus", Shape.SINGLE, "{author}/{series}/Vol {position} - {year} - {title} {{{narrators}}}",
           Dialect.FOLDER, Blurb.DESC_TXT, Cover.NONE),
    Recipe(".m4b", Shape.ROOT, "", Dialect.MOVEMENT, Blurb.DESCRIPTION, Cover.EMBEDDED),
    Recipe(".ogg", Shape.SINGLE, "{inverted}/{title} ({year})", Dialect.FREEFORM, Blurb.METADATA_JSON,
           Cover.EMBEDDED),
    Recipe(".m4a", Shape.PARTS, "{author}/{series}/Book {position} - {title}", Dialect.MOVEMENT, Blurb.OPF,
           Cover.FILE),
    Recipe(".wav", Shape.SINGLE, "{author}/{year} - {title}", Dialect.FOLDER, Blurb.METADATA_JSON, Cover.FILE),
    Recipe(".mp3", Shape.SINGLE, "{author}/{title} ({year})", Dialect.MOVEMENT, Blurb.DESCRIPTION, Cover.EMBEDDED),
    Recipe(".flac", Shape.PARTS, "{author}/{title} {{{narrators}}}", Dialect.FREEFORM, Blurb.NFO, Cover.FILE),
    Recipe(".opus", Shape.PARTS, "{author}/({year}) - {title}", Dialect.CLASSIC, Blurb.COMMENT, Cover.EMBEDDED,
           inverted_authors=True),
    Recipe(".m4b", Shape.PARTS, "{author}/{title} ({year})", Dialect.CLASSIC, Blurb.OPF, Cover.FILE,
           says_unabridged=True),
    Recipe(".mp3", Shape.DISCS, "{genre}/{author}/{series}/{year} - Book {position} - {title}", Dialect.CLASSIC,
           Blurb.DESC_TXT, Cover.NONE, inverted_authors=True),
)  # fmt: skip


@dataclass(frozen=True)
class ChapterPlan:
    """A chapter that starts `start` seconds into its file."""

    start: float
    title: str


@dataclass(frozen=True)
class PartPlan:
    """One audio file; `name` is relative to the edition's folder, `seconds` is its length."""

    name: str
    seconds: float
    track: int
    tracks: int
    disc: int | None
    chapters: tuple[ChapterPlan, ...]


@dataclass(frozen=True)
class EditionPlan:
    """Everything that is written for one edition; `folder` is relative, and empty for a file in the root."""

    book: DemoBook
    edition: DemoEdition
    recipe: Recipe
    folder: str
    parts: tuple[PartPlan, ...]

    @property
    def seconds(self) -> float:
        """Length of all parts together."""
        return sum(part.seconds for part in self.parts)


def plan(books: Sequence[DemoBook]) -> tuple[EditionPlan, ...]:
    """A plan for every edition: each gets the least used of the recipes that suit it."""
    used: Counter[Recipe] = Counter()
    plans = []
    for book in books:
        for edition in book.editions:
            suitable = [recipe for recipe in RECIPES if recipe.suits(book, edition)]
            recipe = min(suitable, key=lambda candidate: used[candidate])
            used[recipe] += 1
            plans.append(_edition_plan(book, edition, recipe))
    return tuple(plans)


def plain_title(book: DemoBook, edition: DemoEdition) -> str:
    """The title, with the kind of recording in brackets behind it unless it is the whole book read aloud."""
    if edition.dramatized:
        return f"{book.title} (Dramatized)"
    return f"{book.title} (Abridged)" if edition.abridged else book.title


def sellers_title(plan: EditionPlan) -> str:
    """The title as the audio tags have it: sellers like to add that a book is unabridged."""
    title = plain_title(plan.book, plan.edition)
    return f"{title} (Unabridged)" if plan.recipe.says_unabridged and title == plan.book.title else title


def inverted(name: str) -> str:
    """`First Last` as `Last, First`; a name of one word stays."""
    first, _, last = name.rpartition(" ")
    return f"{last}, {first}" if first else last


def _edition_plan(book: DemoBook, edition: DemoEdition, recipe: Recipe) -> EditionPlan:
    names = _names(book, edition)
    folder = recipe.folder.format_map(names)
    return EditionPlan(book, edition, recipe, folder, tuple(_parts(book, edition, recipe, names)))


def _names(book: DemoBook, edition: DemoEdition) -> dict[str, str]:
    place = book.series[0] if book.series else None
    return {
        "author": " & ".join(book.authors),
        "inverted": "; ".join(inverted(author) for author in book.authors),
        "title": plain_title(book, edition),
        "year": f"{book.year:04}",
        "genre": book.genres[0],
        "narrators": ", ".join(edition.narrators),
        "series": place.series if place else "",
        "position": place.position if place else "",
    }


def _parts(book: DemoBook, edition: DemoEdition, recipe: Recipe, names: dict[str, str]) -> list[PartPlan]:
    chance = hashlib.sha256(f"{book.title}/{edition.narrators}".encode()).digest()
    chapter = CHAPTER_WORDS[book.language]
    match recipe.shape:
        case Shape.SINGLE | Shape.ROOT:
            return [_whole(f"{names['title']}{recipe.suffix}", edition, chance[0], chapter)]
        case Shape.PARTS:
            tracks = 2 + chance[0] % 3
            return [
                PartPlan(
                    name=f"{track:02} - {names['title']}{recipe.suffix}",
                    seconds=2 + chance[track] / 128,
                    track=track,
                    tracks=tracks,
                    disc=None,
                    chapters=(ChapterPlan(0, f"{chapter} {track}"),),
                )
                for track in range(1, tracks + 1)
            ]
        case Shape.DISCS:
            return [
                PartPlan(
                    name=f"CD{disc}/Track {track}{recipe.suffix}",
                    seconds=2 + chance[2 * disc + track] / 128,
                    track=track,
                    tracks=2,
                    disc=disc,
                    chapters=(ChapterPlan(0, f"{chapter} {2 * disc + track - 2}"),),
                )
                for disc in (1, 2)
                for track in (1, 2)
            ]


def _whole(name: str, edition: DemoEdition, chance: int, chapter: str) -> PartPlan:
    seconds = edition.hours * 3600 if edition.hours else 3 + chance / 85
    count = max(3, round(seconds / CHAPTER_SECONDS))
    starts = [round(index * seconds / count, 3) for index in range(count)]
    chapters = tuple(ChapterPlan(start, f"{chapter} {number}") for number, start in enumerate(starts, 1))
    return PartPlan(name, seconds, track=1, tracks=1, disc=None, chapters=chapters)
