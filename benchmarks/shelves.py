"""A collection as the product holds it: cut into passages, embedded, indexed, and asked as the product asks."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from tokenizers import Tokenizer

from benchmarks.baselines import Scores
from benchmarks.cache import KeptEmbedder
from benchmarks.collections import Collection, Query, Text
from jobs.stored_index import StoredIndex
from rag.documents.splitting import STEP, split_document
from rag.index import SearchIndex
from rag.passages import embedded_text, split_text
from rag.query_embedder import Vectors
from rag.search import Hit, Leg, Mode, search, similar
from rag.segment import PassageRow
from rag.sources import Owner, Scope

# What the reader of Markdown writes around the title of a note.
_NOTE = re.compile(r"^(?:Question|Warning): |\?? - \[Click to show/hide\]$")
Index = SearchIndex | StoredIndex
# Builds an index of passage rows: in memory, or through a database.
MakeIndex = Callable[[list[PassageRow], str, int], Index]

Result = TypeVar("Result")

# Answers are looked at this deep.
DEPTH = 100


class Answer(NamedTuple):
    """Ids of documents, best first, and the seconds it took to find them."""

    ids: list[str]
    seconds: float


@dataclass(frozen=True)
class Shelf:
    """Texts with their passages; the id of a passage's owner is its text's place, from 1."""

    texts: list[Text]
    rows: list[PassageRow]
    index: Index

    @classmethod
    def build(cls, embedder: KeptEmbedder, collection: Collection, make_index: MakeIndex) -> Self:
        """Cut, embed and index."""
        rows = passage_rows(embedder, collection.texts, collection.kind)
        return cls(collection.texts, rows, make_index(rows, embedder.card.revision, embedder.card.dimension))

    def ask_all(self, queries: Sequence[tuple[Query, Scores]], mode: Mode = Mode.HYBRID) -> list[Answer]:
        """Ask as `semanticSearch` does, or `similar` where the query is a document."""
        return self._run(self._asked(queries, mode))

    def empty_share(self, queries: Sequence[Query]) -> float:
        """Share of queries of which the keyword leg finds nothing at all."""
        return self._run(self._empty(queries))

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        with asyncio.Runner() as runner:
            try:
                return runner.run(work)
            finally:
                if isinstance(self.index, StoredIndex):  # its connections belong to this event loop
                    runner.run(self.index.database.close())

    async def _asked(self, queries: Sequence[tuple[Query, Scores]], mode: Mode) -> list[Answer]:
        answers: list[Answer] = []
        for query, vector in queries:
            began = time.perf_counter()
            hits = await self._hits(query, vector, mode)
            seconds = time.perf_counter() - began
            answers.append(Answer([self.texts[hit.owner.id - 1].id for hit in hits], seconds))
        return answers

    async def _hits(self, query: Query, vector: Scores, mode: Mode) -> list[Hit]:
        if query.document is None:
            return await search(self.index, query.text, vector, first=DEPTH, mode=mode)
        return await self._similar(query, query.document)

    async def _empty(self, queries: Sequence[Query]) -> float:
        found = 0
        for query in queries:
            if query.document is None:
                found += bool(await search(self.index, query.text, None, first=1, mode=Mode.KEYWORD))
            else:
                found += any(Leg.KEYWORD in hit.legs for hit in await self._similar(query, query.document))
        return 1 - found / len(queries)

    async def _similar(self, query: Query, document: str) -> list[Hit]:
        banned = [row.passage_id for other in query.excluded for row in self._rows_of[other]]
        own = self._rows_of[document]
        return await similar(
            self.index,
            Owner(own[0].owner_kind, own[0].owner_id),
            header=own[0].header,
            text="\n".join(row.text for row in own),
            first=DEPTH,
            scope=Scope(excluded=np.array(banned, np.int64)),
        )

    @cached_property
    def _rows_of(self) -> dict[str, list[PassageRow]]:
        rows: dict[str, list[PassageRow]] = {text.id: [] for text in self.texts}
        for row in self.rows:
            rows[self.texts[row.owner_id - 1].id].append(row)
        return rows


def in_memory(rows: list[PassageRow], revision: str, dimension: int) -> SearchIndex:
    """Build an index of rows without any database."""
    return SearchIndex(revision, dimension).with_changes(rows)


def passage_rows(embedder: KeptEmbedder, texts: list[Text], kind: str = "BOOK") -> list[PassageRow]:
    """Cut and embed the texts as the product does."""
    passages = [
        (place, *passage)
        for place, text in enumerate(texts, start=1)
        for passage in cut(text, embedder.tokenizer, embedder.card.window)
    ]
    vectors = embedder.embed([embedded_text(header, text) for _, header, text in passages])
    return [
        PassageRow(number, kind, place, header, text, vectors[number - 1], number)
        for number, (place, header, text) in enumerate(passages, start=1)
    ]


def cut(text: Text, tokenizer: Tokenizer, window: int) -> list[tuple[str, str]]:
    """(header, text) of each passage, as the product cuts books and documents."""
    if text.page is None:
        return [(passage.header, passage.text) for passage in split_text(text.body, text.header, tokenizer, window)]
    return [
        (_without(text.hidden, passage.header, STEP), _without(text.hidden, passage.text, "\n"))
        for passage in split_document(text.page, tokenizer, window)
    ]


def _without(hidden: frozenset[str], text: str, separator: str) -> str:
    return separator.join(part for part in text.split(separator) if _NOTE.sub("", part.strip("# ")) not in hidden)


def asked(queries: Sequence[Query], embed: Callable[[list[str]], Vectors]) -> list[tuple[Query, Scores]]:
    """Queries with their vectors."""
    return list(zip(queries, embed([query.text for query in queries]), strict=True))
