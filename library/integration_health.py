"""How integrations are: what they last answered, what was seen of them, and what only their user can mend."""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from library.models.integrations import Circuit, Integration
from library.models.tables import now


class FindingLevel(enum.StrEnum):
    """How bad it is what a check has found."""

    OK = "OK"  # as it should be
    WARNING = "WARNING"  # it works, and could go wrong or better
    ERROR = "ERROR"  # it does not work


def is_healthy(integration: Integration) -> bool | None:
    """Whether it answers as it should; None while nobody has tried it, or it is switched off."""
    if not integration.enabled:
        return None
    if integration.needs_action is not None or integration.circuit is Circuit.OPEN:
        return False
    if integration.last_error_at is None:
        return None if integration.last_success_at is None else True
    return integration.last_success_at is not None and integration.last_success_at >= integration.last_error_at


def summary(integration: Integration) -> dict[str, Any]:
    """What an event tells of it: nothing that a member may not see."""
    return {
        "name": integration.name,
        "healthy": is_healthy(integration),
        "needs_action": integration.needs_action,
    }


async def record_success(
    session: AsyncSession, integration_id: int, *, seen: Mapping[str, Any] = MappingProxyType({})
) -> Integration | None:
    """Note that it answers as it should, and what was `seen` of it; gives the row if anybody should be told."""
    integration = await _locked(session, integration_id)
    if integration is None:
        return None
    before = _told(integration)
    integration.last_success_at = now()
    integration.needs_action = None
    integration.circuit = Circuit.CLOSED
    _see(integration, seen)
    return integration if _told(integration) != before else None


async def record_failure(
    session: AsyncSession,
    integration_id: int,
    *,
    code: str,
    message: str,
    needs_action: str | None = None,
    circuit: Circuit | None = None,
    seen: Mapping[str, Any] = MappingProxyType({}),
) -> Integration | None:
    """Note that it does not, and what only the user can do about it; gives the row if anybody should be told.

    A circuit that is None, because Valkey could not be asked, stays as it was.
    """
    integration = await _locked(session, integration_id)
    if integration is None:
        return None
    before = _told(integration)
    integration.last_error_at, integration.last_error_code, integration.last_error_message = now(), code, message
    integration.needs_action = needs_action or integration.needs_action
    integration.circuit = circuit or integration.circuit
    _see(integration, seen)
    return integration if _told(integration) != before else None


async def note_seen(session: AsyncSession, integration_id: int, seen: Mapping[str, Any]) -> None:
    """Add to what was last seen of it, such as free space; tells nobody."""
    integration = await _locked(session, integration_id)
    if integration is not None:
        _see(integration, seen)


def _see(integration: Integration, seen: Mapping[str, Any]) -> None:
    together = {**integration.seen, **seen}
    if together != integration.seen:
        integration.seen = together


async def _locked(session: AsyncSession, integration_id: int) -> Integration | None:
    """The row; None when it has been removed meanwhile, and nobody needs to know any more."""
    return await session.get(Integration, integration_id, populate_existing=True, with_for_update=True)


def _told(integration: Integration) -> tuple[object, ...]:
    """What a change of is news for."""
    failing = is_healthy(integration) is False
    return (
        is_healthy(integration),
        integration.needs_action,
        integration.circuit,
        failing and integration.last_error_code,
    )
