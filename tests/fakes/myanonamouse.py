"""A faithful fake of MyAnonamouse, with switches for everything the real one is known to do to its clients.

By hand: `uvicorn --factory tests.fakes.myanonamouse:application`, then `POST /fake/session` for a session to enter,
and `POST /fake/switches` with the switches to turn.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.fakes.catalogue import CatalogueEntry, public_domain
from tests.fakes.myanonamouse_account import FakeAccount, snatch
from tests.fakes.myanonamouse_rows import Json, as_legacy, matches, written

NOT_SIGNED_IN = "Error, you are not signed in <br />Other error"
LOGIN_PAGE = "<!doctype html><title>Login</title><form action='/takelogin.php'></form>"
_UNSAT = "Attempted to Download Past Unsatisfied limit."
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass
class Switches:
    """What the fake does wrong; each is off until it is set."""

    rotate_cookie: bool = True  # every answer to a good session replaces it, and the old one is dead
    session_expired: bool = False
    dead_session_answer: str = "403"  # or "text", "redirect", "page": the ways of saying so
    wrong_network: str = ""  # "IP" or "ASN": the session is good, from elsewhere
    nothing_returned: bool = False
    search_error: str = ""
    legacy_types: bool = False  # text for numbers, as before
    flat_account: bool = False  # the account's shape before September 2026
    malformed_author_info: bool = False
    ignores_limits: bool = False  # minSeeders and its like do nothing
    unsat_freeze: str = ""  # such as "1d 02:04:02": no download until then; "unknown" says no time
    unsat_freeze_form: str = "text"  # or "html", "json"
    unsat_freeze_status: int = 200
    rate_limited: int = 0  # so many answers are 429 from now on
    html_instead_of_json: bool = False
    hang: bool = False  # no answer while it is set
    seedbox_message: str = ""  # such as "Last change too recent"


@dataclass(frozen=True)
class Seen:
    """A request that came in."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Json
    user_agent: str
    session: str = field(repr=False)


class FakeMyAnonamouse:
    """The site with its three hosts in one application: `app`."""

    def __init__(
        self,
        catalogue: Iterable[CatalogueEntry],
        *,
        session: str = "first session/+=",
        account: FakeAccount | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.catalogue = {entry.id: entry for entry in catalogue}
        self.account = account or FakeAccount()
        self.switches = Switches()
        self.session = session
        self.seen: list[Seen] = []
        self.issued = [session]
        self._clock = clock
        self.app = Starlette(routes=self._routes())

    def new_session(self) -> str:
        """Make a session as the user does under Preferences > Security; the one before it is dead."""
        self.session = f"session {len(self.issued)}/+={len(self.issued):08x}"
        self.issued.append(self.session)
        return self.session

    def _routes(self) -> list[Route]:
        pages: dict[str, tuple[str, Endpoint]] = {
            "/json/checkCookie.php": ("GET", self._check_cookie),
            "/tor/js/loadSearchJSONbasic.php": ("POST", self._search),
            "/jsonLoad.php": ("GET", self._account),
            "/json/loadUserDetailsTorrents.php": ("GET", self._snatches),
            "/json/bonusBuy.php/": ("GET", self._buy),
            "/json/bonusBuy.php/{stamp}": ("GET", self._buy),
            "/tor/download.php": ("GET", self._download),
        }
        return [
            *(Route(path, self._guarded(endpoint), methods=[method]) for path, (method, endpoint) in pages.items()),
            Route("/json/dynamicSeedbox.php", self._guarded(self._seedbox, asks_session=False), methods=["GET"]),
            Route("/fake/switches", self._turn_switches, methods=["GET", "POST"]),
            Route("/fake/session", self._give_session, methods=["POST"]),
        ]

    def _guarded(self, endpoint: Endpoint, *, asks_session: bool = True) -> Endpoint:
        async def answer(request: Request) -> Response:
            given = unquote(request.cookies.get("mam_id", ""))
            await self._note(request, given)
            while self.switches.hang:
                await asyncio.sleep(0.02)
            is_good = self._is_good(given)
            response = await self._answer(endpoint, request, is_good or not asks_session)
            if is_good and self.switches.rotate_cookie:
                value = quote(self.new_session(), safe="")
                expiry = "expires=Sun, 01 Jan 2040 00:00:00 GMT; path=/; secure; HttpOnly"
                response.headers.append("set-cookie", f"mam_id={value}; {expiry}")
            return response

        return answer

    async def _note(self, request: Request, session: str) -> None:
        content = await request.body()
        body = orjson.loads(content) if content else {}
        agent = request.headers.get("user-agent", "")
        self.seen.append(Seen(request.method, request.url.path, dict(request.query_params), body, agent, session))

    def _is_good(self, given: str) -> bool:
        return given == self.session and not self.switches.session_expired and not self.switches.wrong_network

    async def _answer(self, endpoint: Endpoint, request: Request, is_let_in: bool) -> Response:
        if self.switches.rate_limited > 0:
            self.switches.rate_limited -= 1
            return PlainTextResponse("Too many requests", 429)
        if not is_let_in:
            return self._turned_away()
        if self.switches.html_instead_of_json:
            return HTMLResponse(LOGIN_PAGE)
        return await endpoint(request)

    def _turned_away(self) -> Response:
        if self.switches.wrong_network:
            return PlainTextResponse(f"Invalid session - {self.switches.wrong_network} mismatch", 403)
        match self.switches.dead_session_answer:
            case "text":
                return HTMLResponse(NOT_SIGNED_IN)
            case "redirect":
                return RedirectResponse("/login.php", 302)
            case "page":
                return HTMLResponse(LOGIN_PAGE)
            case _:
                return HTMLResponse("<h1>403 Forbidden</h1>", 403)

    async def _check_cookie(self, _: Request) -> Response:
        return JSONResponse({"Success": f"You are logged in as: {self.account.username}"})

    async def _search(self, request: Request) -> Response:
        asked = await request.json()
        tor = asked["tor"]
        if self.switches.search_error or tor.get("browse_lang") == []:
            return JSONResponse({"error": self.switches.search_error or "Something broke", "data": []})
        ignores = self.switches.ignores_limits
        found = [entry for entry in self.catalogue.values() if matches(entry, tor, ignores_limits=ignores)]
        if self.switches.nothing_returned or not found:
            return JSONResponse({"error": "Nothing returned, out of 0"})
        return JSONResponse(self._page(asked, found))

    def _page(self, asked: Mapping[str, Any], found: list[CatalogueEntry]) -> Json:
        start, size = int(asked["tor"].get("startNumber", 0)), min(max(int(asked.get("perpage", 20)), 5), 100)
        rows = [self._row(entry, asked) for entry in found[start : start + size]]
        totals = {"total": len(found), "total_found" if self.switches.legacy_types else "found": len(found)}
        return {"perpage": size, "start": start, "data": rows, **totals}

    def _row(self, entry: CatalogueEntry, asked: Mapping[str, Any]) -> Json:
        is_snatched = entry.id in self.account.unsatisfied
        is_free = entry.id in self.account.personal_freeleech
        row = written(entry, asked, snatched=is_snatched, personal_freeleech=is_free)
        if self.switches.malformed_author_info:
            row |= {"author_info": '{"501":"H. G. W', "narrator_info": "[]"}
        return as_legacy(row, entry.size_bytes) if self.switches.legacy_types else row

    async def _account(self, request: Request) -> Response:
        summary = "snatch_summary" in request.query_params
        return JSONResponse(self.account.loaded(summary=summary, flat=self.switches.flat_account))

    async def _snatches(self, request: Request) -> Response:
        is_listed = request.query_params.get("type") in {"unsat", "seedUnsat"}
        taken = self.account.unsatisfied.values() if is_listed else ()
        return JSONResponse({"success": True, "rows": [snatch(entry, self._clock()) for entry in taken]})

    async def _buy(self, request: Request) -> Response:
        return JSONResponse(self.account.spend(dict(request.query_params), self.catalogue, self._clock()))

    async def _download(self, request: Request) -> Response:
        entry = self.catalogue.get(int(request.query_params.get("tid", 0)))
        if entry is None:
            return HTMLResponse("<h1>404 Not Found</h1>", 404)
        if self.switches.unsat_freeze or self.account.unsat >= self.account.unsat_limit:
            return self._frozen()
        if "fl" in request.query_params and self.account.wedges:
            self.account.wedges -= 1
            self.account.personal_freeleech.add(entry.id)
        self.account.take(entry)
        return Response(entry.torrent, media_type="application/x-bittorrent")

    def _frozen(self) -> Response:
        wait = self.switches.unsat_freeze or "1d 00:00:00"
        told = "" if wait == "unknown" else f"Time Till Download Allowed: {wait}"
        status = self.switches.unsat_freeze_status
        happened = f"Happened: {self._clock():%Y-%m-%d %H:%M:%S}"
        cells = "".join(f"<td>{cell.replace(': ', '</td><td>')}</td>" for cell in (_UNSAT, happened, told))
        match self.switches.unsat_freeze_form:
            case "html":
                return HTMLResponse(f"<table><tr>{cells}</tr></table>", status)
            case "json":
                # PHP escapes slashes, and was told to escape angle brackets too.
                content = orjson.dumps({"error": f"<table><tr>{cells}</tr></table>"}).decode()
                escaped = content.replace("/", "\\/").replace("<", "\\u003c").replace(">", "\\u003e")
                return Response(escaped, status, media_type="application/json")
            case _:
                return PlainTextResponse(" ".join(filter(None, (_UNSAT, happened, told))), status)

    async def _seedbox(self, request: Request) -> Response:
        message = self.switches.seedbox_message or self._seedbox_message(self.seen[-1].session)
        status = {"Completed": 200, "No change": 200, "Last change too recent": 429}.get(message, 403)
        network = {"ip": "192.0.2.10", "ASN": 64500, "AS": "EXAMPLE-NET"}
        return JSONResponse({"Success": status == 200, "msg": message, **network}, status)

    def _seedbox_message(self, given: str) -> str:
        if not given:
            return "No Session Cookie"
        if self.switches.wrong_network:
            return f"Invalid session - {self.switches.wrong_network} mismatch"
        return "No change" if self._is_good(given) else "Invalid session - Invalid Cookie"

    async def _turn_switches(self, request: Request) -> Response:
        turned = await request.json() if request.method == "POST" else {}
        unknown = set(turned) - {switch.name for switch in fields(Switches)}
        if unknown:
            return JSONResponse({"error": f"There is no switch {', '.join(sorted(unknown))}."}, 400)
        for name, value in turned.items():
            setattr(self.switches, name, value)
        return JSONResponse(asdict(self.switches))

    async def _give_session(self, _: Request) -> Response:
        self.switches.session_expired = False
        return JSONResponse({"mam_id": self.new_session()})


def application() -> Starlette:
    """The fake with a few books in the public domain."""
    return FakeMyAnonamouse(public_domain()).app
