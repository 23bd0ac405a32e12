"""Takes people's names out of the one line that folders and tags put them into."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from library.scanning.cleaning import clean_line


class Role(Enum):
    """What a name in a credit line did; OTHER is anybody who neither wrote nor read the book."""

    AUTHOR = "author"
    NARRATOR = "narrator"
    EDITOR = "editor"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Credit:
    """A name and the role written beside it, if one was."""

    name: str
    role: Role | None


MAX_NAMES = 200
_ROLES = {
    Role.AUTHOR: "author authors writer",
    Role.NARRATOR: "narrator narrators reader performer narration",
    Role.EDITOR: "editor editors",
    Role.OTHER: "translator translators translation contributor contributors introduction introductions foreword "
    "afterword preface illustrator adaptation adaptor adapter director producer composer compiler commentary",
}
_ROLE_OF = {word: role for role, words in _ROLES.items() for word in words.split()}
_ROLE_WORD = "|".join(sorted(_ROLE_OF, key=len, reverse=True))
_ROLE_AFTER = re.compile(
    rf"\s*(?:[-–—]\s+(?P<dashed>{_ROLE_WORD})|[(\[](?P<bracketed>{_ROLE_WORD})[)\]])\s*$", re.IGNORECASE
)
_LEAD_IN = re.compile(r"^(?:(?:(?:written|narrated|read|performed)\s+by|by)[:\s]\s*)+", re.IGNORECASE)

# "/" stands between the values of an ID3v2.3 frame
_HARD_SEPARATOR = re.compile(r"\s*[;/\n|]\s*|\s+//\s+")
_CONJUNCTION = re.compile(r"\s*(?:&|＆)\s*|,?\s+and\s+", re.IGNORECASE)
_ORGANISATION = re.compile(
    r"\b(?:schuster|sons|bros|brothers|company|co|inc|llc|ltd|gmbh|publishers?|publishing|press|books?|studios?"
    r"|productions?|audio|audiobooks|media|theat(?:re|er)|players|radio|entertainment|noble|associates|partners)\b\.?$",
    re.IGNORECASE,
)
_SUFFIX = re.compile(
    r"(?:jr|sr|junior|senior|ii|iii|iv|ph\.?\s?d|m\.?d|d\.?d\.?s|j\.?d|m\.?a|b\.?a|m\.?b\.?a|m\.?f\.?a|ed\.?d|psy\.?d"
    r"|d\.?d|r\.?n|esq|cpa|obe|cbe|mbe|lcsw|inc|llc|ltd)\.?",
    re.IGNORECASE,
)
_PARTICLES = frozenset(
    [
        "al",
        "bin",
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
        "el",
        "la",
        "las",
        "le",
        "los",
        "mac",
        "o'",
        "saint",
        "san",
        "st.",
        "ten",
        "ter",
        "van",
        "von",
        "zu",
    ]
)
_INITIALS = re.compile(r"(?:[^\W\d_]\.-?)+|[^\W\d_]|[A-Z]{2,3}")
# How many full given names may follow a surname of so many words: "Montgomery, Lucy Maud", "Conan Doyle, Arthur".
_GIVEN_WORDS_BY_SURNAME = {1: 3, 2: 1}
_GIVEN_WORDS_IN_LIST = {1: 1}
_PARENTHESIS = re.compile(r"\s*\([^()]*\)")
_PLACEHOLDERS = frozenset(
    [
        "various",
        "various authors",
        "various artists",
        "various narrators",
        "various readers",
        "unknown",
        "unknown author",
        "unknown artist",
        "unknown narrator",
        "anonymous reader",
        "n/a",
        "na",
        "none",
        "null",
        "undefined",
        "-",
        "?",
        "tbd",
        "not available",
    ]
)


def split_names(text: str, *, surname_first: bool = False) -> list[str]:
    """Return the people named in ``text``, each once, with the roles written beside them taken off.

    Names are cut at ``;``, ``/``, ``&``, "and" and commas; "Last, First" is turned round, "Jr." and "Ph.D." stay
    with their name, and an organisation such as "Simon & Schuster" stays whole. With two full words after one,
    "Montgomery, Lucy Maud" and "Shirtaloon, Travis Deverell" look alike: ``surname_first`` says that the text
    sorts by surname, as author folders do; then "Conan Doyle, Arthur" is one name too.
    Splitting a result again gives the same name.
    """
    return [credit.name for credit in split_credits(text, surname_first=surname_first)]


def split_credits(text: str, *, surname_first: bool = False) -> list[Credit]:
    """Return the names of ``text`` as split_names does, each with the role written beside it."""
    found: dict[str, Credit] = {}
    for segment in _segments(clean_line(text)):
        for part in _from_commas(segment, surname_first=surname_first):
            credit = _credit(part)
            if credit.name and credit.name.casefold() not in _PLACEHOLDERS:
                found.setdefault(credit.name.casefold(), credit)
    return list(found.values())[:MAX_NAMES]


def authors_of(credits_: Iterable[Credit]) -> list[str]:
    """Return who wrote: names without a role or with an author's, else editors, else everybody named."""
    credits_ = list(credits_)
    for roles in ({None, Role.AUTHOR}, {Role.EDITOR}, {Role.OTHER}):
        if names := [credit.name for credit in credits_ if credit.role in roles]:
            return names
    return []


def narrators_of(credits_: Iterable[Credit], *, without_role: bool) -> list[str]:
    """Return who reads: names with a narrator's role, and those without any where the place says so."""
    roles = {Role.NARRATOR, None} if without_role else {Role.NARRATOR}
    return [credit.name for credit in credits_ if credit.role in roles]


def unique_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return each name once, in order, without regard to case."""
    return tuple({name.casefold(): name for name in reversed(list(names))}.values())[::-1]


def _segments(text: str) -> list[str]:
    """Cut at the separators that never stand inside a person's name; organisations stay whole."""
    segments: list[str] = []
    for segment in _HARD_SEPARATOR.split(text):
        pieces = _CONJUNCTION.split(segment)
        whole = "," not in segment and len(pieces) > 1 and _ORGANISATION.search(segment)
        segments.extend([segment] if whole else pieces)
    return segments


def _from_commas(segment: str, *, surname_first: bool) -> list[str]:
    parts = _with_suffixes([part.strip() for part in segment.split(",") if part.strip()])
    pairs = list(zip(parts[::2], parts[1::2], strict=False))
    if parts and len(parts) % 2 == 0 and all(_is_reversed(*pair, surname_first=surname_first) for pair in pairs):
        return [_turned_round(surname, given) for surname, given in pairs]
    return parts


def _with_suffixes(parts: list[str]) -> list[str]:
    """Join "Jr.", "Ph.D." and the like to the name before them."""
    joined: list[str] = []
    for part in parts:
        if joined and _SUFFIX.fullmatch(part):
            joined[-1] = f"{joined[-1]} {part}"
        else:
            joined.append(part)
    return joined


def _is_reversed(surname: str, given: str, *, surname_first: bool) -> bool:
    words = [word for word in _PARENTHESIS.sub("", given).split() if not _SUFFIX.fullmatch(word)]
    given_words = sum(not _INITIALS.fullmatch(word) for word in words)
    *before, last = surname.split()
    surname_words = 1 + sum(word.casefold() not in _PARTICLES for word in before)
    if len(last) == 1 or not words:
        return False
    most = _GIVEN_WORDS_BY_SURNAME if surname_first else _GIVEN_WORDS_IN_LIST
    return given_words <= most.get(surname_words, -1)


def _turned_round(surname: str, given: str) -> str:
    """Put ``given`` first; a generation or degree goes to the end, a role stays there, "(Herbert George)" goes."""
    role = _ROLE_AFTER.search(given)
    words = _PARENTHESIS.sub("", given[: role.start()] if role else given).split()
    suffixes = [word for word in words if _SUFFIX.fullmatch(word)]
    ordered = [word for word in words if word not in suffixes] + [surname, *suffixes]
    return " ".join(ordered) + (role[0] if role else "")


def _credit(part: str) -> Credit:
    role = None
    while match := _ROLE_AFTER.search(part):
        role = _ROLE_OF[(match["dashed"] or match["bracketed"]).casefold()]
        part = part[: match.start()]
    return Credit(_LEAD_IN.sub("", part).strip(" ,\"'-–—"), role)
