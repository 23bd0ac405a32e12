"""Plain text, with the headings that people underline."""

from __future__ import annotations

import re

from rag.documents.lines import unwrapped
from rag.documents.text import TextBuilder, clean

_UNDERLINE = re.compile(r"^([=\-~^\"'*+#])\1{2,}\s*$")
_LONGEST_HEADING = 120


def read_plain(text: str, builder: TextBuilder) -> None:
    """Read paragraphs, and headings underlined as in reStructuredText."""
    levels: dict[str, int] = {}
    for paragraph in re.split(r"\n[ \t]*(?:\n[ \t]*)+", clean(text).strip("\n")):
        lines = paragraph.split("\n")
        while lines:
            lines = _block(lines, levels, builder)


def _block(lines: list[str], levels: dict[str, int], builder: TextBuilder) -> list[str]:
    """Take one heading or one run of lines from the front; returns what is left."""
    under = next((place for place in range(1, len(lines)) if _is_underlined(lines[place - 1], lines[place])), None)
    if under is None:
        builder.prose(unwrapped(lines))
        return []
    if under > 1:
        before = lines[: under - 1]
        if not (len(before) == 1 and _UNDERLINE.match(before[0])):  # a line above a heading is ornament
            builder.prose(unwrapped(before))
        return lines[under - 1 :]
    mark = lines[1][0]
    builder.heading(levels.setdefault(mark, min(len(levels) + 1, 6)), lines[0])
    return lines[2:]


def _is_underlined(line: str, below: str) -> bool:
    if not _UNDERLINE.match(below) or _UNDERLINE.match(line):
        return False
    length = len(line.rstrip())
    return 0 < length <= _LONGEST_HEADING and not line.startswith((" ", "\t")) and len(below.rstrip()) >= length - 2
