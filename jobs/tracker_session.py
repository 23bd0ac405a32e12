"""MyAnonamouse's session among workers: one process uses it at a time, and a new value is kept before it is used."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from integrations.errors import Unavailable
from integrations.myanonamouse.session import seed_value
from library import integration_secrets, leases
from library.background import end_task
from library.database import Database
from library.integration_secrets import ROTATED, SEED
from library.sealing import Seal

log = structlog.get_logger(__name__)

LEASE_LASTS = timedelta(seconds=10)  # so long after a worker's death another may go on
RENEW_SECONDS = 3.0
ASK_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 60.0
# A cancelled call may still be on its way, and its answer may bring a new value.
LAST_ANSWER_SECONDS = 35.0

Sleep = Callable[[float], Awaitable[None]]


class StoredSession:
    """The newest value of a session that began with one seed; see integrations.myanonamouse.SessionStore."""

    def __init__(
        self, database: Database, seal: Seal, integration_id: int, service: str, seed: str, learn: Callable[[str], None]
    ) -> None:
        self._database = database
        self._seal = seal
        self._integration_id = integration_id
        self._service = service
        self._seed = seed
        self._learn = learn

    async def current(self) -> str:
        """The newest value, read from the database each time, since another worker may have used it last."""
        async with self._database.read() as session:
            kept = await integration_secrets.secrets_of(session, self._seal, self._integration_id)
        if kept.get(SEED) != self._seed:
            # What this session is replaced by must not come after the seed that the user has typed since.
            raise Unavailable(self._service, "its session has just been entered anew")
        return kept.get(ROTATED) or seed_value(self._seed)

    async def rotate(self, value: str) -> None:
        """Keep the value that replaces it; committed when this returns."""
        self._learn(value)
        async with self._database.write() as session:
            await integration_secrets.store_rotated(session, self._seal, self._integration_id, value, seed=self._seed)


class SessionLease:
    """Who may use a session: one process at a time, and within it everybody."""

    def __init__(self, database: Database, integration_id: int, holder: str, *, sleep: Sleep = asyncio.sleep) -> None:
        self._database = database
        self._name = f"mam-session:{integration_id}"
        self._holder = holder
        self._sleep = sleep
        self._users = 0
        self._changing = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None
        self._endings: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def held(self, service: str) -> AsyncIterator[None]:
        """Hold it meanwhile; raises Unavailable when another worker does not let go of it for a minute."""
        self._users += 1
        try:
            async with self._changing:
                if self._renewal is None:
                    await self._acquire(service)
                    self._renewal = asyncio.create_task(self._renew(), name=self._name)
            yield
        except asyncio.CancelledError:
            self._users -= 1
            self._end_later()
            raise
        except BaseException:
            self._users -= 1
            await self._end()
            raise
        else:
            self._users -= 1
            await self._end()

    async def close(self) -> None:
        """Let go of it at once, when the process ends and no answer can come any more."""
        for task in [*self._endings]:
            task.cancel()
        self._users = 0
        await self._end()

    async def _acquire(self, service: str) -> None:
        waited = 0.0
        while not await self._take():
            if waited >= LONGEST_WAIT_SECONDS:
                raise Unavailable(service, "another worker is using its session")
            await self._sleep(ASK_SECONDS)
            waited += ASK_SECONDS

    async def _take(self) -> bool:
        try:
            async with self._database.write() as session:
                return await leases.acquire(session, self._name, self._holder, LEASE_LASTS)
        except IntegrityError:  # another worker was faster with the very first
            return False

    async def _renew(self) -> None:
        while True:
            await self._sleep(RENEW_SECONDS)
            try:
                if not await self._take():
                    log.warning("tracker_session_lost", lease=self._name, hint="this worker stood still for too long")
            except (SQLAlchemyError, OSError) as error:
                log.warning("tracker_session_not_renewed", lease=self._name, error=type(error).__name__)

    def _end_later(self) -> None:
        async def end() -> None:
            await self._sleep(LAST_ANSWER_SECONDS)
            await self._end()

        task = asyncio.create_task(end(), name=f"{self._name}:ending")
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def _end(self) -> None:
        async with self._changing:
            if self._users or self._renewal is None:
                return
            await end_task(self._renewal)
            self._renewal = None
            async with self._database.write() as session:
                await leases.release(session, self._name, self._holder)
