"""HTML, plain text, PDF and EPUB become the same kind of text."""

import pytest

from rag.documents.bounds import Bounds
from rag.documents.errors import (
    ArchiveBombError,
    BrokenDocumentError,
    DocumentError,
    DocumentTooLargeError,
    EncryptedDocumentError,
    NothingToReadError,
    NotTextError,
    TextTooLongError,
    TooManyPagesError,
    UnsafeXmlError,
    UnsupportedFormatError,
)
from rag.documents.reading import read_document
from rag.documents.text import DocumentText
from tests.rag.documents.builders import epub, pdf

PAGE = """<!doctype html><html><head><title>Shelves &amp; more</title><link rel="canonical" href="https://example.org/shelves"></head><body>
<nav><a href="/">Home</a></nav><main><h1>Shelves</h1><p>A shelf holds <em>books</em>.<script>steal()</script></p>
<ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul><pre>docker  run
  shelf</pre><table><tr><th>Key</th><th>Value</th></tr><tr><td>a</td><td>1</td></tr></table>
<p onclick="steal()" hidden>unseen</p><img src="x" onerror="steal()" alt="A picture"></main>
<footer>Imprint</footer></body></html>"""


def read(content: bytes, name: str, bounds: Bounds | None = None) -> DocumentText:
    return read_document(content, name, bounds or Bounds())


def test_of_a_page_its_main_part_is_read() -> None:
    document = read(PAGE.encode(), "page.html")
    assert (document.title, document.url) == ("Shelves & more", "https://example.org/shelves")
    assert document.text == (
        "Shelves\n\nA shelf holds books.\n\n- one\n  - inner\n- two\n\n```\ndocker  run\n  shelf\n```\n\n"
        "| Key | Value |\n| a | 1 |\n\nA picture"
    )


def test_a_page_may_say_how_it_is_encoded_and_nest_as_deep_as_it_likes() -> None:
    page = b'<meta charset="iso-8859-2"><p>\xb1\xea</p>' + b"<div>" * 20_000 + b"deep"
    assert read(page, "page.html").text == "ąę\n\ndeep"


@pytest.mark.parametrize(
    "content",
    [
        "Über Größe".encode(),
        b"\xef\xbb\xbf" + "Über Größe".encode(),
        "Über Größe".encode("utf-16"),
        "Über Größe".encode("utf-16-le"),
        "Über Größe".encode("utf-16-be"),
        "Über Größe".encode("cp1252"),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16", "utf-16-le", "utf-16-be", "cp1252"],
)
def test_text_is_decoded_from_what_people_use(content: bytes) -> None:
    assert read(content, "a.txt").text == "Über Größe"


def test_plain_text_has_underlined_headings_and_its_broken_lines_are_joined() -> None:
    wide = "The sailor was alone on the island for years, and he counted\nthe days with notches in a post."
    text = f"Guide\n=====\n\n{wide}\n\nPaths\n-----\nshort\nlines"
    document = read(text.encode(), "guide.rst")
    assert [section.path for section in document.sections] == [("Guide",), ("Guide", "Paths")]
    assert document.text == f"Guide\n\n{wide.replace(chr(10), ' ', 1)}\n\nPaths\n\nshort\nlines"


def test_the_language_is_told_where_there_is_enough_text() -> None:
    german = "Die Bücher stehen in der Bibliothek, und jeder Leser darf sie aus dem Regal nehmen."
    assert [read(text.encode(), "a.txt").language for text in (german, "Zu kurz")] == ["de", None]


def test_pages_become_text_and_the_outline_headings() -> None:
    document = read(pdf(["First page.", "Second page."], title="Manual", headings={1: "Paths"}), "m.pdf")
    assert (document.title, document.text) == ("Manual", "First page.\n\nPaths\n\nSecond page.")


def test_chapters_are_read_in_their_order_with_titles_from_the_contents() -> None:
    book = epub(["<p>Alone.</p>", "<h2>Friday</h2><p>Not alone.</p>"], title="Robinson", toc=["The Wreck", "Two"])
    document = read(book, "r.epub")
    assert (document.title, document.text) == ("Robinson", "The Wreck\n\nAlone.\n\nFriday\n\nNot alone.")


HUGE = b"\0" * 3_000_000
EVIL = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><ncx>&e;</ncx>'


@pytest.mark.parametrize(
    ("content", "name", "error"),
    [
        (b"x", "a.docx", UnsupportedFormatError),
        (b"x", "README", UnsupportedFormatError),
        (b" \n", "a.md", NothingToReadError),
        (b"\x7fELF\x00\x01\x02\x00\x00\x00\x00\x05", "a.txt", NotTextError),
        (b"<script>x</script>", "a.html", NothingToReadError),
        (b"abcdefghijklmn", "a.txt", TextTooLongError),
        (b"a" * 70_000, "a.txt", DocumentTooLargeError),
        (pdf(["a", "b", "c"]), "a.pdf", TooManyPagesError),
        (pdf([""]), "a.pdf", NothingToReadError),
        (pdf(["a"], password="secret"), "a.pdf", EncryptedDocumentError),
        (pdf(["a"])[:300], "a.pdf", BrokenDocumentError),
        (b"<html>", "a.pdf", BrokenDocumentError),
        (b"no archive", "a.epub", BrokenDocumentError),
        (epub(["<p>a</p>"])[:-40], "a.epub", BrokenDocumentError),
        (epub([]), "a.epub", NothingToReadError),
        (epub(["<p>a</p>"], more={"huge.xhtml": HUGE}), "a.epub", ArchiveBombError),
        (epub(["<p>a</p>"], more={f"{number}.css": b"" for number in range(30)}), "a.epub", ArchiveBombError),
        (epub(["<p>a</p>"], more={"OEBPS/toc.ncx": EVIL}), "a.epub", UnsafeXmlError),
        (
            epub(["<p>a</p>"], more={"META-INF/encryption.xml": b'<e><EncryptionMethod Algorithm="drm"/></e>'}),
            "a.epub",
            EncryptedDocumentError,
        ),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, name: str, error: type[DocumentError]) -> None:
    bounds = Bounds(file_bytes=60_000, pages=2, letters=12, archive_entries=20)
    with pytest.raises(error):
        read(content, name, bounds)


def test_an_archive_that_lies_of_its_sizes_is_stopped_while_it_is_unpacked() -> None:
    book = epub([f"<p>{'word ' * 9_000}</p>"])
    with pytest.raises(ArchiveBombError):
        read(book.replace((45_000).to_bytes(4, "little"), b"\0\0\0\0"), "a.epub", Bounds(unpacked_bytes=2_000))
