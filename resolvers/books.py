"""Books and what is named with them: editions, people, series and tags, whose types refer to each other."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import sqlalchemy as sa
import strawberry

from library import models
from library.models.books import SeriesRole, TagKind
from library.pagination import Keyset, Page, SortKey
from resolvers.connection import After, Before, Connection, First, Last, connect, connect_list
from resolvers.context import Info
from resolvers.descriptions import describe_enum
from resolvers.files import AudioFile, Chapter, Cover, cover_by_hash
from resolvers.ids import encode_id
from resolvers.metadata_fields import MetadataField
from resolvers.nodes import Node
from resolvers.scalars import ASIN, ISBN, BigInt

if TYPE_CHECKING:
    from resolvers.similar import SimilarBook, SimilarExclusion

describe_enum(
    SeriesRole,
    "What a book is to its series.",
    {
        SeriesRole.MAIN: "A volume of the main line.",
        SeriesRole.NOVELLA: "A shorter work between the volumes.",
        SeriesRole.OMNIBUS: "Several volumes in one book.",
        SeriesRole.SIDE: "A companion outside the main line.",
    },
    name="SeriesRole",
)
describe_enum(
    TagKind,
    "Where a tag comes from.",
    {TagKind.GENRE: "A genre of the trade.", TagKind.TAG: "A word the owner files books under."},
    name="TagKind",
)


@strawberry.type(description="A word books are filed under.")
class Tag(Node):
    """A row of tags."""

    name: str = strawberry.field(description="The word.")
    kind: TagKind = strawberry.field(description="Where it comes from.")

    @classmethod
    def of(cls, row: models.Tag) -> "Tag":
        """View a row."""
        return cls(id=encode_id("Tag", row.id), name=row.name, kind=row.kind)


@strawberry.type(description="An author or narrator.")
class Person(Node):
    """A row of people."""

    name: str = strawberry.field(description="The name as it is written.")
    sort_name: str = strawberry.field(description="The name as it is filed.")
    row_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: models.Person) -> "Person":
        """View a row."""
        return cls(id=encode_id("Person", row.id), row_id=row.id, name=row.name, sort_name=row.sort_name)

    @strawberry.field(description="Books this person wrote, by title.")
    async def authored_books(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection["Book"]:
        """A page of books by this author."""
        written = sa.select(models.BookAuthor.book_id).where(models.BookAuthor.person_id == self.row_id)
        keyset = books_by_title(models.Book.id.in_(written))
        return await connect(info, keyset, Page.of(first, after, last, before), Book.of)

    @strawberry.field(description="Books this person reads in some edition, by title.")
    async def narrated_books(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection["Book"]:
        """A page of books read by this narrator."""
        read = (
            sa.select(models.Edition.book_id)
            .join(models.EditionNarrator, models.EditionNarrator.edition_id == models.Edition.id)
            .where(models.EditionNarrator.person_id == self.row_id)
        )
        keyset = books_by_title(models.Book.id.in_(read))
        return await connect(info, keyset, Page.of(first, after, last, before), Book.of)


@strawberry.type(description="Books that belong together in an order.")
class Series(Node):
    """A row of series."""

    name: str = strawberry.field(description="The series' name.")
    row_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: models.Series) -> "Series":
        """View a row."""
        return cls(id=encode_id("Series", row.id), row_id=row.id, name=row.name)

    @strawberry.field(description="The books of the series in its order.")
    async def entries(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection["SeriesEntry"]:
        """A page of entries."""
        entry = models.SeriesEntry
        keyset = Keyset(
            sa.select(entry).where(entry.series_id == self.row_id), (SortKey(entry.sort_key), SortKey(entry.id))
        )
        return await connect(info, keyset, Page.of(first, after, last, before), SeriesEntry.of)


@strawberry.type(description="A book's place in a series.")
class SeriesEntry(Node):
    """A row of series entries."""

    position: str | None = strawberry.field(description='The place as written: "2.5", "1-3", "Prequel".')
    sort_key: float = strawberry.field(description="The number the place sorts by.")
    role: SeriesRole = strawberry.field(description="What the book is to the series.")
    book_id: strawberry.Private[int]
    series_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: models.SeriesEntry) -> "SeriesEntry":
        """View a row."""
        return cls(
            id=encode_id("SeriesEntry", row.id),
            position=row.position,
            sort_key=row.sort_key,
            role=row.role,
            book_id=row.book_id,
            series_id=row.series_id,
        )

    @strawberry.field(description="The series.")
    async def series(self, info: Info) -> Series | None:
        """The series, by its loader."""
        row = await info.context.loaders.series.load(self.series_id)
        return Series.of(row) if row is not None else None

    @strawberry.field(description="The book.")
    async def book(self, info: Info) -> "Book | None":
        """The book, by its loader."""
        row = await info.context.loaders.book.load(self.book_id)
        return Book.of(row) if row is not None else None


@strawberry.type(description="One recording of a book: narrators, publisher, language, playing time and files.")
class Edition(Node):
    """A row of editions."""

    publisher: str | None = strawberry.field(description="Who published the recording.")
    asin: ASIN | None = strawberry.field(description="Its Amazon or Audible id.")
    isbn: ISBN | None = strawberry.field(description="Its ISBN, 13 digits.")
    language: str | None = strawberry.field(description="Its language, as a code such as `en`.")
    published_date: str | None = strawberry.field(description="When the recording came out: a year, month or day.")
    abridged: bool | None = strawberry.field(description="Whether it is shortened; null when nobody says.")
    dramatized: bool | None = strawberry.field(description="Whether it is played by a cast; null when nobody says.")
    duration_seconds: float = strawberry.field(description="Playing time in seconds; 0 without files.")
    size_bytes: BigInt = strawberry.field(description="Size of its audio files in bytes.")
    row: strawberry.Private[models.Edition]

    @classmethod
    def of(cls, row: models.Edition) -> "Edition":
        """View a row."""
        return cls(
            id=encode_id("Edition", row.id),
            publisher=row.publisher,
            asin=ASIN(row.asin) if row.asin else None,
            isbn=ISBN(row.isbn) if row.isbn else None,
            language=row.language,
            published_date=row.published_date,
            abridged=row.abridged,
            dramatized=row.dramatized,
            duration_seconds=row.duration_seconds,
            size_bytes=BigInt(row.size_bytes),
            row=row,
        )

    @strawberry.field(description="The book this is a recording of.")
    async def book(self, info: Info) -> "Book | None":
        """The book, by its loader."""
        row = await info.context.loaders.book.load(self.row.book_id)
        return Book.of(row) if row is not None else None

    @strawberry.field(description="Who reads it, in the order of the cover.")
    async def narrators(self, info: Info) -> list[Person]:
        """The narrators, by their loader."""
        return [Person.of(row) for row in await info.context.loaders.narrators_of_edition.load(self.row.id)]

    @strawberry.field(description="The cover of this recording.")
    async def cover(self, info: Info) -> Cover | None:
        """The cover, by its loader."""
        return await cover_by_hash(info, self.row.cover_hash)

    @strawberry.field(description="The chapters on its time line.")
    async def chapters(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Chapter]:
        """A page of chapters."""
        rows = await info.context.loaders.chapters_of_edition.load(self.row.id)
        return connect_list(rows, Page.of(first, after, last, before), Chapter.of)

    @strawberry.field(
        description="Its audio files in track order; of several copies, those of the first that is there."
    )
    async def audio_files(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[AudioFile]:
        """A page of audio files."""
        loaders = info.context.loaders
        copies = await loaders.copies_of_edition.load(self.row.id)
        rows = await loaders.files_of_copy.load(copies[0].id) if copies else []
        return connect_list(rows, Page.of(first, after, last, before), AudioFile.of)

    @strawberry.field(description="Since when no copy of it has been seen on disk; null while one is there.")
    async def missing_since(self, info: Info) -> datetime | None:
        """The latest moment a copy went missing, when none is left."""
        copies = await info.context.loaders.copies_of_edition.load(self.row.id)
        missing = [copy.missing_since for copy in copies if copy.missing_since is not None]
        return max(missing) if missing and len(missing) == len(copies) else None

    @strawberry.field(description="Its fields with where their values come from.")
    async def metadata(self, info: Info) -> list[MetadataField]:
        """The decided fields, by their loader."""
        rows = await info.context.loaders.fields_of_edition.load(self.row.id)
        return [MetadataField.of(row) for row in rows]


@strawberry.type(description="The work a listener names; it exists once, whatever recordings there are of it.")
class Book(Node):
    """A row of books."""

    title: str = strawberry.field(description="The title, without series and subtitle.")
    subtitle: str | None = strawberry.field(description="The subtitle.")
    description: str | None = strawberry.field(description="What the book is about, as plain text.")
    language: str | None = strawberry.field(description="Its language, as a code such as `en`.")
    published_year: int | None = strawberry.field(description="The year it was first published.")
    duration_seconds: float = strawberry.field(description="Playing time of its longest owned edition, in seconds.")
    owned: bool = strawberry.field(description="Whether audio files of some edition are there.")
    added_at: datetime = strawberry.field(description="When the book came into the graph.")
    updated_at: datetime = strawberry.field(description="When something about the book last changed.")
    row: strawberry.Private[models.Book]

    @classmethod
    def of(cls, row: models.Book) -> "Book":
        """View a row."""
        return cls(
            id=encode_id("Book", row.id),
            title=row.title,
            subtitle=row.subtitle,
            description=row.description,
            language=row.language,
            published_year=row.published_year,
            duration_seconds=row.duration_seconds,
            owned=row.owned,
            added_at=row.created_at,
            updated_at=row.updated_at,
            row=row,
        )

    @strawberry.field(description="Who wrote it, in the order of the title page.")
    async def authors(self, info: Info) -> list[Person]:
        """The authors, by their loader."""
        return [Person.of(row) for row in await info.context.loaders.authors_of_book.load(self.row.id)]

    @strawberry.field(description="The series it belongs to, with its place in each.")
    async def series(self, info: Info) -> list[SeriesEntry]:
        """The places in series, by their loader."""
        return [SeriesEntry.of(row) for row in await info.context.loaders.series_entries_of_book.load(self.row.id)]

    @strawberry.field(description="Its recordings.")
    async def editions(self, info: Info) -> list[Edition]:
        """The editions, by their loader."""
        return [Edition.of(row) for row in await info.context.loaders.editions_of_book.load(self.row.id)]

    @strawberry.field(description="Its genres and tags.")
    async def tags(self, info: Info) -> list[Tag]:
        """The tags, by their loader."""
        return [Tag.of(row) for row in await info.context.loaders.tags_of_book.load(self.row.id)]

    @strawberry.field(description="The cover of an edition.")
    async def cover(self, info: Info) -> Cover | None:
        """The cover, by its loader."""
        return await cover_by_hash(info, self.row.cover_hash)

    @strawberry.field(description="Its fields with where their values come from, and which are locked.")
    async def metadata(self, info: Info) -> list[MetadataField]:
        """The decided fields, by their loader."""
        rows = await info.context.loaders.fields_of_book.load(self.row.id)
        return [MetadataField.of(row) for row in rows]

    @strawberry.field(
        description="Books like this one, best first, with the reasons. Of one series, or by one author, are no more "
        "than a third while there are others. Null while search is warming up."
    )
    async def similar(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many, from 1 to 100.")] = 10,
        exclude: Annotated[
            list[Annotated["SimilarExclusion", strawberry.lazy("resolvers.similar")]] | None,
            strawberry.argument(description="Books that would be no news; nothing is excluded by default."),
        ] = None,
    ) -> list[Annotated["SimilarBook", strawberry.lazy("resolvers.similar")]] | None:
        """The nearest books by meaning and words."""
        from resolvers.similar import similar_books  # noqa: PLC0415 that module's types refer to Book

        return await similar_books(info, self.row, first, exclude or [])


def books_by_title(condition: sa.ColumnElement[bool]) -> Keyset:
    """Books that meet a condition, by title."""
    return Keyset(sa.select(models.Book).where(condition), (SortKey(models.Book.sort_title), SortKey(models.Book.id)))
