"""The playground: GraphiQL from the files that `api.playground_build` made, under a strict policy, without a CDN."""

import re
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

BUILT = Path(__file__).resolve().parent.parent / "web" / "playground" / "dist"
"""Where the install step leaves the built page."""

NOT_BUILT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Shelfgraph playground: not built</title>
<style>
body { font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }
pre { background: #eee; color: #111; padding: .8rem }
</style>
</head>
<body>
<h1>The playground is not built yet</h1>
<p>The GraphQL endpoint itself is up and answers. To build this page, run, in Shelfgraph's folder</p>
<pre>make playground</pre>
<p>and reload. It takes GraphiQL from the npm registry, so the machine must reach that registry once.</p>
</body>
</html>
"""

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "worker-src": "'self' blob:",
    # Monaco writes <style> elements, and no nonce can be handed to it.
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}

HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}

# What may stand in a Host header: anything else could smuggle a directive into the policy.
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


class Page:
    """ASGI app that answers with the playground's page, or with how to build it (503)."""

    def __init__(self, dist: Path) -> None:
        self.index = dist / "index.html"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        await self.response(Request(scope))(scope, receive, send)

    def response(self, request: Request) -> Response:
        """Look at the disk each time: the page may be built while the API serves."""
        headers = page_headers(request.headers.get("host", ""))
        if self.index.is_file():
            return FileResponse(self.index, headers=headers, media_type="text/html")
        return HTMLResponse(NOT_BUILT, 503, headers)


class Assets(StaticFiles):
    """The built files. A file's name carries the hash of its content, so browsers may keep it for ever."""

    def __init__(self, dist: Path) -> None:
        super().__init__(directory=dist / "assets", check_dir=False)

    async def check_config(self) -> None:
        """Accept a missing folder: it is a 404 until the playground is built."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Answer with the file or with 304; both carry the caching headers."""
        response = super().file_response(*args, **kwargs)
        response.headers.update(HEADERS | {"Cache-Control": "public, max-age=31536000, immutable"})
        return response


def routes(dist: Path = BUILT) -> list[BaseRoute]:
    """Give `/playground` and its files; `/graphql` shows the same `page` to those who accept HTML."""
    return [
        Mount("/playground/assets", app=Assets(dist), name="playground-assets"),
        Route("/playground", page(dist), methods=["GET"], name="playground"),
    ]


def page(dist: Path = BUILT) -> ASGIApp:
    """Give the ASGI app of the page alone."""
    return Page(dist)


def page_headers(host: str) -> dict[str, str]:
    """Give the headers of the page as asked for at `host` (the Host header)."""
    return HEADERS | {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": content_security_policy(host),
        "Vary": "Accept",
        "X-Frame-Options": "DENY",
    }


def content_security_policy(host: str) -> str:
    """Allow this origin only. `ws://host` covers `wss://` too; some browsers' 'self' leaves sockets out."""
    connect = f"'self' ws://{host}" if _HOST.fullmatch(host) else "'self'"
    return "; ".join(f"{name} {sources}" for name, sources in {**POLICY, "connect-src": connect}.items())
