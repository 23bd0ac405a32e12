"""Languages said in words: "in German", "auf Deutsch", "German audiobooks", "deutschsprachig"."""

from library.questions.filters import FilterKind, Found
from library.questions.surroundings import closes, describes
from library.questions.words import Question, phrases
from library.scanning.languages import normal_language

_IN = phrases("in, auf")
_LANGUAGE_SAID = phrases("language, sprache, only, audio, translation, version")
_READ_IN = phrases(
    """narrated, read, available, spoken, recorded, written, gelesen, gesprochen, verfugbar, audio, unabridged,
    ungekurzt, horbuch, horbucher, cast, abridged, gekurzt"""
)
_NOT = phrases("not, nicht")
_OR = phrases("or, and, oder, und")
_BOOK_WORDS = phrases(
    """audiobook, audiobooks, audio book, audio books, horbuch, horbucher, horspiel, horspiele, hoerbuch, hoerbuecher,
    narration, recording, recordings, edition, editions, version, language, ausgabe, fassung"""
)
_LANGUAGES_DE = {
    "deutsch": "de",
    "englisch": "en",
    "franzosisch": "fr",
    "spanisch": "es",
    "italienisch": "it",
    "russisch": "ru",
    "niederlandisch": "nl",
    "schwedisch": "sv",
    "danisch": "da",
    "norwegisch": "no",
    "finnisch": "fi",
    "polnisch": "pl",
    "portugiesisch": "pt",
    "japanisch": "ja",
    "chinesisch": "zh",
    "turkisch": "tr",
    "griechisch": "el",
    "ungarisch": "hu",
    "tschechisch": "cs",
    "arabisch": "ar",
    "latein": "la",
}
_ENDINGS_DE = ("sprachiges", "sprachiger", "sprachigen", "sprachige", "sprachig", "en", "er", "es", "e")
_SHORTEST_LANGUAGE = 4  # shorter ones are codes, and words: "it", "no", "la"
FIRSTS = _IN.firsts | _NOT.firsts


def in_language(question: Question, place: int) -> Found | None:
    """The language, or one of several: "in German or English", "not in French"."""
    denied = _NOT.end(question, place)
    start = _IN.end(question, place if denied is None else denied)
    if start is None:
        return None
    languages, end = _languages(question, start)
    said = _LANGUAGE_SAID.end(question, end) if languages else None
    end = said if said is not None else end
    if not languages or not closes(question, end):
        return None
    about_books = describes(question, place) or _READ_IN.start(question, place) is not None
    at_the_end = question.breaks_at(end) and question.folded(place - 1) not in _SPOKEN_IN_A_PLOT
    if not (about_books or at_the_end or said is not None):
        return None
    return Found.of(question, FilterKind.LANGUAGE, place, end, languages=languages, negated=denied is not None)


def language_of_books(question: Question, place: int) -> Found | None:
    """A language before a word for audiobooks, which says that it is theirs; or "deutschsprachig"."""
    languages, end = _languages(question, place)
    if not languages or not question.joined(place, end + 1):
        return None
    if question.folded(end - 1).find("sprachig") < 0 and _BOOK_WORDS.end(question, end) is None:
        return None
    return Found.of(question, FilterKind.LANGUAGE, place, end, languages=languages)


_SPOKEN_IN_A_PLOT = frozenset({"speaks", "speaking", "speak", "spoke", "talk", "talks", "written", "letters", "poems"})


def _languages(question: Question, place: int) -> tuple[tuple[str, ...], int]:
    found: list[str] = []
    end, following = place, place
    while len(found) < _MOST_LANGUAGES and (code := language_named(question, following)) is not None:
        found.append(code)
        end = following + 1
        linked = _OR.end(question, end)
        following = linked if linked is not None else len(question.words)
    return tuple(found), end


_MOST_LANGUAGES = 4


def language_named(question: Question, place: int) -> str | None:
    """The code of the language that a word names, in English, in German or in itself."""
    if place >= len(question.words) or len(question.folded(place)) < _SHORTEST_LANGUAGE:
        return None
    word = question.folded(place)
    stem = next((word.removesuffix(end) for end in _ENDINGS_DE if word.endswith(end)), word)
    return _LANGUAGES_DE.get(word) or _LANGUAGES_DE.get(stem) or normal_language(question.words[place].text)
