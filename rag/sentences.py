"""Where sentences begin and end, and which of them answers a query."""

from __future__ import annotations

import re

# A full stop after these does not end a sentence.
ABBREVIATIONS = frozenset(
    re.findall(r"\S+", "mr mrs ms dr prof st sr jr vs etc e.g i.e cf vol no fig al capt col gen lt sgt rev hon")
)

# Blurbs lose the space between sentences often enough ("the day.In the ruins")
# to look for the capital instead.
_END = re.compile(r"""[.!?…]+["'”’)\]]*(?=\s|[A-Z][a-z])|\n\s*\n|\n(?=\s*[-*•])""")
_LAST_WORD = re.compile(r"([\w.]+)$")
_LONGEST_NAME = 20  # looked at before a full stop; more would only cost time


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Character spans of the sentences of `text`, in order, without surrounding white space, none empty."""
    spans: list[tuple[int, int]] = []
    start = 0
    for end in _END.finditer(text):
        if _is_abbreviation(text[start : end.start()], end.group()):
            continue
        _add_stripped(spans, text, start, end.end())
        start = end.end()
    _add_stripped(spans, text, start, len(text))
    return spans


def _is_abbreviation(before: str, mark: str) -> bool:
    if mark != ".":
        return False
    word = _LAST_WORD.search(before, max(len(before) - _LONGEST_NAME, 0))
    if word is None:
        return False
    name = word.group(1)
    return name.lower() in ABBREVIATIONS or (len(name) == 1 and name.isupper() and name != "I")


def _add_stripped(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        begin = start + len(piece) - len(piece.lstrip())
        spans.append((begin, begin + len(stripped)))
