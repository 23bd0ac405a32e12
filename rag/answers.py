"""Extractive answers: the sentences of the found passages that answer a question, quoted and cited, or "not found".

A unit (`rag.answer_units`) is worth the cosine of its embedding with the question's, plus the share of the question's
words, weighted by their rarity, that stand in it, plus a part of what its passage is worth. The best are taken one
after the other unless they say what was said already (maximal marginal relevance, Carbonell and Goldstein 1998, with
a threshold instead of a weight). Whether anything is relevant enough is judged by the best unit alone. The constants
are those that did best on one half of the questions of benchmarks/answering.py, which reports on the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rag.answer_units import Unit, UnitKind, units
from rag.keywords import stems
from rag.segment import Floats

# What all words of the question are worth in cosine, and what the cosine of the passage is worth.
WORDS_WORTH = 1.0
PASSAGE_WORTH = 1.0
# What the owner of the best passage says is more likely about the question.
LEADING_OWNER_WORTH = 0.1
# Words of the header stand for the unit, too: pages name their subject once.
HEADER_SHARE = 0.5
# Units that are embedded, and characters of each: a unit costs as much as the question itself. Of 53 training questions
# one begins with another page than by 8, and by 24 none does; 8 take twice the time.
EMBEDDED = 5
EMBEDDED_CHARACTERS = 300
# Code and tables are rarely the sentence that answers.
KIND_WORTH: Mapping[UnitKind, float] = {UnitKind.CODE: -0.1, UnitKind.ROW: -0.05}
MOST_STATEMENTS = 4
# A further statement must be worth this share of the best.
WORTH_SAYING = 0.8
# From here on two units say the same: by meaning, or by the share of words in common.
SAME_MEANING = 0.9
SAME_WORDS = 0.7
# Below this worth of the best unit nothing is relevant enough.
FOUND_FROM = 0.95

Embed = Callable[[Sequence[str]], Floats]
Owner = tuple[str, int]  # a kind, such as "BOOK", and an id


@dataclass(frozen=True)
class Source:
    """A found passage: its text stands at `start` (characters) of its owner's text; `cosine` with the question."""

    passage_id: int
    owner: Owner
    header: str
    text: str
    start: int
    cosine: float


@dataclass(frozen=True)
class Citation:
    """Where a quotation stands: characters `start`..`end` of the owner's text; `source` is its place, from 0."""

    number: int
    source: int
    passage_id: int
    owner: Owner
    start: int
    end: int


@dataclass(frozen=True)
class Statement:
    """A quotation, word for word, and the numbers of the citations that it rests on."""

    text: str
    citations: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """What was found, the most telling first; `relevance` is what the best unit is worth, comparable between questions.

    Where nothing was relevant enough, `found` is false and there are no statements.
    """

    found: bool
    relevance: float
    statements: tuple[Statement, ...] = ()
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True)
class _Candidate:
    source: int
    unit: Unit
    text: str
    words: frozenset[str]
    # What it is worth without its own cosine.
    worth: float


def answer(weights: Mapping[str, float], vector: Floats, sources: Sequence[Source], embed: Embed) -> Answer:
    """Answer a question from passages, best first.

    `weights` are the stems of the question with their rarity, `vector` is its unit vector (dimension,), `embed` gives
    unit vectors of texts, shape (texts, dimension).
    """
    candidates = _promising(weights, sources)
    if not candidates:
        return Answer(found=False, relevance=0.0)
    vectors = embed([candidate.text[:EMBEDDED_CHARACTERS] for candidate in candidates])
    values = np.array([candidate.worth for candidate in candidates], np.float32) + vectors @ vector
    best = float(values.max())
    if best < FOUND_FROM:
        return Answer(found=False, relevance=best)
    chosen = _chosen(candidates, vectors, values)
    return _quoted(best, [candidates[place] for place in chosen], sources)


def _promising(weights: Mapping[str, float], sources: Sequence[Source]) -> list[_Candidate]:
    total = math.fsum(weights.values()) or 1.0
    found: dict[tuple[Owner, int, int], _Candidate] = {}
    for place, source in enumerate(sources):
        above = frozenset(stems(source.header))
        passage_worth = PASSAGE_WORTH * source.cosine
        if source.owner == sources[0].owner:
            passage_worth += LEADING_OWNER_WORTH
        for unit in units(source.text):
            span = source.owner, source.start + unit.start, source.start + unit.end
            if span in found:  # neighbouring passages overlap
                continue
            text = source.text[unit.start : unit.end]
            words = frozenset(stems(text))
            named = _weight(weights, words) + HEADER_SHARE * _weight(weights, above - words)
            worth = WORDS_WORTH * named / total + passage_worth + KIND_WORTH.get(unit.kind, 0.0)
            found[span] = _Candidate(place, unit, text, words, worth)
    return sorted(found.values(), key=lambda candidate: -candidate.worth)[:EMBEDDED]


def _weight(weights: Mapping[str, float], words: Iterable[str]) -> float:
    return math.fsum(weights.get(word, 0.0) for word in words)


def _chosen(candidates: Sequence[_Candidate], vectors: Floats, values: Floats) -> list[int]:
    chosen: list[int] = []
    for place in np.argsort(-values, kind="stable").tolist():
        if len(chosen) == MOST_STATEMENTS or values[place] < WORTH_SAYING * values.max():
            break
        if not any(_same(candidates, vectors, place, other) for other in chosen):
            chosen.append(place)
    return chosen


def _same(candidates: Sequence[_Candidate], vectors: Floats, one: int, other: int) -> bool:
    mine, theirs = candidates[one].words, candidates[other].words
    shared = len(mine & theirs) / (min(len(mine), len(theirs)) or 1)
    return bool(vectors[one] @ vectors[other] >= SAME_MEANING) or shared >= SAME_WORDS


def _quoted(relevance: float, chosen: Sequence[_Candidate], sources: Sequence[Source]) -> Answer:
    citations = []
    for number, candidate in enumerate(chosen, start=1):
        source, unit = sources[candidate.source], candidate.unit
        start, end = source.start + unit.start, source.start + unit.end
        citations.append(Citation(number, candidate.source, source.passage_id, source.owner, start, end))
    statements = [Statement(candidate.text, (number,)) for number, candidate in enumerate(chosen, start=1)]
    return Answer(found=True, relevance=relevance, statements=tuple(statements), citations=tuple(citations))
