"""The user's snatch list: what was taken and how long it still has to be seeded (facts: MyAnonamouse, snatch list)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from integrations.errors import BadPayload, Refused
from integrations.myanonamouse import values
from integrations.offers import plain_reason

PATH = "/json/loadUserDetailsTorrents.php"


class SnatchKind(StrEnum):
    """The lists there are."""

    UNSATISFIED = "unsat"  # not seeded long enough yet, seeding or not
    INACTIVE_UNSATISFIED = "inactUnsat"  # not seeded long enough, and not seeding
    SEEDING_UNSATISFIED = "seedUnsat"  # seeding, not long enough yet
    SEEDING_SATISFIED = "sSat"  # seeding, long enough
    INACTIVE_SATISFIED = "inactSat"  # seeded long enough, not seeding any more
    LEECHING = "leeching"  # being downloaded
    UPLOADED_ACTIVE = "upAct"  # the user's own uploads that are seeded
    UPLOADED_INACTIVE = "upInact"  # the user's own uploads that are not


@dataclass(frozen=True, slots=True, kw_only=True)
class Snatch:
    """One torrent the user took; times in seconds, `seconds_to_seed` None when nothing is owed."""

    id: int
    title: str
    authors: tuple[str, ...]
    narrators: tuple[str, ...]
    series: tuple[tuple[str, str], ...]
    file_types: tuple[str, ...]
    size_bytes: int | None
    uploaded_bytes: int | None
    downloaded_bytes: int | None
    seeded_seconds: float | None
    seconds_to_seed: float | None
    started: datetime | None
    completed: datetime | None
    last_action: datetime | None
    free: bool
    personal_freeleech: bool
    vip: bool


def parse_snatches(service: str, body: object) -> list[Snatch]:
    """Read a page of the list."""
    rows = body.get("rows") if isinstance(body, Mapping) else None
    if isinstance(body, Mapping) and not values.flag(body.get("success")):
        raise Refused(service, plain_reason(str(body.get("error") or "it does not show the snatch list")))
    if not isinstance(rows, list):
        raise BadPayload(service, "a snatch list without rows")
    return [_snatch(service, row) for row in rows]


def _snatch(service: str, row: object) -> Snatch:
    torrent_id = values.whole(row.get("id")) if isinstance(row, Mapping) else None
    if not isinstance(row, Mapping) or torrent_id is None:
        raise BadPayload(service, "a snatched torrent without an id")
    return Snatch(
        id=torrent_id,
        title=values.text(row.get("title")),
        authors=values.names(row.get("author")),
        narrators=values.names(row.get("narrator")),
        series=_series(row.get("series")),
        file_types=values.names(row.get("fileTypes")),
        size_bytes=values.size_bytes(row.get("size")),
        uploaded_bytes=values.whole(row.get("uploaded")),
        downloaded_bytes=values.whole(row.get("downloaded")),
        seeded_seconds=values.number(row.get("seedtime")),
        seconds_to_seed=values.seconds(row.get("STG")),
        started=values.unix_moment(row.get("start_unix")),
        completed=values.unix_moment(row.get("complete_unix")),
        last_action=values.unix_moment(row.get("last_action_unix")),
        free=values.flag(row.get("free")),
        personal_freeleech=values.flag(row.get("personalFree")),
        vip=values.flag(row.get("vip")),
    )


def _series(items: object) -> tuple[tuple[str, str], ...]:
    """Real lists here, other than in a search."""
    if not isinstance(items, list):
        return ()
    entries = (item for item in items if isinstance(item, Mapping))
    pairs = ((values.text(entry.get("name")), values.text(entry.get("number"))) for entry in entries)
    return tuple(pair for pair in pairs if pair[0])
