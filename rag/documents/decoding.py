"""Bytes become text: by their mark, as UTF-8, by what the file says of itself, and by guess at last."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from rag.documents.errors import NotTextError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 32 * 1024
_NUL_SHARE = 0.3  # of UTF-16 without a mark, in languages of Latin letters, every other byte is zero
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
_DECLARED_WITHIN = 1024


def decoded(content: bytes, *, declares: bool = False) -> str:
    """Decode a text; with `declares` it may name its encoding, as HTML does. Raises NotTextError for what is none."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    sample = content[:_SAMPLE]
    if b"\0" in sample:
        return content.decode(_wide_encoding(sample), "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode((_declared(content) if declares else None) or _guessed(content), "replace")


def _wide_encoding(sample: bytes) -> str:
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if even == 0 and odd > _NUL_SHARE * half:
        return "utf-16-le"
    if odd == 0 and even > _NUL_SHARE * half:
        return "utf-16-be"
    raise NotTextError


def _declared(content: bytes) -> str | None:
    found = _DECLARED.search(content[:_DECLARED_WITHIN])
    if found is None:
        return None
    name = found.group(1).decode("ascii")
    try:
        is_text = codecs.lookup(name)._is_text_encoding  # noqa: SLF001 how `bytes.decode` itself tells hex from text
    except LookupError:
        return None
    return name if is_text else None


def _guessed(content: bytes) -> str:
    # Looked at where the odd bytes are: a long text may begin with pages of plain ASCII.
    first = next((place for place, byte in enumerate(content) if byte > 0x7F), 0)  # noqa: PLR2004 the end of ASCII
    begin = max(0, first - _SAMPLE // 2)
    sample = content[begin : begin + _SAMPLE]
    best = from_bytes(sample, cp_isolation=["cp1252", "cp1250", "cp1251", "cp1253", "shift_jis", "gb18030"]).best()
    return best.encoding if best is not None else "cp1252"
