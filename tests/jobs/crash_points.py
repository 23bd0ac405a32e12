"""Dying at a chosen point: before or after any commit, and before or after any HTTP exchange with somebody else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from library.database import Database


class Killed(BaseException):
    """The process ended here; nothing that handles errors handles this."""


@dataclass
class Plan:
    """Counts the points that are passed, by kind, and dies at one of them; 0 dies nowhere."""

    at: int = 0
    passed: int = 0
    kinds: list[str] = field(default_factory=list)

    @property
    def struck(self) -> bool:
        """Whether it died."""
        return 0 < self.at <= self.passed

    def point(self, kind: str) -> None:
        """Pass a point, or die there; the dead pass no more."""
        if self.struck:
            return
        self.passed += 1
        self.kinds.append(kind)
        if self.passed == self.at:
            raise Killed(kind)


class MortalDatabase(Database):
    """A database whose user may die around its commits; `plan` can be exchanged."""

    plan: Plan

    @classmethod
    def around(cls, database: Database, plan: Plan) -> "MortalDatabase":
        """The same database, seen by somebody mortal."""
        mortal = cls(database.engine, database._direct)
        mortal.plan = plan
        return mortal

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """As it is, with a point before and after the commit."""
        async with super().write() as session:
            yield session
            self.plan.point("before commit")
        self.plan.point("after commit")


class MortalTransport(httpx.AsyncBaseTransport):
    """A network whose user may die around its exchanges."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, with a point before and after."""
        self.plan.point(f"before {request.method} {request.url.path}")
        answer = await self._inner.handle_async_request(request)
        try:
            self.plan.point(f"after {request.method} {request.url.path}")
        except Killed:
            await answer.aclose()
            raise
        return answer

    async def aclose(self) -> None:
        """End all connections."""
        await self._inner.aclose()
