"""Signing in to qBittorrent and staying so (facts: sessions, C.1).

Five refused passwords ban our address for an hour, so a password that was refused once is never sent again; only new
credentials, and with them a new object, are. A session that ended is renewed once per call.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from integrations.errors import AuthError, BadPayload, Missing, Refused, Unavailable

# The default of qBittorrent; it does not say what it is set to.
BAN = timedelta(hours=1)
_API = "api/v2/"
_SERVER_FAILURE = 500


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and password, or from version 5.2 on an API key; all empty where our address needs none."""

    username: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)


class Session:
    """Sends calls as somebody who is signed in."""

    def __init__(
        self, http: httpx.AsyncClient, credentials: Credentials, *, service: str, now: Callable[[], datetime]
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._service = service
        self._now = now
        self._renewing = asyncio.Lock()
        self._refused = ""
        self._banned_until: datetime | None = None
        self.logins = 0

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        renewed: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        accepts: frozenset[int] = frozenset(),
    ) -> httpx.Response:
        """Call `path`, signing in first where that is needed; gives 200 and what `accepts` names.

        `renewed` takes the place of `params` where a sign-in was needed, for what only the old one understands.
        Every call may be repeated: it says what shall be, not what shall be added to it. Raises the errors of
        integrations.errors.
        """
        request: dict[str, Any] = {"params": params, "data": form, "files": files, "headers": self._headers()}
        seen = self.logins
        response = await self._http.request(method, _API + path, extensions={"idempotent": True}, **request)
        if response.status_code == httpx.codes.FORBIDDEN and not self._credentials.api_key:
            await self._renew(seen)
            request["params"] = params if renewed is None else renewed
            response = await self._http.request(method, _API + path, extensions={"idempotent": True}, **request)
        if response.status_code != httpx.codes.OK and response.status_code not in accepts:
            self._refuse(response, path)
        return response

    def _headers(self) -> dict[str, str]:
        key = self._credentials.api_key
        return {"Authorization": f"Bearer {key}"} if key else {}

    async def _renew(self, seen: int) -> None:
        async with self._renewing:
            # Whoever waited here finds that it has been done.
            if self.logins == seen:
                await self._login()
                self.logins += 1

    async def _login(self) -> None:
        if self._refused:
            raise AuthError(self._service, self._refused)
        if self._banned_until and self._now() < self._banned_until:
            raise self._banned(self._banned_until)
        # An old session's cookie would be answered as if it were still good.
        self._http.cookies.clear()
        form = {"username": self._credentials.username, "password": self._credentials.password}
        answer = await self._http.post(f"{_API}auth/login", data=form)
        self._judge_login(answer.status_code, answer.text.strip())

    def _judge_login(self, status: int, text: str) -> None:
        if status == httpx.codes.NO_CONTENT or (status == httpx.codes.OK and text == "Ok."):
            return
        if status == httpx.codes.FORBIDDEN:
            self._banned_until = self._now() + BAN
            raise self._banned(self._banned_until)
        if status == httpx.codes.UNAUTHORIZED or (status == httpx.codes.OK and text == "Fails."):
            self._refused = "Set the user name and password of its Web UI; they are not tried again as they are."
            raise AuthError(self._service, self._refused)
        if status >= _SERVER_FAILURE:
            raise Unavailable(self._service, f"status {status} to the sign-in")
        raise BadPayload(self._service, f"status {status} to the sign-in")

    def _banned(self, until: datetime) -> Refused:
        reason = "too many failed sign-ins have banned this address; check the password, then wait or restart it."
        return Refused(self._service, reason, until, code="LOGIN_BANNED")

    def _refuse(self, response: httpx.Response, path: str) -> None:
        """Raise what a status means that no call expects."""
        status = response.status_code
        with_key = bool(self._credentials.api_key)
        if status == httpx.codes.FORBIDDEN or (status == httpx.codes.UNAUTHORIZED and with_key):
            what = "Make a new API key in it." if with_key else "It signs us in, and then refuses the session."
            raise AuthError(self._service, what)
        if status == httpx.codes.UNAUTHORIZED:
            reason = "its host check does not know the address we use; reach it by the host and port it listens on."
            raise Refused(self._service, reason, code="HOST_REFUSED")
        if status == httpx.codes.NOT_FOUND:
            raise Missing(self._service, f"answer to {path} for this")
        if status == httpx.codes.CONFLICT:
            raise Refused(self._service, f"{path} conflicts with what it has.", code="CONFLICT")
        if status >= _SERVER_FAILURE:
            raise Unavailable(self._service, f"status {status} to {path}")
        raise BadPayload(self._service, f"status {status} to {path}")
