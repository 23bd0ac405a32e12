"""One document from its bytes or its file: bounded, decoded, read by the reader of its format."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from rag.documents.bounds import Bounds
from rag.documents.decoding import decoded
from rag.documents.epub import read_epub
from rag.documents.errors import (
    BrokenDocumentError,
    DocumentError,
    DocumentTooLargeError,
    FileRefusedError,
    FileVanishedError,
    NothingToReadError,
    NotTextError,
    OutsideFolderError,
    UnsupportedFormatError,
)
from rag.documents.html import read_html
from rag.documents.language import language_of
from rag.documents.markdown import read_markdown
from rag.documents.pdf import read_pdf
from rag.documents.plain import read_plain
from rag.documents.text import DocumentFormat, DocumentText, SaidOfItself, TextBuilder

ENDINGS = {
    ".md": DocumentFormat.MARKDOWN,
    ".markdown": DocumentFormat.MARKDOWN,
    ".mdx": DocumentFormat.MARKDOWN,
    ".html": DocumentFormat.HTML,
    ".htm": DocumentFormat.HTML,
    ".xhtml": DocumentFormat.HTML,
    ".txt": DocumentFormat.TEXT,
    ".text": DocumentFormat.TEXT,
    ".rst": DocumentFormat.TEXT,
    ".pdf": DocumentFormat.PDF,
    ".epub": DocumentFormat.EPUB,
}
_PDF_MARK, _PDF_MARK_WITHIN = b"%PDF-", 1024
_WORD_PARTS = re.compile(r"[\s_\-]+")


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells cheaply whether a file has changed."""

    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document that was read; `text` is None when its bytes are those that were known already."""

    content_hash: str
    format: DocumentFormat
    text: DocumentText | None
    state: FileState | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a document could not be read: a stable code and a sentence for the owner."""

    code: str
    reason: str

    @classmethod
    def of(cls, error: DocumentError) -> Unreadable:
        """Keep what an error says."""
        return cls(error.code, str(error))


def format_of(name: str) -> DocumentFormat | None:
    """Return the format that a file's name tells, None where there is no reader for it."""
    return ENDINGS.get(PurePosixPath(name).suffix.lower())


def read_document(content: bytes, name: str, bounds: Bounds) -> DocumentText:
    """Read a document whose format its `name` tells. Raises DocumentError."""
    kind = format_of(name)
    if kind is None:
        raise UnsupportedFormatError(PurePosixPath(name).suffix, " ".join(sorted(ENDINGS)))
    if len(content) > bounds.file_bytes:
        raise DocumentTooLargeError(len(content), bounds.file_bytes)
    if not content.strip():
        raise NothingToReadError
    builder = TextBuilder(bounds.letters)
    said = _read_into(kind, content, name, builder, bounds)
    document = builder.built(said.title or builder.first_heading or _title_of(name), said.url)
    return replace(document, language=language_of(document.text))


def read_content(content: bytes, name: str, known_hash: str | None, bounds: Bounds) -> ReadDocument | Unreadable:
    """Read an upload, unless its hash is `known_hash`."""
    try:
        return _read(content, name, known_hash, bounds)
    except DocumentError as error:
        return Unreadable.of(error)


def read_file(root: str, path: str, known_hash: str | None, bounds: Bounds) -> ReadDocument | Unreadable:
    """Read the file at `path` below the folder `root`, unless its bytes hash to `known_hash`."""
    try:
        content, state = _file_content(Path(root), path, bounds)
        return replace(_read(content, path, known_hash, bounds), state=state)
    except DocumentError as error:
        return Unreadable.of(error)


def _read(content: bytes, name: str, known_hash: str | None, bounds: Bounds) -> ReadDocument:
    content_hash = hashlib.sha256(content).hexdigest()
    text = read_document(content, name, bounds) if content_hash != known_hash else None
    return ReadDocument(content_hash, ENDINGS[PurePosixPath(name).suffix.lower()], text)


def _file_content(root: Path, path: str, bounds: Bounds) -> tuple[bytes, FileState]:
    try:
        place = (root / path).resolve(strict=True)
        if not place.is_relative_to(root.resolve()):
            raise OutsideFolderError
        # Neither a link that was put there meanwhile nor a pipe nobody writes to.
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise NotTextError
            if status.st_size > bounds.file_bytes:
                raise DocumentTooLargeError(status.st_size, bounds.file_bytes)
            content = file.read(bounds.file_bytes + 1)
    except FileNotFoundError as error:
        raise FileVanishedError from error
    except (OSError, RuntimeError) as error:
        raise FileRefusedError(
            error if isinstance(error, OSError) else OSError(errno.ELOOP, "a loop of links")
        ) from error
    if len(content) > bounds.file_bytes:
        raise DocumentTooLargeError(len(content), bounds.file_bytes)
    return content, FileState(status.st_size, status.st_mtime_ns)


def _title_of(name: str) -> str:
    stem = PurePosixPath(name).stem
    return _WORD_PARTS.sub(" ", stem).strip() or stem or name


def _read_into(kind: DocumentFormat, content: bytes, name: str, builder: TextBuilder, bounds: Bounds) -> SaidOfItself:
    match kind:
        case DocumentFormat.MARKDOWN:
            return read_markdown(decoded(content), builder, has_modules=name.lower().endswith(".mdx"))
        case DocumentFormat.HTML:
            return read_html(decoded(content, declares=True), builder)
        case DocumentFormat.TEXT:
            read_plain(decoded(content), builder)
            return SaidOfItself()
        case DocumentFormat.PDF:
            if _PDF_MARK not in content[:_PDF_MARK_WITHIN]:
                raise BrokenDocumentError("PDF", "it does not begin as one")
            return SaidOfItself(read_pdf(content, builder, bounds))
        case DocumentFormat.EPUB:
            return SaidOfItself(read_epub(content, builder, bounds))
