"""Pieces of a document measured in the model's tokens: sentences, code and tables, and what is too long of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from rag.documents.blocks import Block, BlockKind, blocks, lines_of, sentences_of

# A model may take an endless word for one token; a passage stays something that can be shown.
LETTERS_PER_TOKEN = 16
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Piece:
    """What is never cut again: `tokens` long, at `start`..`end` of the text.

    `head` is the span of the first row of a table that had to be cut, to be repeated before the rows after it.
    Only pieces that are sentences may be repeated in the next passage.
    """

    start: int
    end: int
    tokens: int
    is_sentence: bool = True
    head: tuple[int, int] | None = None


class Measure:
    """Counts tokens and cuts what is too long; `tokenizer` must neither truncate nor pad."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def tokens(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text is, special ones not counted."""
        counts: list[int] = []
        for place in range(0, len(texts), _AT_ONCE):
            batch = self._tokenizer.encode_batch(list(texts[place : place + _AT_ONCE]), add_special_tokens=False)
            counts.extend(len(encoding.ids) for encoding in batch)
        return counts

    def pieces(self, text: str, start: int, end: int, room: int) -> list[Piece]:
        """Cut the text between two offsets into pieces of `room` tokens or fewer, in order."""
        whole = list(blocks(text, start, end))
        counts = self.tokens([text[block.start : block.end] for block in whole])
        pieces: list[Piece] = []
        for block, tokens in zip(whole, counts, strict=True):
            pieces.extend(self._of_block(text, block, tokens, room))
        return pieces

    def _of_block(self, text: str, block: Block, tokens: int, room: int) -> Iterable[Piece]:
        fits = tokens <= room and block.end - block.start <= room * LETTERS_PER_TOKEN
        if block.kind is BlockKind.PROSE:
            return self._bounded(text, sentences_of(text, block), room, is_sentence=True)
        if fits:
            return [Piece(block.start, block.end, tokens, is_sentence=False)]
        spans = lines_of(text, block)
        if block.kind is BlockKind.CODE:
            return self._bounded(text, spans, room, is_sentence=False)
        return self._rows(text, spans, room)

    def _rows(self, text: str, spans: list[tuple[int, int]], room: int) -> list[Piece]:
        head = spans[0]
        (head_tokens,) = self.tokens([text[head[0] : head[1]]])
        if head_tokens > room // 3 or len(spans) == 1:
            return list(self._bounded(text, spans, room, is_sentence=False))
        rows = self._bounded(text, spans, room - head_tokens, is_sentence=False)
        return [Piece(row.start, row.end, row.tokens, is_sentence=False, head=head) for row in rows]

    def _bounded(self, text: str, spans: Sequence[tuple[int, int]], room: int, *, is_sentence: bool) -> Iterator[Piece]:
        spans = [short for span in spans for short in _short(span, room * LETTERS_PER_TOKEN)]
        counts = self.tokens([text[start:end] for start, end in spans])
        for (start, end), tokens in zip(spans, counts, strict=True):
            if tokens <= room:
                yield Piece(start, end, tokens, is_sentence)
            else:
                for part_start, part_end, part_tokens in self._parts(text[start:end], room):
                    yield Piece(start + part_start, start + part_end, part_tokens, is_sentence)

    def _parts(self, text: str, room: int) -> Iterator[tuple[int, int, int]]:
        """Cut between words; a word longer than the room is cut wherever its tokens part."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        words, offsets = encoding.word_ids, encoding.offsets
        first = 0
        while first < len(offsets):
            stop = min(first + room, len(offsets))
            if stop < len(offsets):
                last = stop
                while last > first and words[last] is not None and words[last] == words[last - 1]:
                    last -= 1
                stop = last if last > first else stop
            start = offsets[first][0] if first else 0
            end = offsets[stop][0] if stop < len(offsets) else len(text)
            yield start, max(start + len(text[start:end].rstrip()), start + 1), stop - first
            first = stop


def _short(span: tuple[int, int], letters: int) -> Iterator[tuple[int, int]]:
    start, end = span
    for place in range(start, end, letters):
        yield place, min(place + letters, end)
