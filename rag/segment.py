"""A segment: passages with their vectors and postings, immutable once built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import faiss
import numpy as np
import numpy.typing as npt

from rag.errors import VectorLengthError
from rag.keywords import Postings

Ids = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

# Below this many rows one product of numpy is quicker than asking FAISS.
FAISS_ROWS = 2048


@dataclass(frozen=True)
class PassageRow:
    """A passage as the database holds it; `vector` (dimension,) is None until it has been embedded."""

    passage_id: int
    owner_kind: str
    owner_id: int
    header: str
    text: str
    vector: Floats | None
    version: int


@dataclass(frozen=True, eq=False)
class Segment:
    """Passages by row; the arrays are never written to, so any number of threads may read them."""

    passage_ids: Ids
    owner_kinds: npt.NDArray[np.str_]
    owner_ids: Ids
    # Rows without a vector yet: only the keyword leg can find them.
    embedded: Mask
    flat: faiss.IndexFlatIP
    postings: Postings

    def __len__(self) -> int:
        return len(self.passage_ids)

    @property
    def vectors(self) -> Floats:
        """The vectors inside the FAISS index, shape (rows, dimension); zeros where there is none."""
        shape = (self.flat.ntotal, self.flat.d)
        if not self.flat.ntotal:
            return np.empty(shape, np.float32)
        inside: Floats = faiss.rev_swig_ptr(self.flat.get_xb(), shape[0] * shape[1]).reshape(shape)
        return inside

    @classmethod
    def build(cls, rows: Sequence[PassageRow], dimension: int) -> Self:
        """Build from rows whose vectors have length one. Raises VectorLengthError."""
        vectors = np.zeros((len(rows), dimension), np.float32)
        for place, row in enumerate(rows):
            if row.vector is not None:
                if row.vector.shape != (dimension,):
                    raise VectorLengthError(row.passage_id, dimension, row.vector.shape)
                vectors[place] = row.vector
        return cls(
            passage_ids=np.array([row.passage_id for row in rows], np.int64),
            owner_kinds=np.array([row.owner_kind for row in rows], np.str_),
            owner_ids=np.array([row.owner_id for row in rows], np.int64),
            embedded=np.array([row.vector is not None for row in rows], np.bool_),
            flat=flat_index(vectors),
            postings=Postings.build([(row.header, row.text) for row in rows]),
        )

    @classmethod
    def joined(cls, parts: Sequence[tuple[Self, Mask]]) -> Self:
        """Make one segment of the rows that each part's mask keeps, in the order given."""
        return cls(
            passage_ids=np.concatenate([segment.passage_ids[kept] for segment, kept in parts]),
            owner_kinds=np.concatenate([segment.owner_kinds[kept] for segment, kept in parts]),
            owner_ids=np.concatenate([segment.owner_ids[kept] for segment, kept in parts]),
            embedded=np.concatenate([segment.embedded[kept] for segment, kept in parts]),
            flat=flat_index(np.concatenate([segment.vectors[kept] for segment, kept in parts])),
            postings=Postings.joined([(segment.postings, kept) for segment, kept in parts]),
        )

    def nearest(self, vector: Floats, count: int, wanted: Mask | None) -> tuple[npt.NDArray[np.intp], Floats]:
        """Find the `count` rows nearest to a unit vector: (rows, cosines), nearest first.

        The search looks at nothing but the rows that `wanted` marks, so that the worst row of all is
        found when it is the only one wanted. Rows without a vector are never found.
        """
        marked = self.embedded if wanted is None else self.embedded & wanted
        count = min(count, int(marked.sum()))
        if count == 0:
            return np.empty(0, np.intp), np.empty(0, np.float32)
        if len(self) < FAISS_ROWS:
            cosines = self.vectors @ vector
            cosines[~marked] = -np.inf
            rows = np.argsort(-cosines, kind="stable")[:count]
            return rows, cosines[rows]
        # FAISS keeps a pointer, so bits and selector must live as long as the search.
        bits = np.packbits(marked, bitorder="little")
        selector = faiss.IDSelectorBitmap(bits.size, faiss.swig_ptr(bits))
        options = faiss.SearchParameters()
        if not marked.all():
            options.sel = selector
        found, places = self.flat.search(vector[np.newaxis], count, params=options)
        return places[0].astype(np.intp), found[0]


def flat_index(vectors: Floats) -> faiss.IndexFlatIP:
    """Put vectors, shape (rows, dimension), into an exact FAISS index."""
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(np.ascontiguousarray(vectors, np.float32))
    return flat
