"""Checks: what is found of each kind of server, and which checks are due."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from jobs.client_checks import Folder, check_target
from jobs.events import Bus
from jobs.execution import Run
from jobs.findings import Checked
from jobs.integration_checks import check_due, check_integration
from jobs.integrations import Integrations
from library import roots, tracker_accounts
from library.database import Database
from library.integration_health import is_healthy
from library.integration_options import QBittorrentOptions
from library.models import Integration, Job, LibraryRoot
from library.models.downloads import ImportMode
from library.models.integrations import IntegrationKind
from library.models.jobs import JobKind
from library.models.tables import now
from tests.fakes.prowlarr_rows import SESSION_IN_CLEAR
from tests.jobs.town import Town, integration, run_of, worker

TRACKER, PROWLARR = IntegrationKind.MYANONAMOUSE, IntegrationKind.PROWLARR
CLIENT, TORZNAB = IntegrationKind.QBITTORRENT, IntegrationKind.TORZNAB


async def check(integrations: Integrations, row: Integration) -> dict[str, str]:
    """Check it; gives the levels by code."""
    run = await run_of(integrations.database, integrations.bus, JobKind.CHECK_INTEGRATION, integration_id=row.id)
    await check_integration(run, integrations)
    return {finding["code"]: finding["level"] for finding in findings(run)}


def findings(run: Run) -> list[dict[str, Any]]:
    """What a run found."""
    assert run.result is not None
    found: list[dict[str, Any]] = run.result["findings"]
    return found


@contextmanager
def gone(folder: Path) -> Iterator[None]:
    """It is not there meanwhile."""
    folder.rename(folder.with_name("elsewhere"))
    yield
    folder.with_name("elsewhere").rename(folder)


async def test_prowlarr_is_asked_for_its_indexers_and_warned_of_a_shared_session(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    row = await town.configure(database, PROWLARR)
    async with worker(town, database, bus, redis_url) as integrations:
        assert "SHARED_SESSION" not in await check(integrations, row)
        await town.configure(database, TRACKER)
        found = await check(integrations, row)
        await town.configure(database, PROWLARR, options={"indexer_ids": [9, 404]})
        narrowed = await check(integrations, await integration(database, row.id))
    assert {code: level for code, level in found.items() if code != "PROWLARR_HEALTH"} == {
        "SIGNED_IN": "OK",
        "INDEXERS": "OK",
        "SHARED_SESSION": "WARNING",
    }
    assert narrowed["UNKNOWN_INDEXER"] == "ERROR"
    kept = await integration(database, row.id)
    assert (is_healthy(kept), kept.checked_at is not None, bool(kept.seen["version"])) == (True, True, True)
    async with database.read() as session:
        assert SESSION_IN_CLEAR not in str((await session.scalars(sa.select(Job.result))).all())


async def test_a_wrong_key_is_found_and_a_check_tries_the_right_one(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    row = await town.configure(database, TORZNAB, secrets={"api_key": "a-wrong-key"})
    async with worker(town, database, bus, redis_url) as integrations:
        assert await check(integrations, row) == {"CREDENTIALS_REFUSED": "ERROR"}
        waiting = await integration(database, row.id)
        assert (is_healthy(waiting), waiting.needs_action) == (False, "Enter the API key that belongs to this indexer.")
        town.torznab.api_key = "a-wrong-key"
        assert await check(integrations, waiting) == {"SIGNED_IN": "OK"}
    mended = await integration(database, row.id)
    assert (is_healthy(mended), mended.needs_action) == (True, None)


async def test_the_tracker_is_asked_whether_it_knows_us_and_how_the_account_stands(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    town.tracker.account.connectable = "no"
    row = await town.configure(database, TRACKER)
    async with worker(town, database, bus, redis_url) as integrations:
        assert await check(integrations, row) == {"SIGNED_IN": "OK", "NOT_CONNECTABLE": "WARNING"}
        town.tracker.switches.wrong_network = "ASN"
        assert await check(integrations, row) == {"WRONG_NETWORK": "ERROR"}
    async with database.read() as session:
        account = await tracker_accounts.get(session, row.id)
    assert account is not None
    assert (account.username, account.wedges) == ("example_user", 9)
    assert "another network" in ((await integration(database, row.id)).needs_action or "")


async def test_the_clients_folder_is_compared_with_the_library(
    database: Database, bus: Bus, redis_url: str, tmp_path: Path
) -> None:
    downloads, library = tmp_path / "downloads", tmp_path / "library"
    downloads.mkdir()
    library.mkdir()
    town = Town()
    options = {"free_space_reserve_bytes": 0, "path_mappings": [{"theirs": "/downloads", "ours": str(downloads)}]}
    row = await town.configure(database, CLIENT, options=options)
    async with worker(town, database, bus, redis_url) as integrations:
        assert (await check(integrations, row))["NO_LIBRARY_ROOT"] == "ERROR"
        async with database.write() as session:
            await roots.add(session, library, "Books")
        assert await check(integrations, row) == {
            "SIGNED_IN": "OK",
            "CATEGORY": "OK",
            "SAVE_PATH": "OK",
            "SPACE": "OK",
            "LIBRARY_ROOT": "OK",
        }
        with gone(library):
            assert (await check(integrations, row))["LIBRARY_NOT_FOUND"] == "ERROR"
        unmapped = await town.configure(database, CLIENT, options={"path_mappings": []})
        assert (await check(integrations, unmapped))["SAVE_PATH_NOT_FOUND"] == "ERROR"


@pytest.mark.parametrize(
    ("mode", "folder", "found"),
    [
        (ImportMode.HARDLINK, Folder(device=1, free_bytes=0, writable=True), ["LIBRARY_ROOT"]),
        (ImportMode.HARDLINK, Folder(device=2, free_bytes=0, writable=True), ["CROSS_DEVICE"]),
        (ImportMode.COPY, Folder(device=2, free_bytes=0, writable=True), ["LIBRARY_ROOT"]),
        (ImportMode.COPY, Folder(device=1, free_bytes=0, writable=False), ["LIBRARY_UNWRITABLE"]),
        (ImportMode.COPY, None, ["LIBRARY_NOT_FOUND"]),
    ],
)
def test_hardlinks_need_one_file_system_and_all_imports_a_writable_one(
    mode: ImportMode, folder: Folder | None, found: list[str]
) -> None:
    checked, downloads = Checked(), Folder(device=1, free_bytes=0, writable=False)
    check_target(LibraryRoot(name="Books", path="/books"), folder, downloads, QBittorrentOptions(mode=mode), checked)
    assert [finding.code for finding in checked.findings] == found


async def test_a_server_that_is_down_is_a_finding_and_not_a_failed_check(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    row = await town.configure(database, CLIENT)
    town.lost = {"/api/v2/app/version"}
    async with worker(town, database, bus, redis_url) as integrations:
        assert await check(integrations, row) == {"UNAVAILABLE": "ERROR"}
    assert is_healthy(await integration(database, row.id)) is False


async def test_checks_are_due_by_age_and_rest_while_the_user_must_act(database: Database, bus: Bus) -> None:
    town = Town()
    fresh = await town.configure(database, PROWLARR)
    waits = await town.configure(database, TORZNAB)
    old = await town.configure(database, CLIENT)
    await town.configure(database, TRACKER, enabled=False)
    async with database.write() as session:
        for row, age in ((fresh, 1), (waits, 60), (old, 60)):
            kept = await session.get_one(Integration, row.id)
            kept.updated_at = now() - timedelta(hours=2)
            kept.checked_at = now() - timedelta(minutes=age)
        (await session.get_one(Integration, waits.id)).needs_action = "Enter the key."
    await check_due(database, bus)
    assert await started(database) == [old.id]
    await town.configure(database, TORZNAB, secrets={"api_key": "another"})
    await check_due(database, bus)
    assert await started(database) == [old.id, waits.id]


async def started(database: Database) -> list[int]:
    """The integrations whose check was started."""
    async with database.read() as session:
        payloads = (await session.scalars(sa.select(Job.payload).order_by(Job.id))).all()
    return [payload["integration_id"] for payload in payloads]
