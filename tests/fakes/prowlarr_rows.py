"""The rows that the fake Prowlarr answers with: their keys and kinds are Prowlarr 2.3's to the letter."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from tests.fakes.catalogue import CatalogueEntry

# What Prowlarr gives away in clear with `GET indexer`; a test looks for it everywhere else.
SESSION_IN_CLEAR = "MAM-SESSION-THAT-PROWLARR-SHOWS"

_CATEGORIES = (
    {"id": 3000, "name": "Audio", "subCategories": [{"id": 3030, "name": "Audio/Audiobook", "subCategories": []}]},
    {"id": 7000, "name": "Books", "subCategories": [{"id": 7020, "name": "Books/EBook", "subCategories": []}]},
)


@dataclass(frozen=True, kw_only=True)
class FakeIndexer:
    """An indexer behind the fake Prowlarr, and what it has; `book_params` beside `q` let it search by name."""

    id: int
    name: str
    entries: tuple[CatalogueEntry, ...] = ()
    definition: str = "Generic"
    protocol: str = "torrent"
    privacy: str = "public"
    enable: bool = True
    redirect: bool = False
    knows_hashes: bool = False
    magnets: bool = False
    book_params: tuple[str, ...] = ("q",)

    @property
    def is_myanonamouse(self) -> bool:
        """Whether titles and addresses are built as those of Prowlarr's MyAnonamouse."""
        return self.definition == "MyAnonamouse"

    def page_of(self, entry: CatalogueEntry) -> str:
        """The address of a release's page, by which Prowlarr knows it."""
        host = "www.myanonamouse.net/t" if self.is_myanonamouse else f"{self.name.lower()}.example/torrent"
        return f"https://{host}/{entry.id}"

    def title_of(self, entry: CatalogueEntry) -> str:
        """The title of a release: built as MyAnonamouse's, or written as people do."""
        if self.is_myanonamouse:
            vip = " [VIP]" if entry.vip else ""
            types = entry.filetype.upper()
            return f"{entry.title} by {', '.join(entry.authors[:5])} [{entry.language} / {types}]{vip}"
        kind = "Abridged" if entry.abridged else "Unabridged"
        authors, rate = " & ".join(entry.authors), entry.bit_rate // 1000
        return f"{authors} - {entry.title} ({kind}) [{entry.filetype.upper()}] {rate}kbps"


def myanonamouse(entries: Sequence[CatalogueEntry], number: int = 7) -> FakeIndexer:
    """MyAnonamouse as Prowlarr offers it: books are found by free text only."""
    return FakeIndexer(
        id=number, name="MyAnonamouse", definition="MyAnonamouse", privacy="private", entries=tuple(entries)
    )


def public_tracker(entries: Sequence[CatalogueEntry], number: int = 9) -> FakeIndexer:
    """A public tracker that knows info-hashes, gives magnet addresses and searches books by author and title."""
    return FakeIndexer(
        id=number,
        name="PublicTracker",
        knows_hashes=True,
        magnets=True,
        book_params=("q", "author", "title"),
        entries=tuple(entries),
    )


def usenet_indexer(entries: Sequence[CatalogueEntry], number: int = 4) -> FakeIndexer:
    """A usenet indexer, of which nothing can be taken."""
    return FakeIndexer(id=number, name="UsenetIndexer", protocol="usenet", privacy="private", entries=tuple(entries))


def release_row(indexer: FakeIndexer, entry: CatalogueEntry, proxy_link: str, now: datetime) -> dict[str, Any]:
    """A release of `GET search`; what is null is left out, as Prowlarr does."""
    title, page = indexer.title_of(entry), indexer.page_of(entry)
    age = now - entry.added
    is_torrent = indexer.protocol == "torrent"
    row = {
        "guid": page,
        "age": age.days,
        "ageHours": round(age / timedelta(hours=1), 4),
        "ageMinutes": round(age / timedelta(minutes=1), 4),
        "size": entry.size_bytes,
        "files": entry.files if indexer.is_myanonamouse else None,
        "grabs": entry.snatched if is_torrent else None,
        "indexerId": indexer.id,
        "indexer": indexer.name,
        "title": title,
        "sortTitle": _sort_title(title),
        "imdbId": 0,
        "tmdbId": 0,
        "tvdbId": 0,
        "tvMazeId": 0,
        "publishDate": utc(entry.added),
        "downloadUrl": None if indexer.magnets else f"{proxy_link}&file={quote_plus(title)}",
        "infoUrl": page if is_torrent else None,
        "indexerFlags": ["freeleech"] if entry.free or entry.vip else [],
        "categories": _release_categories(indexer, entry),
        "seeders": entry.seeders if is_torrent else None,
        "leechers": entry.leechers if is_torrent else None,
        "protocol": indexer.protocol,
        "fileName": f"{title}.{'torrent' if is_torrent else 'nzb'}",
        "id": 0,
        "infoHash": entry.info_hash.upper() if indexer.knows_hashes else None,
        "magnetUrl": f"{proxy_link}&file={quote_plus(title)}" if indexer.magnets else None,
    }
    return {name: value for name, value in row.items() if value is not None}


def indexer_row(indexer: FakeIndexer, added: datetime) -> dict[str, Any]:
    """An indexer of `GET indexer`, with the session that Prowlarr does not mask."""
    address = f"https://{indexer.name.lower()}.example/"
    return {
        "indexerUrls": [address],
        "legacyUrls": [],
        "definitionName": indexer.definition,
        "description": f"{indexer.name} is invented.",
        "language": "en-US",
        "encoding": "Unicode (UTF-8)",
        "enable": indexer.enable,
        "redirect": indexer.redirect,
        "supportsRss": True,
        "supportsSearch": True,
        "supportsRedirect": indexer.redirect,
        "supportsPagination": True,
        "appProfileId": 1,
        "protocol": indexer.protocol,
        "privacy": indexer.privacy,
        "capabilities": {
            "limitsMax": 100,
            "limitsDefault": 100,
            "categories": [*_CATEGORIES, {"id": 100047, "name": "Audiobooks - Science Fiction", "subCategories": []}],
            "supportsRawSearch": False,
            "searchParams": ["q"],
            "tvSearchParams": [],
            "movieSearchParams": [],
            "musicSearchParams": [],
            "bookSearchParams": list(indexer.book_params),
        },
        "priority": 25,
        "downloadClientId": 0,
        "added": utc(added),
        "sortName": indexer.name.lower(),
        "name": indexer.name,
        "fields": [
            _field(0, "baseUrl", "Base Url", address, "select"),
            _field(2, "mamId", "Mam Id", SESSION_IN_CLEAR, "textbox"),
            _field(3, "searchType", "Search Type", 0, "select"),
        ],
        "implementationName": indexer.definition,
        "implementation": indexer.definition,
        "configContract": f"{indexer.definition}Settings",
        "infoLink": f"https://wiki.servarr.com/prowlarr/supported-indexers#{indexer.name.lower()}",
        "tags": [],
        "id": indexer.id,
    }


def utc(moment: datetime) -> str:
    """A time as Prowlarr writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _field(order: int, name: str, label: str, value: object, kind: str) -> dict[str, Any]:
    return {
        "order": order,
        "name": name,
        "label": label,
        "value": value,
        "type": kind,
        "advanced": False,
        "privacy": "normal",
        "isFloat": False,
    }


def _release_categories(indexer: FakeIndexer, entry: CatalogueEntry) -> list[dict[str, Any]]:
    audiobook: dict[str, Any] = {"id": 3030, "name": "Audio/Audiobook", "subCategories": []}
    if indexer.is_myanonamouse:
        return [audiobook, {"id": 100000 + entry.category, "subCategories": []}]
    return [{"id": 3000, "name": "Audio", "subCategories": []}, audiobook]


def _sort_title(title: str) -> str:
    words = re.sub(r"[^\w]+", " ", title.lower()).split()
    return " ".join(words[1:] if words[0] in {"a", "an", "the"} else words)
