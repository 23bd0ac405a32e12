"""Wants: standing wishes for one book each, searched for again and again until an edition that fits is there."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library import books, editions, metadata, provider_reports, quality_profiles, wanted_books
from library.database import next_version
from library.errors import BadInput, Conflict, NotFound
from library.metadata import Entity
from library.models.books import Book
from library.models.downloads import Download
from library.models.metadata import EntityKind
from library.models.releases import Release, ReleaseSearch, Want, WantState
from library.models.tables import now
from library.quality_profiles import overridden
from library.releases import QualityProfile

# How long after a search that found nothing the next one comes; the last holds for good.
BACK_OFF = (
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(days=1),
    timedelta(days=2),
    timedelta(days=4),
    timedelta(days=7),
)
AFTER_A_FIND = timedelta(days=1)  # something fits and nobody has taken it
UPGRADES = timedelta(days=14)  # a better edition of what is there already is no haste
JITTER = 0.1  # so that wants made in one go are not all due in one minute
SEARCHES_PER_DAY = 100
BUDGET = "want-searches"


class AuthorMissing(BadInput):
    """A new book that nobody wrote: titles alone are too often the same."""

    def __init__(self) -> None:
        super().__init__("`authors` must name at least one author, as many books share a title.")


class WantClosed(Conflict):
    """A want that nobody has any more."""

    def __init__(self, want: Want) -> None:
        super().__init__(f"The want {want.id} is closed and cannot be changed any more. Want the book anew.")


@dataclass(frozen=True, slots=True)
class Wanting:
    """A want, and whether it is new or was there already."""

    want: Want
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBook:
    """A book the graph may not know yet; `series` with the place in it as text."""

    title: str
    authors: tuple[str, ...]
    series: str | None = None
    position: str | None = None


async def want(
    session: AsyncSession,
    book_id: int,
    *,
    created_by: str,
    profile_id: int | None = None,
    rules: Mapping[str, Any] | None = None,
    grab_automatically: bool = False,
) -> Wanting:
    """Want one book, and no other; whoever wants it already gets that want again, as it is.

    Raises NotFound, or BadInput for rules that ask for something impossible.
    """
    await books.get(session, book_id)
    await next_version(session, "wants")  # two requests at once make one want
    known = sa.select(Want).where(Want.book_id == book_id, Want.created_by == created_by)
    present = await session.scalar(known.where(Want.state != WantState.CLOSED).order_by(Want.id).limit(1))
    if present is not None:
        return Wanting(present, is_new=False)
    made = Want(
        book_id=book_id,
        created_by=created_by,
        quality_profile_id=profile_id,
        rules=dict(rules) if rules else None,
        grab_automatically=grab_automatically,
        next_search_at=now(),
    )
    await quality_profiles.effective(session, want=made)
    session.add(made)
    await session.flush()
    return Wanting(made, is_new=True)


async def book_of(session: AsyncSession, new: NewBook, *, actor: str) -> tuple[Book, bool]:
    """The book of that title by one of these authors, made if the graph has none, and whether it is new.

    Raises BadInput.
    """
    if not any(name.strip() for name in new.authors):
        raise AuthorMissing
    values: dict[str, Any] = {"title": new.title, "authors": list(new.authors)}
    if new.series is not None:
        values["series"] = [{"name": new.series, "position": new.position}]
    checked = {name: metadata.check(EntityKind.BOOK, name, value) for name, value in values.items()}
    await books.decide_alone(session)
    known = await books.find(session, checked["title"], checked["authors"])
    if known is not None:
        return known, False
    book = await books.create(session, checked["title"])
    await metadata.edit(session, Entity(EntityKind.BOOK, book.id), values, actor=actor, lock_fields=False)
    await session.refresh(book)
    return book, True


async def get(session: AsyncSession, want_id: int, *, locked: bool = False) -> Want:
    """The want with this id, on Postgres locked for change if asked; raises NotFound."""
    found = await session.get(Want, want_id, populate_existing=True, with_for_update=locked)
    if found is None:
        raise NotFound("want", want_id)
    return found


async def change(session: AsyncSession, want_id: int, values: Mapping[str, Any]) -> Want:
    """Set `quality_profile_id`, `rules` or `grab_automatically`; raises NotFound, WantClosed or BadInput.

    What is wanted differently is searched for at once, not when its pause is over.
    """
    found = await get(session, want_id, locked=True)
    if found.state is WantState.CLOSED:
        raise WantClosed(found)
    for name, value in values.items():
        setattr(found, name, value)
    profile = await quality_profiles.effective(session, want=found)
    if found.state is WantState.OPEN:
        found.searches, found.next_search_at = 0, now()
    elif not profile.upgrade:
        found.next_search_at = None
    else:
        found.next_search_at = found.next_search_at or _later(now(), UPGRADES)
    await session.flush()
    return found


async def unwant(session: AsyncSession, want_id: int) -> Want:
    """Close a want; what is on its way for it arrives all the same. Closing it again changes nothing."""
    found = await get(session, want_id, locked=True)
    if found.state is not WantState.CLOSED:
        found.state, found.closed_at, found.next_search_at = WantState.CLOSED, now(), None
        await session.flush()
    return found


async def due(session: AsyncSession, moment: datetime, limit: int) -> Sequence[Want]:
    """Wants whose pause is over, those that waited longest first."""
    alive = (Want.state.in_([WantState.OPEN, WantState.SATISFIED]), Want.next_search_at <= moment)
    select = sa.select(Want).where(*alive).order_by(Want.next_search_at, Want.id).limit(limit)
    return (await session.scalars(select.with_for_update(skip_locked=True))).all()


def search_began(found: Want) -> None:
    """Keep others from starting the same search; when it ends, `search_ended` says when the next one comes."""
    found.next_search_at = _later(now(), _pause(found, fits=False))


async def search_ended(session: AsyncSession, search: ReleaseSearch) -> Want | None:
    """Count a search of a want and set the next; told twice, it counts once. None when it is of no want any more.

    A search that nobody answered counts for nothing.
    """
    if search.want_id is None:
        return None
    found = await get(session, search.want_id, locked=True)
    if found.state is WantState.CLOSED:
        return None
    if found.last_searched_at is not None and found.last_searched_at >= search.created_at:
        return found
    accepted = sa.select(Release.id).where(Release.search_id == search.id, Release.accepted.is_(True))
    fits = await session.scalar(accepted.limit(1)) is not None
    pause = _pause(found, fits=fits)
    if fits:
        found.searches = 0
    elif await provider_reports.was_answered(session, search.id):
        found.searches += 1
    found.last_searched_at = search.created_at
    found.next_search_at = _later(now(), pause)
    if found.state is WantState.SATISFIED and not (await quality_profiles.effective(session, want=found)).upgrade:
        found.next_search_at = None
    await session.flush()
    return found


async def close_satisfied(session: AsyncSession, book_id: int, edition_id: int) -> list[Want]:
    """Note that an edition has come: the wants of its book that it satisfies, whether they were open or upgraded.

    It satisfies a want whose rules it meets, or that it was taken for. Doing it twice changes nothing.
    """
    edition = await editions.get(session, edition_id)
    owned = await wanted_books.owned_edition(session, edition)
    alive = sa.and_(Want.book_id == book_id, Want.state != WantState.CLOSED)
    satisfied = []
    for found in await session.scalars(sa.select(Want).where(alive).order_by(Want.id).with_for_update()):
        profile = await quality_profiles.effective(session, want=found)
        if not wanted_books.fits(owned, profile) and not await _taken_for(session, found.id, edition_id):
            continue
        _satisfy(found, edition_id, profile)
        satisfied.append(found)
    await session.flush()
    return satisfied


def with_rules(found: Want, rules: Mapping[str, Any]) -> dict[str, Any]:
    """The want's own rules with some of them replaced."""
    return overridden(found.rules or {}, rules)


def _satisfy(found: Want, edition_id: int, profile: QualityProfile) -> None:
    if (found.state, found.edition_id) == (WantState.SATISFIED, edition_id):
        return
    found.state, found.edition_id, found.searches = WantState.SATISFIED, edition_id, 0
    found.next_search_at = _later(now(), UPGRADES) if profile.upgrade else None


async def _taken_for(session: AsyncSession, want_id: int, edition_id: int) -> bool:
    taken = sa.select(Download.id).where(Download.want_id == want_id, Download.edition_id == edition_id)
    return await session.scalar(taken.limit(1)) is not None


def _pause(found: Want, *, fits: bool) -> timedelta:
    if found.state is WantState.SATISFIED:
        return UPGRADES
    return AFTER_A_FIND if fits else BACK_OFF[min(found.searches, len(BACK_OFF) - 1)]


def _later(moment: datetime, pause: timedelta) -> datetime:
    return moment + pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 it spreads work and guards nothing
