"""Telling the site which address the torrent client has (facts: MyAnonamouse, dynamic IP)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from integrations.errors import BadPayload
from integrations.myanonamouse import values

PATH = "/json/dynamicSeedbox.php"


class SeedboxOutcome(StrEnum):
    """What came of it, by the site's own words."""

    CHANGED = "Completed"  # the session now has this address
    UNCHANGED = "No change"  # it had this address already
    TOO_RECENT = "Last change too recent"  # the cookie is good; wait an hour
    NO_COOKIE = "No Session Cookie"  # nothing was sent to know us by
    INVALID_SESSION = "Invalid session"  # the cookie is dead
    INVALID_COOKIE = "Invalid session - Invalid Cookie"  # the cookie is dead
    INVALID_OTHER = "Invalid session - Other"  # the cookie is dead
    IP_MISMATCH = "Invalid session - IP mismatch"  # the cookie is good, for another address
    ASN_MISMATCH = "Invalid session - ASN mismatch"  # the cookie is good, for another network
    NOT_ALLOWED = "Incorrect session type - not allowed this function"  # the session was made without this option
    NOT_API = "Incorrect session type - non-API session"  # a browser's cookie


WRONG_NETWORK = frozenset({SeedboxOutcome.IP_MISMATCH, SeedboxOutcome.ASN_MISMATCH})
DEAD = frozenset(
    {
        SeedboxOutcome.NO_COOKIE,
        SeedboxOutcome.INVALID_SESSION,
        SeedboxOutcome.INVALID_COOKIE,
        SeedboxOutcome.INVALID_OTHER,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedboxAnswer:
    """The outcome, and the network that the call came from."""

    outcome: SeedboxOutcome
    ip: str
    asn: int | None
    network: str

    @property
    def is_wrong_network(self) -> bool:
        """Whether the session is good, but not from here."""
        return self.outcome in WRONG_NETWORK

    @property
    def is_dead(self) -> bool:
        """Whether the user must make a new session."""
        return self.outcome in DEAD


def parse_seedbox(service: str, body: object) -> SeedboxAnswer:
    """Read the answer, whatever its status: the words say more."""
    words = values.text(body.get("msg")) if isinstance(body, Mapping) else ""
    if not isinstance(body, Mapping) or words not in set(SeedboxOutcome):
        raise BadPayload(service, "an unknown outcome of telling the torrent client's address")
    return SeedboxAnswer(
        outcome=SeedboxOutcome(words),
        ip=values.text(body.get("ip")),
        asn=values.whole(body.get("ASN")),
        network=values.text(body.get("AS")),
    )
