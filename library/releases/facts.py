"""What an offer says of itself, as facts that can be compared, kept and shown."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from library.scanning.series import SeriesMention
from library.text_search import name_key

AUDIO_FORMATS = ("m4b", "m4a", "mp3", "flac", "opus", "ogg", "aac", "aax", "aaxc", "alac", "wma", "wav", "mp4")
EBOOK_FORMATS = ("epub", "mobi", "azw3", "pdf", "cbz")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFacts:
    """What is said of a release; None or empty where nobody says it.

    `language` is ISO 639-1 where there is such a code; `formats` are lower-case file endings. `parts` are the pieces
    of a free title whose roles were guessed ("X - Y": who wrote, and what?); matching tries the other readings too.
    It is empty where title and authors come from fields of their own.
    """

    title: str = ""
    authors: tuple[str, ...] = ()
    narrators: tuple[str, ...] = ()
    series: tuple[SeriesMention, ...] = ()
    formats: tuple[str, ...] = ()
    bit_rate_kbps: int | None = None
    duration_seconds: float | None = None
    language: str | None = None
    abridged: bool | None = None
    dramatized: bool | None = None
    files: int | None = None
    size_bytes: int | None = None
    seeders: int | None = None
    leechers: int | None = None
    published_year: int | None = None
    is_free: bool = False
    is_free_for_me: bool = False
    is_free_for_vip: bool = False
    parts: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The facts that are known, as a row keeps them."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        told["series"] = [{"name": one.name, "position": one.position} for one in self.series]
        listed = {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
        return {name: value for name, value in listed.items() if _says_something(name, value)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "ReleaseFacts":
        """Read what `to_json` gave; names it does not know are of a newer version and left out."""
        known = {field.name for field in fields(cls)}
        told: dict[str, Any]
        told = {
            name: tuple(value) if isinstance(value, list) else value for name, value in kept.items() if name in known
        }
        if "series" in told:
            told["series"] = tuple(SeriesMention(one["name"], one["position"]) for one in told["series"])
        return cls(**told)


# Of these, False is something that was said.
_DENIABLE = frozenset({"abridged", "dramatized"})


def merge(structured: ReleaseFacts, parsed: ReleaseFacts) -> ReleaseFacts:
    """Complete what fields of their own say with what was read from free text, which never contradicts them."""
    ours = ((field.name, getattr(structured, field.name)) for field in fields(structured))
    merged = replace(parsed, **{name: value for name, value in ours if _says_something(name, value)})
    if structured.title:
        return replace(merged, parts=structured.parts)
    return _without_author(merged) if structured.authors else merged


def _says_something(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value or name in _DENIABLE
    return value is not None and value not in ("", [], ())


def _without_author(facts: ReleaseFacts) -> ReleaseFacts:
    """Take the pieces of a free title that only name the authors out of it, now that they are known."""
    known = {name_key(name) for name in facts.authors}
    parts = tuple(part for part in facts.parts if name_key(part.removeprefix("by ")) not in known)
    return replace(facts, parts=parts, title=" - ".join(parts)) if parts else facts
