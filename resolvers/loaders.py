"""One loader per edge: each turns a batch of keys into one statement, with a session of its own."""

from collections import defaultdict
from functools import cached_property
from typing import Any, TypeVar

import sqlalchemy as sa
import sqlalchemy.orm
from strawberry.dataloader import DataLoader

from library.database import Database
from library.models import (
    AudioFile,
    Book,
    BookAuthor,
    BookTag,
    Chapter,
    Copy,
    Cover,
    Download,
    DownloadChange,
    DownloadFile,
    Edition,
    EditionNarrator,
    Field,
    Import,
    LibraryRoot,
    Person,
    Release,
    Series,
    SeriesEntry,
    Tag,
    Want,
)
from library.models.metadata import EntityKind
from resolvers.child_pages import ChildPages

Row = TypeVar("Row")


class Loaders:
    """The loaders of one operation; made anew for each, so that none serves stale rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @cached_property
    def book(self) -> DataLoader[int, Book | None]:
        """A book by id."""
        return self._by_key(Book, Book.id)

    @cached_property
    def edition(self) -> DataLoader[int, Edition | None]:
        """An edition by id."""
        return self._by_key(Edition, Edition.id)

    @cached_property
    def person(self) -> DataLoader[int, Person | None]:
        """A person by id."""
        return self._by_key(Person, Person.id)

    @cached_property
    def series(self) -> DataLoader[int, Series | None]:
        """A series by id."""
        return self._by_key(Series, Series.id)

    @cached_property
    def tag(self) -> DataLoader[int, Tag | None]:
        """A tag by id."""
        return self._by_key(Tag, Tag.id)

    @cached_property
    def library_root(self) -> DataLoader[int, LibraryRoot | None]:
        """A library root by id."""
        return self._by_key(LibraryRoot, LibraryRoot.id)

    @cached_property
    def cover(self) -> DataLoader[str, Cover | None]:
        """A cover by the hash of its bytes."""
        return self._by_key(Cover, Cover.content_hash)

    @cached_property
    def authors_of_book(self) -> DataLoader[int, list[Person]]:
        """A book's authors, in the order of the title page."""
        select = (
            sa.select(BookAuthor.book_id, Person)
            .join(Person, Person.id == BookAuthor.person_id)
            .order_by(BookAuthor.book_id, BookAuthor.position)
        )
        return self._grouped(select, BookAuthor.book_id)

    @cached_property
    def narrators_of_edition(self) -> DataLoader[int, list[Person]]:
        """An edition's narrators, in the order of the cover."""
        select = (
            sa.select(EditionNarrator.edition_id, Person)
            .join(Person, Person.id == EditionNarrator.person_id)
            .order_by(EditionNarrator.edition_id, EditionNarrator.position)
        )
        return self._grouped(select, EditionNarrator.edition_id)

    @cached_property
    def editions_of_book(self) -> DataLoader[int, list[Edition]]:
        """A book's editions, oldest row first."""
        return self._grouped(sa.select(Edition.book_id, Edition).order_by(Edition.id), Edition.book_id)

    @cached_property
    def series_entries_of_book(self) -> DataLoader[int, list[SeriesEntry]]:
        """A book's places in series."""
        select = sa.select(SeriesEntry.book_id, SeriesEntry).order_by(SeriesEntry.id)
        return self._grouped(select, SeriesEntry.book_id)

    @cached_property
    def tags_of_book(self) -> DataLoader[int, list[Tag]]:
        """A book's genres and tags, in the order they were given."""
        select = (
            sa.select(BookTag.book_id, Tag)
            .join(Tag, Tag.id == BookTag.tag_id)
            .order_by(BookTag.book_id, Tag.kind, BookTag.position, Tag.id)
        )
        return self._grouped(select, BookTag.book_id)

    @cached_property
    def chapters_of_edition(self) -> DataLoader[int, list[Chapter]]:
        """An edition's chapters on its time line."""
        select = sa.select(Chapter.edition_id, Chapter).order_by(Chapter.edition_id, Chapter.position)
        return self._grouped(select, Chapter.edition_id)

    @cached_property
    def copies_of_edition(self) -> DataLoader[int, list[Copy]]:
        """The places on disk that hold an edition, those that are there first."""
        select = sa.select(Copy.edition_id, Copy).order_by(Copy.missing_since.is_not(None), Copy.id)
        return self._grouped(select, Copy.edition_id)

    @cached_property
    def files_of_copy(self) -> DataLoader[int, list[AudioFile]]:
        """A copy's audio files in track order, without what was read from them."""
        select = (
            sa.select(AudioFile.copy_id, AudioFile)
            .options(sa.orm.defer(AudioFile.contents, raiseload=True))
            .order_by(AudioFile.copy_id, AudioFile.position, AudioFile.id)
        )
        return self._grouped(select, AudioFile.copy_id)

    @cached_property
    def fields_of_book(self) -> DataLoader[int, list[Field]]:
        """A book's fields as decided."""
        return self._fields(EntityKind.BOOK)

    @cached_property
    def fields_of_edition(self) -> DataLoader[int, list[Field]]:
        """An edition's fields as decided."""
        return self._fields(EntityKind.EDITION)

    @cached_property
    def download(self) -> DataLoader[int, Download | None]:
        """A download by id."""
        return self._by_key(Download, Download.id)

    @cached_property
    def release(self) -> DataLoader[int, Release | None]:
        """A release by id."""
        return self._by_key(Release, Release.id)

    @cached_property
    def want(self) -> DataLoader[int, Want | None]:
        """A want by id."""
        return self._by_key(Want, Want.id)

    @cached_property
    def imports_of_download(self) -> DataLoader[int, list[Import]]:
        """What was made of a download, oldest first."""
        return self._grouped(sa.select(Import.download_id, Import).order_by(Import.id), Import.download_id)

    @cached_property
    def changes_of_download(self) -> ChildPages:
        """A download's history, oldest first."""
        return ChildPages(self._database, DownloadChange.download_id, DownloadChange.id)

    @cached_property
    def files_of_download(self) -> ChildPages:
        """The files of a download's torrent, in the torrent's order."""
        return ChildPages(self._database, DownloadFile.download_id, DownloadFile.position)

    def _fields(self, kind: EntityKind) -> DataLoader[int, list[Field]]:
        select = sa.select(Field.entity_id, Field).where(Field.entity_kind == kind).order_by(Field.name)
        return self._grouped(select, Field.entity_id)

    def _by_key(self, table: type[Row], column: Any) -> DataLoader[Any, Row | None]:
        select = _of_keys(sa.select(column, table), column)

        async def load(keys: list[Any]) -> list[Row | None]:
            (rows,) = await self._database.rows((select, {"keys": keys}))
            found = dict(rows)
            return [found.get(key) for key in keys]

        return DataLoader(load_fn=load)

    def _grouped(self, select: sa.Select[*tuple[Any, ...]], column: Any) -> DataLoader[int, list[Any]]:
        select = _of_keys(select, column)

        async def load(keys: list[int]) -> list[list[Any]]:
            grouped: dict[int, list[Any]] = defaultdict(list)
            (rows,) = await self._database.rows((select, {"keys": keys}))
            for key, row in rows:
                grouped[key].append(row)
            return [grouped[key] for key in keys]

        return DataLoader(load_fn=load)


def _of_keys(select: sa.Select[*tuple[Any, ...]], column: Any) -> sa.Select[*tuple[Any, ...]]:
    return select.where(column.in_(sa.bindparam("keys", expanding=True)))
