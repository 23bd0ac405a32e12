"""What a check of an integration finds."""

from dataclasses import dataclass, field
from typing import Any

from library.integration_health import FindingLevel


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    code: str
    level: FindingLevel
    message: str


@dataclass(slots=True)
class Checked:
    """The findings of one check, and what was seen of the server besides."""

    findings: list[Finding] = field(default_factory=list)
    seen: dict[str, Any] = field(default_factory=dict)

    def ok(self, code: str, message: str) -> None:
        """Something is as it should be."""
        self.findings.append(Finding(code, FindingLevel.OK, message))

    def warn(self, code: str, message: str) -> None:
        """Something could go wrong or better."""
        self.findings.append(Finding(code, FindingLevel.WARNING, message))

    def error(self, code: str, message: str) -> None:
        """Something does not work."""
        self.findings.append(Finding(code, FindingLevel.ERROR, message))
