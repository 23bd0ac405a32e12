"""Paragraphs from lines that were broken to a width."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A line that reaches this share of the widest was broken for want of room.
_FULL = 0.75
_NARROWEST = 40  # columns; below it lines are verses, addresses or lists
_STARTS_ANEW = re.compile(r"\s*(?:[-*•–·]\s|\(?\d{1,3}[.)]\s|[a-z][.)]\s)")
_HYPHENATED = re.compile(r"[^\W\d_]-$")


def unwrapped(lines: Sequence[str]) -> str:
    """Join the lines of one paragraph that were only broken for want of room; the others stay lines."""
    width = max(map(len, lines), default=0)
    joined: list[str] = []
    was_full = False
    for line in lines:
        if joined and was_full and not _STARTS_ANEW.match(line):
            joined[-1] = _glued(joined[-1], line.strip())
        else:
            joined.append(line.rstrip())
        was_full = width >= _NARROWEST and len(line) >= _FULL * width
    return "\n".join(joined)


def _glued(before: str, after: str) -> str:
    if _HYPHENATED.search(before) and after[:1].islower():
        return before[:-1] + after
    return f"{before} {after}"
