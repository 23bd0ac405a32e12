"""Turns what folder, tags and sidecars say of an item into proposals for the fields of its book and edition."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum, StrEnum
from typing import Any

from library.scanning.book_tags import facts_of_tags
from library.scanning.facts import BookFacts
from library.scanning.paths import facts_of_path
from library.scanning.series import SeriesMention
from library.scanning.sidecars import Sidecar, SidecarKind
from library.scanning.tags import FileTags


class Source(Enum):
    """Where a scan's proposal comes from."""

    FOLDER = "FOLDER"
    TAGS = "TAGS"
    SIDECAR = "SIDECAR"


class FieldName(StrEnum):
    """The fields a scan can propose."""

    TITLE = "title"
    SUBTITLE = "subtitle"
    AUTHORS = "authors"
    SERIES = "series"
    DESCRIPTION = "description"
    LANGUAGE = "language"
    PUBLISHED_YEAR = "published_year"
    GENRES = "genres"
    TAGS = "tags"
    NARRATORS = "narrators"
    PUBLISHER = "publisher"
    ASIN = "asin"
    ISBN = "isbn"
    ABRIDGED = "abridged"
    DRAMATIZED = "dramatized"
    PUBLISHED_DATE = "published_date"


Value = str | int | bool | Sequence[str] | Sequence[Mapping[str, str | None]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A value that one source proposes for one field.

    Values: text for one-valued fields, ``published_year`` an int, ``published_date`` YYYY-MM-DD, ``abridged`` and
    ``dramatized`` a bool, authors, narrators, genres and tags lists of text, series a list of {"name", "position"}.
    ``detail`` says where in the source; of two proposals the higher ``rank`` is believed; ``confidence`` is 0 to 1.
    """

    field: FieldName
    value: Value
    source: Source
    detail: str
    confidence: float
    rank: int


EDITION_FIELDS = frozenset(
    {
        FieldName.NARRATORS,
        FieldName.PUBLISHER,
        FieldName.ASIN,
        FieldName.ISBN,
        FieldName.ABRIDGED,
        FieldName.DRAMATIZED,
        FieldName.PUBLISHED_DATE,
    }
)

FOLDER_RANK = 10
TAGS_RANK = 20
_SIDECAR_RANKS = {
    SidecarKind.NFO: 30,
    SidecarKind.TXT: 40,
    SidecarKind.OPF: 50,
    SidecarKind.METADATA_JSON: 60,
}
FOLDER_CONFIDENCE = 0.7
TAGS_CONFIDENCE = 0.8
_SIDECAR_CONFIDENCE = 0.9


def proposals_of_item(
    path: str,
    *,
    is_file: bool,
    files: Sequence[FileTags],
    sidecars: Iterable[Sidecar] = (),
    parse_subtitle: bool = True,
) -> list[Proposal]:
    """Return every proposal for the item at ``path`` (relative to its root), lowest rank first.

    ``files`` are the tags of all its audio files. What a source does not know it does not propose, so nothing
    here can empty a field.
    """
    folder = facts_of_path(path, is_file=is_file, parse_subtitle=parse_subtitle)
    found = list(_proposals(folder, Source.FOLDER, "folder names", FOLDER_CONFIDENCE, FOLDER_RANK))
    detail = f"tags of {len(files)} files" if len(files) > 1 else "tags"
    tags = _turned_round(facts_of_tags(files), folder.authors)
    found.extend(_proposals(tags, Source.TAGS, detail, TAGS_CONFIDENCE, TAGS_RANK))
    for sidecar in sorted(sidecars, key=lambda sidecar: (sidecar.kind, sidecar.path)):
        name, rank = sidecar.path.rpartition("/")[2], _SIDECAR_RANKS[sidecar.kind]
        found.extend(_proposals(sidecar.facts, Source.SIDECAR, name, _SIDECAR_CONFIDENCE, rank))
    return found


def _turned_round(facts: BookFacts, known: Sequence[str]) -> BookFacts:
    """Read "Doyle, Arthur Conan", which tags leave open to be two people, as the one person the folder names."""
    turned = " ".join(reversed(facts.authors)).casefold()
    one = [name for name in known if name.casefold() == turned]
    return replace(facts, authors=tuple(one)) if one else facts


def _proposals(facts: BookFacts, source: Source, detail: str, confidence: float, rank: int) -> Iterator[Proposal]:
    for field in FieldName:
        value = _plain(getattr(facts, field))
        if value is not None and value not in ("", []):
            yield Proposal(field, value, source, detail, facts.unsure.get(field, confidence), rank)


def _plain(value: Any) -> Value | None:
    plain: Value | None = value
    if isinstance(value, tuple):
        plain = [asdict(one) for one in value] if isinstance(next(iter(value), None), SeriesMention) else list(value)
    return plain
