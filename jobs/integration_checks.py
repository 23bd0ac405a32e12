"""Checking integrations: one look at everything that could be wrong with each, in words that say what to do."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from integrations.errors import IntegrationError
from integrations.language_models import LanguageModel
from integrations.myanonamouse import MyAnonamouse
from integrations.prowlarr import Indexer, Prowlarr
from integrations.torznab import Torznab
from jobs import queue
from jobs.client_checks import check_qbittorrent
from jobs.events import Bus, unit_of_work
from jobs.execution import Run
from jobs.findings import Checked
from jobs.integrations import Integrations, Opened, integration_changed
from jobs.trackers import MAX_AGE, read_account
from library import integrations as rows
from library.database import Database
from library.errors import Conflict
from library.integration_options import LanguageModelOptions, ProwlarrOptions, TorznabOptions
from library.models.integrations import Integration, IntegrationKind, TrackerAccount
from library.models.tables import now

# A tracker is somebody else's machine, and its account is read every hour anyway.
CHECK_EVERY: dict[IntegrationKind, timedelta] = {
    IntegrationKind.PROWLARR: timedelta(minutes=5),
    IntegrationKind.TORZNAB: timedelta(minutes=30),
    IntegrationKind.MYANONAMOUSE: timedelta(minutes=30),
    IntegrationKind.QBITTORRENT: timedelta(minutes=5),
    IntegrationKind.OPENAI_COMPATIBLE: timedelta(minutes=30),
    IntegrationKind.ANTHROPIC: timedelta(minutes=30),
}


async def check_integration(run: Run, integrations: Integrations) -> None:
    """Look at one integration, and keep how it is.

    Safe to run twice: it only looks. Refused credentials are sent once by each check, which nothing but a user starts
    while the user must act.
    """
    async with integrations.database.read() as session:
        integration = await rows.get(session, run.job.payload["integration_id"])
    await run.progress(0, 1, f"asking {integration.name}")
    checked = await _check(integrations, integration)
    async with unit_of_work(integrations.database, integrations.bus) as work:
        kept = await rows.get(work.session, integration.id, locked=True)
        kept.checked_at = now()
        integration_changed(work, kept)
    findings = [asdict(finding) for finding in checked.findings]
    run.result = {"integration_id": integration.id, "findings": findings}


async def check_due(database: Database, bus: Bus) -> None:
    """Start the checks that are due; one that waits for its user is left alone until somebody has changed it."""
    moment = now()
    async with unit_of_work(database, bus) as work:
        for integration in await rows.all_integrations(work.session):
            checked_at = integration.checked_at
            changed = checked_at is None or integration.updated_at > checked_at
            old = checked_at is None or moment - checked_at > CHECK_EVERY[integration.kind]
            if integration.enabled and (changed or (old and integration.needs_action is None)):
                await queue.check_integration(work, integration.id)


async def _check(integrations: Integrations, integration: Integration) -> Checked:
    """Everything that is found; that nothing can be found out is a finding too."""
    try:
        # Clients remember what they were told of a server, and that it refused them.
        anew = integration.kind is IntegrationKind.TORZNAB or integration.needs_action is not None
        opened = await integrations.open(integration, anew=anew)
        async with _turn(integrations, integration), integrations.calling(integration):
            checked = await _look(integrations, opened)
    except Conflict as error:
        checked = Checked()
        checked.error(error.job_code, str(error))
    except IntegrationError as error:
        # Also where the same was noted a moment ago: nothing may look healthy after this.
        await integrations.failed(integration, error)
        checked = Checked()
        checked.error(error.code, integrations.outside.redact(str(error)))
    else:
        await integrations.succeeded(integration, checked.seen)
    return checked


async def _look(integrations: Integrations, opened: Opened[Any]) -> Checked:
    match opened.integration.kind:
        case IntegrationKind.PROWLARR:
            return await _check_prowlarr(opened, has_tracker=await _has_tracker(integrations))
        case IntegrationKind.TORZNAB:
            return await _check_torznab(opened)
        case IntegrationKind.MYANONAMOUSE:
            return await _check_tracker(integrations, opened)
        case IntegrationKind.QBITTORRENT:
            return await check_qbittorrent(opened, integrations.database)
        case IntegrationKind.OPENAI_COMPATIBLE | IntegrationKind.ANTHROPIC:
            return await _check_language_model(opened)


async def _check_prowlarr(opened: Opened[Prowlarr], *, has_tracker: bool) -> Checked:
    checked = Checked()
    await opened.client.ping()
    status = await opened.client.status()
    checked.seen["version"] = status.version
    checked.ok("SIGNED_IN", f"{status.app_name} {status.version} answers and accepts the API key.")
    for finding in await opened.client.health():
        if finding.severity in {"warning", "error"}:
            checked.warn("PROWLARR_HEALTH", f"Prowlarr says of itself: {finding.message}")
    indexers = [each for each in await opened.client.indexers() if each.protocol == "torrent"]
    _check_indexers(indexers, ProwlarrOptions.model_validate(opened.integration.options), checked)
    blocked = {block.indexer_id for block in await opened.client.indexer_statuses()}
    for indexer in indexers:
        if indexer.id in blocked:
            checked.warn("INDEXER_BLOCKED", f"Prowlarr leaves {indexer.name!r} alone for a while, because it failed.")
        if indexer.enabled and indexer.is_myanonamouse and has_tracker:
            checked.warn(
                "SHARED_SESSION",
                f"{indexer.name!r} in Prowlarr uses MyAnonamouse too. Give it a session of its own there: two programs "
                "with one session lock each other out.",
            )
    return checked


def _check_indexers(indexers: list[Indexer], options: ProwlarrOptions, checked: Checked) -> None:
    gone = set(options.indexer_ids) - {indexer.id for indexer in indexers}
    if gone:
        numbers = ", ".join(map(str, sorted(gone)))
        checked.error("UNKNOWN_INDEXER", f"Prowlarr has no torrent indexer {numbers}. Correct the option `indexerIds`.")
    chosen = [each for each in indexers if each.enabled and (not options.indexer_ids or each.id in options.indexer_ids)]
    useful = [each for each in chosen if any(each.covers(category) for category in options.categories)]
    if useful:
        checked.ok("INDEXERS", f"It searches {', '.join(repr(each.name) for each in useful)}.")
    else:
        checked.error("NO_INDEXER", "None of its torrent indexers is on and has audiobooks. Add one in Prowlarr.")
    for indexer in useful:
        if indexer.redirect:
            checked.warn(
                "INDEXER_REDIRECTS",
                f"{indexer.name!r} hands out the tracker's own links, which cannot be followed. Switch off "
                "`Redirect` for it in Prowlarr.",
            )


async def _check_torznab(opened: Opened[Torznab]) -> Checked:
    checked = Checked()
    capabilities = await opened.client.capabilities()
    if not (capabilities.can_search or capabilities.can_search_books):
        checked.error("CANNOT_SEARCH", "This indexer says that it cannot be searched. Choose another one.")
    else:
        checked.ok("SIGNED_IN", f"{capabilities.title or 'The indexer'} answers and can be searched.")
    wanted = set(TorznabOptions.model_validate(opened.integration.options).categories)
    if capabilities.categories and not wanted & set(capabilities.categories):
        checked.warn("NO_AUDIOBOOKS", "It has none of the categories in its options. Correct the option `categories`.")
    return checked


async def _check_tracker(integrations: Integrations, opened: Opened[MyAnonamouse]) -> Checked:
    checked = Checked()
    await opened.client.check()
    checked.ok("SIGNED_IN", "The session is good, and belongs to this network.")
    _check_account(await read_account(integrations, opened, max_age=MAX_AGE), checked)
    return checked


async def _check_language_model(opened: Opened[LanguageModel]) -> Checked:
    checked = Checked()
    offered = await opened.client.models()
    checked.ok("SIGNED_IN", "The server answers and says which models it has.")
    wanted = LanguageModelOptions.model_validate(opened.integration.options).model
    # Some servers name a model with its tag, and take it without.
    if wanted in offered or f"{wanted}:latest" in offered:
        checked.ok("MODEL", f"It has the model {wanted!r}.")
    else:
        checked.warn(
            "UNKNOWN_MODEL", f"Its list has no model {wanted!r}. Correct the option `model`, or load it there."
        )
    return checked


def _check_account(account: TrackerAccount, checked: Checked) -> None:
    if account.connectable is False:
        checked.warn("NOT_CONNECTABLE", "The tracker cannot reach the download client. Open its port.")
    if account.announces_rejected:
        checked.warn("ANNOUNCES_REJECTED", "The tracker turns the client away. Tell it the client's address.")
    if account.below_floor:
        checked.warn(
            "RATIO_RECOVERING", "The ratio is below its floor. Only free releases are taken until it recovers."
        )
    if account.frozen_until is not None and account.frozen_until > now():
        checked.warn("FROZEN", f"The tracker gives no torrent before {account.frozen_until:%Y-%m-%d %H:%M} UTC.")


def _turn(integrations: Integrations, integration: Integration) -> AbstractAsyncContextManager[None]:
    return integrations.account_turn if integration.kind is IntegrationKind.MYANONAMOUSE else nullcontext()


async def _has_tracker(integrations: Integrations) -> bool:
    async with integrations.database.read() as session:
        return bool(await rows.of_kind(session, IntegrationKind.MYANONAMOUSE))
