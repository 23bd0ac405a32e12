"""The tables, split by noun."""

from library.models.accounts import Token, TokenKind, User
from library.models.answers import Answer
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
from library.models.documents import Document, DocumentFormat, DocumentSection, DocumentSource, SourceKind
from library.models.downloads import Download, DownloadChange, DownloadFile, DownloadTorrent, Import, ImportedFile
from library.models.editions import AudioFile, Chapter, Copy, Cover, Edition, EditionNarrator, LibraryRoot
from library.models.integrations import (
    DailyBudget,
    Integration,
    IntegrationSecret,
    NotificationTarget,
    Purchase,
    TrackerAccount,
)
from library.models.jobs import Event, Job, JobItemError, Lease
from library.models.metadata import Evidence, Field, MetadataChange
from library.models.passages import Embedding, Passage, PassageDeletion
from library.models.releases import ProviderReport, QualityProfile, Release, ReleaseSearch, UserQualityProfile, Want
from library.models.tables import Counter, Table

__all__ = [
    "Answer",
    "AudioFile",
    "Book",
    "BookAuthor",
    "BookTag",
    "BookWord",
    "Chapter",
    "Copy",
    "Counter",
    "Cover",
    "DailyBudget",
    "Document",
    "DocumentFormat",
    "DocumentSection",
    "DocumentSource",
    "Download",
    "DownloadChange",
    "DownloadFile",
    "DownloadTorrent",
    "Edition",
    "EditionNarrator",
    "Embedding",
    "Event",
    "Evidence",
    "Field",
    "Import",
    "ImportedFile",
    "Integration",
    "IntegrationSecret",
    "Job",
    "JobItemError",
    "Lease",
    "LibraryRoot",
    "MetadataChange",
    "NotificationTarget",
    "Passage",
    "PassageDeletion",
    "Person",
    "ProviderReport",
    "Purchase",
    "QualityProfile",
    "Release",
    "ReleaseSearch",
    "Series",
    "SeriesEntry",
    "SourceKind",
    "Table",
    "Tag",
    "Token",
    "TokenKind",
    "TrackerAccount",
    "User",
    "UserQualityProfile",
    "Want",
]
