"""Finding books as one types: folded words, prefix matches, and how well a title matches."""

import re
import unicodedata
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from library.models.books import Book, BookWord

MAXIMUM_SEARCH_LENGTH = 400
MAXIMUM_WORDS = 12
MAXIMUM_WORD_LENGTH = 60  # longer words are cut, in the table and in the search alike
MAXIMUM_KEY_LENGTH = 500  # folding can lengthen a text, and an index entry on Postgres holds 2,700 bytes
EXACT_TITLE, TITLE_PREFIX, ALL_WORDS = range(3)

_APOSTROPHES = "'’‘‛`´ʼʻʹ′＇"
_NO_APOSTROPHE = str.maketrans("", "", _APOSTROPHES)
_APOSTROPHE_TO_SPACE = str.maketrans(dict.fromkeys(_APOSTROPHES, " "))
# Letters that Unicode does not decompose, as they are typed on a keyboard without them.
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t", "ĸ": "k"}
)
# Marks that are left out when typing Latin, Greek, Cyrillic, Hebrew or Arabic; the marks of other
# scripts (Devanagari vowels, the voicing of kana) make other letters and stay.
_MARKS = re.compile("[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]")
_SPLIT = re.compile(r"[^\w]|_")
_MARK_OF_WORD = frozenset({"Mn", "Mc"})
_HYPHENS = re.compile(r"(?<=\w)[-‐‑](?=\w)")
_ARTICLES = frozenset(
    ["a", "an", "the", "der", "die", "das", "ein", "eine", "le", "la", "les", "un", "une", "el", "los", "las", "una"]
)
_ELIDED_ARTICLE = re.compile(rf"^l[{_APOSTROPHES}]\s*(?=\w)", re.IGNORECASE)
_BEYOND = "\U0010ffff"


def fold(text: str) -> str:
    """Bring spellings together: case, accents, ligatures and apostrophes go; letters of other alphabets stay."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_NO_APOSTROPHE))
    plain = _MARKS.sub("", decomposed).casefold().translate(_PLAIN_LETTERS)
    # Once more: casefolding decomposes some letters (İ becomes i with a dot above).
    return unicodedata.normalize("NFKC", _MARKS.sub("", unicodedata.normalize("NFKD", plain)))


def words(text: str) -> list[str]:
    """The folded words of a text, in order, each cut at MAXIMUM_WORD_LENGTH."""
    return [word[:MAXIMUM_WORD_LENGTH] for word in _cut(fold(text))]


def text_key(text: str) -> str:
    """The folded words as one string: equal for spellings of the same title; never empty for a text that is not."""
    return (" ".join(_cut(fold(text))) or fold(text).strip())[:MAXIMUM_KEY_LENGTH]


def name_key(name: str) -> str:
    """What makes two spellings the same name: "J.R.R. Tolkien" and "J R R Tolkien" have the key "jrr tolkien"."""
    joined: list[str] = []
    initials = ""
    for word in _cut(fold(name)):
        if len(word) == 1:
            initials += word
            continue
        joined += [initials, word] if initials else [word]
        initials = ""
    return (" ".join([*joined, initials] if initials else joined) or fold(name).strip())[:MAXIMUM_KEY_LENGTH]


def sort_title(title: str) -> str:
    """The folded title without its leading article (English, German, French, Spanish), for ordering."""
    parts = text_key(_ELIDED_ARTICLE.sub("", title)).split(" ")
    return " ".join(parts[1:] if len(parts) > 1 and parts[0] in _ARTICLES else parts)


def book_words(
    title: str,
    subtitle: str | None,
    authors: Iterable[str],
    narrators: Iterable[str],
    series: Iterable[str],
) -> set[str]:
    """Every word a book is found by; words with apostrophes, hyphens or initials count joined and apart."""
    found: set[str] = set()
    for text in (title, subtitle or "", *authors, *narrators, *series):
        found.update(words(text), words(text.translate(_APOSTROPHE_TO_SPACE)), words(name_key(_HYPHENS.sub("", text))))
    return found


def matching_books(search: str) -> sa.ColumnElement[bool]:
    """Books of which some word begins with each word of the search, in any order.

    An empty search matches every book; one without any letter or digit matches none.
    """
    if not search.strip():
        return sa.true()
    searched = _searched_words(search)
    return sa.and_(*(_has_word(word) for word in searched)) if searched else sa.false()


def match_class(search: str) -> sa.ColumnElement[int]:
    """How well a matching book's title fits: EXACT_TITLE, TITLE_PREFIX or ALL_WORDS; for ordering."""
    typed = text_key(search[:MAXIMUM_SEARCH_LENGTH])
    if not typed:
        return sa.literal(ALL_WORDS)
    exact = sa.or_(Book.title_key == typed, Book.sort_title == typed)
    prefix = sa.or_(begins_with(Book.title_key, typed), begins_with(Book.sort_title, typed))
    return sa.case((exact, EXACT_TITLE), (prefix, TITLE_PREFIX), else_=ALL_WORDS)


def _searched_words(search: str) -> list[str]:
    # The longest words decide most; what is left out only makes the answer longer, never empty.
    distinct = dict.fromkeys(words(search[:MAXIMUM_SEARCH_LENGTH]))
    needed = [word for word in distinct if not any(other != word and other.startswith(word) for other in distinct)]
    return sorted(needed, key=len, reverse=True)[:MAXIMUM_WORDS]


def _has_word(word: str) -> sa.ColumnElement[bool]:
    return Book.id.in_(sa.select(BookWord.book_id).where(begins_with(BookWord.word, word)))


def begins_with(column: InstrumentedAttribute[str], prefix: str) -> sa.ColumnElement[bool]:
    """A text column begins with a folded prefix."""
    # A range rather than LIKE, so that both databases walk the index and no wildcard needs escaping.
    return sa.and_(column >= prefix, column < prefix + _BEYOND)


def _cut(folded: str) -> list[str]:
    # Python counts the vowel signs of Indian scripts as no word characters; cutting there would leave single letters.
    spaced = _SPLIT.sub(lambda found: found[0] if unicodedata.category(found[0]) in _MARK_OF_WORD else " ", folded)
    return spaced.split()
