"""A wish for something like a book: "something like Dune but with merchants instead of prophets"."""

from library.questions.crediting import names_from
from library.questions.filters import Likeness, Name
from library.questions.surroundings import closes
from library.questions.words import MAXIMUM_NAME_WORDS, Question, phrases, word_set

_LIKE = phrases(
    """something like, anything like, books like, book like, a book like, novels like, novel like, stories like,
    audiobooks like, audiobook like, more like, more books like, similar to, something similar to, books similar
    to, in the vein of, along the lines of, akin to, for fans of, something in the vein of, so etwas wie, sowas
    wie, etwas wie, etwas ahnliches wie, ahnlich wie, ahnlich zu, bucher wie, ein buch wie, horbucher wie, ein
    horbuch wie, romane wie, im stil von, for fans of, if i liked, because i liked, i liked, ones like"""
)
_LIKE_AT_FIRST = phrases("like, wie")
_NAMING = word_set("title titled called named name titel namens is was heisst hiess")  # "called something like …"
_AFTERWARDS = phrases(
    """but, with, only, except, without, and, or, by, from, aber, nur, mit, ohne, statt, anstatt, in, that, where,
    set, however, though, just, instead, please, bitte, which, who, von, auf, rather than, minus, plus, for, und,
    oder, dann, than, is, are, there"""
)
_OTHERWISE = phrases("but with, but, with, aber mit, aber, mit, only with, nur mit, except with, only, nur, but set")
_INSTEAD_OF = phrases("instead of, in place of, rather than, statt, anstatt, anstelle von, an stelle von")
_WITHOUT = phrases(
    """but without, but not, without, but no, minus, aber ohne, aber nicht, aber kein, aber keine, ohne, but with no,
    but with less, but less, without any, without all, but without any, but without the, without the, ohne die,
    ohne den"""
)
_ENDS_CONTRAST = phrases("and, und, that, which, with, but, aber, mit, please, bitte, in, by, von, under, unter, where")
_FARTHEST = 30  # words from the name to what should differ
_LONGEST_CONTRAST = 8
# As one word they are a title only where the spelling says so: "something like It".
_COMMON = word_set(
    """it this that these those them him her me us you they he she we what there here now then one none all some a an
    the home life love war magic night day water fire time death music food money art space history science new real
    good great mine yours his hers everything nothing something das dies es ihn ihr ihm mich uns diese dieses sie er
    wir liebe krieg leben tod zeit nacht tag"""
)
FIRSTS = _LIKE.firsts


def likeness_at(question: Question, place: int) -> Likeness | None:
    """The wish that begins at a place; which of its names is meant, the library knows."""
    start = _LIKE.end(question, place)
    if start is None and place == 0:
        start = _LIKE_AT_FIRST.end(question, place)
    if start is None or question.folded(place - 1) in _NAMING or question.folded(place - 2) in _NAMING:
        return None
    names = tuple(
        name for name in names_from(question, start, MAXIMUM_NAME_WORDS) if _may_be_meant(question, start, name)
    )
    if not names:
        return None
    left_out, unwanted = _contrast(question, start)
    return Likeness(question.words[place].start, names, left_out, unwanted)


def _may_be_meant(question: Question, start: int, name: Name) -> bool:
    end = next(place for place in range(start, len(question.words)) if question.words[place].end == name.end) + 1
    if question.quotation(start) is not None:
        return True
    if not (closes(question, end) or _AFTERWARDS.end(question, end) is not None):
        return False
    written_large = name.text[:1].isupper() and not question.words[start].begins
    return written_large or not all(question.folded(place) in _COMMON for place in range(start, end))


def _contrast(question: Question, start: int) -> tuple[tuple[tuple[int, int], ...], str]:
    """What to leave out of the text, as character ranges, and what is not wanted."""
    for place in range(start + 1, min(start + _FARTHEST, len(question.words))):
        without = _WITHOUT.end(question, place)
        if without is not None and _INSTEAD_OF.end(question, without) is None:
            end = _end_of_contrast(question, without)
            return (_range(question, place, end),), question.said(without, end)
        instead = _INSTEAD_OF.end(question, place)
        if instead is not None:
            end = _end_of_contrast(question, instead)
            return (*_connection(question, start, place), _range(question, place, end)), question.said(instead, end)
    return (), ""


def _connection(question: Question, start: int, end: int) -> tuple[tuple[int, int], ...]:
    # The "but with" before what is wanted, the nearest one to it.
    for place in range(end - 1, start, -1):
        after = _OTHERWISE.end(question, place)
        if after is not None and after <= end:
            first = place - 1 if question.folded(place - 1) in {"but", "aber"} else place
            return (_range(question, first, after),)
    return ()


def _end_of_contrast(question: Question, first: int) -> int:
    end = min(first + 1, len(question.words))
    while end < len(question.words) and end - first < _LONGEST_CONTRAST:
        if question.words[end].breaks or _ENDS_CONTRAST.end(question, end) is not None:
            break
        end += 1
    return end


def _range(question: Question, first: int, end: int) -> tuple[int, int]:
    return question.words[first].start, question.words[end - 1].end
