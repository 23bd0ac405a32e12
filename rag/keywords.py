"""The keyword leg: words folded and stemmed, and BM25 over postings held in numpy arrays."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt
import Stemmer

Scores = npt.NDArray[np.float32]

# Saturation and length normalisation of BM25: the best of benchmarks/tune.py on training queries. Its dozen best
# settings lie within one per cent of each other, so none of the constants below is sharp.
K1 = 1.6
B = 0.75
# BM25 compares a passage's length with the average. Passages are cut to one window, so a constant serves as
# well, and makes a passage's weights its own: adding or deleting others never changes them.
USUAL_LENGTH = 120.0
# A word of the header counts like this many in the text; chosen as the above: 2 and 3 gained nothing.
HEADER_WEIGHT = 1.0
# Words whose stems are remembered: an English library's usual ones, in some megabytes.
KEPT_WORDS = 20_000

STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about after all also am an and any are as at be because been before being but by can could did do
        does doing dont for from had has have he her here hers him his how i if im in into is it its ive just me my
        no nor not of on or our ours out she should so some such than that the their theirs them then there these
        they this those through to too up us very was we were what when where which while who whom why will with
        would you your yours""",
    )
)

_APOSTROPHES = re.compile(r"['’ʼ`´]")
_POSSESSIVE = re.compile(r"['’ʼ]s\b")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Postings:
    """Which rows hold which stem, and how much it says about them; immutable.

    The postings of stem t are `rows[starts[t]:starts[t + 1]]` (int32, ascending) with `impacts` (float32), the
    part of BM25 that depends on the row alone; the other part, the rarity, is a query's: see `rarity`.
    """

    vocabulary: Mapping[str, int]
    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    impacts: Scores
    count: int

    @classmethod
    def build(cls, texts: Sequence[tuple[str, str]]) -> Self:
        """Index (header, text) pairs; a pair's place is its row."""
        vocabulary: dict[str, int] = {}
        terms: list[int] = []
        rows: list[int] = []
        impacts: list[float] = []
        for row, (header, text) in enumerate(texts):
            weights = impacts_of(header, text)
            terms.extend(vocabulary.setdefault(stem, len(vocabulary)) for stem in weights)
            rows.extend([row] * len(weights))
            impacts.extend(weights.values())
        return cls._sorted(
            vocabulary, np.array(terms, np.int64), np.array(rows, np.int32), np.array(impacts, np.float32), len(texts)
        )

    @classmethod
    def joined(cls, parts: Sequence[tuple[Self, npt.NDArray[np.bool_]]]) -> Self:
        """One index of the rows that each part's mask keeps, numbered on in the order given."""
        vocabulary: dict[str, int] = {}
        terms, rows, impacts = [], [], []
        count = 0
        for postings, kept in parts:
            numbers = np.fromiter(
                (vocabulary.setdefault(stem, len(vocabulary)) for stem in postings.vocabulary), np.int64
            )
            wanted = kept[postings.rows]
            terms.append(np.repeat(numbers, np.diff(postings.starts))[wanted])
            rows.append((count + np.cumsum(kept) - 1)[postings.rows[wanted]].astype(np.int32))
            impacts.append(postings.impacts[wanted])
            count += int(kept.sum())
        return cls._sorted(vocabulary, np.concatenate(terms), np.concatenate(rows), np.concatenate(impacts), count)

    @classmethod
    def _sorted(
        cls,
        vocabulary: Mapping[str, int],
        terms: npt.NDArray[np.int64],
        rows: npt.NDArray[np.int32],
        impacts: Scores,
        count: int,
    ) -> Self:
        order = np.argsort(terms, kind="stable")
        starts = np.zeros(len(vocabulary) + 1, np.int64)
        np.cumsum(np.bincount(terms, minlength=len(vocabulary)), out=starts[1:])
        return cls(vocabulary, starts, rows[order], impacts[order], count)

    def frequency(self, stem: str, alive: npt.NDArray[np.bool_] | None) -> int:
        """Count the rows that hold `stem`; with `alive`, only those it marks."""
        place = self.vocabulary.get(stem)
        if place is None:
            return 0
        first, last = self.starts[place], self.starts[place + 1]
        return int(last - first) if alive is None else int(alive[self.rows[first:last]].sum())

    def scores(self, weights: Mapping[str, float]) -> Scores:
        """Score every row: the sum of weight times impact over the stems of a query, shape (count,)."""
        scores = np.zeros(self.count, np.float32)
        for stem, weight in weights.items():
            place = self.vocabulary.get(stem)
            if place is not None:
                span = slice(self.starts[place], self.starts[place + 1])
                scores[self.rows[span]] += np.float32(weight) * self.impacts[span]
        return scores


def stems(text: str) -> list[str]:
    """Split into stems in order: accents, case, apostrophes and inflection folded away."""
    unmarked = _without_marks(text.casefold())
    plain = _APOSTROPHES.sub("", _POSSESSIVE.sub("", unmarked))
    # A stemmer keeps a buffer, so each call has its own: they cost a microsecond and are not thread-safe.
    found: list[str] = Stemmer.Stemmer("english", 0).stemWords(_WORD.findall(plain))
    return found


@lru_cache(maxsize=KEPT_WORDS)
def word_stems(word: str) -> tuple[str, ...]:
    """Do the same for one word, which is looked up where a text is gone through word by word."""
    return tuple(stems(word))


def query_stems(query: str) -> Counter[str]:
    """Count the stems that a query asks for; stop words count only where there is nothing else."""
    wanted = stems(query)
    return Counter([stem for stem in wanted if stem not in STOP_STEMS] or wanted)


def rarity(count: int, frequency: int) -> float:
    """BM25's weight of a stem that `frequency` of `count` rows hold (Lucene's variant: never negative)."""
    return float(np.log1p((count - frequency + 0.5) / (frequency + 0.5)))


def _without_marks(text: str) -> str:
    if text.isascii():  # most passages, and most of the time of an index build
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def impacts_of(header: str, text: str) -> dict[str, float]:
    """Weigh each stem of a passage: the part of BM25 that depends on the passage alone."""
    counts: dict[str, float] = dict(Counter(stems(text)))
    for stem, number in Counter(stems(header)).items():
        counts[stem] = counts.get(stem, 0) + number * HEADER_WEIGHT
    length = sum(counts.values())
    slack = K1 * (1 - B + B * length / USUAL_LENGTH)
    return {stem: number / (number + slack) for stem, number in counts.items()}


def _stop_stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(stems(" ".join(words)))


STOP_STEMS = _stop_stems(STOP_WORDS)
