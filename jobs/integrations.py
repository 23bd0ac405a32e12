"""Somebody else's servers, opened for one worker process: clients by their configuration, and how each call went."""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from integrations.errors import AuthError, IntegrationError, Missing, Refused, Unavailable
from integrations.http import Outside, Service
from integrations.language_models import Anthropic, LanguageModel, OpenAICompatible
from integrations.myanonamouse import ForeignHost, Hosts, MyAnonamouse
from integrations.prowlarr import Prowlarr
from integrations.qbittorrent import Credentials, QBittorrent
from integrations.torznab import Torznab
from jobs.events import Bus, Work, unit_of_work
from jobs.tracker_session import SessionLease, StoredSession
from library import answers, downloads, events, integration_health, integration_secrets
from library import integrations as rows
from library.database import Database
from library.errors import ShelfgraphError
from library.integration_options import RULES, LanguageModelOptions, MyAnonamouseOptions, TorznabOptions
from library.integration_secrets import SEED
from library.integrations import NeedsAction, NotConfigured
from library.models.integrations import Circuit, Integration, IntegrationKind
from library.models.tables import now
from library.sealing import Seal

SUCCESS_EVERY_SECONDS = 60.0  # a success is news once a minute
FAILURE_EVERY_SECONDS = 10.0  # the same failure again
_NOT_SECRET = frozenset({"username"})

Client = TypeVar("Client")

# Who is called how gently. The name, the address and the credentials are each integration's own.
_MANNERS: dict[IntegrationKind, Service] = {
    # It asks indexers that it spaces itself; one search makes five calls.
    IntegrationKind.PROWLARR: Service(
        "", "", requests=60, per_seconds=60, burst=15, at_once=4, timeout_seconds=30, most_bytes=30_000_000
    ),
    IntegrationKind.TORZNAB: Service("", "", requests=30, per_seconds=60, burst=5, at_once=2, timeout_seconds=30),
    # Facts: MyAnonamouse, etiquette.
    IntegrationKind.MYANONAMOUSE: Service(
        "", "", requests=1, per_seconds=2, burst=1, at_once=1, timeout_seconds=30, most_bytes=20_000_000
    ),
    # The user's own, nearby, and polled every two seconds; its whole list is asked for after each restart.
    IntegrationKind.QBITTORRENT: Service(
        "", "", requests=1200, per_seconds=60, burst=120, at_once=8, timeout_seconds=30, most_bytes=60_000_000
    ),
    # An answer comes in small events, each with much about it.
    IntegrationKind.OPENAI_COMPATIBLE: Service(
        "", "", requests=60, per_seconds=60, burst=10, at_once=4, timeout_seconds=30, most_bytes=20_000_000
    ),
    IntegrationKind.ANTHROPIC: Service(
        "", "", requests=60, per_seconds=60, burst=10, at_once=4, timeout_seconds=30, most_bytes=20_000_000
    ),
}


@dataclass(frozen=True, slots=True)
class Opened(Generic[Client]):
    """An integration's row as it is now, and a client to call it with, inside `Integrations.calling`."""

    integration: Integration
    client: Client


@dataclass(frozen=True, slots=True)
class _Kept:
    """A client, and the configuration it was made from."""

    updated_at: datetime
    service: Service
    client: Any


class IntegrationFailed(ShelfgraphError):
    """A server of somebody else's that a job could not do without."""

    def __init__(self, error: IntegrationError) -> None:
        super().__init__(str(error))
        self._job_code = error.code

    @property
    def job_code(self) -> str:
        """The failure's own code."""
        return self._job_code


def integration_changed(work: Work, integration: Integration) -> None:
    """Tell of an integration's new state."""
    work.emit(events.INTEGRATIONS_TOPIC, "CHANGED", integration.id, integration_health.summary(integration))


class Integrations:
    """The clients of one worker process; each is kept until its integration's configuration changes."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        outside: Outside,
        seal: Seal,
        *,
        keep_secret: Callable[[str], None] = lambda _secret: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`keep_secret` is told of every credential that is opened, so that no log shows it."""
        self.database = database
        self.bus = bus
        self.seal = seal
        self.outside = outside
        self.account_turn = asyncio.Lock()  # one reads or spends a tracker's account at a time
        self._keep_secret = keep_secret
        self._clock = clock
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._kept: dict[int, _Kept] = {}
        self._leases: dict[int, SessionLease] = {}
        self._noted: dict[int, tuple[str, float]] = {}  # what was last written of each, "" for a success, and when

    async def download_client(self, client_id: int | None = None) -> Opened[QBittorrent]:
        """The given download client, or the first that is on; raises NotConfigured or NeedsAction."""
        if client_id is not None:
            return await self.by_id(client_id)
        found = await self._enabled(IntegrationKind.QBITTORRENT)
        if not found:
            raise NotConfigured(IntegrationKind.QBITTORRENT)
        return await self._callable(found[0])

    async def tracker(self) -> Opened[MyAnonamouse] | None:
        """The tracker; None when there is none. Raises NeedsAction."""
        found = await self._enabled(IntegrationKind.MYANONAMOUSE)
        return await self._callable(found[0]) if found else None

    async def prowlarrs(self) -> list[Opened[Prowlarr]]:
        """Every Prowlarr that may be called."""
        return await self._all_callable(IntegrationKind.PROWLARR)

    async def torznabs(self) -> list[Opened[Torznab]]:
        """Every Torznab indexer that may be called."""
        return await self._all_callable(IntegrationKind.TORZNAB)

    async def language_model(self) -> Opened[LanguageModel]:
        """The model that writes answers; raises NotConfigured."""
        async with self.database.read() as session:
            integration = await answers.writer(session)
        if integration is None:
            raise NotConfigured(*answers.MODEL_KINDS)
        return await self._callable(integration)

    async def by_id(self, integration_id: int) -> Opened[Any]:
        """One integration; raises NotFound, NotConfigured when it is off, or NeedsAction."""
        async with self.database.read() as session:
            integration = await rows.get(session, integration_id)
        if not integration.enabled:
            raise NotConfigured(integration.kind)
        return await self._callable(integration)

    async def open(self, integration: Integration, *, anew: bool = False) -> Opened[Any]:
        """A client whether it may be called or not, for a check; `anew` one that remembers nothing.

        Raises NotConfigured without its credentials, NeedsAction where its address must never be sent them.
        """
        if anew:
            self._kept.pop(integration.id, None)
        try:
            return Opened(integration, (await self._client(integration)).client)
        except ForeignHost as error:
            await self.failed(integration, error)
            integration.needs_action = str(error)
        raise NeedsAction(integration)

    @asynccontextmanager
    async def calling(self, integration: Integration) -> AsyncIterator[None]:
        """Goes around every use of a client: notes how it went and raises the same.

        Rows and people are told what it raises, so no secret is left in that. MyAnonamouse's session is this process's
        alone meanwhile. What the server refuses or no longer has is an answer too: it says nothing against its health.
        """
        async with self._turn(integration):
            try:
                yield
            except (Missing, Refused) as error:
                self._hide_secrets(error)
                await self._note_success(integration)
                raise
            except IntegrationError as error:
                self._hide_secrets(error)
                if self._is_news(integration.id, error.code, FAILURE_EVERY_SECONDS):
                    await self.failed(integration, error)
                raise
            await self._note_success(integration)

    async def succeeded(self, integration: Integration, seen: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Note that it answers as it should, and what was seen of it."""
        seen = {**seen, **await self._budget(integration)}
        async with unit_of_work(self.database, self.bus) as work:
            changed = await integration_health.record_success(work.session, integration.id, seen=seen)
            if changed is not None:
                integration_changed(work, changed)
                await downloads.hurry(work.session)

    async def failed(self, integration: Integration, error: IntegrationError) -> None:
        """Note that it does not, and what the user can do about it."""
        circuit, seen = await self._circuit(integration), await self._budget(integration)
        async with unit_of_work(self.database, self.bus) as work:
            changed = await integration_health.record_failure(
                work.session,
                integration.id,
                code=error.code,
                message=self.outside.redact(str(error)),
                needs_action=_needed_action(error),
                circuit=circuit,
                seen=seen,
            )
            if changed is not None:
                integration_changed(work, changed)

    async def close(self) -> None:
        """Let other workers have what this one holds; ends no connection of `outside`."""
        for lease in self._leases.values():
            await lease.close()

    async def _enabled(self, kind: IntegrationKind) -> list[Integration]:
        async with self.database.read() as session:
            return list(await rows.of_kind(session, kind))

    async def _all_callable(self, kind: IntegrationKind) -> list[Opened[Any]]:
        ready = [integration for integration in await self._enabled(kind) if integration.needs_action is None]
        return [await self._callable(integration) for integration in ready]

    async def _callable(self, integration: Integration) -> Opened[Any]:
        if integration.needs_action is not None:
            raise NeedsAction(integration)
        return await self.open(integration)

    async def _client(self, integration: Integration) -> _Kept:
        kept = self._kept.get(integration.id)
        if kept is not None and kept.updated_at == integration.updated_at:
            return kept
        async with self.database.read() as session:
            opened = await integration_secrets.secrets_of(session, self.seal, integration.id)
        if not rows.is_configured(integration.kind, opened):
            raise NotConfigured(integration.kind)
        kept = self._kept.get(integration.id)
        if kept is None or kept.updated_at != integration.updated_at:  # else another task was faster
            kept = self._open(integration, opened)
            self._kept[integration.id] = kept
            self._noted.pop(integration.id, None)
        return kept

    def _open(self, integration: Integration, opened: dict[str, str]) -> _Kept:
        hidden = tuple(value for name, value in opened.items() if name not in _NOT_SECRET)
        for secret in hidden:
            self._keep_secret(secret)
        service = replace(
            _MANNERS[integration.kind],
            name=integration.name,
            base_url=integration.url,
            secrets=hidden,
        )
        client: Any
        match integration.kind:
            case IntegrationKind.PROWLARR:
                client = self._prowlarr(integration, service, opened["api_key"])
            case IntegrationKind.TORZNAB:
                client = self._torznab(integration, service, opened)
            case IntegrationKind.QBITTORRENT:
                credentials = _credentials(opened)
                client = QBittorrent(self.outside.client(service), credentials, service=integration.name)
            case IntegrationKind.MYANONAMOUSE:
                client = self._tracker(integration, service, opened[SEED])
            case IntegrationKind.OPENAI_COMPATIBLE | IntegrationKind.ANTHROPIC:
                client = self._language_model(integration, service, opened.get("api_key", ""))
        return _Kept(integration.updated_at, service, client)

    def _prowlarr(self, integration: Integration, service: Service, api_key: str) -> Prowlarr:
        # An indexer that hands out no more files today must not hold up searches of all the others.
        downloads = self.outside.client(replace(service, name=f"{service.name}: downloads"))
        return Prowlarr(self.outside.client(service), integration.name, api_key, downloads=downloads)

    def _torznab(self, integration: Integration, service: Service, opened: dict[str, str]) -> Torznab:
        hosts = tuple(TorznabOptions.model_validate(integration.options).download_hosts)
        elsewhere = tuple(f"{scheme}://{host}" for host in hosts for scheme in ("https", "http"))
        client = self.outside.client(replace(service, other_urls=elsewhere))
        return Torznab(client, integration.name, opened.get("api_key", ""), download_hosts=hosts)

    def _tracker(self, integration: Integration, service: Service, seed: str) -> MyAnonamouse:
        hosts = _hosts(integration)
        session = StoredSession(self.database, self.seal, integration.id, integration.name, seed, self._learn)
        client = self.outside.client(replace(service, other_urls=(hosts.site, hosts.seedbox, hosts.cdn)))
        return MyAnonamouse(client, integration.name, session, hosts=hosts)

    def _language_model(self, integration: Integration, service: Service, api_key: str) -> LanguageModel:
        model = LanguageModelOptions.model_validate(integration.options).model
        speaks = Anthropic if integration.kind is IntegrationKind.ANTHROPIC else OpenAICompatible
        return speaks(self.outside.client(service), integration.name, model=model, api_key=api_key)

    def _learn(self, secret: str) -> None:
        self.outside.learn(secret)
        self._keep_secret(secret)

    def _turn(self, integration: Integration) -> AbstractAsyncContextManager[None]:
        if integration.kind is not IntegrationKind.MYANONAMOUSE:
            return nullcontext()
        lease = self._leases.get(integration.id)
        if lease is None:
            lease = self._leases[integration.id] = SessionLease(self.database, integration.id, self._holder)
        return lease.held(integration.name)

    def _hide_secrets(self, error: IntegrationError) -> None:
        """Some services quote what they were given."""
        error.args = (self.outside.redact(str(error)),)

    async def _note_success(self, integration: Integration) -> None:
        if self._is_news(integration.id, "", SUCCESS_EVERY_SECONDS):
            await self.succeeded(integration)

    def _is_news(self, integration_id: int, what: str, every: float) -> bool:
        last, at = self._noted.get(integration_id, ("never", 0.0))
        if last == what and self._clock() - at < every:
            return False
        self._noted[integration_id] = what, self._clock()
        return True

    async def _circuit(self, integration: Integration) -> Circuit | None:
        try:
            return Circuit(await self.outside.circuit(integration.name))
        except Unavailable:
            return None

    async def _budget(self, integration: Integration) -> dict[str, Any]:
        """What is left of its budget, for those who only read rows."""
        kept = self._kept.get(integration.id)
        if kept is None:
            return {}
        try:
            budget = await self.outside.budget(kept.service)
        except Unavailable:
            return {}
        resets_at = now() + timedelta(seconds=budget.held_seconds) if budget.held_seconds else None
        return {
            "budget": {
                "remaining": budget.remaining,
                "capacity": budget.capacity,
                "resets_at": resets_at.isoformat() if resets_at is not None else None,
            }
        }


def _needed_action(error: IntegrationError) -> str | None:
    if isinstance(error, AuthError):
        return error.what_to_do
    return str(error) if isinstance(error, ForeignHost) else None


def _credentials(opened: dict[str, str]) -> Credentials:
    username, password = opened.get("username", ""), opened.get("password", "")
    return Credentials(username=username, password=password) if username else Credentials(api_key=password)


def _hosts(integration: Integration) -> Hosts:
    """Where the tracker is: a stand-in has all of it at one address unless its options say otherwise."""
    known, said = Hosts(), MyAnonamouseOptions.model_validate(integration.options).hosts
    is_real = integration.url == RULES[integration.kind].default_url
    return Hosts(
        site=said.site or integration.url,
        seedbox=said.seedbox or (known.seedbox if is_real else integration.url),
        cdn=said.cdn or (known.cdn if is_real else integration.url),
    )
