"""A Prowlarr with its habits: it swallows the failures of its indexers, and its links carry its key."""

import base64
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from tests.fakes.catalogue import CatalogueEntry
from tests.fakes.indexer_switches import IndexerSwitches, switches_route
from tests.fakes.prowlarr_rows import FakeIndexer, indexer_row, release_row, utc

API_KEY = "fa0c0000000000000000000000prowla"
GRAB_CACHE = timedelta(minutes=30)
BLOCK = timedelta(minutes=15)
AUDIO_CATEGORIES = {3000, 3030}
STACK_TRACE = "Prowlarr.Api.SomeException: at Prowlarr.Api.V1.SomeController.SomeMethod() in /src/Some.cs:line 1"

_TOKEN = re.compile(r"\{(author|title):([^{}]*)\}")

Handler = Callable[[Request], Awaitable[Response]]


@dataclass
class ProwlarrSwitches(IndexerSwitches):
    """Prowlarr's own ways to fail."""

    failing: set[int] = field(default_factory=set)  # these indexers fail when they are asked
    all_unavailable: bool = False  # every indexer was blocked before the search
    no_client: bool = False  # Prowlarr itself has no download client

    def set(self, **values: object) -> None:
        """Set by name; JSON has no sets."""
        numbers = values.get("failing")
        super().set(**(values | {"failing": set(numbers)} if isinstance(numbers, list) else values))


class FakeProwlarr:
    """An ASGI application; `server` is the address it writes into its links, as it believes to be called."""

    def __init__(
        self,
        indexers: Sequence[FakeIndexer],
        *,
        api_key: str = API_KEY,
        server: str = "http://prowlarr:9696",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.indexers = {indexer.id: indexer for indexer in indexers}
        self.api_key = api_key
        self.server = server
        self.switches = ProwlarrSwitches()
        self.searches: list[list[tuple[str, str]]] = []
        self.grabbed: list[str] = []
        self._now = now
        self._started = now()
        self._history: list[dict[str, Any]] = []
        self._cache: dict[tuple[int, str], datetime] = {}
        self._application = Starlette(routes=self._routes())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and tell the time by our own clock; serve it without a second `Date`."""

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Date"] = format_datetime(self._now(), usegmt=True)
            await send(message)

        await self._application(scope, receive, send_dated)

    def _routes(self) -> list[Route]:
        api: dict[str, Handler] = {
            "indexer": self._list_indexers,
            "indexerstatus": self._list_blocked,
            "system/status": self._status,
            "health": self._health,
            "history": self._list_history,
        }
        return [
            switches_route(self.switches),
            Route("/ping", self._ping),
            Route("/api/v1/search", self._guarded(self._search), methods=["GET"]),
            Route("/api/v1/search", self._guarded(self._grab), methods=["POST"]),
            *(Route(f"/api/v1/{path}", self._guarded(handler)) for path, handler in api.items()),
            Route("/api/v1/indexer/{indexer:int}/download", self._guarded(self._download)),
            Route("/{indexer:int}/download", self._guarded(self._download)),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            switches = self.switches
            await switches.let_go()
            if switches.page:
                return HTMLResponse("<html><body>Sign in</body></html>")
            if switches.server_error:
                return _failed(500, "Object reference not set to an instance of an object")
            given = request.query_params.get("apikey") or request.headers.get("X-Api-Key")
            if switches.refuse_key or given != self.api_key:
                return Response(status_code=401)
            return await handler(request)

        return answer

    async def _ping(self, request: Request) -> Response:
        await self.switches.let_go()
        return _json({"status": "OK"})

    async def _search(self, request: Request) -> Response:
        self.searches.append(request.query_params.multi_items())
        ids = request.query_params.getlist("indexerIds")
        if wrong := next((value for value in ids if not re.fullmatch(r"-?\d+", value)), None):
            return _unbindable(wrong)
        if self.switches.all_unavailable:
            return _failed(400, "Search failed due to all selected indexers being unavailable")
        if self.switches.empty:
            return _json([])
        asked = self._asked({int(value) for value in ids}, request.query_params.getlist("categories"))
        return _json([row for indexer in asked for row in self._rows(indexer, request)])

    def _asked(self, ids: set[int], categories: list[str]) -> list[FakeIndexer]:
        wanted = {int(category) for category in categories}
        if wanted and not wanted & AUDIO_CATEGORIES:
            return []
        groups = {"usenet": -1, "torrent": -2}
        enabled = [indexer for indexer in self.indexers.values() if indexer.enable]
        return [each for each in enabled if not ids or each.id in ids or groups[each.protocol] in ids]

    def _rows(self, indexer: FakeIndexer, request: Request) -> list[dict[str, Any]]:
        failed = indexer.id in self.switches.failing
        query = request.query_params.get("query", "")
        # Without a limit Prowlarr passes 0 on, and gets no rows.
        limit = int(request.query_params.get("limit", "0"))
        is_book = request.query_params.get("type") == "book"
        found = (
            [] if failed else [entry for entry in indexer.entries if _matches(indexer, entry, query, is_book)][:limit]
        )
        self._record(indexer, "indexerQuery", not failed, _query_data(request, len(found)))
        for entry in found:
            self._cache[indexer.id, indexer.page_of(entry)] = self._now()
        return [release_row(indexer, entry, self._proxy_link(indexer, entry), self._now()) for entry in found]

    def _proxy_link(self, indexer: FakeIndexer, entry: CatalogueEntry) -> str:
        sealed = base64.urlsafe_b64encode(f"sealed {indexer.id} {entry.id}".encode()).decode()
        return f"{self.server}/{indexer.id}/download?apikey={self.api_key}&link={sealed}"

    async def _grab(self, request: Request) -> Response:
        """Send a release to Prowlarr's own client, for half an hour after the search."""
        body = await request.json()
        seen = self._cache.get((body["indexerId"], body["guid"]))
        if seen is None or self._now() - seen > GRAB_CACHE:
            return _failed(404, "Couldn't find requested release in cache, try searching again")
        if self.switches.gone:
            return _failed(409, "Getting release from indexer failed")
        if self.switches.no_client:
            return _failed(500, "Torrent Download client isn't configured yet")
        self.grabbed.append(body["guid"])
        return _json(body)

    async def _download(self, request: Request) -> Response:
        indexer = self.indexers.get(request.path_params["indexer"])
        if indexer is None:
            return _failed(404, f"IndexerDefinition with ID {request.path_params['indexer']} does not exist")
        entry = self._unsealed(indexer, request.query_params.get("link", ""))
        if entry is None:
            message = "Invalid Prowlarr link"
            return _json({"message": f"BadRequest: {message}", "content": message}, 400)
        return self._refusal(indexer) or self._handed_out(indexer, entry, request.query_params.get("file", ""))

    def _unsealed(self, indexer: FakeIndexer, link: str) -> CatalogueEntry | None:
        try:
            word, sealed_for, number = base64.urlsafe_b64decode(link).decode().split()
        except ValueError:
            return None
        by_id = {str(entry.id): entry for entry in indexer.entries}
        return by_id.get(number) if (word, sealed_for) == ("sealed", str(indexer.id)) else None

    def _refusal(self, indexer: FakeIndexer) -> Response | None:
        if not indexer.enable:
            return _xml_error(410, "Indexer is disabled")
        if self.switches.gone:
            return _xml_error(410, "Release is unavailable")
        if seconds := self.switches.blocked_seconds:
            until = self._now() + timedelta(seconds=seconds)
            text = f"Indexer is disabled till {until:%m/%d/%Y %H:%M:%S} due to recent failures."
            return _xml_error(429, text, {"Retry-After": str(seconds)})
        return None

    def _handed_out(self, indexer: FakeIndexer, entry: CatalogueEntry, file: str) -> Response:
        self._record(indexer, "releaseGrabbed", True, {"grabMethod": "Proxy", "grabTitle": file})
        self.grabbed.append(indexer.page_of(entry))
        if self.switches.magnet or indexer.magnets:
            return RedirectResponse(f"magnet:?xt=urn:btih:{entry.info_hash.upper()}&dn={entry.id}", 301)
        if self.switches.to_tracker or indexer.redirect:
            return RedirectResponse(f"{indexer.page_of(entry)}/file?passkey=of-the-user", 301)
        disposition = f'attachment; filename="{entry.id}.torrent"'
        return Response(
            entry.torrent, media_type="application/x-bittorrent", headers={"Content-Disposition": disposition}
        )

    async def _list_indexers(self, request: Request) -> Response:
        return _json([indexer_row(indexer, self._started) for indexer in self.indexers.values()])

    async def _list_blocked(self, request: Request) -> Response:
        now = self._now()
        numbers = set(self.indexers) if self.switches.all_unavailable else self.switches.failing
        return _json(
            [
                {
                    "indexerId": number,
                    "disabledTill": utc(now + BLOCK),
                    "mostRecentFailure": utc(now),
                    "initialFailure": utc(now - BLOCK),
                    "id": row,
                }
                for row, number in enumerate(sorted(numbers), 1)
            ]
        )

    async def _status(self, request: Request) -> Response:
        return _json(system_status(self._started))

    async def _health(self, request: Request) -> Response:
        names = ", ".join(self.indexers[number].name for number in sorted(self.switches.failing))
        finding = {
            "source": "IndexerStatusCheck",
            "type": "warning",
            "message": f"Indexers unavailable due to failures: {names}",
            "wikiUrl": "https://wiki.servarr.com/prowlarr/system#indexers-are-unavailable-due-to-failures",
            "id": 3,
        }
        return _json([finding] if names else [])

    async def _list_history(self, request: Request) -> Response:
        wanted = request.query_params.get("eventType")
        page, size = (int(request.query_params.get(name, usual)) for name, usual in (("page", 1), ("pageSize", 10)))
        records = [record for record in reversed(self._history) if wanted in {None, record["eventType"]}]
        return _json(
            {
                "page": page,
                "pageSize": size,
                "sortKey": "date",
                "sortDirection": "descending",
                "totalRecords": len(records),
                "records": records[(page - 1) * size : page * size],
            }
        )

    def _record(self, indexer: FakeIndexer, event: str, successful: bool, data: dict[str, str]) -> None:
        self._history.append(
            {
                "indexerId": indexer.id,
                "date": utc(self._now()),
                "successful": successful,
                "eventType": event,
                "data": data | {"source": "Prowlarr", "host": "192.0.2.5"},
                "id": len(self._history) + 1,
            }
        )


def system_status(started: datetime) -> dict[str, Any]:
    """`GET system/status`."""
    return {
        "appName": "Prowlarr",
        "instanceName": "Prowlarr",
        "version": "2.3.6.5400",
        "buildTime": "2026-04-02T12:00:00Z",
        "isDebug": False,
        "isProduction": True,
        "isAdmin": False,
        "isUserInteractive": False,
        "startupPath": "/app/prowlarr/bin",
        "appData": "/config",
        "osName": "alpine",
        "osVersion": "3.22.0",
        "isNetCore": True,
        "isLinux": True,
        "isOsx": False,
        "isWindows": False,
        "isDocker": True,
        "mode": "console",
        "branch": "master",
        "databaseType": "sqLite",
        "databaseVersion": "3.49.1",
        "authentication": "forms",
        "migrationVersion": 44,
        "urlBase": "",
        "runtimeVersion": "8.0.12",
        "runtimeName": ".NET",
        "startTime": utc(started),
        "packageVersion": "2.3.6.5400-ls1",
        "packageAuthor": "nobody",
        "packageUpdateMechanism": "docker",
    }


def _query_data(request: Request, found: int) -> dict[str, str]:
    asked = request.query_params
    return {
        "elapsedTime": "412",
        "queryResults": str(found),
        "query": asked.get("query", ""),
        "queryType": asked.get("type", "search"),
        "categories": ",".join(asked.getlist("categories")),
        "limit": asked.get("limit", "0"),
        "offset": asked.get("offset", "0"),
    }


def _matches(indexer: FakeIndexer, entry: CatalogueEntry, query: str, is_book: bool) -> bool:
    """Whether all words occur; tokens are lifted out of the text, and lost where the indexer cannot use them."""
    names = {"author": " ".join(entry.authors), "title": entry.title}
    named = _TOKEN.findall(query) if is_book else []
    text = _TOKEN.sub(" ", query) if is_book else query
    usable = [(name, value) for name, value in named if name in indexer.book_params]
    everything = " ".join((entry.title, *entry.authors, *entry.narrators, *(name for name, _ in entry.series)))
    return _all_in(text, everything) and all(_all_in(value, names[name]) for name, value in usable)


def _all_in(text: str, words: str) -> bool:
    return set(re.findall(r"\w+", text.lower())) <= set(re.findall(r"\w+", words.lower()))


def _json(content: object, status: int = 200) -> Response:
    """JSON as Prowlarr writes it: indented."""
    return Response(json.dumps(content, indent=2), status, media_type="application/json")


def _failed(status: int, message: str) -> Response:
    return _json({"message": message, "description": STACK_TRACE}, status)


def _unbindable(value: str) -> Response:
    return JSONResponse(
        {
            "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
            "title": "One or more validation errors occurred.",
            "status": 400,
            "errors": {"IndexerIds": [f"The value '{value}' is not valid."]},
            "traceId": "00-0-0-00",
        },
        400,
    )


def _xml_error(status: int, description: str, headers: dict[str, str] | None = None) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<error code="{status}" description="{description}" />'
    return Response(body, status, headers, media_type="application/rss+xml")
