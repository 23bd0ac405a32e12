"""The client: one request at a time, because every answer may replace the cookie the next one needs."""

import asyncio
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from integrations.errors import AuthError, BadPayload, Missing, Refused, Unavailable
from integrations.myanonamouse import account, purchases, search, seedbox, snatches, torrents
from integrations.myanonamouse.account import Account
from integrations.myanonamouse.purchases import Purchase
from integrations.myanonamouse.rows import Row
from integrations.myanonamouse.search import Query
from integrations.myanonamouse.seedbox import SeedboxAnswer
from integrations.myanonamouse.session import (
    NEW_SESSION,
    Hosts,
    SessionStore,
    cookie_header,
    dead_session,
    rotated_value,
)
from integrations.myanonamouse.snatches import Snatch, SnatchKind

REQUEST_SPACING_SECONDS = 2.0  # what Prowlarr keeps between requests to one indexer
CONCURRENCY = 1  # two at once would each replace the other's cookie
BACK_OFF_SECONDS = (30.0, 60.0, 120.0)  # after the first, second and third 429; ten quick torrents draw one
ACCOUNT_MAX_AGE_SECONDS = 300.0  # the site's own numbers lag by more
DYNAMIC_SEEDBOX_SPACING_SECONDS = 3600.0  # the site's rule: once per rolling hour

_CHECK = "/json/checkCookie.php"
_INFO_HASH = re.compile(r"[0-9a-fA-F]{40}")


class MyAnonamouse:
    """One user's access. Nothing here repeats a request because the session is dead, or one that spends something.

    Every method raises Unavailable, RateLimited, AuthError (NetworkMismatch), Refused or BadPayload.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        service: str,
        session: SessionStore,
        *,
        hosts: Hosts | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._service = service
        self._session = session
        self._hosts = hosts or Hosts()
        self._hosts.check(service)
        self._clock = clock
        self._turn = asyncio.Lock()
        self._exchanges: set[asyncio.Task[httpx.Response]] = set()

    async def check(self) -> str:
        """Whether the session is good: the name of its user; raises AuthError otherwise."""
        body = await self._json("GET", _CHECK, idempotent=True)
        greeting = str(body.get("Success", "")) if isinstance(body, Mapping) else ""
        if not greeting:
            raise AuthError(self._service, NEW_SESSION)
        return greeting.rpartition(": ")[2]

    async def search(self, query: Query) -> list[Row]:
        """The releases that hold all the words, at most `query.limit`; without any word nothing is asked."""
        if not query.words:
            return []
        rows = await self._search(query.body())
        return [row for row in rows if query.keeps(row)][: query.limit]

    async def by_id(self, torrent_id: int) -> Row | None:
        """One release with its description and media information; None when it is gone."""
        rows = await self._search(search.by_id(torrent_id))
        return next((row for row in rows if row.id == torrent_id), None)

    async def by_hash(self, info_hash: str) -> Row | None:
        """The release whose torrent has this info-hash (40 hex digits); None when there is none."""
        if not _INFO_HASH.fullmatch(info_hash):
            return None  # an empty hash would mean all releases
        rows = await self._search(search.by_hash(info_hash))
        if len(rows) > 1:
            raise BadPayload(self._service, "several releases for one info-hash")
        return rows[0] if rows else None

    async def torrent(self, torrent_id: int, *, wedge: bool = False) -> bytes:
        """The torrent file; with `wedge` a freeleech wedge is spent on it, for good.

        Raises Missing, and Refused with the code UNSATISFIED_LIMIT and the time until which nothing can be taken.
        """
        params = {"tid": str(torrent_id)} | ({"fl": ""} if wedge else {})
        answer = await self._send("GET", self._hosts.site + torrents.PATH, params=params, idempotent=not wedge)
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise Missing(self._service, f"torrent {torrent_id}")
        return torrents.parse_torrent(self._service, answer.status_code, answer.content, self._clock())

    async def account(self) -> Account:
        """The account; keep it for ACCOUNT_MAX_AGE_SECONDS before asking again."""
        body = await self._json("GET", account.PATH, params={"snatch_summary": ""}, idempotent=True)
        return account.parse_account(self._service, body)

    async def snatches(self, uid: int, kind: SnatchKind, page: int) -> list[Snatch]:
        """One page of a user's snatch list."""
        params = {"uid": str(uid), "iteration": str(page), "type": kind.value, "cacheTime": str(self._seconds())}
        body = await self._json("GET", snatches.PATH, params=params, host=self._hosts.cdn, idempotent=True)
        return snatches.parse_snatches(self._service, body)

    async def buy_vip(self) -> Purchase:
        """Buy as much VIP time as can be had, for points."""
        return await self._buy(purchases.vip())

    async def buy_wedge(self) -> Purchase:
        """Buy one freeleech wedge, for points."""
        return await self._buy(purchases.wedge())

    async def buy_upload(self, gb: int) -> Purchase:
        """Buy upload credit, for points."""
        return await self._buy(purchases.upload(self._service, gb))

    async def make_personal_freeleech(self, torrent_id: int) -> Purchase:
        """Spend a wedge, so that this release costs this user no ratio."""
        stamp = self._seconds()
        order = purchases.personal_freeleech(torrent_id, stamp)
        return await self._order(f"{purchases.PATH}{stamp}", order)

    async def dynamic_seedbox(self) -> SeedboxAnswer:
        """Set the session's address to the one this call comes from: call it from the torrent client's network.

        At most once per DYNAMIC_SEEDBOX_SPACING_SECONDS.
        """
        answer = await self._send("GET", self._hosts.seedbox + seedbox.PATH)
        return seedbox.parse_seedbox(self._service, _loaded(answer))

    async def _search(self, request: dict[str, object]) -> list[Row]:
        body = await self._json("POST", search.PATH, json=request, idempotent=True)
        return search.parse_answer(self._service, body)

    async def _buy(self, order: dict[str, str]) -> Purchase:
        return await self._order(purchases.PATH, order | {"_": str(int(self._clock().timestamp() * 1000))})

    async def _order(self, path: str, order: dict[str, str]) -> Purchase:
        return purchases.parse_purchase(self._service, await self._json("GET", path, params=order))

    def _seconds(self) -> int:
        return int(self._clock().timestamp())

    async def _json(self, method: str, path: str, *, host: str | None = None, **how: Any) -> object:
        """The JSON of an answer that means to be one."""
        answer = await self._send(method, (host or self._hosts.site) + path, **how)
        if dead := dead_session(self._service, answer.status_code, answer.text):
            raise dead
        if answer.is_server_error:
            raise Unavailable(self._service, f"it answers with status {answer.status_code}")
        if answer.is_client_error:
            raise Refused(self._service, f"it answers with status {answer.status_code}")
        body = _loaded(answer)
        if body is None and "json" not in answer.headers.get("content-type", ""):
            raise AuthError(self._service, NEW_SESSION)  # the login page, with status 200
        if body is None:
            raise BadPayload(self._service, "JSON that cannot be read")
        return body

    async def _send(self, method: str, url: str, *, idempotent: bool = False, **how: Any) -> httpx.Response:
        """Wait for the turn and send; once sent, the new cookie is kept even when the caller is cancelled meanwhile."""
        await self._turn.acquire()
        exchange = asyncio.create_task(self._exchange(method, url, idempotent, how))
        self._exchanges.add(exchange)
        exchange.add_done_callback(self._finished)
        return await asyncio.shield(exchange)

    def _finished(self, exchange: asyncio.Task[httpx.Response]) -> None:
        self._turn.release()
        self._exchanges.discard(exchange)
        if not exchange.cancelled():
            exchange.exception()  # its caller may be gone, and asyncio would complain that nobody looked

    async def _exchange(self, method: str, url: str, idempotent: bool, how: dict[str, Any]) -> httpx.Response:
        sent, answer = await self._once(method, url, idempotent, how)
        if idempotent and await self._was_stale(sent, answer):
            _, answer = await self._once(method, url, idempotent, how)
        return answer

    async def _was_stale(self, sent: str, answer: httpx.Response) -> bool:
        """Whether it was turned away for a cookie that an earlier failure of the same request had replaced.

        The transport repeats a read after such failures, and knows nothing of cookies.
        """
        if rotated_value(answer.headers.get_list("set-cookie")) is not None:
            return False
        turned_away = dead_session(self._service, answer.status_code, answer.text)
        return turned_away is not None and await self._session.current() != sent

    async def _once(self, method: str, url: str, idempotent: bool, how: dict[str, Any]) -> tuple[str, httpx.Response]:
        value = await self._session.current()
        if not value:
            raise AuthError(self._service, NEW_SESSION)
        answer = await self._client.request(
            method,
            url,
            headers={"Cookie": cookie_header(value), "Accept": "application/json, */*"},
            extensions={"idempotent": idempotent, "trace": self._trace},
            follow_redirects=False,  # it would lead to the login page, or take the cookie elsewhere
            **how,
        )
        await self._keep(answer.headers.get_list("set-cookie"))
        return value, answer

    async def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Keep the cookie of answers that the transport turns into errors or repeats, such as 429.

        httpx passes this extension to httpcore, which calls it at every step of every exchange.
        """
        if event.endswith("receive_response_headers.complete"):
            headers = info["return_value"][-1]
            await self._keep([value.decode("latin-1") for name, value in headers if name.lower() == b"set-cookie"])

    async def _keep(self, set_cookies: list[str]) -> None:
        value = rotated_value(set_cookies)
        if value is not None and value != await self._session.current():
            await self._session.rotate(value)


def _loaded(answer: httpx.Response) -> object:
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return None
