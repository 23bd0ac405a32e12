"""Cutting a document into passages, along headings and sentences, with the context of each before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from rag.documents.cutting import Measure, Piece
from rag.documents.text import DocumentText, Section
from rag.passages import HEADER_SHARE, OVERLAP, PassageText, cut_to

# Sections that together take no more than this share of the window are one passage: two lines under a heading
# mean little alone, and match anything short.
JOINED_SHARE = 0.25
STEP = " › "


@dataclass(frozen=True, slots=True)
class _Part:
    """Sections that are cut together: their common headings, and the span of their text."""

    path: tuple[str, ...]
    start: int
    end: int


def split_document(
    document: DocumentText, tokenizer: Tokenizer, window: int = 256, overlap: int = OVERLAP
) -> list[PassageText]:
    """Cut a document so that header and piece together fit `window` tokens of the model.

    The header is the document's title and the headings above a passage. No passage reaches over a section, but
    small sections next to each other under one heading are joined. Code and tables stay whole where they fit;
    of a table that does not, the first row is repeated in the header. `tokenizer` must neither truncate nor pad.
    """
    cutter = _Cutter(document, tokenizer, window, overlap)
    passages: list[PassageText] = []
    for part in cutter.parts():
        for header, start, end in cutter.cut(part):
            passages.append(PassageText(len(passages), header, document.text[start:end], start, end))
    return passages


def document_header(title: str, path: Sequence[str]) -> str:
    """One line that says where a passage is from; a first heading that repeats the title is left out."""
    headings = path[1:] if path and path[0].casefold() == title.casefold() else path
    return STEP.join((title, *headings) if title else headings)


class _Cutter:
    def __init__(self, document: DocumentText, tokenizer: Tokenizer, window: int, overlap: int) -> None:
        self._document = document
        self._text = document.text
        self._tokenizer = tokenizer
        self._measure = Measure(tokenizer)
        self._room = window - tokenizer.num_special_tokens_to_add(False)
        self._overlap = overlap
        self._joined = int(window * JOINED_SHARE)

    def parts(self) -> Iterator[_Part]:
        """Sections with their headings' lines left out, the small ones joined; what holds nothing is left out."""
        sections = self._document.sections
        sizes = self._measure.tokens([self._text[section.start : section.end] for section in sections])
        first = 0
        while first < len(sections):
            last, filled = first, sizes[first]
            while last + 1 < len(sections) and _may_join(sections[first], sections[last + 1]):
                filled += sizes[last + 1]
                if filled > self._joined:
                    break
                last += 1
            yield from self._part(sections, first, last)
            first = last + 1

    def cut(self, part: _Part) -> Iterator[tuple[str, int, int]]:
        """Yield (header, start, end) of the passages of one part."""
        header = self._header(part.path)
        room = self._room - self._measure.tokens([header])[0]
        pieces = self._measure.pieces(self._text, part.start, part.end, room)
        for run in _runs(pieces):
            head = run[0].head
            shown, left = header, room
            if head is not None:
                row = self._text[head[0] : head[1]]
                shown = f"{header}\n{row}" if header else row
                left = self._room - self._measure.tokens([shown])[0]
            for start, end in _pack(run, left, min(self._overlap, left // 4)):
                yield shown if head is not None and start > head[0] else header, start, end

    def _part(self, sections: Sequence[Section], first: int, last: int) -> Iterator[_Part]:
        section = sections[first]
        if last > first:
            yield _Part(section.path[:-1], section.start, sections[last].end)
            return
        start = self._text.find("\n", section.start, section.end) if section.level else section.start
        if start >= 0 and self._text[start : section.end].strip():
            yield _Part(section.path, start, section.end)
        elif not (last + 1 < len(sections) and sections[last + 1].level > section.level):
            # Nothing is said under it, but its heading can be looked for.
            yield _Part(section.path[:-1], section.start, section.end)

    def _header(self, path: Sequence[str]) -> str:
        limit = int(self._room * HEADER_SHARE)
        title = self._document.title
        whole = document_header(title, path)
        shorter = document_header(title, path[-1:])
        sizes = self._measure.tokens([whole, shorter])
        if sizes[0] <= limit:
            return whole
        return shorter if sizes[1] <= limit else cut_to(shorter, self._tokenizer, limit)


def _may_join(first: Section, following: Section) -> bool:
    """Whether a section stands beside or below the first one, under the same heading."""
    return (
        first.level > 0 and following.level >= first.level and following.path[: len(first.path) - 1] == first.path[:-1]
    )


def _runs(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    run: list[Piece] = []
    for piece in pieces:
        if run and piece.head != run[-1].head:
            yield run
            run = []
        run.append(piece)
    if run:
        yield run


def _pack(pieces: Sequence[Piece], room: int, overlap: int) -> Iterator[tuple[int, int]]:
    # Passages of like length rather than full ones and a last scrap, which would match anything short.
    total = sum(piece.tokens for piece in pieces)
    target = -(-total // -(-total // room)) if total else 0
    first = 0
    while first < len(pieces):
        last, filled = first, pieces[first].tokens
        while last + 1 < len(pieces) and filled < target and filled + pieces[last + 1].tokens <= room:
            last += 1
            filled += pieces[last].tokens
        yield pieces[first].start, pieces[last].end
        first = _next_start(pieces, first, last, room, overlap)


def _next_start(pieces: Sequence[Piece], first: int, last: int, room: int, overlap: int) -> int:
    # Goes back over whole sentences, never so far that the next passage would add nothing new.
    following = last + 1
    if following == len(pieces):
        return following
    start, repeated = following, 0
    while start - 1 > first and pieces[start - 1].is_sentence:
        repeated += pieces[start - 1].tokens
        if repeated > overlap or repeated + pieces[following].tokens > room:
            break
        start -= 1
    return start
