"""A collection as the product holds it: cut into passages, embedded, indexed, and asked as the product asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from benchmarks.baselines import Scores
from benchmarks.cache import KeptEmbedder
from benchmarks.collections import Collection, Query, Text
from rag.index import Owner, SearchIndex
from rag.passages import split_text
from rag.search import Hit, Leg, Mode, search, similar
from rag.segment import PassageRow

KIND = "BOOK"
# Builds an index of passage rows: in memory, or through a database.
MakeIndex = Callable[[list[PassageRow], str, int], SearchIndex]


class Found(NamedTuple):
    """Ids of ten documents, best first, and whether the keyword leg found anything at all."""

    ids: list[str]
    by_word: bool


@dataclass(frozen=True)
class Shelf:
    """Texts with their passages; the id of a passage's owner is its text's place, from 1."""

    texts: list[Text]
    places: dict[str, int]
    rows: list[PassageRow]
    index: SearchIndex

    @classmethod
    def build(cls, embedder: KeptEmbedder, texts: list[Text], make_index: MakeIndex) -> Self:
        """Cut, embed and index."""
        rows = passage_rows(embedder, texts)
        places = {text.id: place for place, text in enumerate(texts)}
        return cls(texts, places, rows, make_index(rows, embedder.card.revision, embedder.card.dimension))

    def ask(self, query: Query, vector: Scores) -> Found:
        """Answer as `semanticSearch` does, or as `similar` where the query is a document."""
        if query.document is None:
            by_word = search(self.index, query.text, None, first=1, mode=Mode.KEYWORD)
            return Found(self._ids(search(self.index, query.text, vector, first=10)), bool(by_word))
        hits = self._similar(query, query.document)
        return Found(self._ids(hits), any(Leg.KEYWORD in hit.legs for hit in hits))

    def _similar(self, query: Query, document: str) -> list[Hit]:
        banned = [self.places[other] + 1 for other in query.excluded]
        owners = np.array([row.owner_id for row in self.rows])
        excluded = np.array([row.passage_id for row in self.rows], np.int64)[np.isin(owners, banned)]
        own = [row for row in self.rows if row.owner_id == self.places[document] + 1]
        text = "\n".join(row.text for row in own)
        owner = Owner(KIND, self.places[document] + 1)
        return similar(self.index, owner, header=own[0].header, text=text, first=10, excluded=excluded)

    def _ids(self, hits: list[Hit]) -> list[str]:
        return [self.texts[hit.owner.id - 1].id for hit in hits]


def in_memory(rows: list[PassageRow], revision: str, dimension: int) -> SearchIndex:
    """Build an index of rows without any database."""
    return SearchIndex(revision, dimension).with_changes(rows)


def passage_rows(embedder: KeptEmbedder, texts: list[Text]) -> list[PassageRow]:
    """Cut and embed the texts as the product does."""
    cut = [
        (place, passage)
        for place, text in enumerate(texts, start=1)
        for passage in split_text(text.body, text.header, embedder.tokenizer, embedder.card.window)
    ]
    vectors = embedder.embed([passage.embedded for _, passage in cut])
    return [
        PassageRow(number, KIND, place, passage.header, passage.text, vectors[number - 1], number)
        for number, (place, passage) in enumerate(cut, start=1)
    ]


def asked(collection: Collection, split: str, embedder: KeptEmbedder) -> list[tuple[Query, Scores]]:
    """Queries of a split with their vectors."""
    queries = collection.queries[split]
    return list(zip(queries, embedder.embed([query.text for query in queries]), strict=True))
