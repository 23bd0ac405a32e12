"""Authors and narrators: who they are, and how their names sort."""

import re
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from library.models.books import BookAuthor, Person
from library.models.editions import EditionNarrator
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


async def link(
    session: AsyncSession,
    table: type[BookAuthor | EditionNarrator],
    owner: dict[str, int],
    names: Sequence[str],
    known: KnownNames,
    *,
    is_new: bool,
) -> None:
    """Make these people, in this order, the ones linked to an owner, such as {"book_id": 7}; a new one has none yet."""
    if not is_new:
        await session.execute(sa.delete(table).filter_by(**owner))
    person_ids = await find_or_create(session, names, known)
    if person_ids:
        links = [{**owner, "person_id": person_id, "position": place} for place, person_id in enumerate(person_ids)]
        await session.execute(sa.insert(table), links)


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
