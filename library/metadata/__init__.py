"""The one gate through which every writer of metadata goes: evidence in, decided fields and history out."""

from library.metadata.decision import Decision, EvidenceValue, FieldState, Reason, decide
from library.metadata.fields import BOOK_FIELDS, EDITION_FIELDS, check
from library.metadata.gate import edit, lock, propose
from library.metadata.record import Entity, Proposal, evidence_value, state_of

__all__ = [
    "BOOK_FIELDS",
    "EDITION_FIELDS",
    "Decision",
    "Entity",
    "EvidenceValue",
    "FieldState",
    "Proposal",
    "Reason",
    "check",
    "decide",
    "edit",
    "evidence_value",
    "lock",
    "propose",
    "state_of",
]
