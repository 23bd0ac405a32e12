"""HTML: what a reader would read of a page, as text; scripts, styles, forms and navigation are left out."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from rag.documents.text import SaidOfItself, TextBuilder, one_line

_TAGS = re.compile(r"\w+")
_DROPPED = frozenset(
    _TAGS.findall(
        "script style template noscript svg math iframe object embed form button select textarea input nav head "
        "canvas audio video dialog"
    )
)
# Of a page, not of a chapter: a book's header holds its title.
_PAGE_FURNITURE = frozenset({"header", "footer", "aside"})
_BLOCKS = frozenset(
    _TAGS.findall(
        "address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer header "
        "hr html li main ol p section summary ul"
    )
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DEEPEST = 150  # far below what Python's stack holds; what is nested deeper is read as plain text
_INDENT = "  "
_EMPTY_ELEMENT = re.compile(r"<(title|script|style|a|div|p|span|i|b|em|strong|td|th|li|h[1-6]|section)(\s[^<>]*)?/>")


def read_html(source: str, builder: TextBuilder) -> SaidOfItself:
    """Read a page, or its main part where it names one."""
    tree = LexborHTMLParser(source)
    body = _main_part(tree)
    if body is not None:
        _Walker(builder, _DROPPED | _PAGE_FURNITURE).read(body)
    title = tree.css_first("head > title")
    link = tree.css_first("link[rel=canonical]")
    return SaidOfItself(
        (one_line(title.text()) or None) if title is not None else None,
        link.attributes.get("href") if link is not None else None,
    )


def read_chapter(source: str, builder: TextBuilder) -> None:
    """Read one XHTML file of a book, with everything on it."""
    # An HTML parser would take everything after `<title/>` for the title.
    tree = LexborHTMLParser(_EMPTY_ELEMENT.sub(r"<\1\2></\1>", source))
    if tree.body is not None:
        _Walker(builder, _DROPPED).read(tree.body)


def read_fragment(source: str, builder: TextBuilder) -> None:
    """Read a piece of HTML, such as a block within Markdown."""
    read_chapter(source, builder)


def inline_text(source: str) -> str:
    """Return the text of a piece of inline HTML: its tags are gone, its entities are letters."""
    body = LexborHTMLParser(source).body
    return body.text() if body is not None else ""


def _main_part(tree: LexborHTMLParser) -> LexborNode | None:
    mains = tree.css("main") or tree.css("[role=main]") or tree.css("article")
    return mains[0] if len(mains) == 1 else tree.body


class _Walker:
    def __init__(self, builder: TextBuilder, dropped: frozenset[str]) -> None:
        self._builder = builder
        self._dropped = dropped
        self._inline: list[str] = []
        self._lines: list[str] = []
        self._lists: list[int | None] = []  # the next number of each open list, None for bullets

    def read(self, node: LexborNode) -> None:
        self._children(node, 0)
        self._end_block()

    def _children(self, node: LexborNode, depth: int) -> None:
        for child in node.iter(include_text=True):
            self._node(child, depth)

    def _node(self, node: LexborNode, depth: int) -> None:
        tag = node.tag or ""
        if tag == "-text":
            self._inline.append(node.text_content or "")
        elif tag in self._dropped or tag.startswith(("-", "!")) or _is_hidden(node):
            return
        elif depth > _DEEPEST:
            self._inline.append(node.text())
        elif tag in _HEADINGS or tag == "pre":
            self._end_block()
            if tag == "pre":
                self._builder.code(node.text())
            else:
                self._builder.heading(_HEADINGS[tag], node.text())
        else:
            self._element(tag, node, depth)

    def _element(self, tag: str, node: LexborNode, depth: int) -> None:
        if tag == "table":
            self._table(node, depth)
        elif tag == "br":
            self._end_line()
        elif tag in {"ul", "ol"}:
            self._list(node, depth)
        elif tag == "li":
            self._item(node, depth)
        elif tag in _BLOCKS:
            self._block(node, depth)
        elif tag == "img":
            self._inline.append(node.attributes.get("alt") or "")
        else:
            self._children(node, depth + 1)

    def _block(self, node: LexborNode, depth: int) -> None:
        end = self._end_line if self._lists else self._end_block
        end()
        self._children(node, depth + 1)
        end()

    def _list(self, node: LexborNode, depth: int) -> None:
        self._end_line() if self._lists else self._end_block()
        self._lists.append(1 if node.tag == "ol" else None)
        self._children(node, depth + 1)
        self._lists.pop()
        self._end_line() if self._lists else self._end_block()

    def _item(self, node: LexborNode, depth: int) -> None:
        self._end_line()
        if not self._lists:
            self._lists.append(None)
            self._item(node, depth)
            self._lists.pop()
            return
        number = self._lists[-1]
        mark = "-" if number is None else f"{number})"
        if number is not None:
            self._lists[-1] = number + 1
        lines = len(self._lines)
        self._children(node, depth + 1)
        self._end_line()
        if len(self._lines) > lines:
            self._lines[lines] = f"{_INDENT * (len(self._lists) - 1)}{mark} {self._lines[lines].strip()}"

    def _table(self, node: LexborNode, depth: int) -> None:
        """Read rows of cells; a table that only lays out a page, with tables within, is read as blocks."""
        self._end_block()
        if node.css_first("table table") is not None or node.css_first("h1, h2, h3, pre") is not None:
            for cell in node.css("td, th"):
                if cell.css_first("td, th") in {None, cell}:
                    self._block(cell, depth + 1)
            return
        self._builder.table([[cell.text(separator=" ") for cell in row.css("td, th")] for row in node.css("tr")])

    def _end_line(self) -> None:
        line = one_line("".join(self._inline))
        self._inline.clear()
        if line:
            self._lines.append(line)

    def _end_block(self) -> None:
        self._end_line()
        if self._lines:
            self._builder.prose("\n".join(self._lines))
            self._lines.clear()


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return "hidden" in attributes or attributes.get("aria-hidden") == "true"
