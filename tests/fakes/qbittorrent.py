"""A faithful fake of qBittorrent's WebUI API, 4.5 to 5.2, as an ASGI application with its own control calls.

`python -m tests.fakes.qbittorrent --port 8080 --version 5.1` runs it by hand; its switches are in
tests/fakes/qbittorrent_control.py.
"""

import argparse
import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.qbittorrent_calls import CALLS, Asked, text
from tests.fakes.qbittorrent_control import pull, told
from tests.fakes.qbittorrent_state import FakeQBittorrent
from tests.fakes.qbittorrent_sync import Follower
from tests.fakes.qbittorrent_versions import VERSIONS
from tests.processes import free_port, wait_until

_BANNED = "Your IP address has been banned after too many failed authentication attempts."


@dataclass(frozen=True)
class RunningFake:
    """A fake on loopback: its address, and its switches."""

    url: str

    def pull(self, switch: str, **given: object) -> None:
        """Pull a switch."""
        httpx.post(f"{self.url}/fake/{switch}", json=given).raise_for_status()

    def told(self) -> dict[str, Any]:
        """What it holds, and which calls came."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/fake/state").json()
        return answer


def create_app(fake: FakeQBittorrent) -> Starlette:
    """The application that answers for `fake`."""

    async def api(request: Request) -> Response:
        return await _answered(fake, request)

    async def switch(request: Request) -> Response:
        pull(fake, request.path_params["switch"], await request.json() if await request.body() else {})
        return JSONResponse({})

    async def state(_: Request) -> Response:
        return JSONResponse(told(fake))

    return Starlette(
        routes=[
            Route("/api/v2/{path:path}", api, methods=["GET", "POST"]),
            Route("/fake/state", state, methods=["GET"]),
            Route("/fake/{switch}", switch, methods=["POST"]),
        ]
    )


def http_to(fake: FakeQBittorrent) -> httpx.AsyncClient:
    """A client that reaches the fake without a network."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(fake)), base_url="http://qbittorrent.test:8080")


@contextmanager
def running_fake(fake: FakeQBittorrent, port: int = 0) -> Iterator[RunningFake]:
    """Serve it on this port of loopback, or (0) a free one, until the block ends."""
    port = port or free_port()
    server = uvicorn.Server(_configuration(fake, port))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, "the fake answers")
        yield RunningFake(f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


async def _answered(fake: FakeQBittorrent, request: Request) -> Response:
    path = request.path_params["path"]
    fake.calls.append((request.method, path))
    await fake.answers.wait()
    failure = fake.next_failure(path)
    if failure is not None and not failure.after:
        return text("Internal Server Error", failure.status)
    answer = await _judged(fake, request, path)
    return text("Bad Gateway", failure.status) if failure is not None else answer


async def _judged(fake: FakeQBittorrent, request: Request, path: str) -> Response:
    if not _is_at_home(request):
        return text("Unauthorized", 401)
    if path == "auth/login":
        return await _login(fake, request)
    name, follower = _session(fake, request)
    if follower is None:
        return text("Forbidden", 403)
    answer = await _called(fake, request, path, follower)
    if name:
        _set_cookie(fake, request, answer, name)
    return answer


def _is_at_home(request: Request) -> bool:
    """Its protection against other sites: a page's address must be its own, and so must the port that was asked for."""
    host = request.headers.get("host", "")
    page = request.headers.get("origin") or request.headers.get("referer")
    server = request.scope.get("server") or ("", None)
    port = urlsplit(f"//{host}").port or 80
    return (page is None or urlsplit(page).netloc == host) and server[1] in {None, port}


async def _login(fake: FakeQBittorrent, request: Request) -> Response:
    async with request.form() as form:
        given = (form.get("username"), form.get("password"))
    is_new = fake.version.is_5_2
    if fake.bypasses_login or _cookie(fake, request) in fake.sessions:
        return text("", 204) if is_new else text("Ok.")
    if fake.is_banned:
        return text(_BANNED, 403)
    if given != (fake.username, fake.password):
        fake.failed_logins += 1
        return text("Unauthorized", 401) if is_new else text("Fails.")
    fake.failed_logins = 0
    answer = text("", 204) if is_new else text("Ok.")
    _set_cookie(fake, request, answer, fake.open_session())
    return answer


def _session(fake: FakeQBittorrent, request: Request) -> tuple[str, Follower | None]:
    """Who follows this session; with the session's name where it is opened by this very call."""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    if fake.version.is_5_2 and fake.api_key and bearer == fake.api_key:
        return "", fake.sessions.setdefault(fake.api_key, Follower())
    known = fake.sessions.get(_cookie(fake, request))
    if known is not None or not fake.bypasses_login:
        return "", known
    name = fake.open_session()
    return name, fake.sessions[name]


async def _called(fake: FakeQBittorrent, request: Request, path: str, follower: Follower) -> Response:
    call = CALLS.get(path)
    if path == "auth/logout":
        fake.sessions.pop(_cookie(fake, request), None)
        return text()
    if call is None or not call.is_in(fake.version):
        return text("Not Found", 404)
    if call.method != request.method:
        return text("Method Not Allowed", 405)
    asked = await _asked(request, follower)
    if missing := [name for name in call.required if name not in asked.given]:
        words = f"Missing required parameters: {', '.join(missing)}"
        return text(words if fake.version.is_4_6 else "Bad Request", 400)
    return call.answer(fake, asked)


async def _asked(request: Request, follower: Follower) -> Asked:
    if request.method == "GET":
        return Asked(dict(request.query_params), follower)
    async with request.form() as form:
        given = {name: value for name, value in form.items() if isinstance(value, str)}
        files = {part.filename or "": await part.read() for part in form.values() if isinstance(part, UploadFile)}
    return replace(Asked(given, follower), files=files)


def _cookie_name(fake: FakeQBittorrent, request: Request) -> str:
    return f"QBT_SID_{request.url.port or 80}" if fake.version.is_5_2 else "SID"


def _cookie(fake: FakeQBittorrent, request: Request) -> str:
    return request.cookies.get(_cookie_name(fake, request), "")


def _set_cookie(fake: FakeQBittorrent, request: Request, answer: Response, name: str) -> None:
    is_new = fake.version.is_5_2
    answer.set_cookie(
        _cookie_name(fake, request),
        name,
        max_age=3600 if is_new else None,
        httponly=True,
        samesite="lax" if is_new else "strict",
    )


def _configuration(fake: FakeQBittorrent, port: int) -> uvicorn.Config:
    return uvicorn.Config(create_app(fake), host="127.0.0.1", port=port, log_level="warning", lifespan="off", ws="none")


def main() -> None:
    """Serve a fake until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.qbittorrent")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--version", choices=VERSIONS, default="5.1")
    parser.add_argument("--downloads", default="/downloads", help="where it saves what has no other place")
    parser.add_argument("--source", type=Path, help="the folder whose files stand for what is downloaded")
    chosen = parser.parse_args()
    fake = FakeQBittorrent(chosen.version, downloads=chosen.downloads, source=chosen.source)
    asyncio.run(uvicorn.Server(_configuration(fake, chosen.port)).serve())


if __name__ == "__main__":
    main()
