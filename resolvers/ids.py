"""Global ids: opaque to clients, stable for ever."""

import base64
import binascii

import strawberry

from library.errors import MalformedId, WrongIdType

_LARGEST_ROW_ID = 2**63 - 1


def encode_id(kind: str, row_id: int) -> strawberry.ID:
    """The global id of a row of a type."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{kind}:{row_id}".encode()).decode().rstrip("="))


def decode_id(value: str) -> tuple[str, int]:
    """Type name and row id; raises MalformedId."""
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True).decode()
        kind, row_id = plain.split(":")
        number = int(row_id)
    except (ValueError, binascii.Error):
        raise MalformedId(value) from None
    # Only the one spelling that was given out: an id is also a key in clients' caches.
    if not 0 < number <= _LARGEST_ROW_ID or encode_id(kind, number) != value:
        raise MalformedId(value)
    return kind, number


def decode_id_of(expected: str, value: str) -> int:
    """Row id of an id that must be of this type; raises MalformedId or WrongIdType."""
    kind, number = decode_id(value)
    if kind != expected:
        raise WrongIdType(value, expected=expected, got=kind)
    return number
