"""Authors and narrators: who they are, and how their names sort."""

import re
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from library.models.books import Person
from library.names import KnownNames, ids_of
from library.text_search import MAXIMUM_KEY_LENGTH, fold, name_key

_PARTICLES = frozenset(
    [
        "da",
        "dal",
        "de",
        "del",
        "della",
        "den",
        "der",
        "des",
        "di",
        "do",
        "dos",
        "du",
        "la",
        "le",
        "ten",
        "ter",
        "van",
        "von",
        "zu",
    ]
)
_GENERATION = re.compile(r"(?:jr|sr|ii|iii|iv|ph\.?\s?d|m\.?d)\.?", re.IGNORECASE)


async def find_or_create(session: AsyncSession, names: Sequence[str], known: KnownNames) -> list[int]:
    """The ids of people by name, in the order given, each once; new names become new people."""
    keys = list(dict.fromkeys(name_key(name) for name in names))
    rows = {name_key(name): _row(name) for name in reversed(names)}  # the first spelling wins
    ids = await ids_of(session, Person, rows, known)
    return [ids[key] for key in keys]


def sort_name(name: str) -> str:
    """Turn a name round for ordering: "Jules Verne" gives "Verne, Jules"; "Ludwig van Beethoven" keeps his "van"."""
    given, *rest = name.split() or [""]
    generation = [rest.pop()] if rest[1:] and _GENERATION.fullmatch(rest[-1]) else []
    if not rest or "," in name:
        return name
    start = len(rest) - 1
    while start > 0 and rest[start - 1] in _PARTICLES:
        start -= 1
    return f"{' '.join(rest[start:])}, {' '.join([given, *rest[:start], *generation])}"


def _row(name: str) -> dict[str, str]:
    return {"name": name, "sort_name": fold(sort_name(name))[:MAXIMUM_KEY_LENGTH], "name_key": name_key(name)}
