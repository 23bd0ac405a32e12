"""How alike two titles or two names are, decoration and spelling aside; numbers and short titles must agree exactly."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import OSA, Indel

from library.text_search import MAXIMUM_WORD_LENGTH, name_key, words

Words = tuple[str, ...]

# Scores of titles that are the same, by how they differ on paper.
SAME, JOINED, DECORATED, WITH_SUBTITLE, WITHOUT_SUBTITLE, OTHER_SUBTITLE = 1.0, 0.98, 0.97, 0.95, 0.93, 0.85
SHORT_WORDS, SHORT_LETTERS = 2, 6
ALIKE_SUBTITLES = 0.85
# A name that is not spelt alike, but can only be the same person's.
PART_OF_NAME, BY_INITIALS, SURNAME_ONLY, ALIKE_NAMES = 0.95, 0.9, 0.8, 0.91
_TYPO_LETTERS = 5  # shorter words differ by being other words
_SURNAME_LETTERS = 4

_NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen"),
)
# Not I, V and X: "I, Robot", "Henry V", "Malcolm X".
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "xi": "11", "xii": "12"}
_NUMBERS = {word: str(number) for number, word in enumerate(_NUMBER_WORDS)} | _ROMAN
_ARTICLES = frozenset({"a", "an", "the"})
_LABELS = frozenset({"book", "books", "bk", "volume", "vol", "part", "pt", "no", "number", "episode"})
_GLUE = frozenset({"of", "in", "the", "a", "an", "series", "novel", "trilogy", "saga"})
_EDITION = frozenset({"a", "an", "the", "novel", "novella", "memoir", "unabridged", "edition", "audiobook", "story"})
_SEPARATOR = re.compile(r"\s*(?::\s|\s[-–—]+\s|;\s|[(\[])|,\s+(?=(?:book|vol|part)\b)", re.IGNORECASE)
_SUFFIXES = frozenset({"jr", "sr", "phd", "md"})
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_ASCII_APOSTROPHES = re.compile("['`]")
_DOTS = re.compile(r"[.\s]+")


@dataclass(frozen=True, slots=True)
class TitleForm:
    """A title's words without a leading article, whole and cut at its first separator; numbers are digits."""

    whole: Words
    main: Words
    rest: Words


@dataclass(frozen=True, slots=True)
class SeriesWords:
    """The words of the series that a title may be decorated with, and the wanted place in them."""

    names: tuple[Words, ...]
    position: Words

    def are(self, main: Words) -> bool:
        """Whether some words, numbers and labels aside, are the name of one of them."""
        bare = tuple(word for word in main if not word.isdigit() and word not in _LABELS)
        return bool(bare) and any(_without_series(bare) == _without_series(name) for name in self.names)


def title_form(text: str) -> TitleForm:
    """Bring a title into the form in which titles are compared."""
    cut = _SEPARATOR.search(text)
    main = plain_words(text[: cut.start()] if cut else text)
    if cut is None or not main:
        whole = main or plain_words(text)
        return TitleForm(whole, whole, ())
    rest = _numbered_words(text[cut.end() :])
    return TitleForm(main + rest, main, _without_article(rest))


def plain_words(text: str) -> Words:
    """The folded words of a title without a leading article; "&" is "and", number words and II to XII are digits."""
    return _without_article(_numbered_words(text))


@lru_cache(maxsize=8_192)
def name_words(name: str) -> Words:
    """The words of a series' name, as titles are compared; a search meets few names, many times."""
    return plain_words(name)


def is_short(title: Words) -> bool:
    """Whether a title is so short that it stands inside many others, so that only an exact one is the same."""
    return len(title) <= SHORT_WORDS or sum(map(len, title)) <= SHORT_LETTERS


def title_likeness(offered: TitleForm, wanted: TitleForm, subtitle: Words, series: SeriesWords) -> tuple[float, str]:
    """How surely a title is the wanted one, 0 to 1, and why; 0 is another book."""
    if offered.whole in (wanted.whole, wanted.whole + subtitle):
        return SAME, "the same title"
    if "".join(offered.whole) == "".join(wanted.whole):
        return JOINED, "the same title, written together or apart"
    return (
        _longer(offered, wanted, subtitle, series)
        or _shorter(offered, wanted, series)
        or _misspelt(offered.whole, wanted.whole)
        or (0.0, "another title")
    )


@lru_cache(maxsize=65_536)
def name_likeness(one: str, other: str) -> float:
    """How surely two names are one person's, 0 to 1: order, initials, middle names and slips aside; 0 is another."""
    first, second = _name_words(one), _name_words(other)
    if not first or not second:
        return 0.0
    if sorted(first) == sorted(second):
        return 1.0
    if min(len(first), len(second)) == 1:
        return _surname_likeness(first, second)
    if set(first) < set(second) or set(second) < set(first):
        return PART_OF_NAME
    if first[-1] == second[-1] and _initials_agree(one, other, first, second):
        return BY_INITIALS
    ratio = Indel.normalized_similarity(" ".join(first), " ".join(second))
    return ratio if ratio >= ALIKE_NAMES and first[0][0] == second[0][0] else 0.0


def _longer(offered: TitleForm, wanted: TitleForm, subtitle: Words, series: SeriesWords) -> tuple[float, str] | None:
    """The offered title says more than the wanted one."""
    title, main = wanted.whole, offered.main
    if offered.rest == title and series.are(main):
        numbers = tuple(word for word in main if word.isdigit())
        return (DECORATED, "the same title after its series") if not numbers or _may_be(numbers, series) else None
    if offered.whole[: len(title)] != title:
        return None
    rest, is_cut = offered.whole[len(title) :], main == title
    if subtitle and Indel.normalized_similarity(" ".join(rest), " ".join(subtitle)) >= ALIKE_SUBTITLES:
        return WITH_SUBTITLE, "the same title and subtitle"
    if _is_decoration(rest, series, is_cut=is_cut):
        return DECORATED, "the same title with its series or edition"
    unsure = not is_cut or subtitle or is_short(title) or series.are(title) or any(word.isdigit() for word in rest)
    return None if unsure else (OTHER_SUBTITLE, "the same title with a subtitle that is not known")


def _shorter(offered: TitleForm, wanted: TitleForm, series: SeriesWords) -> tuple[float, str] | None:
    """The offered title says less than the wanted one."""
    if not wanted.rest:
        return None
    if offered.whole == wanted.rest and series.are(wanted.main):
        return WITHOUT_SUBTITLE, "the same title without its series"
    volumes = [word for word in wanted.rest if word.isdigit() and word != "1"]
    if offered.whole == wanted.main and not series.are(wanted.main) and not volumes:
        return WITHOUT_SUBTITLE, "the same title without its subtitle"
    return None


def _is_decoration(rest: Words, series: SeriesWords, *, is_cut: bool) -> bool:
    """Whether what follows a title only says its series, its place there or its edition."""
    if set(rest) <= _EDITION:
        return is_cut
    numbers = tuple(word for word in rest if word.isdigit())
    labelled = any(word in _LABELS for word in rest) and bool(numbers)
    known = {word for name in series.names for word in name} | _LABELS | _GLUE
    strange = [word for word in rest if word not in known and not word.isdigit()]
    if strange and not (labelled and is_cut):
        return False
    if not numbers:
        return is_cut
    return (labelled or is_cut) and _may_be(numbers, series)


def _may_be(numbers: Words, series: SeriesWords) -> bool:
    # Without a known place, a number after a title most likely makes it another volume.
    return numbers == (series.position or ("1",))


def _misspelt(offered: Words, wanted: Words) -> tuple[float, str] | None:
    """The same words but for a slip in a long one; a short title allows none."""
    if len(offered) != len(wanted) or is_short(wanted):
        return None
    differing = [(one, other) for one, other in zip(offered, wanted, strict=True) if one != other]
    if len(differing) > 1 + len(wanted) // 5 or not all(_is_slip(*pair) for pair in differing):
        return None
    return Indel.normalized_similarity(" ".join(offered), " ".join(wanted)), "the same title but for its spelling"


def _is_slip(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    allowed = 1 if shorter < 2 * _TYPO_LETTERS else 2
    return shorter >= _TYPO_LETTERS and one[0] == other[0] and OSA.distance(one, other) <= allowed


def folded_words(text: str) -> list[str]:
    """The same as `text_search.words`, at a quarter of its time for plain ASCII, which most titles are."""
    if not text.isascii():
        return words(text)
    return [word[:MAXIMUM_WORD_LENGTH] for word in _ASCII_WORD.findall(_ASCII_APOSTROPHES.sub("", text).lower())]


def _numbered_words(text: str) -> Words:
    return tuple([_NUMBERS.get(word, word) for word in folded_words(text.replace("&", " and "))])


def _without_article(found: Words) -> Words:
    return found[1:] if len(found) > 1 and found[0] in _ARTICLES else found


def _without_series(name: Words) -> Words:
    return tuple(word for word in name if word not in {"series", "the"})


@lru_cache(maxsize=65_536)
def _name_words(name: str) -> Sequence[str]:
    return [word for word in name_key(name).split() if word not in _SUFFIXES]


def _surname_likeness(first: Sequence[str], second: Sequence[str]) -> float:
    (alone,), other = (first, second) if len(first) == 1 else (second, first)
    return SURNAME_ONLY if len(other) > 1 and alone == other[-1] and len(alone) >= _SURNAME_LETTERS else 0.0


def _initials_agree(one: str, other: str, first: Sequence[str], second: Sequence[str]) -> bool:
    if len(first) == len(second) and all(map(_may_stand_for, first, second)):
        return True
    shorter, longer = sorted((_initials(one, first), _initials(other, second)), key=len)
    return (_is_initials(one) or _is_initials(other)) and longer.startswith(shorter)


def _may_stand_for(one: str, other: str) -> bool:
    return one == other or (one[0] == other[0] and 1 in {len(one), len(other)})


def _initials(name: str, parts: Collection[str]) -> str:
    given = list(parts)[:-1]
    return "".join(given) if _is_initials(name) else "".join(word[0] for word in given)


def _is_initials(name: str) -> bool:
    *given, _ = [part for part in _DOTS.split(name) if part] or [""]
    return bool(given) and all(len(part) == 1 for part in given)
