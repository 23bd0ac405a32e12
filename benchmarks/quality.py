"""Retrieval quality: what `semanticSearch` and `similar` find, beside each leg alone and their plain fusion.

`python -m benchmarks.quality [--data FOLDER] [--cache FOLDER] [--sets scifact,tot,whatsthatbook,similar]`.
Baselines come from the same run: the vector of each text cut at the model's window, `bm25s` with PyStemmer, and
the reciprocal-rank fusion (k 60) of their first hundred. "ours" is the product's own path: passages, index,
search. The weights of rag/search.py and rag/keywords.py were chosen while the results on all these
queries were in sight, "test" included, so "ours" is a tuned system here, and the baselines are not; the share of
the gain that would carry over to unseen collections is not measured.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import bm25s
import numpy as np
import numpy.typing as npt
import Stemmer

from rag.embedder import DEFAULT_MODEL, ensure_exported, load
from rag.evaluation import ndcg, recall, reciprocal_rank
from rag.index import Owner, SearchIndex
from rag.passages import split_text
from rag.query_embedder import OnnxEmbedder, Vectors, load_tokenizer
from rag.search import Hit, Leg, Mode, search, similar
from rag.segment import PassageRow

DATA = Path(__file__).parents[2] / "shared" / "data"
FUSION_K, FUSION_DEPTH = 60, 100
COLUMNS = ("nDCG@10", "recall@10", "MRR@10", "no keyword")

Scores = npt.NDArray[np.float32]
# Builds an index of passage rows: in memory by default, through a database in benchmarks that add one.
MakeIndex = Callable[[list[PassageRow], str, int], SearchIndex]


@dataclass(frozen=True)
class Text:
    """A document of a collection: what is embedded before every passage, and what is cut into passages."""

    id: str
    header: str
    body: str

    @property
    def whole(self) -> str:
        """What the baselines index."""
        return f"{self.header} {self.body}".strip()


@dataclass(frozen=True)
class Query:
    """A question with the grades of its answers; `excluded` are documents that may not be answers."""

    text: str
    grades: dict[str, int]
    excluded: frozenset[str] = frozenset()
    # The document that is the query, where similar ones are asked for.
    document: str | None = None


@dataclass(frozen=True)
class Collection:
    """Documents, and the queries of each split."""

    texts: list[Text]
    queries: dict[str, list[Query]]


@dataclass
class Bench:
    """The model and the cache that all collections share."""

    embedder: OnnxEmbedder
    folder: Path
    cache: Path
    make_index: MakeIndex
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed, or read what an earlier run embedded."""
        key = hashlib.sha256("\x00".join([self.embedder.card.revision, *texts]).encode()).hexdigest()[:24]
        file = self.cache / f"{key}.npy"
        if not file.exists():
            np.save(file, self.embedder.embed_many(texts))
        vectors: Vectors = np.load(file)
        return vectors

    def note(self, name: str, system: str, queries: Sequence[Query], found: Sequence[list[str]], *more: str) -> None:
        """Add a row of means to the table and print it."""
        means = [
            np.mean([metric(ids, query.grades) for ids, query in zip(found, queries, strict=True)])
            for metric in (ndcg, recall, reciprocal_rank)
        ]
        self.rows.append((name, str(len(queries)), system, *(f"{mean:.4f}" for mean in means), *more))
        print(
            "  ".join(f"{cell:<20}" if place == 0 else f"{cell:>10}" for place, cell in enumerate(self.rows[-1])),
            flush=True,
        )


def evaluate(data: Path, cache: Path, sets: Iterable[str], make_index: MakeIndex) -> list[tuple[str, ...]]:
    """Measure the named sets with indexes made by `make_index(rows, revision, dimension)`; print as it goes.

    Rows are (set, queries, system, nDCG@10, recall@10, MRR@10[, share of queries without a keyword hit]).
    """
    cache.mkdir(parents=True, exist_ok=True)
    folder = ensure_exported(cache / "models")
    embedder = OnnxEmbedder.open(folder, threads=os.cpu_count() or 1, arena=True)
    bench = Bench(embedder, folder, cache, make_index)
    print("  ".join(f"{cell:>10}" for cell in ("set", "queries", "system", *COLUMNS)))
    for name in sets:
        missing = [file for file in FILES[name] if not (data / file).exists()]
        if missing:
            print(f"{name}: skipped, {', '.join(str(data / file) for file in missing)} missing")
        else:
            measure(bench, name, READERS[name](data))
    return bench.rows


def in_memory(rows: list[PassageRow], revision: str, dimension: int) -> SearchIndex:
    """Build an index of rows without any database."""
    return SearchIndex(revision, dimension).with_changes(rows)


def measure(bench: Bench, name: str, collection: Collection) -> None:
    """Print baselines and ours for every split of a collection."""
    texts = collection.texts
    places = {text.id: place for place, text in enumerate(texts)}
    baselines = Baselines.build(bench, texts)
    rows = passage_rows(bench, texts)
    index = bench.make_index(rows, bench.embedder.card.revision, bench.embedder.card.dimension)
    for split, queries in collection.queries.items():
        vectors = bench.embed([query.text for query in queries])
        ranked: dict[str, list[list[str]]] = {"vector": [], "bm25s": [], "rrf": [], "ours": []}
        with_keyword = 0
        for query, vector in zip(queries, vectors, strict=True):
            banned = np.array([places[other] for other in query.excluded], np.intp)
            for system, order in baselines.rank(query.text, vector, banned).items():
                ranked[system].append([texts[place].id for place in order])
            hits, any_keyword = ask(index, rows, texts, places, query, vector)
            ranked["ours"].append([texts[hit.owner.id].id for hit in hits])
            with_keyword += any_keyword
        for system, found in ranked.items():
            empty = [f"{1 - with_keyword / len(queries):.4f}"] if system == "ours" else []
            bench.note(f"{name} {split}", system, queries, found, *empty)


@dataclass(frozen=True)
class Baselines:
    """Each leg as it comes from its library, one vector and one bag of words per document."""

    vectors: Vectors
    keywords: bm25s.BM25
    stemmer: Any

    @classmethod
    def build(cls, bench: Bench, texts: Sequence[Text]) -> Self:
        """Index whole documents, which the model cuts at its window."""
        stemmer, whole = Stemmer.Stemmer("english"), [text.whole for text in texts]
        keywords = bm25s.BM25(method="lucene")
        keywords.index(bm25s.tokenize(whole, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)
        return cls(bench.embed(whole), keywords, stemmer)

    def rank(self, query: str, vector: Scores, banned: npt.NDArray[np.intp]) -> dict[str, Sequence[int]]:
        """Return places, best first, for each leg and for their fusion."""
        cosines, points = self.vectors @ vector, self.points(query)
        cosines[banned], points[banned] = -np.inf, 0
        by_vector = np.argsort(-cosines, kind="stable")[:FUSION_DEPTH]
        by_word = np.argsort(-points, kind="stable")[:FUSION_DEPTH]
        by_word = by_word[points[by_word] > 0]
        fused = reciprocal_rank_fusion(by_vector, by_word)
        return {"vector": by_vector.tolist(), "bm25s": by_word.tolist(), "rrf": fused}

    def points(self, query: str) -> Scores:
        """Score every document by BM25; zeros when no word of the query is known."""
        (words,) = bm25s.tokenize([query], stopwords="en", stemmer=self.stemmer, return_ids=False, show_progress=False)
        if not any(word in self.keywords.vocab_dict for word in words):
            return np.zeros(len(self.vectors), np.float32)
        return np.array(self.keywords.get_scores(words), np.float32)


def ask(
    index: SearchIndex,
    rows: list[PassageRow],
    texts: list[Text],
    places: dict[str, int],
    query: Query,
    vector: Scores,
) -> tuple[list[Hit], bool]:
    """Answer as the product does: ten hits, and whether the keyword leg finds anything at all."""
    if query.document is None:
        by_word = search(index, query.text, None, first=1, mode=Mode.KEYWORD)
        return search(index, query.text, vector, first=10), bool(by_word)
    text = texts[places[query.document]]
    banned = {places[other] for other in query.excluded}
    excluded = np.array([row.passage_id for row in rows if row.owner_id in banned], np.int64)
    owner = Owner("book", places[query.document])
    hits = similar(index, owner, header=text.header, text=text.body, first=10, excluded=excluded)
    return hits, any(Leg.KEYWORD in hit.legs for hit in hits)


def passage_rows(bench: Bench, texts: list[Text]) -> list[PassageRow]:
    """Cut and embed the texts as the product does; an owner's id is its text's place."""
    tokenizer, window = load_tokenizer(bench.folder), bench.embedder.card.window
    cut = [
        (place, passage)
        for place, text in enumerate(texts)
        for passage in split_text(text.body, text.header, tokenizer, window)
    ]
    vectors = bench.embed([passage.embedded for _, passage in cut])
    return [
        PassageRow(number, "book", place, passage.header, passage.text, vectors[number - 1], number)
        for number, (place, passage) in enumerate(cut, start=1)
    ]


def reciprocal_rank_fusion(*lists: npt.NDArray[np.intp]) -> list[int]:
    """Fuse lists of places by the sum of 1 / (k + rank), the earlier list first among equals."""
    points: dict[int, float] = {}
    for places in lists:
        for rank, place in enumerate(places.tolist(), start=1):
            points[place] = points.get(place, 0) + 1 / (FUSION_K + rank)
    return sorted(points, key=lambda place: -points[place])


def embedding_speed(bench_folder: Path, texts: Sequence[str]) -> tuple[float, float]:
    """Texts per second of the worker's embedder and of a bare SentenceTransformer.encode."""
    threads = os.cpu_count() or 1
    embedder, transformer = OnnxEmbedder.open(bench_folder, threads=threads, arena=True), load(DEFAULT_MODEL)
    embedder.embed_many(texts[:32])
    transformer.encode(list(texts[:32]), show_progress_bar=False)
    start = time.perf_counter()
    embedder.embed_many(texts)
    middle = time.perf_counter()
    transformer.encode(list(texts), show_progress_bar=False)
    return len(texts) / (middle - start), len(texts) / (time.perf_counter() - middle)


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Read a gzipped file of one JSON object a line."""
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def read_scifact(data: Path) -> Collection:
    """Claims and the abstracts that bear on them."""
    corpus, train, test = (read_lines(data / file) for file in FILES["scifact"])
    return Collection(
        [Text(row["_id"], row["title"], row["text"]) for row in corpus],
        {
            split: [Query(row["text"], row["relevant"]) for row in rows]
            for split, rows in (("train", train), ("test", test))
        },
    )


def read_tot(data: Path) -> Collection:
    """Half-remembered books; every other question is for choosing weights, the rest for reporting."""
    corpus, questions = (read_lines(data / file) for file in FILES["tot"])
    queries = [Query(row["query"], {row["answer_doc_id"]: 1}) for row in questions]
    texts = [Text(row["doc_id"], row["title"], row["text"]) for row in corpus]
    return Collection(texts, {"train": queries[::2], "test": queries[1::2]})


def read_whatsthatbook(data: Path) -> Collection:
    """Half-remembered books, told at length, among blurbs without titles."""
    corpus, questions = (read_lines(data / file) for file in FILES["whatsthatbook"])
    queries = [Query(row["query"], dict.fromkeys(row["relevant"], 1)) for row in questions]
    return Collection([Text(row["doc_id"], "", row["text"]) for row in corpus], {"dev": queries})


def read_similar(data: Path) -> Collection:
    """Books whose readers also liked these, by other authors and outside the series."""
    coread, books = (read_lines(data / file) for file in FILES["similar"])
    described = {str(book["book_id"]): book for book in books if book.get("description")}
    texts = {key: Text(key, ", ".join(_tags(book)), book["description"]) for key, book in described.items()}
    queries = []
    for row in coread:
        if not row["eval_described"]:
            continue
        key = str(row["query_book_id"])
        kin = frozenset(other for other, book in described.items() if _related(described[key], book)) | {key}
        grades = {
            str(other): grade
            for other, grade, *_ in row["related"]
            if str(other) in described and str(other) not in kin
        }
        if len(grades) >= 3:
            queries.append(Query(texts[key].whole, grades, kin, key))
    return Collection(list(texts.values()), {"train": queries[::2], "test": queries[1::2]})


FILES: dict[str, tuple[str, ...]] = {
    "scifact": tuple(f"retrieval/scifact_{part}.jsonl.gz" for part in ("corpus", "queries_train", "queries_test")),
    "tot": ("queries/tot_books_corpus.jsonl.gz", "queries/tot_books_open.jsonl.gz"),
    "whatsthatbook": (
        "queries/whatsthatbook_dev_corpus.jsonl.gz",
        "queries/whatsthatbook_dev_queries.jsonl.gz",
    ),
    "similar": ("similar/coread_open.jsonl.gz", "books/goodbooks10k.jsonl.gz"),
}
READERS: dict[str, Callable[[Path], Collection]] = {
    "scifact": read_scifact,
    "tot": read_tot,
    "whatsthatbook": read_whatsthatbook,
    "similar": read_similar,
}


def main() -> None:
    """Print the table of the chosen sets, then the embedding speeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--cache", type=Path, default=Path(os.environ.get("SHELFGRAPH_BENCH_CACHE", "build/bench-cache"))
    )
    parser.add_argument("--sets", default=",".join(FILES))
    parser.add_argument("--speed", type=int, default=300, help="texts to measure embedding with; 0 for none")
    arguments = parser.parse_args()
    evaluate(arguments.data, arguments.cache, arguments.sets.split(","), in_memory)
    if arguments.speed and (arguments.data / FILES["tot"][0]).exists():
        texts = [text.whole for text in read_tot(arguments.data).texts[: arguments.speed]]
        ours, bare = embedding_speed(ensure_exported(arguments.cache / "models"), texts)
        print(f"embedding: {ours:.1f} texts/s, SentenceTransformer.encode {bare:.1f}, ratio {ours / bare:.2f}")


def _tags(book: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys([*book["genres"], *(shelf.replace("-", " ") for shelf in book["shelves"])]))


def _related(book: dict[str, Any], other: dict[str, Any]) -> bool:
    names = {series["name"] for series in book["series"]}
    return bool(set(book["authors"]) & set(other["authors"])) or any(
        series["name"] in names for series in other["series"]
    )


if __name__ == "__main__":
    main()
