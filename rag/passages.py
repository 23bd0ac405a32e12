"""Cutting a text into the passages that are embedded, measured in the model's own tokens."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from rag.sentences import sentence_spans

# Counted up when texts are cut in another way: whatever was cut before is then cut anew, beside the old.
SPLITTER_VERSION = 1
# Tokens that a passage repeats from the one before, so that a thought cut in two is whole in one of them.
OVERLAP = 32
# The header may take this share of the window; a book with eighty tags must not push its own text out.
HEADER_SHARE = 0.5


@dataclass(frozen=True)
class PassageText:
    """A piece of a text, with the context that is embedded before it.

    `start` and `end` are character offsets into the text that was split.
    """

    ordinal: int
    header: str
    text: str
    start: int
    end: int

    @property
    def embedded(self) -> str:
        """What the model is given: see `embedded_text`."""
        return embedded_text(self.header, self.text)


@dataclass(frozen=True)
class _Piece:
    # A sentence, or a part of one that is longer than a window.
    start: int
    end: int
    tokens: int


def cut_name(tokenizer: Tokenizer, window: int) -> str:
    """Name how texts are cut for a model, 16 hexadecimal digits: equal names mean equal passages of equal texts."""
    digest = hashlib.sha256(f"{SPLITTER_VERSION}\x1f{window}\x1f{tokenizer.to_str()}".encode())
    return digest.hexdigest()[:16]


def embedded_text(header: str, text: str) -> str:
    """Join header and text to the string that stands for a passage in front of the model."""
    return "\n".join(part for part in (header, text) if part)


def content_hash(header: str, text: str) -> str:
    """SHA-256 (hex) of a passage: equal hashes need no new vector."""
    return hashlib.sha256(f"{header}\x1f{text}".encode()).hexdigest()


def book_header(
    title: str,
    subtitle: str | None = None,
    authors: Sequence[str] = (),
    series: Sequence[tuple[str, str | None]] = (),
    tags: Sequence[str] = (),
) -> str:
    """One line that says which book a passage is from; series are (name, position text)."""
    name = f"{title}: {subtitle}" if subtitle else title
    byline = f"{name} by {', '.join(authors)}" if authors else name
    places = [f"{series_name} {position}" if position else series_name for series_name, position in series]
    return ". ".join(part for part in (byline, "; ".join(places), ", ".join(tags)) if part)


def split_text(
    text: str, header: str, tokenizer: Tokenizer, window: int = 256, overlap: int = OVERLAP
) -> list[PassageText]:
    """Split `text` along sentences so that header and piece together fit `window` tokens of the model.

    `tokenizer` must neither truncate nor pad (`rag.query_embedder.load_tokenizer`). A text that is
    empty gives one passage made of the header alone, or none when that is empty too.
    """
    room = window - tokenizer.num_special_tokens_to_add(False)
    header = cut_to(header.strip(), tokenizer, int(room * HEADER_SHARE) if text.strip() else room)
    room -= len(tokenizer.encode(header, add_special_tokens=False).ids)
    spans = _pack(_pieces(text, tokenizer, room), room, min(overlap, room // 4))
    if not spans:
        return [PassageText(0, header, "", 0, 0)] if header else []
    return [PassageText(number, header, text[start:end], start, end) for number, (start, end) in enumerate(spans)]


def cut_to(text: str, tokenizer: Tokenizer, limit: int) -> str:
    """Cut a header to `limit` tokens, at whole words: half a name misleads both legs."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    if len(encoding.ids) <= limit:
        return text
    return text[: encoding.offsets[limit][0]].rsplit(" ", 1)[0].rstrip(" ,;.")


def _pieces(text: str, tokenizer: Tokenizer, room: int) -> list[_Piece]:
    offsets = tokenizer.encode(text, add_special_tokens=False).offsets
    starts = [start for start, _ in offsets]
    pieces: list[_Piece] = []
    for start, end in sentence_spans(text):
        first, last = bisect_left(starts, start), bisect_left(starts, end)
        for token in range(first, max(last, first + 1), room):
            stop = min(token + room, last)
            piece_start = start if token == first else starts[token]
            piece_end = end if stop == last else starts[stop]
            pieces.append(_Piece(piece_start, piece_end, max(stop - token, 1)))
    return pieces


def _pack(pieces: Sequence[_Piece], room: int, overlap: int) -> list[tuple[int, int]]:
    # Passages of equal length rather than full ones and a last scrap, which would match anything short.
    total = sum(piece.tokens for piece in pieces)
    parts = -(-total // room)
    target = -(-total // parts) if parts else 0
    spans: list[tuple[int, int]] = []
    first = 0
    while first < len(pieces):
        last, filled = first, pieces[first].tokens
        while last + 1 < len(pieces) and filled < target and filled + pieces[last + 1].tokens <= room:
            last += 1
            filled += pieces[last].tokens
        spans.append((pieces[first].start, pieces[last].end))
        first = _next_start(pieces, first, last, room, overlap)
    return spans


def _next_start(pieces: Sequence[_Piece], first: int, last: int, room: int, overlap: int) -> int:
    # Goes back over whole sentences, never so far that the next passage would add nothing new.
    following = last + 1
    if following == len(pieces):
        return following
    start, repeated = following, 0
    while start - 1 > first:
        repeated += pieces[start - 1].tokens
        if repeated > overlap or repeated + pieces[following].tokens > room:
            break
        start -= 1
    return start
