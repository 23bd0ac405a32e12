"""What waits for somebody else's server goes on when that server is back, and nothing else does."""

from datetime import timedelta
from typing import Any

import pytest

from integrations.errors import AuthError
from jobs.events import Bus
from library import downloads
from library.database import Database
from library.downloads import ReasonCode
from library.models.downloads import DownloadState
from library.models.integrations import IntegrationKind
from library.models.tables import now
from tests.jobs.town import Town, worker
from tests.library.test_tracker_accounts import add_download

LATER = timedelta(hours=1)


async def blocked(database: Database, code: ReasonCode, **given: Any) -> int:
    """A download that is blocked for an hour."""
    blocked = {"state": DownloadState.BLOCKED, "reason_code": code, "retry_at": now() + LATER, **given}
    return await add_download(database, code, **blocked)


async def test_downloads_that_wait_for_a_server_go_on_when_the_user_has_mended_it(
    database: Database, bus: Bus, redis_url: str
) -> None:
    town = Town()
    await town.configure(database, IntegrationKind.PROWLARR, secrets={"api_key": "a-wrong-key"})
    waiting = await blocked(database, ReasonCode.NEEDS_ACTION, returns_to=DownloadState.QUEUED)
    await blocked(database, ReasonCode.TRACKER_REFUSED, returns_to=DownloadState.QUEUED)
    await blocked(database, ReasonCode.CLIENT_UNAVAILABLE, returns_to=DownloadState.GRABBING, retry_at=None)

    async with worker(town, database, bus, redis_url) as integrations:
        (prowlarr,) = await integrations.prowlarrs()
        with pytest.raises(AuthError):
            async with integrations.calling(prowlarr.integration):
                await prowlarr.client.status()
        assert await due(database) == []
        await town.configure(database, IntegrationKind.PROWLARR)
        (mended,) = await integrations.prowlarrs()
        async with integrations.calling(mended.integration):
            await mended.client.status()

    assert await due(database) == [waiting]


async def due(database: Database) -> list[int]:
    """Whose pause is over."""
    async with database.read() as session:
        return [download.id for download in await downloads.due(session, now())]
