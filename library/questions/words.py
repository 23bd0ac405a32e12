"""A question as folded words that know where they stand, and tables of phrases that are looked up in them."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from library.text_search import fold

# One alternative after the other, none of which can give back what it took: the time is linear in the text.
_WORD = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]+(?:['’ʼ][^\W\d_]+)*")
_BREAKS = frozenset(",;:!?\n()[]—–|")
_SENTENCE_ENDS = frozenset("!?\n")
_QUOTES = frozenset('"“”„«»‚‘')


@dataclass(frozen=True, slots=True)
class Word:
    """A word or number of a question: as typed, folded, and as character offsets into the question."""

    text: str
    folded: str
    start: int
    end: int
    breaks: bool  # a comma, a full stop or the like stands before it
    begins: bool  # it is the first of a sentence
    quoted: bool  # a quotation mark stands before it


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its words."""

    text: str
    words: tuple[Word, ...]
    understood: set[int] = field(default_factory=set)  # places where something that was understood ends

    def breaks_at(self, place: int) -> bool:
        """Whether the question ends, or something is set off or was understood, before the word at a place."""
        return place >= len(self.words) or place <= 0 or self.words[place].breaks or place in self.understood

    def folded(self, place: int) -> str:
        """The folded word at a place; an empty one beyond both ends."""
        return self.words[place].folded if 0 <= place < len(self.words) else ""

    def said(self, first: int, end: int) -> str:
        """The question's own text from a word up to another."""
        return self.text[self.words[first].start : self.words[end - 1].end] if first < end else ""

    def joined(self, first: int, end: int) -> bool:
        """Whether nothing sets off these words from each other."""
        return not any(word.breaks for word in self.words[first + 1 : end])

    def quotation(self, first: int) -> int | None:
        """Where a quotation that begins at a word ends, if one begins there."""
        if first >= len(self.words) or not self.words[first].quoted:
            return None
        for end in range(first + 1, min(first + MAXIMUM_NAME_WORDS, len(self.words)) + 1):
            following = self.words[end].start if end < len(self.words) else len(self.text)
            if _QUOTES & set(self.text[self.words[end - 1].end : following]):
                return end
        return None


MAXIMUM_NAME_WORDS = 10


def split(text: str) -> Question:
    """Cut a question into words. Time and memory are linear in its length."""
    found: list[Word] = []
    before = 0
    for match in _WORD.finditer(text):
        gap = text[before : match.start()]
        initial = bool(found) and len(found[-1].text) == 1 and found[-1].text.isalpha()
        stops = "." in gap and not initial
        found.append(
            Word(
                text=match[0],
                folded=_folded(match[0]),
                start=match.start(),
                end=match.end(),
                breaks=stops or not _BREAKS.isdisjoint(gap) or " - " in gap,
                begins=not found or stops or not _SENTENCE_ENDS.isdisjoint(gap),
                quoted=not _QUOTES.isdisjoint(gap) or gap.endswith((" '", "\n'")) or (gap == "'" and not found),
            )
        )
        before = match.end()
    return Question(text, tuple(found))


def _folded(word: str) -> str:
    # What `fold` gives, at a tenth of its time for most words.
    return word.replace("'", "").lower() if word.isascii() else fold(word)


class Phrases:
    """Phrases of folded words, found at a place of a question; the longest one counts."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for phrase in sorted(phrases, key=lambda phrase: -len(phrase.split())):
            words = tuple(fold(phrase).split())
            self._by_first[words[0]].append(words)
        self.firsts = frozenset(self._by_first)

    def end(self, question: Question, place: int) -> int | None:
        """Where the phrase that begins at a place ends, or None."""
        for phrase in self._by_first.get(question.folded(place), ()):
            end = place + len(phrase)
            found = tuple(word.folded for word in question.words[place:end])
            if found == phrase and question.joined(place, end):
                return end
        return None

    def start(self, question: Question, end: int) -> int | None:
        """Where the phrase that ends before a place begins, or None."""
        for start in range(max(end - _LONGEST_PHRASE, 0), end):
            if self.end(question, start) == end:
                return start
        return None


_LONGEST_PHRASE = 6


def phrases(table: str) -> Phrases:
    """A table written as phrases with commas between them."""
    return Phrases(table.split(","))


def word_set(table: str) -> frozenset[str]:
    """A set written as words with spaces between them."""
    return frozenset(table.split())
