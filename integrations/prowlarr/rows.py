"""What Prowlarr answers, read into rows of our own; credentials in its answers are left behind here."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from integrations.errors import BadPayload
from integrations.offers import (
    Offer,
    aware,
    mam_torrent_id,
    named_book,
    normal_info_hash,
    plain_reason,
)

Json = Mapping[str, Any]
Row = TypeVar("Row")


@dataclass(frozen=True)
class Indexer:
    """One indexer as Prowlarr has it configured; `redirect` sends grabs to the tracker instead of through Prowlarr."""

    id: int
    name: str
    enabled: bool
    privacy: str
    protocol: str
    definition: str
    redirect: bool
    categories: frozenset[int]
    book_params: frozenset[str]

    def covers(self, category: int) -> bool:
        """Whether Prowlarr asks it for a standard category; a whole one, such as Audio, includes its parts."""
        return not self.categories or bool(self.categories & {category, category // 1000 * 1000})

    @property
    def is_myanonamouse(self) -> bool:
        """Whether this is Prowlarr's own MyAnonamouse, whose releases are known natively by their number."""
        return self.definition == "MyAnonamouse"


@dataclass(frozen=True)
class Block:
    """An indexer that Prowlarr leaves alone for a while, because it failed."""

    indexer_id: int
    until: datetime | None
    last_failure: datetime | None


@dataclass(frozen=True)
class SystemStatus:
    """Which Prowlarr this is."""

    app_name: str
    version: str
    started: datetime | None


@dataclass(frozen=True)
class QueryRecord:
    """One query of an indexer, from Prowlarr's history."""

    indexer_id: int
    date: datetime
    successful: bool


@dataclass(frozen=True)
class HealthFinding:
    """Something Prowlarr finds wrong with itself; `severity` is notice, warning or error."""

    source: str
    severity: str
    message: str


def rows_of(service: str, answer: object, what: str, read: Callable[[Json], Row]) -> tuple[Row, ...]:
    """Read a JSON list; BadPayload when it is none, or one of its rows has another shape."""
    if not isinstance(answer, list):
        raise BadPayload(service, f"{what} that are no list")
    return tuple(row_of(service, row, f"one of the {what}", read) for row in answer)


def row_of(service: str, answer: object, what: str, read: Callable[[Json], Row]) -> Row:
    """Read a JSON object; BadPayload when it has another shape."""
    if not isinstance(answer, dict):
        raise BadPayload(service, f"{what} that is no object")
    try:
        return read(answer)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
        # What is wrong with it may quote a credential, so only its kind is told.
        raise BadPayload(service, f"{what} in another shape") from None


def indexer_of(row: Json) -> Indexer:
    """Read `GET indexer` (facts: Prowlarr v1, inventory); its `fields` hold sessions in clear and are not touched."""
    capabilities = row.get("capabilities") or {}
    return Indexer(
        id=int(row["id"]),
        name=str(row["name"]),
        enabled=bool(row["enable"]),
        privacy=str(row.get("privacy", "")),
        protocol=str(row["protocol"]),
        definition=str(row.get("definitionName") or row.get("implementation", "")),
        redirect=bool(row.get("redirect", False)),
        categories=frozenset(_category_ids(capabilities.get("categories") or ())),
        book_params=frozenset(capabilities.get("bookSearchParams") or ()),
    )


def block_of(row: Json) -> Block:
    """Read `GET indexerstatus`."""
    return Block(int(row["indexerId"]), _moment(row.get("disabledTill")), _moment(row.get("mostRecentFailure")))


def system_status_of(row: Json) -> SystemStatus:
    """Read `GET system/status`."""
    return SystemStatus(str(row["appName"]), str(row["version"]), _moment(row.get("startTime")))


def finding_of(row: Json) -> HealthFinding:
    """Read `GET health`."""
    return HealthFinding(str(row["source"]), str(row["type"]), plain_reason(str(row["message"])))


def history_of(page: Json) -> tuple[QueryRecord, ...]:
    """Read a page of `GET history`; its `data` hold addresses with keys and are not touched."""
    return tuple(
        QueryRecord(int(row["indexerId"]), aware(datetime.fromisoformat(row["date"])), bool(row["successful"]))
        for row in page["records"]
    )


def offer_of(row: Json) -> Offer | None:
    """Read a release of `GET search` (facts: Prowlarr v1, search); None for what is no torrent or cannot be taken."""
    link = row.get("downloadUrl") or row.get("magnetUrl")
    if row["protocol"] != "torrent" or not link:
        return None
    guid, title, info_url = str(row["guid"]), str(row["title"]), row.get("infoUrl")
    mam_id = mam_torrent_id(guid, info_url)
    return Offer(
        guid=guid,
        indexer_id=int(row["indexerId"]),
        indexer=str(row.get("indexer", "")),
        title=title,
        link=str(link),
        size_bytes=int(row.get("size") or 0),
        files=_count(row.get("files")),
        grabs=_count(row.get("grabs")),
        seeders=_count(row.get("seeders")),
        leechers=_count(row.get("leechers")),
        published=_moment(row.get("publishDate")),
        categories=tuple(int(category["id"]) for category in row.get("categories") or ()),
        flags=tuple(str(flag) for flag in row.get("indexerFlags") or ()),
        info_url=info_url,
        info_hash=normal_info_hash(row.get("infoHash")),
        mam_torrent_id=mam_id,
        book=named_book(title, is_mam=mam_id is not None),
    )


def _category_ids(categories: Iterable[Json]) -> Iterator[int]:
    for category in categories:
        yield int(category["id"])
        yield from _category_ids(category.get("subCategories") or ())


def _count(value: object) -> int | None:
    return None if value is None else int(str(value))


def _moment(value: str | None) -> datetime | None:
    return aware(datetime.fromisoformat(value)) if value else None
