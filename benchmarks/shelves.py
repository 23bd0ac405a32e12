"""A collection as the product holds it: cut into passages, embedded, indexed, and asked as the product asks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from benchmarks.baselines import Scores
from benchmarks.cache import KeptEmbedder
from benchmarks.collections import Collection, Query, Text
from rag.index import SearchIndex
from rag.passages import split_text
from rag.search import Hit, Leg, Mode, search, similar
from rag.segment import PassageRow
from rag.sources import Owner, Scope

KIND = "BOOK"
# Builds an index of passage rows: in memory, or through a database.
MakeIndex = Callable[[list[PassageRow], str, int], SearchIndex]


@dataclass(frozen=True)
class Shelf:
    """Texts with their passages; the id of a passage's owner is its text's place, from 1."""

    texts: list[Text]
    rows: list[PassageRow]
    index: SearchIndex

    @classmethod
    def build(cls, embedder: KeptEmbedder, texts: list[Text], make_index: MakeIndex) -> Self:
        """Cut, embed and index."""
        rows = passage_rows(embedder, texts)
        return cls(texts, rows, make_index(rows, embedder.card.revision, embedder.card.dimension))

    def ask(self, query: Query, vector: Scores) -> list[str]:
        """Ids of ten documents, as `semanticSearch` finds them, or `similar` where the query is a document."""
        if query.document is None:
            hits = asyncio.run(search(self.index, query.text, vector, first=10))
        else:
            hits = self._similar(query, query.document)
        return [self.texts[hit.owner.id - 1].id for hit in hits]

    def finds_words(self, query: Query) -> bool:
        """Whether the keyword leg finds anything at all."""
        if query.document is None:
            return bool(asyncio.run(search(self.index, query.text, None, first=1, mode=Mode.KEYWORD)))
        return any(Leg.KEYWORD in hit.legs for hit in self._similar(query, query.document))

    def _similar(self, query: Query, document: str) -> list[Hit]:
        banned = [row.passage_id for other in query.excluded for row in self._rows_of[other]]
        own = self._rows_of[document]
        found = similar(
            self.index,
            Owner(KIND, own[0].owner_id),
            header=own[0].header,
            text="\n".join(row.text for row in own),
            first=10,
            scope=Scope(excluded=np.array(banned, np.int64)),
        )
        return asyncio.run(found)

    @cached_property
    def _rows_of(self) -> dict[str, list[PassageRow]]:
        rows: dict[str, list[PassageRow]] = {text.id: [] for text in self.texts}
        for row in self.rows:
            rows[self.texts[row.owner_id - 1].id].append(row)
        return rows


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
