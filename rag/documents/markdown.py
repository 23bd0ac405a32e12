"""Markdown, as GitHub, MkDocs, Docusaurus and VitePress write it."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from rag.documents.html import inline_text, read_fragment
from rag.documents.markdown_notes import plain_markdown, split_front_matter, without_attributes
from rag.documents.text import SaidOfItself, TextBuilder, clean, one_line

_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_INDENT = "  "
_LISTS = frozenset(
    f"{name}_{end}" for name in ("bullet_list", "ordered_list", "list_item") for end in ("open", "close")
)
_LEAVES = frozenset({"fence", "code_block", "html_block"})


def read_markdown(source: str, builder: TextBuilder, *, has_modules: bool = False) -> SaidOfItself:
    """Read a text; title and address are those of its front matter."""
    values, body = split_front_matter(clean(source))
    tokens = _PARSER.parse(plain_markdown(body, has_modules=has_modules))
    _Reader(builder).read(tokens)
    return SaidOfItself(_line(values.get("title")), _line(values.get("canonical_url")) or _line(values.get("url")))


def _line(value: object) -> str | None:
    return (one_line(str(value)) or None) if isinstance(value, str | int | float) else None


class _Reader:
    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._lists: list[int | None] = []  # the next number of each open list, None for bullets
        self._mark = ""
        self._lines: list[str] = []
        self._rows: list[list[str]] = []

    def read(self, tokens: Sequence[Token]) -> None:
        for place, token in enumerate(tokens):
            self._token(token, tokens[place - 1] if place else None)
        self._flush()

    def _token(self, token: Token, before: Token | None) -> None:
        if token.type == "inline":
            self._text(token, before or token)
        elif token.type in _LISTS:
            self._list(token)
        elif token.type in _LEAVES:
            self._flush()
            if token.type == "html_block":
                read_fragment(token.content, self._builder)
            else:
                self._builder.code(token.content)
        else:
            self._table(token)

    def _list(self, token: Token) -> None:
        if token.type == "list_item_open":
            self._open_item()
        elif token.nesting > 0:
            self._open_list(token)
        elif token.nesting < 0 and token.type != "list_item_close":
            self._lists.pop()
            if not self._lists:
                self._flush()

    def _table(self, token: Token) -> None:
        match token.type:
            case "table_open":
                self._flush()
                self._rows = []
            case "tr_open":
                self._rows.append([])
            case "table_close":
                self._builder.table(self._rows)

    def _open_list(self, token: Token) -> None:
        if not self._lists:
            self._flush()
        self._lists.append(int(token.attrGet("start") or 1) if token.type == "ordered_list_open" else None)

    def _open_item(self) -> None:
        number = self._lists[-1]
        self._mark = f"{_INDENT * (len(self._lists) - 1)}{'-' if number is None else f'{number})'} "
        if number is not None:
            self._lists[-1] = number + 1

    def _text(self, token: Token, before: Token) -> None:
        text, opened = without_attributes(_inline(token)), before.type
        if opened == "heading_open":
            self._flush()
            self._builder.heading(int(before.tag[1:]), text)
        elif opened in {"th_open", "td_open"}:
            self._rows[-1].append(text)
        elif self._lists:
            self._lines.append(self._mark + text if self._mark else _INDENT * len(self._lists) + text)
            self._mark = ""
        else:
            self._builder.prose(text)

    def _flush(self) -> None:
        if self._lines:
            self._builder.prose("\n".join(self._lines))
            self._lines.clear()


def _inline(token: Token) -> str:
    pieces: list[str] = []
    links = 0
    for child in token.children or ():
        links += child.nesting if child.type.startswith("link_") else 0
        if child.type != "image":
            pieces.append(_piece(child))
        elif not links:  # a picture that is a link is a badge, or the small form of itself
            pieces.append(child.content.lstrip("!"))
    return "".join(pieces)


def _piece(token: Token) -> str:
    match token.type:
        case "text" | "code_inline":
            return token.content
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "html_inline":
            return "\n" if token.content.lower().startswith("<br") else inline_text(token.content)
    return ""
