"""Reads the files beside the audio that describe the book: metadata.json, OPF, NFO, desc.txt, reader.txt."""

import codecs
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from library.scanning.cleaning import clean_line, clean_text
from library.scanning.dates import iso_date, year_of
from library.scanning.errors import (
    FileUnreadableError,
    Problem,
    ScanError,
    SidecarBrokenError,
    SidecarTooLargeError,
)
from library.scanning.facts import BookFacts
from library.scanning.genres import MAX_GENRES
from library.scanning.identifiers import normal_asin, normal_isbn
from library.scanning.languages import normal_language
from library.scanning.names import split_names, unique_names
from library.scanning.nfo import facts_of_nfo
from library.scanning.opf import facts_of_opf
from library.scanning.raw_chapters import MAX_CHAPTERS, RawChapter
from library.scanning.series import SeriesMention, marked_mentions, mention, merged


class SidecarKind(IntEnum):
    """The kinds of sidecars; of two that disagree the higher one is believed."""

    NFO = 1
    TXT = 2
    OPF = 3
    METADATA_JSON = 4


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What one sidecar says; ``path`` is relative to the library root."""

    path: str
    kind: SidecarKind
    facts: BookFacts
    chapters: tuple[RawChapter, ...] = ()


MAX_SIDECAR_BYTES = 4 * 1024 * 1024
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_sidecars(root: Path, paths: Iterable[str]) -> tuple[list[Sidecar], list[Problem]]:
    """Read the sidecars at ``paths`` below ``root``; one that cannot be read becomes a problem, never an error.

    Reads files: call it off the event loop.
    """
    sidecars: list[Sidecar] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            sidecars.append(parse_sidecar(path, _bounded_bytes(root / path)))
        except ScanError as error:
            problems.append(error.problem(path))
    return sidecars, problems


def parse_sidecar(path: str, data: bytes) -> Sidecar:
    """Return what the sidecar ``data`` with the name ``path`` says; raises SidecarBrokenError."""
    name = PurePosixPath(path).name.lower()
    if name == "metadata.json":
        return _metadata_json(path, data)
    if name.endswith(".opf"):
        return Sidecar(path, SidecarKind.OPF, facts_of_opf(data))
    kind, parse = _TEXT_SIDECARS.get(name, (SidecarKind.NFO, facts_of_nfo))
    return Sidecar(path, kind, parse(decoded(data)))


def decoded(data: bytes) -> str:
    """Return ``data`` as text: by its byte order mark, else UTF-8, else Windows' western code page."""
    marked = next((encoding for mark, encoding in _BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)
    if marked:
        return data.decode(marked, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _bounded_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SIDECAR_BYTES + 1)
            if len(data) > MAX_SIDECAR_BYTES:
                raise SidecarTooLargeError(path.stat().st_size, MAX_SIDECAR_BYTES)
            return data
    except OSError as error:
        raise FileUnreadableError(error) from error


def _facts_of_description(text: str) -> BookFacts:
    return BookFacts(description=clean_text(text) or None)


def _facts_of_reader(text: str) -> BookFacts:
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    return BookFacts(narrators=tuple(split_names(first_line)))


_TEXT_SIDECARS: dict[str, tuple[SidecarKind, Callable[[str], BookFacts]]] = {
    "desc.txt": (SidecarKind.TXT, _facts_of_description),
    "reader.txt": (SidecarKind.TXT, _facts_of_reader),
}


def _metadata_json(path: str, data: bytes) -> Sidecar:
    try:
        document = orjson.loads(decoded(data))
    except orjson.JSONDecodeError as error:
        raise SidecarBrokenError("JSON", error) from error
    if not isinstance(document, dict):
        raise SidecarBrokenError("a JSON object", f"it is a {type(document).__name__}")
    nested = document.get("metadata")
    # Older files keep the fields one level down and the tags and chapters above.
    fields = {**document, **nested} if isinstance(nested, dict) else document
    return Sidecar(path, SidecarKind.METADATA_JSON, _json_facts(fields), _json_chapters(fields.get("chapters")))


def _json_facts(fields: Mapping[str, Any]) -> BookFacts:
    published = _text(fields, "publishedDate")
    abridged = fields.get("abridged")
    return BookFacts(
        title=_text(fields, "title") or None,
        subtitle=_text(fields, "subtitle") or None,
        authors=_people(fields, "authors", "author", "authorName"),
        series=_json_series(fields.get("series")),
        description=clean_text(_string(fields.get("description"))) or None,
        language=normal_language(_text(fields, "language")),
        published_year=year_of(_text(fields, "publishedYear")) or year_of(published),
        genres=_texts(fields.get("genres"))[:MAX_GENRES],
        tags=_texts(fields.get("tags"))[:MAX_GENRES],
        narrators=_people(fields, "narrators", "narrator", "narratorName"),
        publisher=_text(fields, "publisher") or None,
        asin=normal_asin(_text(fields, "asin")),
        isbn=normal_isbn(_text(fields, "isbn")),
        # false is what Audiobookshelf writes when nobody has said anything
        abridged=True if abridged is True else None,
        published_date=iso_date(published),
    )


def _string(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _text(fields: Mapping[str, Any], name: str) -> str:
    return clean_line(_string(fields.get(name)))


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else []
    return tuple(dict.fromkeys(text for one in values if (text := clean_line(_string(one)))))


def _people(fields: Mapping[str, Any], plural: str, *singular: str) -> tuple[str, ...]:
    """Return the names of a list of texts or of {name} objects, else those of one joined text."""
    value = fields.get(plural)
    values = value if isinstance(value, list) else [fields.get(name) for name in (plural, *singular)]
    texts = (_string(one.get("name") if isinstance(one, dict) else one) for one in values)
    if isinstance(value, list):
        # One entry is one person here, whatever its commas: somebody has edited the list.
        return unique_names(name for text in texts if (name := clean_line(text)))
    return unique_names(name for text in texts for name in split_names(text))


def _json_series(value: object) -> tuple[SeriesMention, ...]:
    values = value if isinstance(value, list) else [value]
    return merged(found for one in values if (found := _one_series(one)))


def _one_series(value: object) -> SeriesMention | None:
    if isinstance(value, dict):
        return mention(_string(value.get("name")), _string(value.get("sequence")))
    text = clean_line(_string(value))
    marked = marked_mentions(text)
    return marked[0] if marked else SeriesMention(text) if text else None


def _json_chapters(value: object) -> tuple[RawChapter, ...]:
    entries = [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
    timed = ((_seconds(one.get("start")), _seconds(one.get("end")), one) for one in entries[:MAX_CHAPTERS])
    return tuple(
        RawChapter(start, clean_line(_string(one.get("title"))), end) for start, end, one in timed if start is not None
    )


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
