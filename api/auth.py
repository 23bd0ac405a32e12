"""Who asks: from a request's bearer token or cookie, or a socket's `connection_params`, to a `Viewer`."""

import asyncio
import hmac

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import HTTPConnection
from starlette.responses import Response

from library import accounts
from library.accounts import SESSION_LIFETIME
from library.database import Database
from library.errors import TokenRefused
from library.models.accounts import Role, TokenKind
from resolvers.context import Viewer

log = structlog.get_logger(__name__)

COOKIE = "shelfgraph_session"
_BEARER_KINDS = (TokenKind.API, TokenKind.SESSION)
_COOKIE_KINDS = (TokenKind.SESSION,)


class Authenticator:
    """Finds the viewer of requests and sockets, by tokens of the database and the operator's break-glass token."""

    def __init__(self, database: Database, *, admin_token: str | None) -> None:
        self._database = database
        self._admin_token = admin_token.encode() if admin_token else None
        self._touches: set[asyncio.Task[None]] = set()

    async def viewer_of_request(self, request: HTTPConnection) -> Viewer | None:
        """Whom a request speaks for; None when nobody has signed in. Raises TokenRefused for a bad bearer token.

        A cookie that has ended counts as none: browsers keep sending it, also to the page where one signs in anew.
        """
        secret = _bearer(request.headers.get("authorization"))
        if secret is not None:
            return await self._viewer(secret)
        return await self._viewer_of_cookie(request)

    async def viewer_of_socket(self, socket: HTTPConnection, connection_params: object) -> Viewer | None:
        """Whom a WebSocket speaks for: `{"Authorization": "Bearer …"}` or `{"token": "…"}`, else as a request.

        Raises TokenRefused for a bad token.
        """
        secret = _secret_of_params(connection_params)
        if secret is not None:
            return await self._viewer(secret)
        return await self.viewer_of_request(socket)

    async def still_valid(self, viewer: Viewer) -> bool:
        """Whether what the viewer presented has neither expired nor been revoked since; costs one statement."""
        if viewer.token_id is None:
            return True
        async with self._database.read() as session:
            return await accounts.still_valid(session, viewer.token_id)

    async def close(self) -> None:
        """Wait for the writes that record when tokens were used."""
        await asyncio.gather(*self._touches)

    async def _viewer_of_cookie(self, request: HTTPConnection) -> Viewer | None:
        secret = request.cookies.get(COOKIE)
        if not secret:
            return None
        try:
            return await self._viewer_of_token(secret, _COOKIE_KINDS, by_cookie=True)
        except TokenRefused:
            return None

    async def _viewer(self, secret: str) -> Viewer:
        # Before the database is asked: the operator gets in also when its tables are missing.
        if self._admin_token is not None and hmac.compare_digest(_bytes(secret), self._admin_token):
            return Viewer(user_id=None, name="operator", role=Role.ADMIN, token_id=None, expires_at=None)
        return await self._viewer_of_token(secret, _BEARER_KINDS, by_cookie=False)

    async def _viewer_of_token(self, secret: str, kinds: tuple[TokenKind, ...], *, by_cookie: bool) -> Viewer:
        async with self._database.read() as session:
            known = await accounts.authenticate(session, secret, kinds=kinds)
        if accounts.is_use_unwritten(known.token):
            # Beside the request, which must not wait while a scan has the writer's lock.
            touch = asyncio.create_task(self._touch(known.token.id))
            self._touches.add(touch)
            touch.add_done_callback(self._touches.discard)
        return Viewer(
            user_id=known.user.id,
            name=known.user.name,
            role=known.role,
            token_id=known.token.id,
            expires_at=known.token.expires_at,
            by_cookie=by_cookie,
        )

    async def _touch(self, token_id: int) -> None:
        try:
            async with self._database.write() as session:
                await accounts.touch(session, token_id)
        except SQLAlchemyError as error:
            log.warning("last_use_not_recorded", token_id=token_id, error=type(error).__name__)


def set_session_cookie(response: Response, secret: str, *, secure: bool) -> None:
    """Keep a session in the browser, out of reach of scripts and of other sites' requests."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response, *, secure: bool) -> None:
    """Make the browser forget its session."""
    response.delete_cookie(COOKIE, path="/", secure=secure, httponly=True, samesite="lax")


def _bearer(header: str | None) -> str | None:
    """Give the token of an Authorization header; another scheme is for a proxy in front, not for us."""
    scheme, _, secret = (header or "").strip().partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _secret_of_params(params: object) -> str | None:
    if not isinstance(params, dict):
        return None
    given = {key.lower(): value for key, value in params.items() if isinstance(key, str)}
    secret = given.get("authorization", given.get("token"))
    if secret is None:
        return None
    if not isinstance(secret, str):
        raise TokenRefused
    return (_bearer(secret) or "") if "authorization" in given else secret


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")
