"""The units a text can be quoted in: sentences, and whatever must stay whole: list items, table rows, code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rag.sentences import sentence_spans

# A unit that is longer is no answer but a page; it is quoted by its beginning, up to the end of a line or word.
LONGEST_UNIT = 600

_FENCE = re.compile(r"^\s{0,3}(```+|~~~+)")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s|^\s{0,3}(?:=+|-{3,}|\*{3,}|_{3,})\s*$")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
_ROW = re.compile(r"^\s*\|.*\|\s*$")
_RULE = re.compile(r"^[\s|:+-]+$")
_LETTER = re.compile(r"[^\W\d_]")


class UnitKind(StrEnum):
    """What a unit is."""

    SENTENCE = "SENTENCE"
    ITEM = "ITEM"
    ROW = "ROW"
    CODE = "CODE"


@dataclass(frozen=True)
class Unit:
    """A piece at `start`..`end` (characters) of the text it was found in."""

    kind: UnitKind
    start: int
    end: int


@dataclass(frozen=True)
class _Block:
    # Neighbouring lines that belong together.
    kind: UnitKind
    start: int
    end: int


def units(text: str) -> list[Unit]:
    """Cut Markdown or plain text into its units, in order; headings, rules and pieces without a letter are none.

    Adjoining lines of prose are one block, which is cut into sentences; a list item is one unit with the lines that go
    on with it; so is each row of a table below its head, and a fenced block with its fences.
    """
    return [unit for block in _blocks(text) for unit in _units_of(block, text) if _LETTER.search(text, *_span(unit))]


def _units_of(block: _Block, text: str) -> Iterator[Unit]:
    if block.kind is not UnitKind.SENTENCE:
        yield _shortened(block, text)
        return
    for start, end in sentence_spans(text[block.start : block.end]):
        yield _shortened(_Block(UnitKind.SENTENCE, block.start + start, block.start + end), text)


def _shortened(block: _Block, text: str) -> Unit:
    piece = text[block.start : block.end]
    start = block.start + len(piece) - len(piece.lstrip())
    end = block.start + len(piece.rstrip())
    if end - start > LONGEST_UNIT:
        mark = "\n" if block.kind is UnitKind.CODE else " "
        cut = text.rfind(mark, start + 1, start + LONGEST_UNIT)
        end = cut if cut > start else start + LONGEST_UNIT
    return Unit(block.kind, start, end)


def _span(unit: Unit) -> tuple[int, int]:
    return unit.start, unit.end


def _blocks(text: str) -> Iterator[_Block]:
    block: _Block | None = None
    fence = ""
    place = 0
    for line in text.splitlines(keepends=True):
        start, place = place, place + len(line)
        if fence and block is not None:
            block = _Block(UnitKind.CODE, block.start, place)
            fence = "" if line.strip().startswith(fence) else fence
            continue
        kind = _kind(line, block)
        if block is not None and kind == block.kind and _goes_on(line, block):
            block = _Block(block.kind, block.start, place)
            continue
        if block is not None:
            yield block
        block = _Block(kind, start, place) if kind is not None else None
        opened = _FENCE.match(line)
        fence = opened.group(1) if opened else ""
    if block is not None:
        yield block


def _kind(line: str, before: _Block | None) -> UnitKind | None:
    # None: nothing that could be quoted, which ends whatever went before.
    if _FENCE.match(line):
        return UnitKind.CODE
    if not line.strip() or _HEADING.match(line):
        return None
    if _ROW.match(line):
        return None if _RULE.match(line) else UnitKind.ROW
    if _ITEM.match(line):
        return UnitKind.ITEM
    goes_on = before is not None and before.kind is UnitKind.ITEM and line[:1].isspace()
    return UnitKind.ITEM if goes_on else UnitKind.SENTENCE


def _goes_on(line: str, block: _Block) -> bool:
    if block.kind is UnitKind.ITEM:
        return not _ITEM.match(line)
    return block.kind is UnitKind.SENTENCE
