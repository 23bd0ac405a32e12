"""Makes text from files safe to store and show: bounded, without control characters or markup."""

import html
import re
import unicodedata

import nh3

MAX_LINE = 1_000
MAX_TEXT = 32_768
# Descriptions are found escaped once (XML) or twice (HTML quoted inside JSON inside a tag).
_MAX_UNESCAPES = 3

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|<!--|&(?:[a-zA-Z]{2,8}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_LINE_END = re.compile(r"<\s*(?:br|/p|/div|/li|/h[1-6]|/tr)\b[^<>]*>", re.IGNORECASE)
_BLANK = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n\s*\n\s*")
_KEPT_CONTROLS = "\n\t"


def clean_line(text: str, limit: int = MAX_LINE) -> str:
    """Return ``text`` as one line of at most ``limit`` characters, without control characters."""
    return " ".join(_printable(text[: 4 * limit]).split())[:limit].rstrip()


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """Return ``text`` as plain paragraphs of at most ``limit`` characters; markup is taken out."""
    plain = _printable(text[: 4 * limit].replace("\r\n", "\n").replace("\r", "\n"))
    for _ in range(_MAX_UNESCAPES):
        if not _MARKUP.search(plain):
            break
        plain = _without_markup(plain)
    lines = "\n".join(_BLANK.sub(" ", line).strip() for line in plain.split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip()[:limit].rstrip()


def raw_text(text: str, limit: int = MAX_TEXT) -> str:
    """Return ``text`` storable as text, markup and line ends kept, of at most ``limit`` characters."""
    return _printable(text[:limit]).strip()


def _printable(text: str) -> str:
    kept = (character for character in text if character in _KEPT_CONTROLS or not _is_control(character))
    return unicodedata.normalize("NFC", "".join(kept))


def _is_control(character: str) -> bool:
    # Cc: control, Cs: lone surrogate (cannot be stored), U+FEFF: a byte order mark inside text
    return unicodedata.category(character) in {"Cc", "Cs"} or character == "\ufeff"


def _without_markup(text: str) -> str:
    return html.unescape(nh3.clean(_LINE_END.sub("\n", text), tags=set()))
