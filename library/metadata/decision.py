"""Which of several sources is believed: a pure function from evidence and lock to a decision with its reason."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from library.models.metadata import MetadataSource


class Reason(enum.StrEnum):
    """Why a field has its value."""

    LOCKED = "LOCKED"  # a user fixed it; nobody else is asked
    USER = "USER"  # a user said so, which beats every other source
    ONLY_SOURCE = "ONLY_SOURCE"  # nobody else says anything
    HIGHER_RANK = "HIGHER_RANK"  # its source is preferred to those of the losers
    HIGHER_CONFIDENCE = "HIGHER_CONFIDENCE"  # of sources of one rank it is the surest
    NEWEST = "NEWEST"  # of equally sure sources it spoke last
    KEPT = "KEPT"  # nobody says anything any more, and absence is not deletion


@dataclass(frozen=True, slots=True)
class EvidenceValue:
    """What one source says of one field. Of sources that disagree the higher `rank` wins; `confidence` is 0 to 1."""

    source: MetadataSource
    detail: str
    rank: int
    value: Any
    confidence: float
    fetched_at: datetime

    @property
    def says_something(self) -> bool:
        """Whether it counts: an empty value counts only from a user, who means it."""
        return self.source is MetadataSource.USER or not is_empty(self.value)


@dataclass(frozen=True, slots=True)
class FieldState:
    """A field as decided before."""

    value: Any
    source: MetadataSource
    detail: str
    confidence: float
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """A field's value, whose word it is, why it was believed, and who was not, best first."""

    value: Any
    source: MetadataSource
    detail: str
    confidence: float
    reason: Reason
    losers: tuple[EvidenceValue, ...]


def decide(evidence: Sequence[EvidenceValue], current: FieldState | None) -> Decision | None:
    """Decide one field; None when nobody has ever said anything of it.

    A locked field never changes. A user beats the other sources; else the highest rank wins, then the
    highest confidence, then the newest. Saying nothing never takes a value away.
    """
    heard = sorted((value for value in evidence if value.says_something), key=_strength, reverse=True)
    if current is not None and current.locked:
        return _stay(current, Reason.LOCKED, heard)
    if not heard:
        return _stay(current, Reason.KEPT, heard) if current is not None else None
    winner, *losers = heard
    reason = _reason(winner, losers)
    return Decision(winner.value, winner.source, winner.detail, winner.confidence, reason, tuple(losers))


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: null, empty text or an empty list."""
    return value is None or value in ("", [])


def _strength(value: EvidenceValue) -> tuple[bool, int, float, datetime, str, str]:
    is_user = value.source is MetadataSource.USER
    # Source and detail last, so that the same evidence always gives the same decision.
    return (is_user, value.rank, value.confidence, value.fetched_at, value.source, value.detail)


def _stay(current: FieldState, reason: Reason, heard: Sequence[EvidenceValue]) -> Decision:
    def is_its_source(value: EvidenceValue) -> bool:
        return (value.source, value.detail, value.value) == (current.source, current.detail, current.value)

    losers = tuple(value for value in heard if not is_its_source(value))
    return Decision(current.value, current.source, current.detail, current.confidence, reason, losers)


def _reason(winner: EvidenceValue, losers: Sequence[EvidenceValue]) -> Reason:
    if winner.source is MetadataSource.USER:
        return Reason.USER
    if not losers:
        return Reason.ONLY_SOURCE
    if winner.rank > losers[0].rank:
        return Reason.HIGHER_RANK
    return Reason.HIGHER_CONFIDENCE if winner.confidence > losers[0].confidence else Reason.NEWEST
