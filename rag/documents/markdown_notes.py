"""What site builders add to Markdown: front matter, admonitions, tabs and attributes, turned to plain Markdown."""

from __future__ import annotations

import re
from typing import Any

import yaml

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.{0,65536}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
# MkDocs: `!!! note "Title"`, `??? tip`, `=== "Tab"`; what follows is indented by four spaces.
_INDENTED = re.compile(
    r"""^(?P<indent>\s*)(?:(?:!!!|\?\?\?\+?)\s+(?P<kind>[\w-]+)(?P<more>.*)|===[!+]?\s+(?P<tab>["'].*))$"""
)
# Docusaurus and VitePress: `:::tip Title` or `:::tip[Title]` … `:::`.
_COLONS = re.compile(r"^\s*:::+\s*(?P<kind>[A-Za-z-]*)\s*(?P<title>.*?)\s*$")
_ALERT = re.compile(r"^(?P<quote>\s*(?:>\s*)+)\[!(?P<kind>\w+)\][+-]?\s*(?P<title>.*)$")
_QUOTED = re.compile(r"""["'](.*)["']""")
_ATTRIBUTES = re.compile(r"\s?\{\s*(?:[:#.][^{}\n]*|[\w-]+=[^{}\n]*)\}")
_ICONS = re.compile(r":(?:material|octicons|fontawesome|simple)-[\w-]+:")
_MODULE_LINE = re.compile(r"^(?:import\s.+\sfrom\s.+|import\s+['\"].+|export\s+(?:const|default)\s.+)$", re.MULTILINE)
_SILENT = frozenset({"code-group", "details", "raw", "tabs", "v-pre"})
_STEP = 4


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Part the YAML at the top from the text; what is no mapping counts as nothing."""
    found = _FRONT_MATTER.match(text)
    if found is None:
        return {}, text
    try:
        values = yaml.safe_load(found.group(1))
    except (yaml.YAMLError, ValueError, RecursionError):
        values = None
    return (values if isinstance(values, dict) else {}), text[found.end() :]


def plain_markdown(text: str, *, has_modules: bool = False) -> str:
    """Turn admonitions and tabs into a labelled paragraph and their content; code stays as it is.

    With `has_modules` (MDX) lines that import and export are left out.
    """
    if has_modules:
        text = _MODULE_LINE.sub("", text)
    lines: list[str] = []
    open_blocks: list[int] = []  # the indent of the content of each open indented block
    fence: str | None = None
    for line in text.split("\n"):
        bare = _dedented(line, open_blocks, in_code=fence is not None)
        mark = _FENCE.match(bare)
        if fence is not None:
            if mark and mark.group(1).startswith(fence) and bare.strip() == mark.group(1):
                fence = None
            lines.append(bare)
        elif mark:
            fence = mark.group(1)
            lines.append(bare)
        else:
            lines.extend(_line(bare, open_blocks))
    return "\n".join(lines)


def without_attributes(text: str) -> str:
    """Drop `{: .class}`, `{#id}` and icon names from the text of a heading or paragraph."""
    return _ICONS.sub("", _ATTRIBUTES.sub("", text))


def _dedented(line: str, open_blocks: list[int], *, in_code: bool) -> str:
    if not line.strip():
        return ""
    indent = len(line) - len(line.lstrip(" "))
    while open_blocks and indent < sum(open_blocks) and not in_code:
        open_blocks.pop()
    return line[min(sum(open_blocks), indent) :]


def _line(line: str, open_blocks: list[int]) -> list[str]:
    if block := _INDENTED.match(line):
        open_blocks.append(_STEP)
        indent = block["indent"]
        title = _quoted(block["tab"] or block["more"] or "")
        return ["", indent + _label(block["kind"] or "", title), ""]
    if line.lstrip().startswith(":::"):
        block = _COLONS.match(line)
        if block is None or not block["kind"]:
            return [""]
        title = block["title"].strip("[]{} ")
        return ["", _label("" if block["kind"].lower() in _SILENT else block["kind"], title), ""]
    if alert := _ALERT.match(line):
        quote = alert["quote"].rstrip()
        return [f"{quote} {_label(alert['kind'], alert['title'])}", quote]
    return [line]


def _label(kind: str, title: str) -> str:
    name = kind.replace("-", " ").capitalize()
    if not name:
        return title
    return f"{name}: {title}" if title and title.lower() != name.lower() else f"{name}:"


def _quoted(text: str) -> str:
    found = _QUOTED.search(text)
    return found.group(1) if found else ""
