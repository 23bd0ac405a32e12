"""Wants at work: those that are due are searched for, and the best release is taken where a want says so."""

from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from jobs import queue
from jobs.events import Bus, Work, unit_of_work
from library import (
    budgets,
    download_requests,
    downloads,
    integrations,
    provider_reports,
    quality_profiles,
    release_searches,
    wants,
)
from library.database import Database
from library.download_requests import Wish
from library.models.downloads import ENDED_STATES, Download, DownloadState
from library.models.integrations import IntegrationKind
from library.models.jobs import Job
from library.models.releases import Release, ReleaseSearch, Want, WantState
from library.models.tables import now
from library.releases import grabs_itself

AT_ONCE = 5  # of the wants that are due, each time the clock asks
_MOST_LOOKED_AT = 50  # accepted releases, best first


async def search_due(database: Database, bus: Bus) -> None:
    """Search for wants whose pause is over, within the day's budget. Doing it twice searches once."""
    async with unit_of_work(database, bus) as work:
        if not await _can_search(work.session):
            return
        for want in await wants.due(work.session, now(), AT_ONCE):
            if not await budgets.spend(work.session, wants.BUDGET, wants.SEARCHES_PER_DAY):
                return
            await search_for(work, want)


async def search_for(work: Work, want: Want) -> Job | None:
    """Start a search for a want; None when one is going on."""
    wants.search_began(want)
    if await release_searches.going_on(work.session, want.id) is not None:
        return None
    search = await release_searches.create(work.session, want=want, created_by=want.created_by)
    await provider_reports.expect(work.session, search.id)
    job = await queue.search_releases(work, search.id)
    search.job_id = job.id
    await work.session.flush()
    return job


async def grab_best(database: Database, bus: Bus, search_id: int) -> Download | None:
    """Take the best release of a want's search, where the want says so.

    Only from the profile's threshold, and while nothing of the book is on its way or has come since the search began,
    which judged by what was owned then. Never spends wedges or points. Doing it twice takes one.
    """
    async with unit_of_work(database, bus) as work:
        search = await release_searches.get(work.session, search_id)
        want = await wants.get(work.session, search.want_id, locked=True) if search.want_id is not None else None
        if want is None or not want.grab_automatically or want.state is WantState.CLOSED:
            return None
        release = (
            None if await _is_taken_care_of(work.session, want, search) else await _best(work.session, search, want)
        )
        return await _take(work, release, want) if release is not None else None


async def _can_search(session: AsyncSession) -> bool:
    return any(one.enabled and one.needs_action is None for one in await provider_reports.providers(session))


async def _is_taken_care_of(session: AsyncSession, want: Want, search: ReleaseSearch) -> bool:
    of_want = sa.or_(Download.want_id == want.id, Download.book_id == want.book_id)
    has_come = sa.and_(Download.state == DownloadState.DONE, Download.finished_at >= search.created_at)
    any_of_them = sa.or_(Download.state.not_in(list(ENDED_STATES)), has_come)
    return await session.scalar(sa.select(Download.id).where(of_want, any_of_them).limit(1)) is not None


async def _best(session: AsyncSession, search: ReleaseSearch, want: Want) -> Release | None:
    """The best accepted release that the rules take unasked, and that did not fail this want before."""
    profile = replace(await quality_profiles.effective(session, want=want), grab_automatically=True)
    tried = sa.select(Release.key).join(Download, Download.release_id == Release.id)
    in_vain = tried.where(
        Download.want_id == want.id, Download.state.in_([DownloadState.FAILED, DownloadState.CANCELLED])
    )
    accepted = release_searches.best_first(search.id, accepted=True).rows.where(Release.key.not_in(in_vain))
    order = (Release.score.desc(), Release.id)
    rows = await session.scalars(accepted.order_by(*order).limit(_MOST_LOOKED_AT))
    return next((row for row in rows if grabs_itself(release_searches.decision_of(row), profile)), None)


async def _take(work: Work, release: Release, want: Want) -> Download | None:
    if not await integrations.of_kind(work.session, IntegrationKind.QBITTORRENT):
        return None
    wish = Wish(release_id=release.id)
    await download_requests.asked_before(work.session, want.created_by, None, wish)  # and nobody else asks meanwhile
    if await downloads.active_of_key(work.session, release.key) is not None:
        return None
    download = await download_requests.write(work.session, release, wish, actor=want.created_by)
    work.download_changed(download)
    await queue.grab_download(work, download.id, created_by=want.created_by)
    return download
