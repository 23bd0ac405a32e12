"""The tables, split by noun."""

from library.models.accounts import Token, TokenKind, User
from library.models.books import (
    Book,
    BookAuthor,
    BookTag,
    BookWord,
    Person,
    Series,
    SeriesEntry,
    Tag,
)
from library.models.editions import AudioFile, Chapter, Copy, Cover, Edition, EditionNarrator, LibraryRoot
from library.models.jobs import Event, Job, JobItemError, Lease
from library.models.metadata import Evidence, Field, MetadataChange
from library.models.passages import Embedding, Passage, PassageDeletion
from library.models.tables import Counter, Table

__all__ = [
    "AudioFile",
    "Book",
    "BookAuthor",
    "BookTag",
    "BookWord",
    "Chapter",
    "Copy",
    "Counter",
    "Cover",
    "Edition",
    "EditionNarrator",
    "Embedding",
    "Event",
    "Evidence",
    "Field",
    "Job",
    "JobItemError",
    "Lease",
    "LibraryRoot",
    "MetadataChange",
    "Passage",
    "PassageDeletion",
    "Person",
    "Series",
    "SeriesEntry",
    "Table",
    "Tag",
    "Token",
    "TokenKind",
    "User",
]
