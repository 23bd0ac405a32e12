"""Numbers, durations and years, as they are said in English and German."""

import re
from dataclasses import dataclass

from library.questions.words import Question, phrases

HOUR = 3600.0
MINUTE = 60.0
_LONGEST_NUMBER = 7  # digits; more are no duration
_FIRST_YEAR, _LAST_YEAR = 1000, 2100
_CENTURY = 100
_DECADE = 10
_LATE_DECADES = 30  # "the 20s" are those of this century, "the 30s" of the last

_ONES_EN = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_ONES_EN += " seventeen eighteen nineteen"
_TENS_EN = "twenty thirty forty fifty sixty seventy eighty ninety"
_ONES_DE = "null ein zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn sechzehn"
_ONES_DE += " siebzehn achtzehn neunzehn"
_TENS_DE = "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig"
_TENS = {word: float(20 + 10 * place) for place, word in enumerate(_TENS_EN.split())}
_NUMBERS = {
    **{word: float(number) for number, word in enumerate(_ONES_EN.split())},
    **_TENS,
    **{word: float(number) for number, word in enumerate(_ONES_DE.split())},
    **{word: float(20 + 10 * place) for place, word in enumerate(_TENS_DE.split())},
    **{
        f"{one}und{ten}": float(number + 20 + 10 * place)
        for place, ten in enumerate(_TENS_DE.split())
        for number, one in enumerate(_ONES_DE.split()[1:10], start=1)
    },
    **dict.fromkeys(["a", "an", "eine", "einer", "einem", "einen"], 1.0),
    **dict.fromkeys(["anderthalb", "eineinhalb"], 1.5),
    "zweieinhalb": 2.5,
    "hundred": 100.0,
    "hundert": 100.0,
}
_UNITS = {
    **dict.fromkeys(["h", "hr", "hrs", "hour", "hours", "std", "stunde", "stunden"], HOUR),
    **dict.fromkeys(["min", "mins", "minute", "minutes", "minuten"], MINUTE),
}
_AND_A_HALF = phrases("and a half, und eine halbe, und ein halb")
_AND = phrases("and, und")
_IN_LENGTH = phrases(
    """long, in length, of listening, of audio, total, in total, runtime, run time, playing time, lang, lange, dauer,
    laufzeit, spielzeit, in der lange"""
)
_DECADES = {
    **{word[:-1] + "ies": float(20 + 10 * place) for place, word in enumerate(_TENS_EN.split())},
    **{f"{word}er": float(20 + 10 * place) for place, word in enumerate(_TENS_DE.split())},
    **{f"{word}ern": float(20 + 10 * place) for place, word in enumerate(_TENS_DE.split())},
}
_DECADE_ENDINGS = frozenset({"s", "er", "ern"})
_DIGITS = re.compile(r"\d{1,4}")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with a unit: seconds, and the place after its last word."""

    seconds: float
    end: int


@dataclass(frozen=True, slots=True)
class Years:
    """A year or a decade, both ends inclusive, and the place after its last word."""

    first: int
    last: int
    end: int


def number_at(question: Question, place: int) -> tuple[float, int] | None:
    """The number that begins at a place, in digits or words, and the place after it."""
    word = question.folded(place)
    if word[:1].isdecimal():
        return (float(word.replace(",", ".")), place + 1) if len(word) <= _LONGEST_NUMBER else None
    if word not in _NUMBERS:
        return None
    value, end = _NUMBERS[word], place + 1
    following = _NUMBERS.get(question.folded(end), 0)
    if word in _TENS and 1 <= following < _DECADE and question.joined(place, end + 1):
        return value + following, end + 1
    if word in {"a", "an", "one"} and following == _CENTURY:
        return following, end + 1
    return value, end


def duration_at(question: Question, place: int) -> Amount | None:
    """A number with its unit, such as "ten hours", "1.5 h", "8 h 30 min", "two and a half hours"."""
    found = number_at(question, place)
    if found is None:
        return None
    value, end = found
    half = _AND_A_HALF.end(question, end)
    if half is not None:
        value, end = value + 0.5, half
    unit = _UNITS.get(question.folded(end))
    if unit is None or not question.joined(place, end + 1):
        return None
    minutes = _minutes(question, end + 1) if unit == HOUR else None
    length = minutes or Amount(0, end + 1)
    closing = _IN_LENGTH.end(question, length.end)
    joined = closing is not None and question.joined(length.end - 1, closing)
    return Amount(value * unit + length.seconds, closing if closing is not None and joined else length.end)


def _minutes(question: Question, place: int) -> Amount | None:
    linked = _AND.end(question, place) or place
    found = number_at(question, linked)
    if found is None or not question.joined(place - 1, found[1] + 1):
        return None
    value, end = found
    return Amount(value * MINUTE, end + 1) if _UNITS.get(question.folded(end)) == MINUTE else None


def years_at(question: Question, place: int) -> Years | None:
    """A year, such as 1984, or a decade: "1980s", "80s", "'80s", "eighties", "80er Jahre"."""
    word = question.folded(place)
    if word in _DECADES:
        return _decade(int(_DECADES[word]), _after_years(question, place + 1))
    if not _DIGITS.fullmatch(word):
        return None
    number = int(word)
    ends = question.folded(place + 1) in _DECADE_ENDINGS and _touches(question, place)
    if ends and number % _DECADE == 0 and (number < _CENTURY or number >= _FIRST_YEAR):
        return _decade(number, _after_years(question, place + 2))
    return Years(number, number, place + 1) if _FIRST_YEAR <= number <= _LAST_YEAR and not ends else None


def _decade(number: int, end: int) -> Years:
    century = 0 if number >= _FIRST_YEAR else 2000 if number < _LATE_DECADES else 1900
    return Years(century + number, century + number + _DECADE - 1, end)


def _after_years(question: Question, place: int) -> int:
    return place + 1 if question.folded(place) in {"jahre", "jahren"} else place


def _touches(question: Question, place: int) -> bool:
    gap = question.text[question.words[place].end : question.words[place + 1].start]
    return gap in {"", "'", "’", "-"}
