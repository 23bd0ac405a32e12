"""PDF: the text of its pages, with headings from its outline."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from rag.documents.bounds import Bounds
from rag.documents.errors import BrokenDocumentError, EncryptedDocumentError, NothingToReadError, TooManyPagesError
from rag.documents.lines import unwrapped
from rag.documents.text import TextBuilder, clean, one_line

FORMAT_NAME = "PDF"
_DEEPEST = 6
_MOST_HEADINGS = 5_000
_PARAGRAPHS = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
# What programs write for a title when nobody gave one.
_NO_TITLE = re.compile(r"^(untitled|microsoft word.*|.*\.(docx?|indd|tex|dvi|qxd|p65|rtf|pdf))?$", re.IGNORECASE)
# It tells of every flaw that it mends.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def read_pdf(content: bytes, builder: TextBuilder, bounds: Bounds) -> str | None:
    """Read the pages in order; the title is that of the file's information, None where it has none.

    Raises EncryptedDocumentError, TooManyPagesError, BrokenDocumentError, NothingToReadError for scanned pages.
    """
    try:
        reader = _opened(content)
        pages = len(reader.pages)
        if pages > bounds.pages:
            raise TooManyPagesError(pages, bounds.pages)
        headings = _headings(reader)
        texts = (page.extract_text() for page in reader.pages)
        found_text = _read_pages(texts, headings, builder)
        title = _title(reader)
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, ArithmeticError) as error:
        raise BrokenDocumentError(FORMAT_NAME, error) from error
    except (RecursionError, NotImplementedError, AssertionError) as error:
        raise BrokenDocumentError(FORMAT_NAME, error) from error
    if not found_text:
        raise NothingToReadError(is_scan=pages > 0)
    return title


def _opened(content: bytes) -> PdfReader:
    reader = PdfReader(io.BytesIO(content), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise EncryptedDocumentError(FORMAT_NAME)
    return reader


def _read_pages(texts: Iterator[str], headings: dict[int, list[tuple[int, str]]], builder: TextBuilder) -> bool:
    found_text = False
    for number, text in enumerate(texts):
        for level, heading in headings.get(number, ()):
            builder.heading(level, heading)
        for paragraph in _PARAGRAPHS.split(clean(text)):
            if paragraph.strip():
                found_text = True
                builder.prose(unwrapped(paragraph.split("\n")))
    return found_text


def _headings(reader: PdfReader) -> dict[int, list[tuple[int, str]]]:
    """Outline entries by the page they lead to: (level, text)."""
    headings: dict[int, list[tuple[int, str]]] = {}
    try:
        entries = list(_flat(reader.outline, 1))[:_MOST_HEADINGS]
        pages = [(reader.get_destination_page_number(entry), level, entry.title) for level, entry in entries]
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return {}  # the pages can be read without
    for page, level, title in pages:
        if page is not None and page >= 0 and title:
            headings.setdefault(page, []).append((level, str(title)))
    return headings


def _flat(outline: Sequence[Any], level: int) -> Iterator[tuple[int, Any]]:
    for entry in outline:
        if isinstance(entry, list):
            yield from _flat(entry, min(level + 1, _DEEPEST))
        else:
            yield level, entry


def _title(reader: PdfReader) -> str | None:
    information = reader.metadata
    title = one_line(str(information.title or "")) if information is not None else ""
    return None if _NO_TITLE.match(title) else title
