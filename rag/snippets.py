"""The sentence of a passage that answers a query, with the words that matched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rag.keywords import STOP_STEMS, stems, word_stems
from rag.sentences import sentence_spans

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@dataclass(frozen=True)
class Snippet:
    """A sentence at `start`..`end` of the text; `highlights` are character spans within `sentence`."""

    sentence: str
    start: int
    end: int
    highlights: tuple[tuple[int, int], ...]


def snippet(weights: Mapping[str, float], text: str) -> Snippet | None:
    """Choose the sentence whose distinct stems weigh most, the earlier of equals; None for an empty text.

    `weights` maps stems to what they are worth: `rag.keywords.query_stems(query)`, or
    `SearchIndex.rarity` of each. Where no stem matches, the first sentence stands for the text.
    """
    best: tuple[float, Snippet] | None = None
    for start, end in sentence_spans(text):
        sentence = text[start:end]
        found = _matches(weights, sentence)
        value = sum(weights[stem] for stem in set(found.values()))
        if best is None or value > best[0]:
            best = value, Snippet(sentence, start, end, tuple(found))
    return best[1] if best else None


def shared_words(weights: Mapping[str, float], one: str, other: str, count: int = 5) -> list[str]:
    """Return up to `count` words of `one` whose stems `other` has too, the weightiest first.

    `weights` maps stems to what they are worth; stems without one, and stop words, are left out.
    """
    theirs = set(stems(other)) - STOP_STEMS
    words: dict[str, str] = {}
    for word in _WORD.findall(one):
        for stem in word_stems(word):
            if stem in theirs and stem in weights:
                words.setdefault(stem, word)
    best = sorted(words, key=lambda stem: (-weights[stem], stem))
    return [words[stem] for stem in best[:count]]


def _matches(weights: Mapping[str, float], sentence: str) -> dict[tuple[int, int], str]:
    return {
        word.span(): stem for word in _WORD.finditer(sentence) for stem in word_stems(word.group()) if stem in weights
    }
