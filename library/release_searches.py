"""Searches for releases as rows: what is asked of whom, how each answered, and what was offered, each offer once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import quality_profiles, wanted_books
from library.errors import BadInput, NotFound
from library.models.books import Book
from library.models.downloads import Download
from library.models.integrations import Purchase
from library.models.jobs import Job, JobState
from library.models.releases import Release, ReleaseSearch, Want
from library.offered import Judged, Offered, Shelf, Standing
from library.pagination import Keyset, SortKey
from library.releases import Component, Cost, Decision, FreeText, QualityProfile, Rejection, RejectionCode, Rule, Wanted
from library.scanning.cleaning import clean_line
from library.sealing import Seal
from library.text_search import words
from library.wanted_books import LONGEST_QUESTION

_PRUNED_AT_ONCE = 500
_LONGEST_TITLE = 500
_LONGEST_NAME = 200
_LONGEST_URL = 2_000


class UnusableText(BadInput):
    """Words that no indexer could be asked."""

    def __init__(self) -> None:
        super().__init__(f"`text` needs a letter or digit and takes up to {LONGEST_QUESTION} characters.")


async def create(
    session: AsyncSession,
    *,
    created_by: str,
    want: Want | None = None,
    book: Book | None = None,
    text: str | None = None,
    profile_id: int | None = None,
) -> ReleaseSearch:
    """Write down a search for a want, a book, or free text; a job asks it. Raises BadInput or NotFound."""
    if want is not None:
        book = await session.get_one(Book, want.book_id)
    profile = await quality_profiles.effective(session, want=want, profile_id=profile_id, actor=created_by)
    wanted = await wanted_books.wanted_of(session, book, profile) if book is not None else None
    search = ReleaseSearch(
        want_id=want.id if want is not None else None,
        book_id=book.id if book is not None else None,
        text=await wanted_books.question_of(session, book) if book is not None else usable_text(text or ""),
        wanted=wanted_books.to_json(wanted) if wanted is not None else None,
        profile=profile.to_json(),
        created_by=created_by,
    )
    session.add(search)
    await session.flush()
    return search


async def get(session: AsyncSession, search_id: int, *, locked: bool = False) -> ReleaseSearch:
    """The search with this id, on Postgres locked for change if asked; raises NotFound."""
    search = await session.get(ReleaseSearch, search_id, populate_existing=True, with_for_update=locked)
    if search is None:
        raise NotFound("release search", search_id)
    return search


async def going_on(session: AsyncSession, want_id: int) -> ReleaseSearch | None:
    """A search of a want that waits for its job or is asked by it now, if there is one."""
    at_work = sa.and_(ReleaseSearch.want_id == want_id, Job.state.in_([JobState.QUEUED, JobState.RUNNING]))
    select = sa.select(ReleaseSearch).join(Job, Job.id == ReleaseSearch.job_id).where(at_work)
    return await session.scalar(select.order_by(ReleaseSearch.id.desc()).limit(1))


def compared_with(search: ReleaseSearch) -> Wanted | FreeText:
    """What its releases are compared with: a book, or the words that were typed."""
    return wanted_books.from_json(search.wanted) if search.wanted is not None else FreeText(search.text)


def profile_of(search: ReleaseSearch) -> QualityProfile:
    """The rules its releases are judged by, as they were when it was asked for."""
    return QualityProfile.from_json(search.profile)


def decision_of(row: Release) -> Decision:
    """The decision on a release, as its history keeps it."""
    kept = row.decision
    return Decision(
        accepted=row.accepted,
        score=row.score,
        components=tuple(Component(Rule(one["rule"]), one["points"], one["evidence"]) for one in kept["components"]),
        rejections=tuple(Rejection(RejectionCode(one["code"]), one["message"]) for one in kept["rejections"]),
        cost=Cost(row.cost),
    )


def usable_text(text: str) -> str:
    """Typed words as indexers are asked them; raises UnusableText."""
    cleaned = clean_line(text[: 10 * LONGEST_QUESTION])
    if len(cleaned) > LONGEST_QUESTION or not words(cleaned):
        raise UnusableText
    return cleaned


async def save_offers(session: AsyncSession, seal: Seal, search_id: int, judged: Sequence[Judged]) -> list[Release]:
    """Keep offers with their decisions, each release once; gives the rows that are new or changed.

    Of two offers of one release the tracker's own word is kept, else the first; the other indexer is named beside it.
    Doing it twice changes nothing.
    """
    await get(session, search_id, locked=True)  # providers answer at the same time, and offer the same
    shelf = Shelf(await _standing(session, search_id))
    placed = [(shelf.place(one.offer), one) for one in judged]
    ids = {standing.row_id for standing, _ in placed if standing.row_id is not None}
    known = {row.id: row for row in await session.scalars(sa.select(Release).where(Release.id.in_(ids)))}
    rows = {standing: known[standing.row_id] for standing, _ in placed if standing.row_id is not None}
    changed: dict[Standing, Release] = {}
    for standing, one in placed:
        row = rows.get(standing)
        if row is None:
            row = rows[standing] = Release(search_id=search_id, key=standing.key, also_at=[], **_values(seal, one))
            session.add(row)
        elif not _merge(seal, row, one):
            continue
        changed[standing] = row
    await session.flush()
    return list(changed.values())


async def not_native(session: AsyncSession, search_id: int, limit: int) -> Sequence[Release]:
    """Releases of the tracker that only an indexer has told of, the best first."""
    told = (
        Release.search_id == search_id,
        Release.tracker_torrent_id.is_not(None),
        Release.sealed_link.is_not(None),
    )
    order = (Release.accepted.desc(), Release.score.desc(), Release.id)
    return (await session.scalars(sa.select(Release).where(*told).order_by(*order).limit(limit))).all()


def best_first(search_id: int, *, accepted: bool | None = None) -> Keyset:
    """The releases of a search: those that are accepted, then the others, each by score."""
    select = sa.select(Release).where(Release.search_id == search_id)
    if accepted is not None:
        select = select.where(Release.accepted.is_(accepted))
    order = (SortKey(Release.accepted, descending=True), SortKey(Release.score, descending=True), SortKey(Release.id))
    return Keyset(select, order)


async def prune(session: AsyncSession, older_than: datetime) -> int:
    """Forget searches that ended long ago and of which nothing was taken or bought; returns how many went."""
    kept = sa.union(
        sa.select(Release.search_id).join(Download, Download.release_id == Release.id),
        sa.select(Release.search_id).join(Purchase, Purchase.release_id == Release.id),
    )
    old = sa.select(ReleaseSearch.id).where(
        ReleaseSearch.created_at < older_than, ReleaseSearch.id.not_in(sa.select(kept.subquery().c.search_id))
    )
    ids = (await session.scalars(old.order_by(ReleaseSearch.id).limit(_PRUNED_AT_ONCE))).all()
    await session.execute(sa.delete(ReleaseSearch).where(ReleaseSearch.id.in_(ids)))
    return len(ids)


async def _standing(session: AsyncSession, search_id: int) -> list[Standing]:
    """What is there already: only what is needed to find it, as a search may have a thousand releases."""
    columns = (
        Release.id,
        Release.key,
        Release.info_hash,
        Release.title,
        Release.size_bytes,
        Release.indexer,
        Release.tracker_torrent_id,
    )
    rows = await session.execute(sa.select(*columns).where(Release.search_id == search_id).order_by(Release.id))
    return [Standing(*row) for row in rows]


def _values(seal: Seal, judged: Judged) -> dict[str, Any]:
    """The columns of a release that come from its offer."""
    offer, facts = judged.offer, judged.offer.facts
    return {
        **_told(offer),
        "size_bytes": facts.size_bytes,
        "seeders": facts.seeders,
        "leechers": facts.leechers,
        "facts": facts.to_json(),
        "sealed_link": seal.seal(offer.link) if offer.link is not None else None,
        "accepted": judged.decision.accepted,
        "score": judged.decision.score,
        "cost": judged.decision.cost.value,
        "decision": judged.decision.to_json(),
    }


def _told(offer: Offered) -> dict[str, Any]:
    return {
        "integration_id": offer.integration_id,
        "indexer": clean_line(offer.indexer, _LONGEST_NAME),
        "title": clean_line(offer.title, _LONGEST_TITLE),
        "info_hash": offer.info_hash,
        "tracker_torrent_id": offer.tracker_torrent_id,
        "page_url": offer.page_url if len(offer.page_url or "") <= _LONGEST_URL else None,
        "published_at": offer.published_at,
    }


def _merge(seal: Seal, row: Release, judged: Judged) -> bool:
    """Bring a release in line with another offer of it; whether that changed anything anybody sees."""
    offer = judged.offer
    was_native = row.tracker_torrent_id is not None and row.sealed_link is None
    if offer.indexer != row.indexer and (was_native or not offer.is_native):
        return _name_also(row, offer.indexer)
    before = row.indexer
    is_changed = _set(row, _values(seal, judged))
    return (before != row.indexer and _name_also(row, before)) or is_changed


def _set(row: Release, values: dict[str, Any]) -> bool:
    """Set columns; a link that was sealed anew is no change, as sealing never gives the same twice."""
    changed = {name for name, value in values.items() if getattr(row, name) != value}
    for name in changed:
        setattr(row, name, values[name])
    return bool(changed - {"sealed_link"})


def _name_also(row: Release, indexer: str) -> bool:
    also_at = sorted({*row.also_at, indexer} - {row.indexer})
    changed = also_at != row.also_at
    row.also_at = also_at
    return changed
