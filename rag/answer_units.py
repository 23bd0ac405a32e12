"""The units a text can be quoted in: sentences, and whatever must stay whole: list items, table rows, code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from rag.documents.blocks import Block, BlockKind, blocks, lines_of, sentences_of

# A unit that is longer is no answer but a page: it is quoted from its beginning to the end of a word or line.
LONGEST_UNIT = 600

_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+\S")
_HEADING = re.compile(r"#{1,6}\s")
_LETTER = re.compile(r"[^\W\d_]")


class UnitKind(Enum):
    """What a unit is."""

    SENTENCE = auto()
    ITEM = auto()
    ROW = auto()
    CODE = auto()


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece at `start`..`end` (characters) of the text it was found in."""

    kind: UnitKind
    start: int
    end: int


def units(text: str) -> list[Unit]:
    """Cut a text into its units, in order; headings, and pieces without a letter, are none.

    Adjoining lines of prose are read on, so that a sentence may go over several.
    """
    found = (unit for block in _paragraphs(text) for unit in _units_of(block, text))
    return [unit for unit in found if _LETTER.search(text, unit.start, unit.end)]


def _paragraphs(text: str) -> Iterator[Block]:
    """The blocks of a text, with lines of prose joined unless an item begins."""
    waiting: Block | None = None
    for block in blocks(text, 0, len(text)):
        goes_on = (
            waiting is not None
            and block.kind is BlockKind.PROSE
            and block.start == waiting.end + 1
            and not _ITEM.match(text, block.start, block.end)
        )
        if waiting is not None and goes_on:
            waiting = Block(BlockKind.PROSE, waiting.start, block.end)
            continue
        if waiting is not None:
            yield waiting
        waiting = block if block.kind is BlockKind.PROSE else None
        if waiting is None:
            yield block
    if waiting is not None:
        yield waiting


def _units_of(block: Block, text: str) -> Iterator[Unit]:
    if block.kind is BlockKind.CODE:
        yield _shortened(UnitKind.CODE, block.start, block.end, text)
    elif block.kind is BlockKind.TABLE:
        for start, end in lines_of(text, block):
            yield _shortened(UnitKind.ROW, start, end, text)
    elif _ITEM.match(text, block.start, block.end):
        yield _shortened(UnitKind.ITEM, block.start, block.end, text)
    elif not _HEADING.match(text, block.start, block.end):
        for start, end in sentences_of(text, block):
            yield _shortened(UnitKind.SENTENCE, start, end, text)


def _shortened(kind: UnitKind, start: int, end: int, text: str) -> Unit:
    start += len(text[start:end]) - len(text[start:end].lstrip())
    end -= len(text[start:end]) - len(text[start:end].rstrip())
    if end - start > LONGEST_UNIT:
        cut = text.rfind("\n" if kind is UnitKind.CODE else " ", start + 1, start + LONGEST_UNIT)
        end = cut if cut > start else start + LONGEST_UNIT
    return Unit(kind, start, end)
