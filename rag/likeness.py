"""A query made of a book: more like it, nearer to what is wanted instead, farther from what is not.

The vector is the classic feedback of Rocchio ("Relevance feedback in information retrieval", 1971): the middle of the
book's passages, plus the text that is wanted, minus what is not.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from rag.keywords import query_stems, word_stems
from rag.segment import Floats

WANTED_SHARE = 0.8  # of a unit vector, beside the book's own of one
UNWANTED_SHARE = 0.4
# Words of the wanted text count like this many of the book's own.
WANTED_WEIGHT = 6
TELLING_WORDS = 60


def like_vector(own: Floats, wanted: Floats | None = None, unwanted: Floats | None = None) -> Floats | None:
    """Where to look for books like one: a unit vector, shape (dimension,).

    `own` holds the unit vectors of the book's passages, shape (passages, dimension), perhaps none; `wanted` and
    `unwanted` are unit vectors. None where there is nothing to go by.
    """
    total = np.zeros(own.shape[1], np.float32)
    length = float(np.linalg.norm(own.sum(axis=0))) if len(own) else 0.0
    if length > 0:
        total += own.sum(axis=0) / length
    if wanted is not None:
        total += WANTED_SHARE * wanted
    if unwanted is not None:
        total -= UNWANTED_SHARE * unwanted
    whole = float(np.linalg.norm(total))
    return total / np.float32(whole) if whole > 0 else None


def like_words(own: str, wanted: str = "", unwanted: str = "") -> str:
    """The words to look for: those that are wanted, and the book's own, without what is not wanted."""
    counts = query_stems(own)
    refused = set(query_stems(unwanted)) if unwanted.strip() else set()
    first_words: dict[str, str] = {}
    for word in own.split():
        for stem in word_stems(word.strip(".,;:!?\"'()[]")):
            first_words.setdefault(stem, word)
    telling = [stem for stem, _ in Counter(counts).most_common() if stem not in refused and stem in first_words]
    own_words = [first_words[stem] for stem in telling[:TELLING_WORDS]]
    return " ".join([*[wanted] * WANTED_WEIGHT, *own_words]).strip()
