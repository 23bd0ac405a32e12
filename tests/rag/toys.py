"""An embedder whose vectors can be worked out by eye, and rows made with it."""

from __future__ import annotations

import numpy as np

from rag.segment import Floats, PassageRow

# One axis per word; 3-4-5 triangles keep mixed vectors exact.
AXES = ("sea", "desert", "love", "war")
DIMENSION = len(AXES)


def toy_vector(**weights: float) -> Floats:
    """A unit vector along the named axes, such as sea=0.6, love=0.8."""
    return np.array([weights.get(axis, 0) for axis in AXES], np.float32)


def row(
    passage_id: int,
    text: str = "",
    vector: Floats | None = None,
    *,
    header: str = "",
    owner: int | None = None,
    kind: str = "book",
) -> PassageRow:
    """A passage; unless told otherwise its owner is the book with the passage's own id."""
    return PassageRow(passage_id, kind, owner or passage_id, header, text, vector, passage_id)
