"""Signing in by the link that `shelfgraph up` and `shelfgraph token --link` print, and signing out.

The link signs in by itself, without another click. What else may fetch an address must not use its one time up:
HEAD, prefetches, and pictures or scripts of other pages are turned away before the code is looked at.
"""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from api.auth import COOKIE, Authenticator, clear_session_cookie, set_session_cookie
from library import accounts
from library.database import Database
from library.errors import SignInLinkRefused

LANDING = "/playground"  # fixed, so that the link cannot be bent to lead to another site
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Shelfgraph: sign in</title>
<style>body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }}</style>
</head>
<body>
<h1>{title}</h1>
<p>{text}</p>
</body>
</html>
"""


class SignIn:
    """The two endpoints, on a database and with the authenticator that reads the cookies they set."""

    def __init__(self, database: Database, authenticator: Authenticator) -> None:
        self._database = database
        self._authenticator = authenticator

    async def sign_in(self, request: Request) -> Response:
        """Turn `?code=` into a session cookie and lead to the playground; answer 403 with what to do otherwise."""
        if not _is_visit(request):
            return _page(409, "Open the link itself", "This address signs you in when it is opened in a browser tab.")
        code = request.query_params.get("code", "")
        try:
            async with self._database.write() as session:
                issued = await accounts.sign_in(session, code)
        except SignInLinkRefused as refusal:
            # Somebody who is signed in and finds the link in the browser's history has what they came for.
            if await self._authenticator.viewer_of_request(request) is not None:
                return _redirect()
            return _page(403, "This link does not work any more", str(refusal))
        response = _redirect()
        set_session_cookie(response, issued.secret, secure=is_secure(request))
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session of the cookie, on the server too."""
        secret = request.cookies.get(COOKIE)
        if secret:
            async with self._database.write() as session:
                await accounts.sign_out(session, secret)
        response = _redirect()
        clear_session_cookie(response, secure=is_secure(request))
        return response


def routes(database: Database, authenticator: Authenticator) -> list[BaseRoute]:
    """Give `GET /sign-in` and `POST /sign-out`; the cookie's SameSite keeps other sites from signing anybody out."""
    endpoints = SignIn(database, authenticator)
    return [
        Route("/sign-in", endpoints.sign_in, methods=["GET"]),
        Route("/sign-out", endpoints.sign_out, methods=["POST"]),
    ]


def _is_visit(request: Request) -> bool:
    """Whether somebody opened the address in a tab, as far as the browser says."""
    purpose = request.headers.get("sec-purpose", "") + request.headers.get("purpose", "")
    destination = request.headers.get("sec-fetch-dest", "document")
    return request.method == "GET" and "prefetch" not in purpose and destination == "document"


def is_secure(request: Request) -> bool:
    """Whether the browser speaks HTTPS, so that a cookie may be kept to it."""
    return request.url.scheme == "https"


def _redirect() -> Response:
    return RedirectResponse(LANDING, 303, HEADERS)


def _page(status: int, title: str, text: str) -> Response:
    return HTMLResponse(_PAGE.format(title=escape(title), text=escape(text)), status, HEADERS)
