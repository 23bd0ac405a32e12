"""The calls to qBittorrent 4.5 to 5.2 that a download needs.

A torrent is known by its info-hash and our tag, never by its name. Calls on hashes that it does not have are ignored
there, so they raise nothing here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any, TypeVar

import httpx
import orjson

from integrations.errors import BadPayload, Missing, Refused, Unavailable
from integrations.qbittorrent.details import (
    ClientFile,
    Properties,
    Tracker,
    files_of,
    properties_of,
    trackers_of,
)
from integrations.qbittorrent.maindata import FROM_THE_START, Maindata
from integrations.qbittorrent.session import Credentials, Session
from integrations.qbittorrent.torrents import Torrent, torrent_of
from integrations.qbittorrent.versions import Versions, read_versions
from integrations.torrent_file import TorrentFile, UnusableTorrent, read_torrent

# An added torrent is listed after a moment; a busy client takes seconds.
CONFIRM_PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8, *([1.0] * 9))
_NO_LIMIT = "-1"
_SECONDS_PER_MINUTE = 60

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Added:
    """A torrent that the client has now, and whether it had it before."""

    torrent: Torrent
    already_there: bool


class QBittorrent:
    """One qBittorrent; raises the errors of integrations.errors.

    `http` has its address as `base_url`, keeps cookies, and is used by nobody else. `wait` pauses for seconds. Keep the
    object for as long as the credentials are the same: it remembers that they were refused.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        credentials: Credentials,
        *,
        service: str = "qBittorrent",
        wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.service = service
        self._session = Session(http, credentials, service=service, now=now)
        self._wait = wait
        self._versions: tuple[int, Versions] | None = None
        self.maindata = Maindata(self._maindata, service)

    async def versions(self) -> Versions:
        """What it is; asked once per sign-in, as a restart may have been an upgrade."""
        if self._versions is None or self._versions[0] != self._session.logins:
            program = (await self._session.call("GET", "app/version")).text
            api = (await self._session.call("GET", "app/webapiVersion")).text
            self._versions = (self._session.logins, read_versions(program, api, service=self.service))
        return self._versions[1]

    async def default_save_path(self) -> str:
        """Where it saves what has no other place, as it sees it."""
        return (await self._session.call("GET", "app/defaultSavePath")).text.strip()

    async def torrents(self, *, hashes: Collection[str] | None = None, tag: str | None = None) -> tuple[Torrent, ...]:
        """The torrents of these hashes, or with this tag, or all; a hash that it does not have is left out."""
        if hashes is not None and not hashes:
            return ()
        params = {} if hashes is None else {"hashes": "|".join(hashes)}
        params |= {} if tag is None else {"tag": tag}
        rows = await self._get("torrents/info", params)
        return self._read(lambda: tuple(torrent_of(row["hash"], row, self.service) for row in rows))

    async def files(self, torrent_hash: str) -> tuple[ClientFile, ...]:
        """Its files, none as long as there is no metadata; raises Missing."""
        rows = await self._details("files", torrent_hash)
        return self._read(lambda: files_of(rows))

    async def trackers(self, torrent_hash: str) -> tuple[Tracker, ...]:
        """Its trackers, by host; raises Missing."""
        rows = await self._details("trackers", torrent_hash)
        return self._read(lambda: trackers_of(rows))

    async def properties(self, torrent_hash: str) -> Properties:
        """What only its details say; raises Missing."""
        row = await self._details("properties", torrent_hash)
        return self._read(lambda: properties_of(row))

    async def add(
        self, content: bytes, *, save_path: str | None, category: str, tags: Collection[str], stopped: bool = False
    ) -> Added:
        """Make it have the torrent with these tags, however often that is asked (facts: torrents/add, C.2).

        The answers differ by version and do not tell a duplicate from a failure, so only its list counts: before, as a
        crashed job may have been here, and after. Raises UnusableTorrent, and Unavailable when it does not
        list it in time.
        """
        torrent = read_torrent(content, service=self.service)
        there = await self._find(torrent)
        if there is None:
            await self._send(torrent, save_path=save_path, category=category, tags=tags, stopped=stopped)
        listed = there or await self._confirmed(torrent)
        if not listed.tags.issuperset(tags):
            await self.add_tags([listed.hash], tags)
            listed = await self._confirmed(torrent)
        return Added(listed, already_there=there is not None)

    async def stop(self, hashes: Collection[str]) -> None:
        """Stop them; they are listed and keep what they have."""
        await self._act((await self.versions()).stop, hashes)

    async def start(self, hashes: Collection[str]) -> None:
        """Start them again."""
        await self._act((await self.versions()).start, hashes)

    async def delete(self, hashes: Collection[str], *, with_files: bool) -> None:
        """Remove them from its list, and from the disk only if `with_files`."""
        await self._act("delete", hashes, deleteFiles="true" if with_files else "false")

    async def recheck(self, hashes: Collection[str]) -> None:
        """Have it read their files again."""
        await self._act("recheck", hashes)

    async def reannounce(self, hashes: Collection[str]) -> None:
        """Have it ask their trackers again."""
        await self._act("reannounce", hashes)

    async def set_share_limits(
        self, hashes: Collection[str], *, ratio: float | None, seeding_seconds: float | None
    ) -> None:
        """Stop seeding at a ratio or after a time; None is no limit. It counts in minutes: they are rounded up."""
        minutes = _NO_LIMIT if seeding_seconds is None else str(ceil(seeding_seconds / _SECONDS_PER_MINUTE))
        await self._act(
            "setShareLimits",
            hashes,
            ratioLimit=_NO_LIMIT if ratio is None else str(ratio),
            seedingTimeLimit=minutes,
            # Old versions do not know these and do not mind.
            inactiveSeedingTimeLimit=_NO_LIMIT,
            shareLimitAction="Default",
        )

    async def categories(self) -> dict[str, str]:
        """The save path of each category, empty where it has none of its own."""
        rows = await self._get("torrents/categories", {})
        return self._read(lambda: {name: str(row["savePath"]) for name, row in rows.items()})

    async def ensure_category(self, name: str, *, save_path: str = "") -> None:
        """Make a category; one that is there stays as it is."""
        form = {"category": name, "savePath": save_path}
        conflict = frozenset({int(httpx.codes.CONFLICT)})
        answer = await self._session.call("POST", "torrents/createCategory", form=form, accepts=conflict)
        if answer.status_code in conflict and name not in await self.categories():
            raise Refused(self.service, "it cannot have a category of this name.", code="CATEGORY_REFUSED")

    async def set_category(self, hashes: Collection[str], name: str) -> None:
        """Put them into a category that is there; raises Refused where it is not."""
        await self._act("setCategory", hashes, category=name)

    async def tags(self) -> frozenset[str]:
        """All tags that it knows."""
        rows = await self._get("torrents/tags", {})
        return self._read(lambda: frozenset(map(str, rows)))

    async def add_tags(self, hashes: Collection[str], tags: Iterable[str]) -> None:
        """Give them these tags as well."""
        await self._act("addTags", hashes, tags=",".join(tags))

    async def remove_tags(self, hashes: Collection[str], tags: Iterable[str]) -> None:
        """Take these tags from them."""
        await self._act("removeTags", hashes, tags=",".join(tags))

    async def _maindata(self, rid: int) -> bytes:
        params, renewed = {"rid": str(rid)}, {"rid": str(FROM_THE_START)}
        return (await self._session.call("GET", "sync/maindata", params=params, renewed=renewed)).content

    async def _find(self, torrent: TorrentFile) -> Torrent | None:
        return next(iter(await self.torrents(hashes=torrent.client_ids)), None)

    async def _send(
        self, torrent: TorrentFile, *, save_path: str | None, category: str, tags: Iterable[str], stopped: bool
    ) -> None:
        form = {
            # Else the category's path may win over ours.
            "autoTMM": "false",
            "category": category,
            "tags": ",".join(tags),
            (await self.versions()).stopped: "true" if stopped else "false",
        } | ({"savepath": save_path} if save_path else {})
        files = {"torrents": (f"{torrent.info_hash}.torrent", torrent.content, "application/x-bittorrent")}
        no_torrent = int(httpx.codes.UNSUPPORTED_MEDIA_TYPE)
        accepts = frozenset({int(httpx.codes.ACCEPTED), int(httpx.codes.CONFLICT), no_torrent})
        answer = await self._session.call("POST", "torrents/add", form=form, files=files, accepts=accepts)
        if answer.status_code == no_torrent:
            raise UnusableTorrent(self.service, "it does not read it as one")

    async def _confirmed(self, torrent: TorrentFile) -> Torrent:
        for pause in CONFIRM_PAUSES_SECONDS:
            if found := await self._find(torrent):
                return found
            await self._wait(pause)
        # It may have been killed in between; given once more, it is added or found.
        raise Unavailable(self.service, "it was given the torrent and does not list it")

    async def _act(self, action: str, hashes: Collection[str], **form: str) -> None:
        # "all" stands for every torrent there, also those of others.
        chosen = [torrent_hash for torrent_hash in hashes if torrent_hash != "all"]
        if chosen:
            await self._session.call("POST", f"torrents/{action}", form={"hashes": "|".join(chosen), **form})

    async def _details(self, kind: str, torrent_hash: str) -> Any:
        gone = frozenset({int(httpx.codes.NOT_FOUND)})
        path = f"torrents/{kind}"
        answer = await self._session.call("GET", path, params={"hash": torrent_hash}, accepts=gone)
        if answer.status_code in gone:
            raise Missing(self.service, f"torrent {torrent_hash}")
        return self._read(lambda: orjson.loads(answer.content))

    async def _get(self, path: str, params: Mapping[str, str]) -> Any:
        answer = await self._session.call("GET", path, params=params)
        return self._read(lambda: orjson.loads(answer.content))

    def _read(self, read: Callable[[], Read]) -> Read:
        try:
            return read()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadPayload(self.service, "an answer of another shape") from error
