"""What a check of an integration finds."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad a finding is."""

    OK = "OK"  # as it should be
    WARNING = "WARNING"  # it works, and could go wrong or better
    ERROR = "ERROR"  # it does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    code: str
    level: Level
    message: str


@dataclass(slots=True)
class Checked:
    """The findings of one check, and what was seen of the server besides."""

    findings: list[Finding] = field(default_factory=list)
    seen: dict[str, Any] = field(default_factory=dict)

    def ok(self, code: str, message: str) -> None:
        """Something is as it should be."""
        self.findings.append(Finding(code, Level.OK, message))

    def warn(self, code: str, message: str) -> None:
        """Something could go wrong or better."""
        self.findings.append(Finding(code, Level.WARNING, message))

    def error(self, code: str, message: str) -> None:
        """Something does not work."""
        self.findings.append(Finding(code, Level.ERROR, message))
