"""People, series and tags said by name: "by Ursula K. Le Guin", "narrated by …", "in the … series", "tagged …"."""

from dataclasses import replace

from library.questions.filters import FilterKind, Found, Name
from library.questions.surroundings import closes, describes, follows_books
from library.questions.words import Question, phrases, word_set

_NARRATED_BY = phrases(
    """narrated by, read by, voiced by, performed by, narration by, gelesen von, gesprochen von, vorgelesen von,
    eingelesen von"""
)
_NOT_NARRATED_BY = phrases(
    "not narrated by, not read by, nicht gelesen von, nicht gesprochen von, nicht vorgelesen von, isnt narrated by"
)
_WRITTEN_BY = phrases("written by, authored by, from author, geschrieben von, verfasst von")
_LABELS = (
    (phrases("narrator, narrators, sprecher, sprecherin"), FilterKind.NARRATOR),
    (phrases("author, authors, autor, autorin"), FilterKind.AUTHOR),
    (phrases("tag, tags, genre, genres"), FilterKind.TAG),
)
_BY = phrases("by, von")
_NOT_BY = phrases(
    """not by, nothing by, not written by, except by, except books by, anyone but, nicht von, nichts von, ausser von,
    other than by, none by, keine von, kein buch von, isnt by, arent by"""
)
_A_PERSON = phrases(
    """a woman, a man, a female, a male, women, men, a female narrator, a male narrator, a female voice, a male voice,
    females, males, a lady, female narrators, male narrators, einer frau, einem mann, frauen, mannern"""
)
_A_VOICE = phrases(
    """with a female narrator, with a male narrator, female narrator, male narrator, female narrators, male narrators,
    with a female voice, with a male voice, male voice, female voice, mit weiblicher stimme, mit mannlicher stimme"""
)
_TAGGED = phrases("tagged, tagged as, tagged with, mit dem tag, mit tag, markiert als")
_GENRE = phrases("genre, in the genre, im genre")
_SERIES = phrases("series, saga, trilogy, reihe, zyklus, cycle")
# No name begins with such a word, however it is written.
_NO_NAMES = word_set(
    """a an the his her its my your our their this that these those someone somebody anyone one two three himself
    herself itself everyone all each accident chance force hand day night sea land train car far foot now then der die
    das dem den ein eine einem einer seinem seiner ihrem ihrer mir dir uns euch ihm ihr ihnen diesem dieser hier dort"""
)
_PARTICLES = word_set("da dal de del della den der di do dos du la le ten ter van von zu al el")
_LONGEST_NAME = 6
_LONGEST_SERIES = 6
FIRSTS = (
    _NARRATED_BY.firsts
    | _NOT_NARRATED_BY.firsts
    | _WRITTEN_BY.firsts
    | _BY.firsts
    | _NOT_BY.firsts
    | _A_VOICE.firsts
    | _TAGGED.firsts
    | _GENRE.firsts
    | _SERIES.firsts
    | frozenset().union(*(table.firsts for table, _ in _LABELS))
)


def narrated(question: Question, place: int) -> Found | None:
    """A narrator by name; or a kind of narrator, which no library tells."""
    voice = _A_VOICE.end(question, place)
    if voice is not None:
        return Found.of(question, FilterKind.NARRATOR, place, voice, unknowable=True)
    for table, negated in ((_NOT_NARRATED_BY, True), (_NARRATED_BY, False)):
        start = table.end(question, place)
        if start is None:
            continue
        person = _A_PERSON.end(question, start)
        if person is not None:
            return Found.of(question, FilterKind.NARRATOR, place, person, negated=negated, unknowable=True)
        return _person(question, FilterKind.NARRATOR, place, start, negated=negated)
    return None


def written(question: Question, place: int) -> Found | None:
    """An author by name. A mere "by" is prose unless the library knows the name."""
    for table, negated in ((_NOT_BY, True), (_WRITTEN_BY, False), (_BY, False)):
        start = table.end(question, place)
        if start is None:
            continue
        found = _person(question, FilterKind.AUTHOR, place, start, negated=negated)
        if found is not None:
            return found
    return None


def labelled(question: Question, place: int) -> Found | None:
    """A name after what it is and a colon: "author: Jules Verne", "genre: horror"."""
    for table, kind in _LABELS:
        start = table.end(question, place)
        if start is None or start == len(question.words) or question.text[_gap(question, start)].strip() != ":":
            continue
        return _named(question, kind, place, start, names=names_from(question, start))
    return None


def tagged(question: Question, place: int) -> Found | None:
    """A tag or genre that is called one; "science fiction" alone is text."""
    start = _TAGGED.end(question, place)
    called = start is not None
    if start is None and describes(question, place):
        start = _GENRE.end(question, place)
    names = names_from(question, start) if start is not None else ()
    if start is None or not names:
        return None
    return _named(question, FilterKind.TAG, place, start, names=names, only_if_known=not called)


def in_series(question: Question, place: int) -> Found | None:
    """The name of a series before the word "series" and the like."""
    end = _SERIES.end(question, place)
    if end is None or place == 0 or question.words[place].breaks:
        return None
    names = []
    for first in range(max(place - _LONGEST_SERIES, 0), place):
        if question.joined(first, place):
            word = question.words[first]
            names.append(Name(question.said(first, place), word.start, question.words[place].end))
    if not names:
        return None
    return Found.of(question, FilterKind.SERIES, place, end, names=tuple(names), only_if_known=True)


def names_from(question: Question, place: int, longest: int = _LONGEST_NAME) -> tuple[Name, ...]:
    """What may be a name that begins at a place: every run of words up to what sets it off, the longest first."""
    if place >= len(question.words):
        return ()
    if question.words[place].breaks and question.text[_gap(question, place)].strip() != ":":
        return ()
    quoted = question.quotation(place)
    if quoted is not None:
        return (_name(question, place, quoted),)
    end = place + 1
    while end < min(place + longest, len(question.words)) and not question.words[end].breaks:
        end += 1
    return tuple(_name(question, place, last) for last in range(end, place, -1))


def _gap(question: Question, place: int) -> slice:
    return slice(question.words[place - 1].end, question.words[place].start)


def _name(question: Question, first: int, end: int) -> Name:
    return Name(question.said(first, end), question.words[first].start, question.words[end - 1].end)


def _person(question: Question, kind: FilterKind, place: int, start: int, *, negated: bool) -> Found | None:
    names = names_from(question, start)
    if not names or question.folded(start) in _NO_NAMES:
        return None
    capital = question.words[start].text[:1].isupper() or question.words[start].quoted
    is_noble = question.folded(start) in _PARTICLES  # "by le guin": hardly anything else is said like that
    trusted = (
        capital
        or is_noble
        or follows_books(question, place)
        or (describes(question, place) and closes(question, start + 1))
    )
    lone = names[-1]
    if not trusted and lone.text == question.words[start].text:
        names = names[:-1]  # "by sea" is no author, "by tolkien" after "books" may be one
    only_if_known = kind is FilterKind.AUTHOR and (not capital or place + 1 == start)
    return _named(
        question,
        kind,
        place,
        start,
        names=names,
        surname=_surname(question, start) if trusted else None,
        negated=negated,
        only_if_known=only_if_known,
    )


def _surname(question: Question, start: int) -> Name | None:
    end = start
    while question.folded(end) in _PARTICLES and end - start < _MOST_PARTICLES:
        end += 1
    end += 1
    if end > len(question.words) or not question.joined(start, end) or not closes(question, end):
        return None
    return _name(question, start, end)


_MOST_PARTICLES = 2


def _reported_end(question: Question, start: int) -> int:
    # Which words a name has is known when somebody has looked; until then, up to where it must have ended.
    end = start + 1
    while end < len(question.words) and end - start < _LONGEST_NAME and not closes(question, end):
        end += 1
    return end


def _named(question: Question, kind: FilterKind, first: int, start: int, **values: object) -> Found:
    end = _reported_end(question, start)
    # What may be the name is read for other filters as well, and what follows it is not part of it.
    return replace(Found.of(question, kind, first, end, **values), end=max(start, first + 1), understood=end)
