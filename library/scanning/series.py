"""Reads series and positions out of the texts that folders, tags and sidecars hold them in."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from library.scanning.cleaning import clean_line


@dataclass(frozen=True, slots=True)
class SeriesMention:
    """A series and the book's position in it as text: "2.5", "1-3", "Prequel"; None when not told."""

    name: str
    position: str | None = None


MAX_SERIES = 20
MAX_POSITION = 30
NUMBER = r"\d{1,4}(?:\.\d{1,3})?"
RANGE = rf"{NUMBER}(?:\s*[-–—]\s*{NUMBER})?"
LABEL = r"(?:volumes?|vols?\.?|books?|bk\.?|parts?|no\.?|nr\.?|#)"

_POSITION = re.compile(rf"(?:{LABEL}\s*)?#?\s*(?P<first>{NUMBER})(?:\s*[-–—]\s*(?P<last>{NUMBER}))?", re.IGNORECASE)
_COUNTED = re.compile(rf"(?:{LABEL}\s*)?(?P<number>{NUMBER})\s*(?:/|of)\s*\d{{1,4}}", re.IGNORECASE)
_WORD_POSITION = re.compile(r"[^\W\d_][\w .'-]*")
_MENTION = re.compile(
    rf"(?P<name>.+?)(?:\s*,\s*|\s+)(?:#\s*(?P<marked>\S(?:.*\S)?)|{LABEL}\s*(?P<labelled>{RANGE}))", re.IGNORECASE
)
_MARKED = re.compile(r"(?P<name>\S(?:.*\S)?)\s+#(?P<position>\S(?:.*\S)?)")
_LEADING_ARTICLE = re.compile(r"^(?:the|a|an)\s+")
_TRAILING_SERIES = re.compile(r"\s+(?:series|trilogy|saga)$")


def normal_position(text: str | None) -> str | None:
    """Return a position in its one spelling: "01" → "1", "Book 3.0" → "3", "1 - 3" → "1-3", "Prequel" stays."""
    text = clean_line(text or "", MAX_POSITION)
    if counted := _COUNTED.fullmatch(text):
        return _normal_number(counted["number"])
    if match := _POSITION.fullmatch(text):
        numbers = [_normal_number(number) for number in (match["first"], match["last"]) if number]
        return "-".join(dict.fromkeys(numbers))
    return text if _WORD_POSITION.fullmatch(text) else None


def mention(text: str, position: str | None = None) -> SeriesMention | None:
    """Return the series in ``text``, which may carry its position: "Name #3", "Name, Book 3".

    A ``position`` that is given separately wins.
    """
    text = clean_line(text)
    match = _MENTION.fullmatch(text)
    if match and (inside := normal_position(match["marked"] or match["labelled"])):
        return SeriesMention(match["name"].strip(), normal_position(position) or inside)
    return SeriesMention(text, normal_position(position)) if text else None


def marked_mentions(text: str) -> list[SeriesMention]:
    """Return the series of a grouping text such as "A #1; B #2.5"; text without a "#" position names none."""
    matches = (_MARKED.fullmatch(clean_line(part)) for part in text.split(";"))
    return [SeriesMention(match["name"], normal_position(match["position"])) for match in matches if match]


def paired_mentions(names: Sequence[str], positions: Sequence[str]) -> list[SeriesMention]:
    """Pair series with positions; both may hold several, as values or separated by ";"."""
    all_names = [part for name in names for part in name.split(";") if part.strip()]
    all_positions = [part for position in positions for part in position.split(";")]
    pairs = zip_longest(all_names, all_positions[: len(all_names)])
    return [found for name, position in pairs if (found := mention(name or "", position))]


def merged(mentions: Iterable[SeriesMention]) -> tuple[SeriesMention, ...]:
    """Return each series once, in the order first mentioned, with the most precise position told for it."""
    found: dict[str, SeriesMention] = {}
    for one in mentions:
        known = found.setdefault(folded(one.name), one)
        if _is_more_precise(one.position, known.position):
            found[folded(one.name)] = replace(known, position=one.position)
    return tuple(found.values())[:MAX_SERIES]


def folded(name: str) -> str:
    """Return ``name`` for comparing spellings: without case, leading article or a trailing "series"."""
    plain = " ".join(name.casefold().replace("’", "'").split())
    return _TRAILING_SERIES.sub("", _LEADING_ARTICLE.sub("", plain))


def _normal_number(number: str) -> str:
    whole, _, fraction = number.partition(".")
    fraction = fraction.rstrip("0")
    return f"{int(whole)}.{fraction}" if fraction else str(int(whole))


def _is_more_precise(new: str | None, known: str | None) -> bool:
    # Apple's movement number holds integers only, so another tag's 2.5 is what its 2 stands for.
    return bool(new) and (not known or (new or "").startswith((f"{known}.", f"{known}-")))
