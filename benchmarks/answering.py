"""Extractive answers: whether what is quoted is from a right page, and whether "not found" is said where it is true.

The pages are those of the documentation questions, read and cut as the product does, with the headings that are asked
left out. The constants of rag/answers.py come from every other question (`TRAIN`); the rest is reported. What nobody
can answer from these pages: claims of science (SciFact), and, much harder, the same questions with every page that
answers them taken out, where other pages are about the same programs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.cache import KeptEmbedder, exported_model
from benchmarks.collections import SPLITS, TEST, data_folder, read_lines
from benchmarks.measures import Measure, at_least, at_most
from benchmarks.shelves import in_memory
from rag.answers import Answer, Embed, Source, answer
from rag.documents.bounds import Bounds
from rag.documents.reading import read_document
from rag.documents.splitting import split_document
from rag.documents.text import DocumentText
from rag.index import SearchIndex
from rag.passages import PassageText
from rag.query_embedder import OnnxEmbedder
from rag.search import question_weights, search_passages
from rag.segment import Floats, PassageRow
from rag.sources import Scope

KIND = "DOCUMENT"
FILES = ("kb/questions.jsonl.gz", "retrieval/scifact_queries_test.jsonl.gz")
PASSAGES = 8  # as `askKnowledgeBase` takes unless told otherwise
RIGHT_PAGE_AT_LEAST = 0.5
FOUND_AT_LEAST = 0.9
NOT_FOUND_AT_LEAST = 0.95
MOST_MILLISECONDS = 100


@dataclass(frozen=True)
class Question:
    """What is asked, and the pages that answer; none where nothing does."""

    text: str
    pages: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Asked:
    """An answer, the page of the best passage and those of the citations."""

    answer: Answer
    best: str
    cited: tuple[str, ...]


class KnowledgeBase:
    """The pages as the product holds them; the id of a passage's owner is its page's place, from 1."""

    def __init__(self, embedder: KeptEmbedder, pages: Mapping[str, DocumentText]) -> None:
        self.names = list(pages)
        self.pages = list(pages.values())
        self._embedder = embedder
        cut = [
            (place, passage)
            for place, page in enumerate(self.pages, start=1)
            for passage in split_document(page, embedder.tokenizer, embedder.card.window)
        ]
        vectors = embedder.embed([passage.embedded for _, passage in cut])
        self.passages: dict[int, tuple[int, PassageText]] = dict(enumerate(cut, start=1))
        self.rows = [
            PassageRow(number, KIND, place, passage.header, passage.text, vectors[number - 1], number)
            for number, (place, passage) in self.passages.items()
        ]

    @cached_property
    def index(self) -> SearchIndex:
        """All passages."""
        return in_memory(self.rows, self._embedder.card.revision, self._embedder.card.dimension)

    async def ask(self, question: str, vector: Floats, embed: Embed, without: frozenset[str] = frozenset()) -> Asked:
        """Answer as the API does, as if the pages `without` were not there."""
        weights = await question_weights(self.index, question)
        excluded = np.array([row.passage_id for row in self.rows if self._page(row.owner_id) in without], np.int64)
        hits = await search_passages(self.index, weights, vector, first=PASSAGES, scope=Scope(excluded=excluded))
        sources = [self._source(hit.passage_id, hit.cosine) for hit in hits]
        made = answer(weights, vector, sources, embed)
        for statement, place in zip(made.statements, made.citations, strict=True):
            assert statement.text == self.pages[place.owner[1] - 1].text[place.start : place.end]
        cited = tuple(self._page(place.owner[1]) for place in made.citations)
        return Asked(made, self._page(hits[0].owner.id), cited)

    def _page(self, owner_id: int) -> str:
        return self.names[owner_id - 1]

    def _source(self, passage_id: int, cosine: float) -> Source:
        place, passage = self.passages[passage_id]
        return Source(passage_id, (KIND, place), passage.header, passage.text, passage.start, cosine)


def measure() -> Iterator[Measure]:
    """Ask the questions that no constant was chosen by."""
    data = data_folder()
    if missing := [file for file in FILES if not (data / file).exists()]:
        yield Measure("extractive answers", f"skipped: no {data / missing[0]}")
        return
    embedder = KeptEmbedder()
    base = KnowledgeBase(embedder, read_pages(data))
    answerable, others = questions(data, TEST), claims(data, TEST)
    given = ask_all(base, embedder, answerable)
    right = [bool(one.cited) and one.cited[0] in asked.pages for asked, one in zip(answerable, given, strict=True)]
    any_right = [bool(asked.pages & set(one.cited)) for asked, one in zip(answerable, given, strict=True)]
    best = [one.best in asked.pages for asked, one in zip(answerable, given, strict=True)]
    name = f"documentation questions, {len(answerable)} test questions"
    beside = f"best passage {_share(best):.4f}"
    yield at_least(f"{name}: first citation from a right page", _share(right), RIGHT_PAGE_AT_LEAST, "", baseline=beside)
    yield Measure(f"{name}: any citation from a right page", f"{_share(any_right):.4f}")
    yield at_least(f"{name}: answered", _share([one.answer.found for one in given]), FOUND_AT_LEAST, "")
    refused = _share([not one.answer.found for one in ask_all(base, embedder, others)])
    yield at_least(f"{len(others)} claims of science: not found", refused, NOT_FOUND_AT_LEAST, "")
    robbed = _share([not one.answer.found for one in ask_all(base, embedder, answerable, robbed=True)])
    yield Measure(f"{name}, without their pages: not found", f"{robbed:.4f}")
    yield from _times(base, answerable)


def read_pages(data: Path) -> dict[str, DocumentText]:
    """The pages by their names, without the headings that are asked."""
    folder = data / "kb" / "docs"
    asked: dict[str, set[str]] = {}
    for row in read_lines(data / FILES[0]):
        for page in row["relevant_docs"] if "heading_line" in row else ():
            asked.setdefault(page, set()).add(row["heading_line"].strip())
    found = {}
    for file in sorted(folder.rglob("*.md")):
        name = file.relative_to(folder).as_posix()
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = "".join(line for line in lines if line.strip() not in asked.get(name, ()))
        found[name] = read_document(kept.encode(), name, Bounds())
    return found


def questions(data: Path, split: str) -> list[Question]:
    """Every other question that a page answers."""
    rows = [Question(row["question"], frozenset(row["relevant_docs"])) for row in read_lines(data / FILES[0])]
    return rows[SPLITS.index(split) :: len(SPLITS)]


def claims(data: Path, split: str) -> list[Question]:
    """Every other claim that no page bears on, as many as there are questions."""
    rows = read_lines(data / FILES[1])[SPLITS.index(split) :: len(SPLITS)]
    return [Question(row["text"]) for row in rows[: len(questions(data, split))]]


def ask_all(base: KnowledgeBase, embedder: KeptEmbedder, asked: list[Question], *, robbed: bool = False) -> list[Asked]:
    """Answer each; `robbed` of the pages that answer it."""
    vectors = embedder.embed([question.text for question in asked])

    async def run() -> list[Asked]:
        return [
            await base.ask(question.text, vector, embedder.embed, question.pages if robbed else frozenset())
            for question, vector in zip(asked, vectors, strict=True)
        ]

    return asyncio.run(run())


def _times(base: KnowledgeBase, asked: list[Question]) -> Iterator[Measure]:
    """How long an answer takes with one thread, as the API has, and how much of it the question itself."""
    embedder = OnnxEmbedder.open(exported_model())
    whole, question = [], []
    for one in asked:
        began = time.perf_counter()
        vector = embedder.embed_query(one.text)
        question.append(time.perf_counter() - began)
        asyncio.run(base.ask(one.text, vector, embedder.embed_many))
        whole.append(time.perf_counter() - began)
    beside = f"embedding the question alone {_milliseconds(question):.1f} ms"
    name = f"an extractive answer from {len(base.rows):,} passages, p50"
    yield at_most(name, round(_milliseconds(whole), 1), MOST_MILLISECONDS, "ms", baseline=beside)
    yield Measure("the same, p95", f"{np.percentile(whole, 95) * 1_000:.0f} ms")


def _milliseconds(seconds: list[float]) -> float:
    return median(seconds) * 1_000


def _share(held: list[bool]) -> float:
    return round(float(np.mean(held)), 4)
