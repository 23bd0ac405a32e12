"""Following the download clients: one worker asks each of them at a time, once per poll for everything.

A poll costs time for what changed in the client or in the rows since the last one, and nothing for the rest. It comes
every few seconds while somebody watches, at once when somebody begins to, and more seldom otherwise.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from integrations.errors import IntegrationError
from jobs.client_looks import ClientLooks
from jobs.events import WATCHING_TOPIC, Bus
from jobs.integrations import Integrations
from library import download_progress, leases
from library.errors import ShelfgraphError

log = structlog.get_logger(__name__)

LEASE_LASTS = timedelta(seconds=10)  # so long after a worker's death another goes on
RENEW_SECONDS = 3.0  # also the longest time until a lost hint that somebody watches is made up for
_LAST_TURN_SECONDS = 5.0
_LISTING_SECONDS = 5.0  # how often it is seen which clients there are


@dataclass(frozen=True, slots=True)
class Paces:
    """Seconds between two polls."""

    watched: float = 2.0
    idle: float = 20.0


class Poller:
    """Follows every download client that is switched on; each worker runs one, and leases decide whose polls."""

    def __init__(
        self,
        integrations: Integrations,
        identity: str,
        holder: str,
        *,
        paces: Paces = Paces(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`identity` is that of library.database; `holder` names this worker."""
        self._integrations = integrations
        self._identity = identity
        self._holder = holder
        self._paces = paces
        self._clock = clock
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follow until cancelled; leases are given back."""
        try:
            while True:
                try:
                    self._follow(await download_progress.client_ids(self._integrations.database))
                except (SQLAlchemyError, OSError) as error:
                    log.warning("clients_not_listed", error=type(error).__name__)
                await asyncio.sleep(_LISTING_SECONDS)
        finally:
            self._follow([])
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _follow(self, client_ids: list[int]) -> None:
        """Begin with clients that are new, or whose task ended; end with those that are gone."""
        for client_id in client_ids:
            if client_id not in self._tasks or self._tasks[client_id].done():
                follower = self.follower(client_id)
                self._tasks[client_id] = asyncio.create_task(follower.run(), name=f"poll:{client_id}")
        for client_id, task in self._tasks.items():
            if client_id not in client_ids:
                task.cancel()

    def follower(self, client_id: int) -> "Follower":
        """What follows one client."""
        looks = ClientLooks(self._integrations, client_id, self._identity, clock=self._clock)
        return Follower(looks, self._integrations, client_id, holder=self._holder, paces=self._paces, clock=self._clock)


class Follower:
    """Polls one client whenever it is due, while it holds the lease."""

    def __init__(
        self,
        looks: ClientLooks,
        integrations: Integrations,
        client_id: int,
        *,
        holder: str,
        paces: Paces,
        clock: Callable[[], float],
    ) -> None:
        self._looks = looks
        self._database = integrations.database
        self._bus: Bus = integrations.bus
        self._name = f"poll:{client_id}"
        self._holder = holder
        self._paces = paces
        self._clock = clock
        self._held_until = 0.0
        self._renew_at = 0.0
        self._polled_at = float("-inf")

    async def run(self) -> None:
        """Poll until cancelled."""
        try:
            with self._bus.listening(WATCHING_TOPIC) as woken:
                while True:
                    was_woken = woken.is_set()
                    woken.clear()  # before the turn: what comes meanwhile is for the next
                    pause = await self._whole(asyncio.create_task(self.turn(woken=was_woken)))
                    with suppress(TimeoutError):
                        await asyncio.wait_for(woken.wait(), pause)
        finally:
            await asyncio.shield(self._let_go())

    async def _whole(self, turn: asyncio.Task[float]) -> float:
        """Let a turn come to its end although we are cancelled: one torn apart may leave a database locked."""
        try:
            return await asyncio.shield(turn)
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                await asyncio.wait_for(turn, _LAST_TURN_SECONDS)
            raise

    async def turn(self, *, woken: bool = False) -> float:
        """Poll if it is time and the lease is ours; gives the seconds until the next turn."""
        try:
            if not await self._holds():
                self._looks.forget()
                return RENEW_SECONDS
            pace = self._paces.watched if await self._bus.is_watched() else self._paces.idle
            due = self._polled_at + pace - self._clock()
            if due <= 0 or woken:
                self._polled_at = self._clock()
                await self._looks.look()
                due = pace
        except (IntegrationError, ShelfgraphError) as error:
            # The integration's health tells everybody; the downloads stay as they are.
            log.info("poll_failed", lease=self._name, error=type(error).__name__)
            due = self._paces.watched
        except (SQLAlchemyError, OSError) as error:
            log.warning("poll_failed", lease=self._name, error=type(error).__name__)
            due = self._paces.watched
        except Exception:
            log.exception("poll_failed", lease=self._name)
            due = self._paces.idle
        return min(due, RENEW_SECONDS)

    async def _holds(self) -> bool:
        moment = self._clock()
        if moment < self._renew_at:
            return True
        if moment >= self._held_until:
            self._looks.forget()  # another may have polled meanwhile
        try:
            async with self._database.write() as session:
                taken = await leases.acquire(session, self._name, self._holder, LEASE_LASTS)
        except IntegrityError:  # another worker was faster with the very first
            taken = False
        if taken:
            self._renew_at = moment + RENEW_SECONDS
            self._held_until = moment + LEASE_LASTS.total_seconds()
        return taken

    async def _let_go(self) -> None:
        try:
            async with self._database.write() as session:
                await leases.release(session, self._name, self._holder)
        except (SQLAlchemyError, OSError) as error:
            log.warning("lease_not_released", lease=self._name, error=type(error).__name__)
