"""Integrations as rows: configured by environment or mutation, with sealed credentials and their health."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.database import next_version
from library.errors import BadInput, Conflict, NotFound
from library.integration_options import RULES, merged
from library.integration_secrets import ROTATED, SEED, secrets_of, store_secret
from library.models.downloads import Download
from library.models.integrations import Integration, IntegrationKind, IntegrationSource, Purchase
from library.models.tables import now
from library.sealing import Seal

_LONGEST_URL = 2000
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class EnvironmentIntegration:
    """An integration as the environment gives it; its empty secrets count as not given."""

    kind: IntegrationKind
    url: str
    secrets: Mapping[str, str] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)  # those that it fixes


class NotConfigured(Conflict):
    """Nothing of the kind is configured and switched on."""

    def __init__(self, *kinds: IntegrationKind) -> None:
        titles = " or ".join(RULES[kind].title for kind in kinds)
        super().__init__(f"No {titles} is configured and enabled. Do so with `configureIntegration`.")

    @property
    def job_code(self) -> str:
        """See above."""
        return "NOT_CONFIGURED"


class NeedsAction(Conflict):
    """An integration that waits for its user."""

    def __init__(self, integration: Integration) -> None:
        super().__init__(f"Act first: {integration.needs_action} Until then {integration.name} is not called.")

    @property
    def job_code(self) -> str:
        """See above."""
        return "NEEDS_ACTION"


class ConfiguredByEnvironment(Conflict):
    """An integration that only the environment may change."""

    def __init__(self, integration: Integration) -> None:
        super().__init__(
            f"{integration.name!r} is configured by the environment, which wins. Change the variables "
            "SHELFGRAPH_… and restart, or unset them first."
        )


class IntegrationNameTaken(Conflict):
    """A name that another integration has."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is another integration {name!r} already. Give this one another name, or say its id.")


class KindChanged(Conflict):
    """An integration cannot become one of another kind."""

    def __init__(self, integration: Integration, kind: IntegrationKind) -> None:
        super().__init__(
            f"{integration.name!r} is {integration.kind} and cannot become {kind}: configure {kind} under another name."
        )


class IntegrationInUse(Conflict):
    """An integration that rows of the past or downloads of the present still need."""

    def __init__(self, integration: Integration, by: str) -> None:
        super().__init__(f"{integration.name!r} cannot be removed because of its {by}. Disable it instead.")


class UnusableUrl(BadInput):
    """An address that is none; it is not repeated, as people paste credentials into addresses."""

    def __init__(self, why: str) -> None:
        super().__init__(f"`url` {why}. Give the server's address, such as http://127.0.0.1:9696.")


class UnusableName(BadInput):
    """A name that is empty or too long."""

    def __init__(self) -> None:
        super().__init__(f"`name` must have between 1 and {_LONGEST_NAME} characters.")


class UnknownSecret(BadInput):
    """A credential that the kind does not have."""

    def __init__(self, kind: IntegrationKind, name: str) -> None:
        known = ", ".join(sorted(RULES[kind].secrets))
        super().__init__(f"{kind} has no credential {name[:_LONGEST_NAME]!r}. Its credentials are: {known}.")


class SecretMissing(BadInput):
    """A credential without which the kind cannot be called."""

    def __init__(self, kind: IntegrationKind, names: Iterable[str]) -> None:
        super().__init__(f"{kind} needs its {' and '.join(sorted(names))}. Give it together with the address.")


class SecretsForOtherServer(BadInput):
    """A new address for credentials that were given for another server, which must not be sent there unasked."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(
            f"The address is another server's now, so its {' and '.join(sorted(names))} must be given again."
        )


async def configure(
    session: AsyncSession,
    seal: Seal,
    *,
    kind: IntegrationKind,
    source: IntegrationSource,
    integration_id: int | None = None,
    name: str | None = None,
    url: str | None = None,
    options: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str | None] | None = None,
    enabled: bool | None = None,
) -> Integration:
    """Make or change an integration: what is left out stays as it is, a secret that is None is forgotten.

    Without an id it is the one of that name. Raises BadInput, NotFound, or Conflict (ConfiguredByEnvironment for a
    mutation on what the environment has configured).
    """
    await next_version(session, "integrations")  # one at a time: two processes start with the same environment
    integration = await _present(session, kind, integration_id, name) or _new(kind, name, source)
    if source is IntegrationSource.MUTATION and integration.source is IntegrationSource.ENVIRONMENT:
        raise ConfiguredByEnvironment(integration)
    is_new = integration.id is None
    kept = {} if is_new else await secrets_of(session, seal, integration.id)
    given = _known_secrets(kind, secrets or {})
    address = usable_url(url) if url is not None else integration.url or _default_url(kind)
    _check_secrets(kind, kept, given, moved=not is_new and _origin(address) != _origin(integration.url))
    if name is not None:
        await _rename(session, integration, name)
    integration.url, integration.source = address, source
    integration.options = merged(kind, integration.options, options or {})
    integration.enabled = integration.enabled if enabled is None else enabled
    integration.needs_action = None  # what the user has changed is worth another try
    integration.updated_at = now()
    session.add(integration)
    await session.flush()
    await _keep_secrets(session, seal, integration.id, kept, given)
    return integration


async def from_environment(
    session: AsyncSession, seal: Seal, given: Sequence[EnvironmentIntegration]
) -> list[Integration]:
    """Make rows of what the environment configures, at a process's start; gives those that changed.

    One that the environment no longer names keeps working, and may be changed by mutations from then on.
    """
    await next_version(session, "integrations")
    changed = []
    for each in given:
        integration = await _from_environment(session, seal, each)
        if integration is not None:
            changed.append(integration)
    kinds = {each.kind for each in given}
    for integration in await all_integrations(session):
        if integration.source is IntegrationSource.ENVIRONMENT and integration.kind not in kinds:
            integration.source = IntegrationSource.MUTATION
            changed.append(integration)
    return changed


async def get(session: AsyncSession, integration_id: int, *, locked: bool = False) -> Integration:
    """The integration with this id, on Postgres locked for change if asked; raises NotFound."""
    integration = await session.get(Integration, integration_id, populate_existing=True, with_for_update=locked)
    if integration is None:
        raise NotFound("integration", integration_id)
    return integration


async def all_integrations(session: AsyncSession) -> Sequence[Integration]:
    """Every integration, in the order they were configured."""
    return (await session.scalars(sa.select(Integration).order_by(Integration.id))).all()


async def of_kind(session: AsyncSession, kind: IntegrationKind, *, enabled: bool = True) -> Sequence[Integration]:
    """The integrations of a kind, only those that are switched on unless asked, in the order they were configured."""
    select = sa.select(Integration).where(Integration.kind == kind).order_by(Integration.id)
    return (await session.scalars(select.where(Integration.enabled) if enabled else select)).all()


async def set_enabled(session: AsyncSession, integration_id: int, *, enabled: bool) -> Integration:
    """Switch one on or off, whoever configured it; raises NotFound."""
    integration = await get(session, integration_id, locked=True)
    integration.enabled = enabled
    integration.updated_at = now()
    return integration


async def remove(session: AsyncSession, integration_id: int) -> Integration:
    """Forget an integration and its credentials; raises NotFound, ConfiguredByEnvironment or IntegrationInUse."""
    integration = await get(session, integration_id, locked=True)
    if integration.source is IntegrationSource.ENVIRONMENT:
        raise ConfiguredByEnvironment(integration)
    if await session.scalar(sa.select(Purchase.id).where(Purchase.integration_id == integration_id).limit(1)):
        raise IntegrationInUse(integration, "purchases")
    if await session.scalar(sa.select(Download.id).where(Download.client_id == integration_id).limit(1)):
        raise IntegrationInUse(integration, "downloads")
    await session.delete(integration)
    return integration


def is_configured(kind: IntegrationKind, present: Iterable[str]) -> bool:
    """Whether credentials of these names are all that the kind needs."""
    return RULES[kind].required <= set(present)


def usable_url(url: str) -> str:
    """The address without a slash at its end; raises UnusableUrl."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UnusableUrl("is not an address") from None
    if parts.scheme not in {"http", "https"} or not host or len(url) > _LONGEST_URL:
        raise UnusableUrl("must begin with http:// or https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise UnusableUrl("must hold no user and no password: credentials have inputs of their own")
    if parts.query or parts.fragment:
        raise UnusableUrl("must hold no `?` and no `#`: an API key has an input of its own")
    return url.strip().rstrip("/")


async def _from_environment(session: AsyncSession, seal: Seal, given: EnvironmentIntegration) -> Integration | None:
    """Bring one row in line; None when it was so already."""
    secrets = {name: value for name, value in given.secrets.items() if value}
    integration = await _of_environment(session, given.kind)
    url = given.url or _default_url(given.kind)
    if integration is not None and integration.source is IntegrationSource.ENVIRONMENT:
        kept = await secrets_of(session, seal, integration.id)
        kept.pop(ROTATED, None)
        is_set = given.options.items() <= integration.options.items()
        if kept == secrets and is_set and integration.url == usable_url(url):
            return None
    if integration is not None:
        forgotten = dict.fromkeys(RULES[given.kind].secrets)
        secrets = forgotten | secrets  # type: ignore[assignment]  # None forgets what the environment does not give
    return await configure(
        session,
        seal,
        kind=given.kind,
        source=IntegrationSource.ENVIRONMENT,
        integration_id=integration.id if integration is not None else None,
        url=url,
        options=given.options,
        secrets=secrets,
    )


async def _of_environment(session: AsyncSession, kind: IntegrationKind) -> Integration | None:
    """The row that stands for the environment's integration of a kind: its own, or one that is called like it."""
    rows = await of_kind(session, kind, enabled=False)
    own = (row for row in rows if row.source is IntegrationSource.ENVIRONMENT)
    return next(own, None) or next((row for row in rows if row.name == RULES[kind].title), None)


async def _present(
    session: AsyncSession, kind: IntegrationKind, integration_id: int | None, name: str | None
) -> Integration | None:
    integration: Integration | None
    if integration_id is not None:
        integration = await get(session, integration_id, locked=True)
    else:
        named = sa.select(Integration).where(Integration.name == (name or RULES[kind].title).strip())
        integration = await session.scalar(named.with_for_update())
    if integration is not None and integration.kind is not kind:
        raise KindChanged(integration, kind)
    return integration


def _new(kind: IntegrationKind, name: str | None, source: IntegrationSource) -> Integration:
    called = RULES[kind].title if name is None else name
    return Integration(kind=kind, name=_usable_name(called), url="", options={}, source=source, enabled=True)


async def _rename(session: AsyncSession, integration: Integration, name: str) -> None:
    wanted = _usable_name(name)
    with session.no_autoflush:
        other = await session.scalar(sa.select(Integration.id).where(Integration.name == wanted))
    if other is not None and other != integration.id:
        raise IntegrationNameTaken(wanted)
    integration.name = wanted


def _usable_name(name: str) -> str:
    if not 1 <= len(name.strip()) <= _LONGEST_NAME:
        raise UnusableName
    return name.strip()


def _default_url(kind: IntegrationKind) -> str:
    address = RULES[kind].default_url
    if address is None:
        raise UnusableUrl("is missing")
    return address


def _known_secrets(kind: IntegrationKind, given: Mapping[str, str | None]) -> dict[str, str | None]:
    for name in given:
        if name not in RULES[kind].secrets:
            raise UnknownSecret(kind, name)
    return {name: (value.strip() or None) if value is not None else None for name, value in given.items()}


def _check_secrets(
    kind: IntegrationKind, kept: Mapping[str, str], given: Mapping[str, str | None], *, moved: bool
) -> None:
    """Whether these are enough, and none goes to a server that it was not given for."""
    unasked = (kept.keys() & RULES[kind].secrets) - given.keys()
    if moved and unasked:
        raise SecretsForOtherServer(unasked)
    missing = {name for name in RULES[kind].required if not given.get(name, kept.get(name))}
    if missing:
        raise SecretMissing(kind, missing)


async def _keep_secrets(
    session: AsyncSession, seal: Seal, integration_id: int, kept: Mapping[str, str], given: Mapping[str, str | None]
) -> None:
    for name, value in given.items():
        if value != kept.get(name):
            await store_secret(session, seal, integration_id, name, value)
    if SEED in given and given[SEED] != kept.get(SEED):
        await store_secret(session, seal, integration_id, ROTATED, None)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
