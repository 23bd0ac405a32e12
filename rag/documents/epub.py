"""EPUB: the chapters of its spine, unpacked within bounds."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from rag.documents.bounds import MEBIBYTE, Bounds
from rag.documents.decoding import decoded
from rag.documents.errors import (
    ArchiveBombError,
    BrokenDocumentError,
    EncryptedDocumentError,
    NothingToReadError,
    UnsafeXmlError,
)
from rag.documents.html import read_chapter
from rag.documents.text import TextBuilder, one_line

FORMAT_NAME = "EPUB"
_SMALL = MEBIBYTE  # what unpacks to less may be packed as tightly as it likes
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
# Fonts are often made unusable outside of their book; that is no DRM.
_FONT_ALGORITHMS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_CHAPTERS = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_ENCRYPTED_FLAG = 1


def read_epub(content: bytes, builder: TextBuilder, bounds: Bounds) -> str | None:
    """Read the chapters in order; a chapter without a heading has that of the table of contents.

    Returns the book's title. Raises ArchiveBombError before anything is unpacked, EncryptedDocumentError,
    UnsafeXmlError, BrokenDocumentError, NothingToReadError.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _Book(archive, bounds).read(builder)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, OSError, ValueError) as error:
        raise BrokenDocumentError(FORMAT_NAME, error) from error


class _Book:
    def __init__(self, archive: zipfile.ZipFile, bounds: Bounds) -> None:
        self._archive = archive
        self._left = bounds.unpacked_bytes
        self._names = {entry.filename: entry for entry in _harmless(archive, bounds)}
        self._refuse_encrypted()

    def read(self, builder: TextBuilder) -> str | None:
        container = self._xml(_CONTAINER)
        package_path = next((_attribute(node, "full-path") for node in _all(container, "rootfile")), "")
        package = self._xml(package_path)
        folder = posixpath.dirname(package_path)
        items = {_attribute(node, "id"): node for node in _all(package, "item")}
        titles = self._contents(folder, items.values())
        spine = [items[ref] for node in _all(package, "itemref") if (ref := _attribute(node, "idref")) in items]
        for item in spine:
            if _attribute(item, "media-type") in _CHAPTERS and "nav" not in _attribute(item, "properties").split():
                self._chapter(_joined(folder, _attribute(item, "href")), titles, builder)
        if builder.is_empty:
            raise NothingToReadError
        return next((title for node in _all(package, "title") if (title := one_line(node.text or ""))), None)

    def _chapter(self, path: str, titles: dict[str, str], builder: TextBuilder) -> None:
        if path not in self._names:
            return  # broken books name chapters that are not there
        source = decoded(self._bytes(path), declares=True)
        has_heading = any(f"<h{level}" in source.lower() for level in range(1, 7))
        if path in titles and not has_heading:
            builder.heading(1, titles[path])
        read_chapter(source, builder)

    def _contents(self, folder: str, items: Iterable[Element]) -> dict[str, str]:
        """Chapter paths to the titles that the table of contents gives them: NCX, or EPUB 3's navigation."""
        titles: dict[str, str] = {}
        for item in items:
            path = _joined(folder, _attribute(item, "href"))
            is_nav = "nav" in _attribute(item, "properties").split()
            if path not in self._names or not (is_nav or _attribute(item, "media-type").endswith("ncx+xml")):
                continue
            for target, title in _links(self._xml(path)):
                titles.setdefault(_joined(posixpath.dirname(path), target), title)
        return titles

    def _xml(self, path: str) -> Element:
        try:
            return fromstring(self._bytes(path))
        except DefusedXmlException as error:
            raise UnsafeXmlError(path) from error
        except ParseError as error:
            raise BrokenDocumentError(FORMAT_NAME, error) from error

    def _bytes(self, path: str) -> bytes:
        # What an archive says of its sizes may be a lie.
        with self._archive.open(self._names[path]) as entry:
            content = entry.read(self._left + 1)
        self._left -= len(content)
        if self._left < 0:
            raise ArchiveBombError("unpacks to more than it says")
        return content

    def _refuse_encrypted(self) -> None:
        if any(entry.flag_bits & _ENCRYPTED_FLAG for entry in self._names.values()):
            raise EncryptedDocumentError(FORMAT_NAME)
        if _ENCRYPTION in self._names:
            for method in _all(self._xml(_ENCRYPTION), "EncryptionMethod"):
                if _attribute(method, "Algorithm") not in _FONT_ALGORITHMS:
                    raise EncryptedDocumentError(FORMAT_NAME)


def _harmless(archive: zipfile.ZipFile, bounds: Bounds) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > bounds.archive_entries:
        raise ArchiveBombError(f"has {len(entries)} entries")
    total = sum(entry.file_size for entry in entries)
    if total > bounds.unpacked_bytes:
        raise ArchiveBombError(f"unpacks to {total} bytes")
    for entry in entries:
        if entry.file_size > max(_SMALL, bounds.unpacking_ratio * entry.compress_size):
            raise ArchiveBombError(f"unpacks to more than {bounds.unpacking_ratio} times its size")
    return entries


def _links(contents: Element) -> Iterator[tuple[str, str]]:
    for point in _all(contents, "navPoint"):
        target = next((_attribute(node, "src") for node in _all(point, "content")), "")
        yield target, next((one_line(node.text or "") for node in _all(point, "text")), "")
    for link in _all(contents, "a"):
        yield _attribute(link, "href"), one_line("".join(link.itertext()))


def _all(root: Element, name: str) -> Iterator[Element]:
    """Elements by their name without its namespace, which books get wrong."""
    return (node for node in root.iter() if isinstance(node.tag, str) and node.tag.rpartition("}")[2] == name)


def _attribute(node: Element, name: str) -> str:
    return node.get(name) or ""


def _joined(folder: str, href: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))
