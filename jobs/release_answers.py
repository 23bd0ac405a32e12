"""One indexer's part in a search: asked within its budget, its answer judged, kept and told, its failure reported."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from integrations.errors import IntegrationError
from integrations.myanonamouse import MyAnonamouse, Query
from integrations.offers import IndexerReport, IndexerStatus, SearchAnswer
from jobs.events import unit_of_work
from jobs.execution import Run
from jobs.integrations import Integrations, Opened
from jobs.offered_releases import indexer_name, of_offer, of_row
from jobs.release_judging import Judge
from jobs.trackers import read_account
from library import budgets, provider_reports, release_searches
from library.errors import ShelfgraphError
from library.events import search_topic
from library.integrations import NeedsAction, NotConfigured
from library.models.integrations import Integration, IntegrationKind
from library.models.releases import ReleaseSearch, ReportStatus
from library.offered import Offered
from library.provider_reports import BUDGET_SPENT, DISABLED, Report, needs_action
from library.releases import Wanted

log = structlog.get_logger(__name__)

SEARCHES_PER_DAY = 500  # of an indexer whose options say no other number
ACCOUNT_MAX_AGE = timedelta(hours=1)
ACCOUNT_SECONDS = 15.0  # then decisions are made by what was read before
MOST_LOOK_UPS = 10  # releases of the tracker that its own search did not find, asked for one by one
KEPT_AT_ONCE = 50  # more in one go would hold up the event loop
ANSWERED = "ANSWERED"

_STATUS = {
    IndexerStatus.OK: ReportStatus.OK,
    IndexerStatus.EMPTY: ReportStatus.EMPTY,
    IndexerStatus.FAILED: ReportStatus.FAILED,
    IndexerStatus.DISABLED: ReportStatus.SKIPPED,
}
_NOBODY = Report("", ReportStatus.SKIPPED, 0, "NO_INDEXERS", "It has no indexer for audiobooks. Add one there.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an integration offers, and how each of its indexers answered."""

    offers: Sequence[Offered]
    reports: Sequence[Report]


@dataclass(frozen=True, slots=True)
class Asking:
    """A search that is under way."""

    run: Run
    integrations: Integrations
    search: ReleaseSearch
    judge: Judge
    deadline_seconds: float

    async def ask(self, integration: Integration) -> None:
        """Ask one integration, keep what it answers, and report how that went; raises for mistakes of ours only."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.deadline_seconds):
                answer = await self._answer(integration)
        except TimeoutError:
            message = (
                f"{integration.name} gave no answer within {self.deadline_seconds:.0f} seconds. Search again later."
            )
            answer = _failed("TIMEOUT", message)
        except NeedsAction:
            answer = Answer((), [needs_action(await self._now(integration))])
        except NotConfigured:
            answer = Answer((), [DISABLED])
        except IntegrationError as error:
            answer = _failed(error.code, self.shown(error))
        except ShelfgraphError as error:  # such as a credential that cannot be opened any more
            answer = _failed(error.job_code, str(error))
        await self._keep(integration, answer, time.monotonic() - began)

    async def enrich(self) -> None:
        """Ask the tracker for its releases that only another indexer told of; raises IntegrationError.

        Nothing is asked of a tracker that did not answer the search itself.
        """
        async with self.run.database.read() as session:
            reports = await provider_reports.of_search(session, self.search.id)
            told = await release_searches.not_native(session, self.search.id, MOST_LOOK_UPS)
        answered = {
            report.integration_id for report in reports if report.status in {ReportStatus.OK, ReportStatus.EMPTY}
        }
        try:
            opened = await self.integrations.tracker() if told else None
        except NeedsAction:
            return
        if opened is None or opened.integration.id not in answered:
            return
        for release in told:
            self.run.checkpoint()
            if release.tracker_torrent_id is not None and await self._may_ask(opened.integration):
                await self._look_up(opened, release.tracker_torrent_id)

    def shown(self, error: IntegrationError) -> str:
        """The error's sentence, with no secret in it whatever the service has written."""
        return self.integrations.outside.redact(str(error))

    async def _answer(self, integration: Integration) -> Answer:
        opened = await self.integrations.by_id(integration.id)
        if not await self._may_ask(opened.integration):
            return Answer((), [BUDGET_SPENT])
        async with self.integrations.calling(opened.integration):
            return await _QUESTIONS[opened.integration.kind](opened, self.search, self.judge.wanted)

    async def _may_ask(self, integration: Integration) -> bool:
        limit = int(integration.options.get("searches_per_day", SEARCHES_PER_DAY))
        async with self.run.database.write() as session:
            return await budgets.spend(session, f"searches:{integration.id}", limit)

    async def _now(self, integration: Integration) -> Integration:
        async with self.run.database.read() as session:
            return await session.get_one(Integration, integration.id)

    async def _keep(self, integration: Integration, answer: Answer, seconds: float) -> None:
        for start in range(0, len(answer.offers), KEPT_AT_ONCE):
            await self._keep_some(integration, answer.offers[start : start + KEPT_AT_ONCE])
        async with unit_of_work(self.run.database, self.run.bus) as work:
            await provider_reports.put(work.session, self.search.id, integration, answer.reports, seconds=seconds)
            work.emit(search_topic(self.search.id), ANSWERED, self.search.id, {"provider": integration.name})
        for report in answer.reports:
            if report.status is ReportStatus.FAILED:
                name, code = report.provider or integration.name, report.code or "SEARCH_FAILED"
                await self.run.item_failed(name, code, report.message or "")

    async def _keep_some(self, integration: Integration, offers: Sequence[Offered]) -> None:
        judged = await self.judge.judge(offers)
        async with unit_of_work(self.run.database, self.run.bus) as work:
            rows = await release_searches.save_offers(work.session, self.integrations.seal, self.search.id, judged)
            state = {"provider": integration.name, "releases": [row.id for row in rows]}
            work.emit(search_topic(self.search.id), ANSWERED, self.search.id, state)

    async def _look_up(self, opened: Opened[MyAnonamouse], torrent_id: int) -> None:
        async with self.integrations.calling(opened.integration):
            row = await opened.client.by_id(torrent_id)
        if row is not None:
            await self._keep_some(opened.integration, [of_row(row, opened.integration)])


async def read_account_if_old(integrations: Integrations) -> None:
    """See how the tracker's account stands, for decisions that depend on it; what cannot be read stays as it was."""
    try:
        async with asyncio.timeout(ACCOUNT_SECONDS), AsyncExitStack() as stack:
            opened = await integrations.tracker()
            if opened is not None:
                await stack.enter_async_context(integrations.account_turn)
                await stack.enter_async_context(integrations.calling(opened.integration))
                await read_account(integrations, opened, max_age=ACCOUNT_MAX_AGE)
    except (IntegrationError, NeedsAction, NotConfigured, TimeoutError) as error:
        log.info("account_not_read", error=type(error).__name__, hint="its search will say why")


async def _ask_tracker(opened: Opened[Any], search: ReleaseSearch, _wanted: object) -> Answer:
    rows = await opened.client.search(Query(text=search.text))
    offers = [of_row(row, opened.integration) for row in rows]
    return Answer(offers, [Report("", ReportStatus.OK if offers else ReportStatus.EMPTY, len(offers))])


async def _ask_prowlarr(opened: Opened[Any], search: ReleaseSearch, wanted: object) -> Answer:
    options = opened.integration.options
    asked = {"indexer_ids": options["indexer_ids"], "categories": options["categories"]}
    answer = await opened.client.search(search.text, **_named(wanted), **asked)
    return _read(answer, opened.integration)


async def _ask_torznab(opened: Opened[Any], search: ReleaseSearch, wanted: object) -> Answer:
    categories = opened.integration.options["categories"]
    return _read(await opened.client.search(search.text, **_named(wanted), categories=categories), opened.integration)


def _named(wanted: object) -> dict[str, str]:
    """The book by its names, for indexers that search by them."""
    if not isinstance(wanted, Wanted):
        return {}
    return {"title": wanted.title} | ({"author": wanted.authors[0]} if wanted.authors else {})


def _read(answer: SearchAnswer, integration: Integration) -> Answer:
    offers = [of_offer(offer, integration) for offer in answer.releases]
    return Answer(offers, [_report(report, integration) for report in answer.reports] or [_NOBODY])


def _report(report: IndexerReport, integration: Integration) -> Report:
    name = indexer_name(integration, report.name)
    return Report(name, _STATUS[report.status], report.found, report.error_code, report.message)


def _failed(code: str, message: str) -> Answer:
    return Answer((), [Report("", ReportStatus.FAILED, 0, code, message)])


_QUESTIONS: dict[IntegrationKind, Callable[[Opened[Any], ReleaseSearch, object], Awaitable[Answer]]] = {
    IntegrationKind.MYANONAMOUSE: _ask_tracker,
    IntegrationKind.PROWLARR: _ask_prowlarr,
    IntegrationKind.TORZNAB: _ask_torznab,
}
