"""The blocks of a document's text, recognised from the text alone (`rag.documents.text` says how it is written)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from rag.documents.text import FENCE
from rag.sentences import sentence_spans


class BlockKind(Enum):
    """What a run of lines is."""

    PROSE = auto()
    CODE = auto()
    TABLE = auto()


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one kind at `start`..`end` of the text, without the line feed at their end."""

    kind: BlockKind
    start: int
    end: int


def blocks(text: str, start: int, end: int) -> Iterator[Block]:
    """Yield code, tables and single lines of prose between two offsets, in order; empty lines are left out."""
    open_kind: BlockKind | None = None
    begun = last = start
    for line_start, line_end in _lines(text, start, end):
        line = text[line_start:line_end]
        if open_kind is BlockKind.CODE:
            last = line_end
            if line == FENCE:
                yield Block(BlockKind.CODE, begun, last)
                open_kind = None
            continue
        is_row = line.startswith("| ") or line == "|"
        if open_kind is BlockKind.TABLE and not is_row:
            yield Block(BlockKind.TABLE, begun, last)
            open_kind = None
        if line == FENCE or (is_row and open_kind is None):
            open_kind, begun = (BlockKind.CODE if line == FENCE else BlockKind.TABLE), line_start
        elif not is_row and line.strip():
            yield Block(BlockKind.PROSE, line_start, line_end)
        last = line_end
    if open_kind is not None:
        yield Block(open_kind, begun, last)


def lines_of(text: str, block: Block) -> list[tuple[int, int]]:
    """Spans of the lines of a block that hold anything."""
    return [(start, end) for start, end in _lines(text, block.start, block.end) if text[start:end].strip()]


def sentences_of(text: str, block: Block) -> list[tuple[int, int]]:
    """Spans of the sentences of a block."""
    return [(block.start + start, block.start + end) for start, end in sentence_spans(text[block.start : block.end])]


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = text.find("\n", start, end)
        yield start, end if stop < 0 else stop
        start = end if stop < 0 else stop + 1
