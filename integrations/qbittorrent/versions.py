"""Which words a version of qBittorrent understands (facts: versions, C.0)."""

import re
from dataclasses import dataclass

from integrations.errors import BadPayload

# Version 5.0 says stop and start where older ones say pause and resume.
_STOPS_AND_STARTS = (2, 11)


@dataclass(frozen=True, slots=True)
class Versions:
    """The program's version as it writes it ("v5.1.4"), and its WebAPI's as numbers."""

    program: str
    api: tuple[int, ...]

    @property
    def stop(self) -> str:
        """The call that stops a torrent."""
        return "stop" if self.api >= _STOPS_AND_STARTS else "pause"

    @property
    def start(self) -> str:
        """The call that starts a torrent again."""
        return "start" if self.api >= _STOPS_AND_STARTS else "resume"

    @property
    def stopped(self) -> str:
        """The option that adds a torrent without starting it."""
        return "stopped" if self.api >= _STOPS_AND_STARTS else "paused"


def read_versions(program: str, api: str, *, service: str) -> Versions:
    """Read both answers; raises BadPayload where they are no versions, as those of another program are."""
    numbers = re.fullmatch(r"\d{1,4}(\.\d{1,4}){1,3}", api.strip())
    if numbers is None or not program.strip().startswith("v"):
        raise BadPayload(service, "no version")
    return Versions(program.strip(), tuple(map(int, numbers[0].split("."))))
