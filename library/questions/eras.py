"""The year of publication said in words: "published before 1950", "from the 1980s", "nach 2010 erschienen"."""

from library.questions.filters import FilterKind, Found
from library.questions.quantities import Years, years_at
from library.questions.surroundings import closes, describes, follows_books
from library.questions.words import Question, phrases

_DEMONSTRABLY = phrases("published, released, erschienen, veroffentlicht, veroeffentlicht, first published")
_WRITTEN = phrases("written, geschrieben, recorded, from, that came out, came out")
_BEFORE = phrases("before, prior to, earlier than, until, vor, bis, no later than")
_AFTER = phrases("after, since, later than, nach, seit, ab")
_IN_YEARS = phrases(
    """in the, in, from the, from, of the, during the, aus den, aus dem jahr, aus, in den, im jahr, of, aus der zeit
    der"""
)
_BETWEEN = phrases("between, from, zwischen, von")
_TO = phrases("and, to, und, bis, until")
FIRSTS = _DEMONSTRABLY.firsts | _WRITTEN.firsts | _BEFORE.firsts | _AFTER.firsts | _IN_YEARS.firsts | _BETWEEN.firsts

_Bounds = tuple[int | None, int | None]


def published(question: Question, place: int) -> Found | None:
    """Years with a word that says they are of publication, before them or, in German, after them."""
    said = _DEMONSTRABLY.end(question, place)
    if said is None and describes(question, place):
        said = _WRITTEN.end(question, place)
    bounded = _bounded(question, said) if said is not None else None
    if bounded is None:
        return None
    bounds, end = bounded
    return _found(question, place, end, bounds)


def of_an_era(question: Question, place: int) -> Found | None:
    """Years alone, where they follow the books that are wanted or stand by themselves, as no year of a plot does."""
    bounded = _bounded(question, place)
    if bounded is None:
        return None
    bounds, end = bounded
    afterwards = _DEMONSTRABLY.end(question, end)
    if afterwards is not None:
        return _found(question, place, afterwards, bounds)
    if follows_books(question, place) or (describes(question, place) and closes(question, end)):
        return _found(question, place, end, bounds)
    return None


def _bounded(question: Question, place: int) -> tuple[_Bounds, int] | None:
    """What a preposition makes of the years after it, and the place after them."""
    start = _BETWEEN.end(question, place)
    first = years_at(question, start) if start is not None else None
    linked = _TO.end(question, first.end) if first is not None else None
    last = years_at(question, linked) if linked is not None else None
    if first is not None and last is not None:
        return ((first.first, last.last), last.end) if first.first <= last.last else None
    return _one_sided(question, place)


def _one_sided(question: Question, place: int) -> tuple[_Bounds, int] | None:
    for table, bounds_of in ((_BEFORE, _before), (_AFTER, _after), (_IN_YEARS, _within)):
        start = table.end(question, place)
        if start is None:
            continue
        years = years_at(question, start + 1 if question.folded(start) in {"the", "den", "year", "jahr"} else start)
        if years is not None:
            return bounds_of(years, question.folded(place)), years.end
    return None


def _before(years: Years, word: str) -> _Bounds:
    return None, years.last if word in {"bis", "until", "no"} else years.first - 1


def _after(years: Years, word: str) -> _Bounds:
    return (years.first if word in {"since", "seit", "ab"} else years.last + 1), None


def _within(years: Years, _word: str) -> _Bounds:
    return years.first, years.last


def _found(question: Question, first: int, end: int, bounds: _Bounds) -> Found:
    return Found.of(question, FilterKind.PUBLISHED_YEAR, first, end, at_least=bounds[0], at_most=bounds[1])
