"""Reading a question: every place is asked for the phrases that may begin there, and the longest one is taken."""

from collections.abc import Callable, Iterable

from library.questions import crediting, eras, lengths, likenesses, recordings, tongues
from library.questions.filters import FilterKind, Found, Likeness, Request, SpokenFilter
from library.questions.surroundings import tells_a_story, wished_places
from library.questions.words import Question, split, word_set

MOST_FILTERS = 8
Rule = Callable[[Question, int], Found | None]

# Rules with the words they begin with; None stands for any word.
_RULES: tuple[tuple[frozenset[str] | None, Rule], ...] = (
    (lengths.FIRSTS, lengths.length_range),
    (lengths.FIRSTS, lengths.compared_length),
    (lengths.FIRSTS, lengths.rough_length),
    (eras.FIRSTS, eras.published),
    (eras.FIRSTS, eras.of_an_era),
    (tongues.FIRSTS, tongues.in_language),
    (recordings.FIRSTS, recordings.plain_phrase),
    (crediting.FIRSTS, crediting.narrated),
    (crediting.FIRSTS, crediting.written),
    (crediting.FIRSTS, crediting.labelled),
    (crediting.FIRSTS, crediting.tagged),
    (crediting.FIRSTS, crediting.in_series),
    (None, lengths.length_range),
    (None, lengths.open_length),
    (None, tongues.language_of_books),
)
# In a story somebody remembers, only what hardly ever belongs to a plot counts, and only as an explicit wish.
_EVEN_IN_STORIES = frozenset(
    {FilterKind.DURATION, FilterKind.LANGUAGE, FilterKind.ABRIDGED, FilterKind.DRAMATIZED, FilterKind.STANDALONE}
)


def read(text: str) -> Request:
    """Find the filters and the likeness that a question of any length says; linear in time."""
    question = split(text)
    if tells_a_story(question):
        return Request(text, _filters_of_a_story(question), tells_a_story=True)
    filters: list[SpokenFilter] = []
    likeness: Likeness | None = None
    place = 0
    while place < len(question.words) and len(filters) < MOST_FILTERS:
        found = _filter_at(question, place)
        if found is not None:
            filters.append(found.filter)
            question.understood.add(found.understood)
        elif likeness is None:
            likeness = likenesses.likeness_at(question, place)
        place = found.end if found is not None else place + 1
    return Request(text, tuple(filters), likeness)


def without(text: str, ranges: Iterable[tuple[int, int]]) -> str:
    """The text without these ranges and without the words that only joined them to the rest."""
    kept = list(text)
    question = split(text)
    for start, end in ranges:
        kept[start:end] = " " * (end - start)
        for first, last in _joints(question, start, end):
            kept[first:last] = " " * (last - first)
    return _tidied("".join(kept))


def _filter_at(question: Question, place: int) -> Found | None:
    word = question.folded(place)
    rules = _BY_FIRST.get(word, _ANY_WORD)
    found = [found for rule in rules if (found := rule(question, place)) is not None]
    return max(found, key=lambda one: (one.filter.end - one.filter.start, not one.filter.only_if_known), default=None)


def _filters_of_a_story(question: Question) -> tuple[SpokenFilter, ...]:
    filters: list[SpokenFilter] = []
    end = 0
    for place in sorted(wished_places(question)):
        if place < end or len(filters) == MOST_FILTERS or question.folded(place) not in _BY_FIRST:
            continue
        found = _filter_at(question, place)
        if found is not None and found.filter.kind in _EVEN_IN_STORIES:
            filters.append(found.filter)
            end = found.end
    return tuple(filters)


_JOINING_BEFORE = word_set(
    """and or but that is are which thats being und oder aber die das der ist sind only nur please bitte it should must
    be also with mit"""
)
_JOINING_AFTER = word_set("and und or oder but aber please bitte")


def _joints(question: Question, start: int, end: int) -> Iterable[tuple[int, int]]:
    before = [word for word in question.words if word.end <= start]
    while before and before[-1].folded in _JOINING_BEFORE:
        yield before[-1].start, before[-1].end
        if before[-1].breaks:
            break
        before.pop()
    after = next((word for word in question.words if word.start >= end), None)
    if after is not None and after.folded in _JOINING_AFTER:
        yield after.start, after.end


def _tidied(text: str) -> str:
    # Marks that nothing stands between any more.
    words = " ".join(text.split()).replace('" "', "")
    while (closer := words.replace(" ,", ",").replace(",,", ",").replace(" .", ".").replace("  ", " ")) != words:
        words = closer
    words = words.strip(" ,;:-–")
    return words if any(letter.isalnum() for letter in words) else ""


def _by_first() -> dict[str, tuple[Rule, ...]]:
    firsts = frozenset[str]().union(*(words for words, _ in _RULES if words is not None))
    return {word: tuple(rule for words, rule in _RULES if words is None or word in words) for word in firsts}


_BY_FIRST = _by_first()
_ANY_WORD = tuple(rule for words, rule in _RULES if words is None)
