"""Playing time said in words: "under ten hours", "between 5 and 8 hours", "länger als 20 Stunden"."""

from library.questions.filters import FilterKind, Found
from library.questions.quantities import duration_at, number_at
from library.questions.words import Question, phrases

_AT_MOST = phrases(
    """under, below, less than, shorter than, fewer than, no longer than, no more than, not longer than, not more
    than, at most, up to, max, maximum, a maximum of, maximum of, unter, weniger als, kurzer als, kuerzer als,
    hochstens, hoechstens, maximal, bis zu, nicht langer als, nicht laenger als, nicht mehr als"""
)
_AT_LEAST = phrases(
    """over, above, more than, longer than, at least, no less than, not less than, not under, no shorter than, not
    shorter than, a minimum of, minimum of, minimum, min, uber, ueber, mehr als, langer als, laenger als,
    mindestens, wenigstens, nicht kurzer als, nicht unter"""
)
_OR_LESS = phrases("or less, or shorter, or under, max, at most, tops, oder weniger, oder kurzer, maximal")
_OR_MORE = phrases("or more, or longer, plus, and up, or over, oder mehr, oder langer, at least, mindestens")
_BETWEEN = phrases("between, from, zwischen, von")
_TO = phrases("to, and, bis, und, till, until")
# A duration within a plot: "under ten hours later", "more than two hours of captivity", "over an hour away".
_ABOUT = phrases("around, about, approximately, roughly, circa, ca, etwa, ungefahr")
_ROUGHLY = 0.2  # how much more or less "about" allows
_OF_A_PLOT = phrases(
    """later, ago, away, before, after, of, into, from, old, each, per, a day, a week, every, nach, spater, vor,
    entfernt, left, until, to, drive, flight, past, earlier, when, while, apart"""
)
_WITHIN_A_PLOT = phrases("in, within, for, takes, took, after, innerhalb, binnen, just, nearly, almost, spent, spends")
_READING = phrases("of listening, of audio, in length")
FIRSTS = _AT_MOST.firsts | _AT_LEAST.firsts | _BETWEEN.firsts | _ABOUT.firsts


def compared_length(question: Question, place: int) -> Found | None:
    """A comparison with a duration."""
    for table, is_most in ((_AT_LEAST, False), (_AT_MOST, True)):
        start = table.end(question, place)
        amount = duration_at(question, start) if start is not None else None
        if amount is not None and _is_length(question, place, amount.end):
            bounds = (None, amount.seconds) if is_most else (amount.seconds, None)
            return _found(question, place, amount.end, bounds)
    return None


def length_range(question: Question, place: int) -> Found | None:
    """Two durations, or two numbers with one unit: "between 5 and 8 hours", "5 to 8 hours", "5-8 h"."""
    named = _BETWEEN.end(question, place)
    least = _amount_or_number(question, named if named is not None else place)
    if least is None:
        return None
    value, end, has_unit = least
    linked = _TO.end(question, end)
    if linked is None and (named is not None or not _dashed(question, end)):
        return None
    most = duration_at(question, linked if linked is not None else end)
    if most is None or not _is_length(question, place, most.end):
        return None
    if not has_unit:
        value *= most.seconds / (_plain_number(question, linked if linked is not None else end) or 1)
    return _found(question, place, most.end, (value, most.seconds)) if value <= most.seconds else None


def open_length(question: Question, place: int) -> Found | None:
    """A duration and what is said after it: "ten hours or less", "20 hours plus", "20+ hours"."""
    amount = duration_at(question, place)
    if amount is None:
        return None
    for table, is_most in ((_OR_LESS, True), (_OR_MORE, False)):
        end = table.end(question, amount.end)
        if end is not None and not _WITHIN_A_PLOT.start(question, place):
            return _found(question, place, end, (None, amount.seconds) if is_most else (amount.seconds, None))
    gap = question.text[question.words[place].end : question.words[place + 1].start]
    return _found(question, place, amount.end, (amount.seconds, None)) if gap.strip() == "+" else None


def rough_length(question: Question, place: int) -> Found | None:
    """About so long, where the question says that it means the length: "about ten hours long"."""
    start = _ABOUT.end(question, place)
    amount = duration_at(question, start) if start is not None else None
    if amount is None or question.folded(amount.end - 1) not in {"long", "lang", "length", "lange"}:
        return None
    return _found(question, place, amount.end, (amount.seconds * (1 - _ROUGHLY), amount.seconds * (1 + _ROUGHLY)))


def _found(question: Question, first: int, end: int, bounds: tuple[float | None, float | None]) -> Found:
    return Found.of(question, FilterKind.DURATION, first, end, at_least=bounds[0], at_most=bounds[1])


def _is_length(question: Question, first: int, end: int) -> bool:
    if _WITHIN_A_PLOT.start(question, first) is not None and not question.breaks_at(first):
        return False
    if question.breaks_at(end) or _OF_A_PLOT.end(question, end) is None:
        return True
    # "under ten hours from the 1980s" goes on about the book.
    return any(question.folded(place)[:1].isdecimal() for place in (end + 1, end + 2))


def _amount_or_number(question: Question, place: int) -> tuple[float, int, bool] | None:
    amount = duration_at(question, place)
    if amount is not None:
        return amount.seconds, amount.end, True
    found = number_at(question, place)
    return (*found, False) if found is not None else None


def _plain_number(question: Question, place: int) -> float | None:
    found = number_at(question, place)
    return found[0] if found is not None else None


def _dashed(question: Question, place: int) -> bool:
    if place >= len(question.words):
        return False
    return question.text[question.words[place - 1].end : question.words[place].start].strip() in {"-", "–"}
