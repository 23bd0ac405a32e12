"""What every reader gives: normalised text, and where its sections are.

In the text a heading is a line of its own, code stands between lines of three backticks, a row of a table is
a line between bars (the first is its head), and blocks are parted by empty lines; all else is prose. So a text
can be cut again from its row alone (`rag.passages.split_document`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from rag.documents.errors import NothingToReadError, TextTooLongError

FENCE = "```"
DEEPEST_LEVEL = 6
_LONGEST_HEADING = 300
_LONGEST_TITLE = 500
# Invisible, or not allowed in a text column; tabs and line feeds stay.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n?|[\x0c\x85\u2028\u2029]")
_WEB_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]{1,2000}")
_SPACES = re.compile(r"\s+")
_EMPTY_LINES = re.compile(r"\n{3,}")


class DocumentFormat(StrEnum):
    """What a document was written in."""

    MARKDOWN = "MARKDOWN"
    HTML = "HTML"
    TEXT = "TEXT"
    PDF = "PDF"
    EPUB = "EPUB"


@dataclass(frozen=True, slots=True)
class Section:
    """The text under one heading, at `start`..`end` of the whole, its heading's line included.

    `path` holds the headings from the top down to its own; it is empty, and `level` 0, before the first heading.
    """

    path: tuple[str, ...]
    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A document as plain text; `sections` follow each other and cover `text`.

    `language` is an ISO 639-1 code, None where the text does not tell; `url` is where it says it can be read.
    """

    title: str
    text: str
    sections: tuple[Section, ...]
    language: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class SaidOfItself:
    """What a document says of itself besides its text; None where it says nothing."""

    title: str | None = None
    url: str | None = None


class TextBuilder:
    """Collects headings and blocks in reading order. Raises TextTooLongError above `limit` characters."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[tuple[int, str]] = []
        self._sections: list[tuple[tuple[str, ...], int, int]] = []

    @property
    def first_heading(self) -> str | None:
        """The first heading of the highest level there is."""
        top = min((level for _, level, _ in self._sections if level), default=None)
        return next((path[-1] for path, level, _ in self._sections if level == top and path), None)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been added yet."""
        return not self._parts

    @property
    def size(self) -> int:
        """How many blocks and headings there are."""
        return len(self._parts)

    def heading(self, level: int, text: str) -> None:
        """Begin a section; a heading without text is none."""
        line = one_line(text)[:_LONGEST_HEADING].rstrip()
        if not line:
            return
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        self._headings.append((level, line))
        start = self._length + 2 if self._parts else 0
        self._sections.append((tuple(name for _, name in self._headings), level, start))
        self._add(line)

    def prose(self, text: str) -> None:
        """Add a paragraph or a list; lines stay lines, and cannot be taken for code or a table."""
        lines = (line.rstrip() for line in clean(text).split("\n"))
        block = _EMPTY_LINES.sub("\n\n", "\n".join(_as_prose(line) for line in lines)).strip("\n")
        if block.strip():
            self._block(block)

    def code(self, text: str) -> None:
        """Add a listing; a fence within it is made shorter so that it does not end it."""
        listing = "\n".join(line.rstrip() for line in clean(text).split("\n")).strip("\n")
        if listing.strip():
            self._block(f"{FENCE}\n{listing.replace(FENCE, FENCE[:2])}\n{FENCE}")

    def table(self, rows: list[list[str]]) -> None:
        """Add a table whose first row is its head; rows without any text are left out."""
        lines = [f"| {' | '.join(one_line(cell) for cell in row)} |" for row in rows if any(map(one_line, row))]
        if lines:
            self._block("\n".join(lines))

    def built(self, title: str, url: str | None = None) -> DocumentText:
        """Return what was collected. Raises NothingToReadError."""
        text = "\n\n".join(self._parts)
        if not text.strip():
            raise NothingToReadError
        ends = [*(start for _, _, start in self._sections[1:]), len(text)]
        sections = tuple(
            Section(path, level, start, end) for (path, level, start), end in zip(self._sections, ends, strict=True)
        )
        return DocumentText(one_line(title)[:_LONGEST_TITLE].rstrip(), text, sections, url=_web_address(url))

    def _block(self, text: str) -> None:
        if not self._sections:
            self._sections.append(((), 0, 0))
        self._add(text)

    def _add(self, part: str) -> None:
        self._length += len(part) + (2 if self._parts else 0)
        self._parts.append(part)
        if self._length > self._limit:
            raise TextTooLongError(self._limit)


def clean(text: str) -> str:
    """Compose letters, unify line ends, and drop what is invisible or cannot be stored."""
    return _UNWANTED.sub("", unicodedata.normalize("NFC", _LINE_ENDS.sub("\n", text))).replace("\xa0", " ")


def one_line(text: str) -> str:
    """Clean a text and put it on one line."""
    return _SPACES.sub(" ", clean(text)).strip()


def _web_address(url: str | None) -> str | None:
    # It becomes a link in front of people: nothing but the web, never a script.
    return url if url is not None and _WEB_ADDRESS.fullmatch(url) else None


def _as_prose(line: str) -> str:
    stripped = line.lstrip()
    if stripped.startswith(FENCE):
        return line.replace(FENCE, FENCE[:2])
    return line.replace("| ", "¦ ", 1) if stripped.startswith("| ") else line
