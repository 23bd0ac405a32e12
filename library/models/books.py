"""Books, the people and series they belong to, and the words they are found by."""

import enum
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from library.models.tables import Id, SortText, Table, enum_text, now


class SeriesRole(enum.StrEnum):
    """What a book is to its series."""

    MAIN = "MAIN"
    NOVELLA = "NOVELLA"
    OMNIBUS = "OMNIBUS"
    SIDE = "SIDE"


class TagKind(enum.StrEnum):
    """Where a tag comes from: the genre of the trade, or the owner's own word."""

    GENRE = "GENRE"
    TAG = "TAG"


class Book(Table):
    """The work a listener names; it exists once, whatever recordings there are of it."""

    __tablename__ = "books"
    __table_args__ = (
        sa.Index("ix_books_sort_title_id", "sort_title", "id"),
        sa.Index("ix_books_created_at_id", "created_at", "id"),
        sa.Index("ix_books_published_year_id", "published_year", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    title: Mapped[str]
    sort_title: Mapped[str] = mapped_column(SortText)
    title_key: Mapped[str] = mapped_column(SortText, index=True)  # folded title: what searches and matches compare
    subtitle: Mapped[str | None]
    description: Mapped[str | None]
    language: Mapped[str | None] = mapped_column(sa.String(40))
    published_year: Mapped[int | None]
    duration_seconds: Mapped[float] = mapped_column(default=0.0)  # of the longest owned edition, for filters and orders
    owned: Mapped[bool] = mapped_column(default=False)  # some edition has audio files that were there at the last scan
    cover_hash: Mapped[str | None] = mapped_column(sa.ForeignKey("covers.content_hash"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class BookWord(Table):
    """One folded word of a book's title, subtitle, people or series, for search as you type."""

    __tablename__ = "book_words"
    __table_args__ = (sa.Index("ix_book_words_book_id", "book_id"),)

    word: Mapped[str] = mapped_column(SortText, primary_key=True)
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id", ondelete="CASCADE"), primary_key=True)


class Person(Table):
    """An author or narrator; the role is on the link, not on the person."""

    __tablename__ = "people"
    __table_args__ = (sa.Index("ix_people_sort_name_id", "sort_name", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    sort_name: Mapped[str] = mapped_column(SortText)
    name_key: Mapped[str] = mapped_column(SortText, unique=True)


class BookAuthor(Table):
    """An author of a book, in the order of the title page."""

    __tablename__ = "book_authors"

    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("people.id"), primary_key=True, index=True)
    position: Mapped[int]


class Series(Table):
    """Books that belong together in an order."""

    __tablename__ = "series"
    __table_args__ = (sa.Index("ix_series_sort_name_id", "sort_name", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    sort_name: Mapped[str] = mapped_column(SortText)
    name_key: Mapped[str] = mapped_column(SortText, unique=True)


class SeriesEntry(Table):
    """A book's place in a series: the position as written, and the number it sorts by."""

    __tablename__ = "series_entries"
    __table_args__ = (
        sa.UniqueConstraint("series_id", "book_id"),
        sa.Index("ix_series_entries_order", "series_id", "sort_key", "id"),
        sa.Index("ix_series_entries_book_id", "book_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    series_id: Mapped[int] = mapped_column(sa.ForeignKey("series.id"))
    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id", ondelete="CASCADE"))
    position: Mapped[str | None] = mapped_column(sa.String(60))
    sort_key: Mapped[float]
    role: Mapped[SeriesRole] = mapped_column(enum_text(SeriesRole), default=SeriesRole.MAIN)


class Tag(Table):
    """A word books are filed under."""

    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(SortText)
    kind: Mapped[TagKind] = mapped_column(enum_text(TagKind))

    __table_args__ = (sa.UniqueConstraint("kind", "name_key"),)


class BookTag(Table):
    """A tag on a book."""

    __tablename__ = "book_tags"

    book_id: Mapped[int] = mapped_column(sa.ForeignKey("books.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(sa.ForeignKey("tags.id"), primary_key=True, index=True)
    position: Mapped[int]
