"""Who answered a search: Prowlarr swallows the failures of its indexers, so they are found out by comparison."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.offers import IndexerReport, IndexerStatus
from integrations.prowlarr.rows import Block, Indexer, QueryRecord


@dataclass(frozen=True)
class Trouble:
    """Why one indexer has no releases, as far as Prowlarr tells."""

    code: str
    message: str


SEARCH_FAILED = Trouble("SEARCH_FAILED", "Its search failed; Prowlarr's history says why.")
ALL_UNAVAILABLE = Trouble("INDEXERS_UNAVAILABLE", "Prowlarr could ask none of the indexers, after earlier failures.")


def chosen(
    indexers: Iterable[Indexer], wanted: Collection[int], categories: Collection[int]
) -> tuple[tuple[Indexer, ...], tuple[IndexerReport, ...]]:
    """Split the indexers into those to ask, and reports of those that were wished for but cannot be.

    Without a wish, all that are switched on and have such torrents are asked, and nobody misses the others.
    """
    known = {indexer.id: indexer for indexer in indexers}
    hindrances = {number: _hindrance(indexer, categories) for number, indexer in known.items()}
    ids = wanted or [number for number, hindrance in hindrances.items() if hindrance is None]
    asked = tuple(known[number] for number in ids if number in known and hindrances[number] is None)
    left_out = (_left_out(number, known.get(number), hindrances.get(number)) for number in ids)
    return asked, tuple(report for report in left_out if report)


def after_search(
    asked: Sequence[Indexer], found: Mapping[int, int], troubles: Mapping[int, Trouble]
) -> tuple[IndexerReport, ...]:
    """A report for each indexer asked; one with releases has answered, whatever trouble it had before."""
    return tuple(_report(indexer, found.get(indexer.id, 0), troubles.get(indexer.id)) for indexer in asked)


def blocked(blocks: Iterable[Block]) -> dict[int, Trouble]:
    """The troubles of indexers that Prowlarr leaves alone."""
    return {block.indexer_id: Trouble("INDEXER_FAILING", _block_message(block)) for block in blocks}


def not_answered(
    silent: Iterable[Indexer], newest_first: Sequence[QueryRecord], asked_at: datetime | None
) -> dict[int, Trouble]:
    """Which of the indexers without releases did not answer, by Prowlarr's history.

    An error inside Prowlarr looks like an empty answer, but leaves no query, or a failed one, since `asked_at`.
    """
    newest: dict[int, QueryRecord] = {}
    for record in newest_first:
        newest.setdefault(record.indexer_id, record)
    return {each.id: SEARCH_FAILED for each in silent if not _answered(newest.get(each.id), asked_at)}


def _answered(record: QueryRecord | None, asked_at: datetime | None) -> bool:
    if asked_at is None:
        return record is None or record.successful
    return record is not None and record.successful and record.date >= asked_at


def _hindrance(indexer: Indexer, categories: Collection[int]) -> Trouble | None:
    if not indexer.enabled:
        return Trouble("INDEXER_DISABLED", "It is switched off in Prowlarr.")
    if indexer.protocol != "torrent":
        return Trouble("NOT_TORRENTS", "It offers no torrents.")
    if categories and not any(indexer.covers(category) for category in categories):
        return Trouble("NO_SUCH_CATEGORY", "It has nothing in the categories that are searched.")
    return None


def _left_out(number: int, indexer: Indexer | None, hindrance: Trouble | None) -> IndexerReport | None:
    if indexer is None:
        message = "Prowlarr has no indexer of this number (any more)."
        return IndexerReport(number, str(number), IndexerStatus.FAILED, 0, "UNKNOWN_INDEXER", message)
    if hindrance is None:
        return None
    return IndexerReport(number, indexer.name, IndexerStatus.DISABLED, 0, hindrance.code, hindrance.message)


def _report(indexer: Indexer, found: int, trouble: Trouble | None) -> IndexerReport:
    if found:
        return IndexerReport(indexer.id, indexer.name, IndexerStatus.OK, found)
    if trouble:
        return IndexerReport(indexer.id, indexer.name, IndexerStatus.FAILED, 0, trouble.code, trouble.message)
    return IndexerReport(indexer.id, indexer.name, IndexerStatus.EMPTY)


def _block_message(block: Block) -> str:
    until = f" until {block.until:%Y-%m-%d %H:%M} UTC" if block.until else ""
    return f"Prowlarr leaves it alone{until}, because it failed."
