"""One worker's integrations: clients by configuration, health by what happened, and one user of a session at a time."""

import asyncio
from typing import Any

import pytest

from integrations.errors import AuthError, Missing, RateLimited, Refused, Unavailable
from integrations.myanonamouse import Query
from jobs.events import Bus
from jobs.tracker_session import SessionLease
from library import events, integration_secrets
from library import integrations as rows
from library.database import Database
from library.integration_health import is_healthy
from library.integrations import NeedsAction, NotConfigured
from library.models.integrations import Circuit, IntegrationKind
from tests.jobs.town import SEAL, Town, integration, worker

TRACKER, PROWLARR = IntegrationKind.MYANONAMOUSE, IntegrationKind.PROWLARR
CLIENT, TORZNAB = IntegrationKind.QBITTORRENT, IntegrationKind.TORZNAB
SCARLET = Query(text="study in scarlet")


async def kept_secrets(database: Database, integration_id: int) -> dict[str, str]:
    """What is kept, opened."""
    async with database.read() as session:
        return await integration_secrets.secrets_of(session, SEAL, integration_id)


async def told(database: Database) -> list[dict[str, Any] | None]:
    """The events of integrations."""
    async with database.read() as session:
        return [event.state for event in await events.since(session, events.INTEGRATIONS_TOPIC, 0, 100)]


async def test_what_is_configured_opens_and_what_is_not_says_so(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    async with worker(town, database, bus, redis_url) as integrations:
        assert (await integrations.tracker(), await integrations.prowlarrs(), await integrations.torznabs()) == (
            None,
            [],
            [],
        )
        with pytest.raises(NotConfigured, match="qBittorrent"):
            await integrations.download_client()
        for kind in IntegrationKind:
            await town.configure(database, kind)
        (prowlarr,), (torznab,) = await integrations.prowlarrs(), await integrations.torznabs()
        client, tracker = await integrations.download_client(), await integrations.tracker()
        assert tracker is not None
        assert (await prowlarr.client.status()).app_name == "Prowlarr"
        assert (await torznab.client.capabilities()).can_search
        assert (await client.client.versions()).program == "v5.1.4"
        assert len(await tracker.client.search(SCARLET)) == 2
        assert (await integrations.download_client(client.integration.id)).client is client.client


async def test_no_secret_that_a_service_quotes_leaves_a_call(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    row = await town.configure(database, PROWLARR)
    async with worker(town, database, bus, redis_url) as integrations:
        await integrations.by_id(row.id)
        for said in (Refused, Unavailable):
            with pytest.raises(said) as raised:
                async with integrations.calling(row):
                    raise said("Prowlarr", f"the key {town.prowlarr.api_key} has made too many calls")
            assert "the key [redacted] has made too many calls" in str(raised.value)


async def test_a_changed_configuration_opens_a_new_client_and_only_then(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    row = await town.configure(database, CLIENT)
    async with worker(town, database, bus, redis_url) as integrations:
        first = await integrations.download_client()
        async with integrations.calling(first.integration):
            await first.client.versions()
        assert (await integrations.download_client()).client is first.client
        await town.configure(database, CLIENT, options={"category": "books"})
        assert (await integrations.download_client()).client is not first.client
        async with database.write() as session:
            await rows.set_enabled(session, row.id, enabled=False)
        with pytest.raises(NotConfigured):
            await integrations.download_client(row.id)


async def test_a_success_is_noted_once_a_minute_and_only_a_change_is_told(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    row = await town.configure(database, PROWLARR)
    async with worker(town, database, bus, redis_url) as integrations:
        for _ in range(3):
            (prowlarr,) = await integrations.prowlarrs()
            async with integrations.calling(prowlarr.integration):
                await prowlarr.client.status()
        noted = await integration(database, row.id)
        assert (is_healthy(noted), noted.circuit, noted.seen["budget"]["capacity"]) == (True, Circuit.CLOSED, 15)
        assert await told(database) == [{"name": "Prowlarr", "healthy": True, "needs_action": None}]
        town.prowlarr.switches.set(server_error=True)
        for _ in range(2):
            with pytest.raises(Unavailable):
                async with integrations.calling(prowlarr.integration):
                    await prowlarr.client.status()
        failed = await integration(database, row.id)
        assert (is_healthy(failed), failed.last_error_code, failed.needs_action) == (False, "UNAVAILABLE", None)
        assert failed.updated_at == row.updated_at
        town.prowlarr.switches.set(server_error=False)
        async with integrations.calling(prowlarr.integration):
            await prowlarr.client.status()
    assert [event and event["healthy"] for event in await told(database)] == [True, False, True]


async def test_refused_credentials_wait_for_the_user_and_nobody_calls_meanwhile(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    row = await town.configure(database, PROWLARR, secrets={"api_key": "a-wrong-key"})
    async with worker(town, database, bus, redis_url) as integrations:
        (prowlarr,) = await integrations.prowlarrs()
        with pytest.raises(AuthError):
            async with integrations.calling(prowlarr.integration):
                await prowlarr.client.status()
        assert await integrations.prowlarrs() == []
        asked = len(town.requests)
        with pytest.raises(NeedsAction, match="API key"):
            await integrations.by_id(row.id)
        assert len(town.requests) == asked
        await town.configure(database, PROWLARR)
        (mended,) = await integrations.prowlarrs()
        async with integrations.calling(mended.integration):
            await mended.client.status()
    assert is_healthy(await integration(database, row.id))


async def test_that_a_thing_is_gone_says_nothing_against_the_server(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    row = await town.configure(database, CLIENT)
    async with worker(town, database, bus, redis_url) as integrations:
        client = await integrations.download_client()
        with pytest.raises(Missing):
            async with integrations.calling(client.integration):
                await client.client.properties("0" * 40)
    assert is_healthy(await integration(database, row.id))


async def test_each_new_session_is_kept_before_it_is_used_and_another_worker_goes_on_with_it(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    row = await town.configure(database, TRACKER)
    async with (
        worker(town, database, bus, redis_url) as here,
        worker(town, database, bus, redis_url) as there,
    ):
        for integrations in (here, there, here):
            opened = await integrations.tracker()
            assert opened is not None
            async with integrations.calling(opened.integration):
                assert await opened.client.search(SCARLET)
            assert (await kept_secrets(database, row.id))["mam_id_current"] == town.tracker.session
    assert [seen.session for seen in town.tracker.seen] == town.tracker.issued[:3]
    assert is_healthy(await integration(database, row.id))


async def test_workers_that_call_at_once_lose_no_session(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    row = await town.configure(database, TRACKER)
    async with (
        worker(town, database, bus, redis_url) as here,
        worker(town, database, bus, redis_url) as there,
    ):

        async def search(integrations: Any) -> int:
            opened = await integrations.tracker()
            async with integrations.calling(opened.integration):
                return len(await opened.client.search(SCARLET))

        found = await asyncio.gather(*(search(each) for each in (here, there, here, there)))
    assert found == [2, 2, 2, 2]
    assert (await kept_secrets(database, row.id))["mam_id_current"] == town.tracker.session


async def test_the_answer_to_an_old_seed_never_comes_after_a_new_one(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    row = await town.configure(database, TRACKER)
    async with worker(town, database, bus, redis_url) as integrations:
        old = await integrations.tracker()
        assert old is not None
        await town.configure(database, TRACKER, secrets={"mam_id": town.tracker.new_session()})
        with pytest.raises(Unavailable, match="entered anew"):
            async with integrations.calling(old.integration):
                await old.client.check()
        new = await integrations.tracker()
        assert new is not None
        async with integrations.calling(new.integration):
            assert await new.client.check() == "example_user"
    assert (await kept_secrets(database, row.id))["mam_id_current"] == town.tracker.session


async def test_a_session_is_never_sent_to_a_foreign_host(database: Database, bus: Bus, redis_url: str) -> None:
    town = Town()
    await town.configure(database, TRACKER, url="https://mousetrap.example")
    async with worker(town, database, bus, redis_url) as integrations:
        with pytest.raises(NeedsAction, match=r"mousetrap\.example"):
            await integrations.tracker()
        with pytest.raises(NeedsAction, match=r"mousetrap\.example"):
            await integrations.tracker()
    assert town.requests == []


async def test_a_lease_is_held_by_one_process_for_all_in_it(database: Database) -> None:
    mine, other = SessionLease(database, 7, "mine"), SessionLease(database, 7, "other", sleep=no_time)
    async with mine.held("Tracker"), mine.held("Tracker"):
        with pytest.raises(Unavailable, match="another worker"):
            async with other.held("Tracker"):
                pass
    async with other.held("Tracker"):
        pass
    await asyncio.gather(mine.close(), other.close())


async def test_a_cancelled_call_keeps_the_lease_for_the_answer_that_may_still_come(database: Database) -> None:
    over = asyncio.Event()

    async def until_over(seconds: float) -> None:
        await over.wait()

    mine, other = SessionLease(database, 7, "mine", sleep=until_over), SessionLease(database, 7, "b", sleep=no_time)
    with pytest.raises(asyncio.CancelledError):
        async with mine.held("Tracker"):
            raise asyncio.CancelledError
    with pytest.raises(Unavailable):
        async with other.held("Tracker"):
            pass
    await mine.close()
    async with other.held("Tracker"):
        pass
    await other.close()


async def test_a_server_that_asks_for_a_pause_is_left_alone_and_says_until_when(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    row = await town.configure(database, TRACKER)
    town.tracker.switches.rate_limited = 1
    async with worker(town, database, bus, redis_url) as integrations:
        opened = await integrations.tracker()
        assert opened is not None
        with pytest.raises(RateLimited):
            async with integrations.calling(opened.integration):
                await opened.client.check()
    noted = await integration(database, row.id)
    assert (noted.last_error_code, noted.needs_action) == ("RATE_LIMITED", None)
    assert noted.seen["budget"]["resets_at"] is not None


async def no_time(_seconds: float) -> None:
    """Wait without waiting."""
    await asyncio.sleep(0)
