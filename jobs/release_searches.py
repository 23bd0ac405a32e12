"""Searching for releases: every indexer is asked at once, and each answer is judged, kept and told as it comes."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from integrations.errors import IntegrationError
from jobs.events import unit_of_work
from jobs.execution import ClaimLost, Run
from jobs.integrations import Integrations
from jobs.release_answers import Asking, read_account_if_old
from jobs.release_judging import judge_of
from jobs.wants import grab_best
from library import provider_reports, release_searches, wants
from library.events import search_topic
from library.integrations import NotConfigured
from library.models.integrations import Integration
from library.models.releases import ReleaseSearch

DEADLINE_SECONDS = 75.0  # Prowlarr waits up to 60 for the slowest of its indexers
_LOOK_SECONDS = 0.5  # how soon a wish to stop is seen
FINISHED = "FINISHED"


@dataclass(frozen=True, slots=True)
class Searching:
    """What a search needs: the servers of others, and by when they must have answered."""

    integrations: Integrations
    deadline_seconds: float = DEADLINE_SECONDS


async def search_releases(run: Run, searching: Searching) -> None:
    """Ask all indexers what a search row says, keep what they offer, and take the best where a want says so.

    Safe to run twice: who has answered is not asked again, and a release that is kept is not kept again. It ends
    PARTIAL when somebody failed to answer; raises NotFound, or NotConfigured when there is nobody to ask.
    """
    search_id = run.job.payload["search_id"]
    run.result = {"search_id": search_id}
    search, asked = await _begin(run, search_id)
    try:
        await _search(run, searching, search, asked)
    except ClaimLost:
        raise
    except Exception:
        await _end(run, search_id)
        raise
    await _end(run, search_id)
    await grab_best(run.database, run.bus, search_id)


async def _begin(run: Run, search_id: int) -> tuple[ReleaseSearch, list[Integration]]:
    async with unit_of_work(run.database, run.bus) as work:
        search = await release_searches.get(work.session, search_id, locked=True)
        asked = await provider_reports.expect(work.session, search_id)
        search.finished_at = None
        work.emit(search_topic(search_id), "STARTED", search_id)
    return search, asked


async def _search(run: Run, searching: Searching, search: ReleaseSearch, asked: Collection[Integration]) -> None:
    integrations = searching.integrations
    async with run.database.read() as session:
        if not await provider_reports.providers(session):
            raise NotConfigured(*provider_reports.KINDS)
    await read_account_if_old(integrations)
    asking = Asking(run, integrations, search, await judge_of(run.database, search), searching.deadline_seconds)
    tasks = [asyncio.create_task(asking.ask(one), name=f"search:{search.id}:{one.name}") for one in asked]
    try:
        await _follow(run, tasks)
        await _enrich(run, asking)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _follow(run: Run, tasks: Collection["asyncio.Task[None]"]) -> None:
    """Wait for all, tell how many have ended, and stop where the job shall."""
    waiting = set(tasks)
    while waiting:
        ended, waiting = await asyncio.wait(waiting, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
        await run.progress(len(tasks) - len(waiting), len(tasks))


async def _enrich(run: Run, asking: Asking) -> None:
    """Have the tracker itself tell of what only an indexer has told; that it cannot is no reason to lose the rest."""
    try:
        await asking.enrich()
    except IntegrationError as error:
        await run.item_failed(error.service, error.code, asking.shown(error))


async def _end(run: Run, search_id: int) -> None:
    async with unit_of_work(run.database, run.bus) as work:
        search = await release_searches.get(work.session, search_id, locked=True)
        await provider_reports.end(work.session, search)
        await wants.search_ended(work.session, search)
        work.emit(search_topic(search_id), FINISHED, search_id)
