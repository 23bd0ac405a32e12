"""Cuts genre texts into single genres without cutting through the names of genres."""

import re
from collections.abc import Iterable

from library.scanning.cleaning import clean_line

MAX_GENRES = 50
MAX_GENRE = 100

# Names that contain a separator; the spelling of the file is kept. Longest first, so that the whole name is found.
_COMPOUNDS = (
    "mystery, thriller & suspense",
    "mystery, thriller and suspense",
    "mystery, thrillers & suspense",
    "fairy tales, folk tales & myths",
    "movie, tv & video game tie-ins",
    "politics, philosophy & social sciences",
    "computers, internet & technology",
    "religion, spirituality & philosophy",
    "literature & fiction",
    "science fiction & fantasy",
    "action & adventure",
    "thriller & suspense",
    "biographies & memoirs",
    "health & wellness",
    "arts & entertainment",
    "business & careers",
    "comedy & humor",
    "sci-fi/fantasy",
    "sci-fi / fantasy",
    "scifi/fantasy",
    "science fiction/fantasy",
    "science fiction / fantasy",
    "fantasy/sci-fi",
    "fantasy/science fiction",
    "action/adventure",
    "action / adventure",
    "mystery/thriller",
    "mystery / thriller",
    "thriller/suspense",
    "mystery/suspense",
    "mind/body/spirit",
    "health/fitness",
    "biography/autobiography",
    "biography/memoir",
    "lgbt/lgbtq",
)
_COMPOUND = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in _COMPOUNDS), re.IGNORECASE)
_VALUE_SEPARATOR = re.compile(r";|\||\n|//")
_SLASH = re.compile(r"\s*/\s*")
_COMMA = re.compile(r"\s*,\s*")
_JOINED_TAIL = re.compile(r"(?:&|\band\b)", re.IGNORECASE)
_HIDDEN = re.compile("[\ue000-\uf8ff]")
# These say that the file is an audiobook, or nothing.
_EMPTY_GENRES = frozenset(
    [
        "audiobook",
        "audiobooks",
        "audio book",
        "audio books",
        "audio-book",
        "spoken word",
        "spoken",
        "spoken & audio",
        "books & spoken",
        "speech",
        "vocal",
        "other",
        "unknown",
        "genre",
        "none",
        "n/a",
        "misc",
        "default",
    ]
)


def split_genres(values: Iterable[str]) -> tuple[str, ...]:
    """Return the single genres in ``values``, each once and in order.

    Cut at ``;``, ``|`` and ``//`` always; at ``/`` except inside a known name such as "Sci-Fi/Fantasy"; at commas
    except inside a known name, and except in a list whose last part is joined by "&" or "and", which is one name
    ("Mystery, Thriller & Suspense", "Crafts, Hobbies & Home"). "&" alone never cuts. Values such as "Audiobook",
    numbers and empty ones are left out.
    """
    found: dict[str, str] = {}
    for value in values:
        for part in _VALUE_SEPARATOR.split(value):
            for genre in _split_names(part):
                found.setdefault(genre.casefold(), genre)
    kept = [genre for key, genre in found.items() if key not in _EMPTY_GENRES and not genre.isnumeric()]
    return tuple(kept)[:MAX_GENRES]


def _split_names(text: str) -> list[str]:
    # Known names hide behind one private-use character each while the rest is cut.
    known: list[str] = []

    def hide(match: re.Match[str]) -> str:
        known.append(match[0])
        return chr(0xE000 + len(known) - 1)

    text = _COMPOUND.sub(hide, _HIDDEN.sub("", clean_line(text)))
    parts = [part for piece in _SLASH.split(text) for part in _cut_at_commas(piece)]
    shown = (_HIDDEN.sub(lambda match: known[ord(match[0]) - 0xE000], part).strip(" ,") for part in parts)
    return [genre[:MAX_GENRE] for genre in shown if genre]


def _cut_at_commas(text: str) -> list[str]:
    parts = _COMMA.split(text)
    return [text] if _JOINED_TAIL.search(parts[-1]) else parts
