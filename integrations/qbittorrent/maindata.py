"""Follows everything in qBittorrent with one request per poll (facts: sync/maindata, C.6).

The server remembers per session what it sent. An answer's number is sent back with the next request, which confirms it.
A full answer replaces all that was known, and what it leaves out is empty.

The numbers of a new session begin at one again. Were its first answer lost, our next number could be taken to confirm
what we never saw; so after any failure, and after any sign-in, everything is asked for again.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from integrations.errors import BadPayload
from integrations.qbittorrent.torrents import READ_KEYS, Row, Torrent, TorrentRows

FROM_THE_START = 0


@dataclass(frozen=True, slots=True)
class ServerState:
    """How the whole client is doing; what a version does not tell is None."""

    free_space_bytes: int | None
    connection: str | None
    download_bytes_per_second: int
    upload_bytes_per_second: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What one poll brought.

    `full` says that all that is there is in `changed`: an empty one is an empty client. `removed` names what was known
    before and is not there any more; so soon after a restart that is no proof that it was deleted.
    """

    full: bool
    changed: Mapping[str, Torrent]
    removed: frozenset[str]
    server: ServerState


class Maindata:
    """The state of one client in one session, brought up to date by `poll`.

    There must be one per session: a second follower would confirm answers that the first never saw.
    """

    def __init__(self, fetch: Callable[[int], Awaitable[bytes]], service: str) -> None:
        self._fetch = fetch
        self._service = service
        self._rid = FROM_THE_START
        self._rows: dict[str, Row] = {}
        self._server: dict[str, Any] = {}

    @property
    def torrents(self) -> Mapping[str, Torrent]:
        """Everything that is known, by hash, as of the last poll."""
        return TorrentRows(self._rows, self._service)

    async def poll(self) -> Changes:
        """Ask for what changed since the last poll; costs time in proportion to that alone.

        A failure changes nothing that is known, and the next poll brings everything. Raises BadPayload where the answer
        is of another shape than documented.
        """
        rid, self._rid = self._rid, FROM_THE_START
        content = await self._fetch(rid)
        try:
            return self._take(orjson.loads(content))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadPayload(self._service, "maindata of another shape") from error

    def _take(self, answer: dict[str, Any]) -> Changes:
        rid = int(answer["rid"])
        full = bool(answer.get("full_update"))
        changed, removed = self._replace(answer) if full else self._merge(answer)
        changes = Changes(full, TorrentRows(changed, self._service), removed, self._server_state())
        self._rid = rid
        return changes

    def _replace(self, answer: dict[str, Any]) -> tuple[dict[str, Row], frozenset[str]]:
        rows: dict[str, Row] = answer.get("torrents", {})
        removed = frozenset(self._rows.keys() - rows.keys())
        self._server = dict(answer.get("server_state", {}))
        self._rows = dict(rows)
        return rows, removed

    def _merge(self, answer: dict[str, Any]) -> tuple[dict[str, Row], frozenset[str]]:
        news: dict[str, Row] = {}
        changed: dict[str, Row] = {}
        for torrent_hash, part in answer.get("torrents", {}).items():
            # A new row per change: what an earlier poll gave away stays as it was.
            row = {**self._rows.get(torrent_hash, {}), **part}
            if "state" not in row:
                raise ValueError("a part of something unknown: an answer was missed")
            news[torrent_hash] = row
            if not READ_KEYS.isdisjoint(part):
                changed[torrent_hash] = row
        removed = frozenset(answer.get("torrents_removed", ())) & self._rows.keys()
        self._rows.update(news)
        for torrent_hash in removed:
            del self._rows[torrent_hash]
        self._server.update(answer.get("server_state", {}))
        return changed, removed

    def _server_state(self) -> ServerState:
        said = self._server
        return ServerState(
            free_space_bytes=free if (free := int(said.get("free_space_on_disk", -1))) >= 0 else None,
            connection=said.get("connection_status"),
            download_bytes_per_second=int(said.get("dl_info_speed", 0)),
            upload_bytes_per_second=int(said.get("up_info_speed", 0)),
        )
