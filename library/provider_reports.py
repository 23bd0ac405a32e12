"""How each indexer answered a search, as rows: a failure is never an empty list."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.integrations import Integration, IntegrationKind
from library.models.releases import ProviderReport, ReleaseSearch, ReportStatus
from library.models.tables import now

KINDS = (IntegrationKind.MYANONAMOUSE, IntegrationKind.PROWLARR, IntegrationKind.TORZNAB)
_ANSWERED = frozenset({ReportStatus.OK, ReportStatus.EMPTY})


@dataclass(frozen=True, slots=True)
class Report:
    """What one indexer answered; code and message where it did not."""

    provider: str
    status: ReportStatus
    found: int = 0
    code: str | None = None
    message: str | None = None


DISABLED = Report("", ReportStatus.SKIPPED, 0, "DISABLED", "It is switched off. Enable it to have it asked.")
BUDGET_SPENT = Report(
    "",
    ReportStatus.SKIPPED,
    0,
    "BUDGET_SPENT",
    "It was asked as often today as is allowed. It is asked again tomorrow.",
)
NOT_ASKED = Report("", ReportStatus.SKIPPED, 0, "NOT_ASKED", "The search ended before it was asked. Search again.")


def needs_action(integration: Integration) -> Report:
    """An integration that waits for its user."""
    message = f"It is not called until you have acted: {integration.needs_action}"
    return Report(integration.name, ReportStatus.SKIPPED, 0, "NEEDS_ACTION", message)


async def providers(session: AsyncSession) -> Sequence[Integration]:
    """Every integration that can be searched, switched off or not."""
    return (
        await session.scalars(sa.select(Integration).where(Integration.kind.in_(KINDS)).order_by(Integration.id))
    ).all()


async def of_search(session: AsyncSession, search_id: int) -> Sequence[ProviderReport]:
    """The reports of a search, by provider."""
    select = sa.select(ProviderReport).where(ProviderReport.search_id == search_id)
    return (await session.scalars(select.order_by(ProviderReport.provider))).all()


async def was_answered(session: AsyncSession, search_id: int) -> bool:
    """Whether any indexer has answered a search."""
    answered = (ProviderReport.search_id == search_id, ProviderReport.status.in_(_ANSWERED))
    return await session.scalar(sa.select(ProviderReport.id).where(*answered).limit(1)) is not None


async def expect(session: AsyncSession, search_id: int) -> list[Integration]:
    """Write down who is asked and who cannot be; gives those to ask, without who has answered this search already."""
    known = await of_search(session, search_id)
    to_ask = []
    for integration in await providers(session):
        said = {report.status for report in known if report.integration_id == integration.id}
        if said and said <= _ANSWERED:
            continue
        if not integration.enabled:
            await put(session, search_id, integration, [DISABLED])
        elif integration.needs_action is not None:
            await put(session, search_id, integration, [needs_action(integration)])
        else:
            await put(session, search_id, integration, [Report("", ReportStatus.PENDING)])
            to_ask.append(integration)
    return to_ask


async def put(
    session: AsyncSession,
    search_id: int,
    integration: Integration,
    reports: Iterable[Report],
    *,
    seconds: float | None = None,
) -> None:
    """Make these the reports of an integration's indexers in a search; one without a name is the integration's own."""
    mine = sa.and_(ProviderReport.search_id == search_id, ProviderReport.integration_id == integration.id)
    await session.execute(sa.delete(ProviderReport).where(mine))
    taken = {report.provider for report in await of_search(session, search_id)}
    for report in reports:
        named = replace(report, provider=_free_name(report.provider or integration.name, taken))
        taken.add(named.provider)
        session.add(_row(search_id, integration.id, named, seconds))
    await session.flush()


async def end(session: AsyncSession, search: ReleaseSearch) -> None:
    """End a search: whoever has not been asked by now is not asked any more."""
    waiting = (ProviderReport.search_id == search.id, ProviderReport.status == ReportStatus.PENDING)
    said = {"status": NOT_ASKED.status, "error_code": NOT_ASKED.code, "error_message": NOT_ASKED.message}
    await session.execute(sa.update(ProviderReport).where(*waiting).values(**said))
    search.finished_at = now()
    await session.flush()


def _row(search_id: int, integration_id: int, report: Report, seconds: float | None) -> ProviderReport:
    return ProviderReport(
        search_id=search_id,
        integration_id=integration_id,
        provider=report.provider,
        status=report.status,
        found=report.found,
        latency_seconds=seconds,
        error_code=report.code,
        error_message=report.message,
    )


def _free_name(name: str, taken: Collection[str]) -> str:
    """The name, or with a number: a Prowlarr may have two indexers of one name."""
    if name not in taken:
        return name
    return next(numbered for number in range(2, len(taken) + 3) if (numbered := f"{name} ({number})") not in taken)
