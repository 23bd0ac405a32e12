"""Counting what a download client has, for the gate and for whoever looks at integrations: now and then, all of it."""

from collections.abc import Callable
from typing import Any

import structlog

from integrations.qbittorrent import QBittorrent, ServerState, Torrent
from jobs.download_tags import download_of
from jobs.integrations import Integrations, Opened
from library import download_progress, integration_health
from library.download_progress import UNSATISFIED
from library.downloads import SEEDING_GOAL

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0
_SPACE_GRAIN_BYTES = 1 << 28  # less is no news


class Census:
    """The counts of one client, written down when they changed."""

    def __init__(self, integrations: Integrations, identity: str, clock: Callable[[], float]) -> None:
        self._integrations = integrations
        self._identity = identity
        self._clock = clock
        self._due_at = float("-inf")
        self._torrents = -1

    async def take(self, opened: Opened[QBittorrent], server: ServerState) -> None:
        """Count if it is time, or if torrents have come or gone."""
        torrents = opened.client.maindata.torrents
        if self._clock() < self._due_at and len(torrents) == self._torrents:
            return
        self._due_at, self._torrents = self._clock() + EVERY_SECONDS, len(torrents)
        async with self._integrations.calling(opened.integration):
            version = (await opened.client.versions()).program
        found = list(torrents.values())
        seen = {
            "version": version,
            "free_space_bytes": server.free_space_bytes,
            "torrents": len(found),
            UNSATISFIED: _unsatisfied(found, opened.integration.options),
            "unclaimed": await self._unclaimed(found),
        }
        if _differs(seen, opened.integration.seen):
            async with self._integrations.database.write() as session:
                await integration_health.note_seen(session, opened.integration.id, seen)

    async def _unclaimed(self, torrents: list[Torrent]) -> int:
        """How many carry a tag of ours for no download there is: left alone, and told."""
        tagged = {download_of(tag, self._identity) for torrent in torrents for tag in torrent.tags} - {None}
        async with self._integrations.database.read() as session:
            unknown = await download_progress.unknown_ids(session, {number for number in tagged if number is not None})
        if unknown:
            log.warning("torrents_without_download", count=len(unknown), hint="they are left alone in the client")
        return len(unknown)


def _unsatisfied(torrents: list[Torrent], options: dict[str, Any]) -> int:
    """How many of our category have to be seeded longer."""
    category, goal = options.get("category"), SEEDING_GOAL.total_seconds()
    return sum(torrent.category == category and torrent.seeding_seconds < goal for torrent in torrents)


def _differs(seen: dict[str, Any], kept: dict[str, Any]) -> bool:
    space = "free_space_bytes"
    now, before = seen[space], kept.get(space)
    moved = abs(now - before) >= _SPACE_GRAIN_BYTES if now is not None and before is not None else now != before
    return moved or any(kept.get(name) != value for name, value in seen.items() if name != space)
