"""Public collections with judged questions, read from a folder of data that is not part of the project."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable
from collections.abc import Collection as Names
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.documents.bounds import Bounds
from rag.documents.reading import read_document
from rag.documents.text import DocumentText
from rag.passages import book_header, embedded_text

TRAIN, TEST = "train", "test"
SPLITS = (TRAIN, TEST)


@dataclass(frozen=True)
class Text:
    """A document of a collection: what is embedded before every passage, and what is cut into passages.

    A page of documentation has its own way of being cut; `hidden` lines of it are asked for, and not indexed.
    """

    id: str
    header: str
    body: str
    # (header, body) of each section: what the baselines index of a page.
    sections: tuple[tuple[str, str], ...] = ()
    page: DocumentText | None = None
    hidden: frozenset[str] = frozenset()

    @property
    def pieces(self) -> tuple[tuple[str, str], ...]:
        """(header, body) of everything that the baselines index."""
        return self.sections or ((self.header, self.body),)

    @property
    def whole(self) -> str:
        """What the baselines index; the same as the passage where there is but one, and then embedded once."""
        return embedded_text(self.header.strip(), self.body.strip())


@dataclass(frozen=True)
class Query:
    """A question with the grades of its answers; `excluded` are documents that may not be answers."""

    text: str
    grades: dict[str, int]
    excluded: frozenset[str] = frozenset()
    # The document that is the query, where similar ones are asked for.
    document: str | None = None
    # What sort of question it is, where a collection has several.
    sort: str = ""


@dataclass(frozen=True)
class Collection:
    """Documents, and the queries of those splits that were asked for."""

    texts: list[Text]
    queries: dict[str, list[Query]]
    kind: str = "BOOK"


@dataclass(frozen=True)
class Source:
    """Files and folders below the data folder, the splits they have, and how they are read."""

    files: tuple[str, ...]
    splits: tuple[str, ...]
    reader: Callable[[Path, Names[str]], Collection]

    def missing(self, data: Path) -> list[str]:
        """Names of files that are not there."""
        return [file for file in self.files if not (data / file).exists()]

    def digest(self, data: Path) -> str:
        """The first sixteen digits of the SHA-256 of all files, one after the other."""
        whole = hashlib.sha256()
        for file in self.files:
            paths = [data / file] if (data / file).is_file() else sorted((data / file).rglob("*.md"))
            for path in paths:
                whole.update(path.read_bytes())
        return whole.hexdigest()[:16]

    def read(self, data: Path, splits: Names[str] = SPLITS) -> Collection:
        """Read the texts, and the queries of these splits and no others."""
        return self.reader(data, splits)


def data_folder() -> Path:
    """The folder that SHELFGRAPH_BENCH_DATA names, or `shared/data` beside the project."""
    return Path(os.environ.get("SHELFGRAPH_BENCH_DATA") or Path(__file__).parents[2] / "shared" / "data")


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Read a gzipped file of one JSON object a line."""
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def read_scifact(data: Path, splits: Names[str]) -> Collection:
    """Claims and the abstracts that bear on them."""
    texts = [Text(row["_id"], row["title"], row["text"]) for row in read_lines(data / _SCIFACT.format("corpus"))]
    queries = {
        split: [Query(row["text"], row["relevant"]) for row in read_lines(data / _SCIFACT.format(f"queries_{split}"))]
        for split in splits
    }
    return Collection(texts, queries)


def read_tot(data: Path, splits: Names[str]) -> Collection:
    """Half-remembered books."""
    texts = [Text(row["doc_id"], row["title"], row["text"]) for row in read_lines(data / _TOT[0])]
    queries = [Query(row["query"], {row["answer_doc_id"]: 1}) for row in read_lines(data / _TOT[1])]
    return Collection(texts, _alternating(queries, splits))


def read_whatsthatbook(data: Path, splits: Names[str]) -> Collection:
    """Half-remembered books, told at length, among blurbs without titles."""
    texts = [Text(row["doc_id"], "", row["text"]) for row in read_lines(data / _WHATSTHATBOOK[0])]
    questions = [Query(row["query"], dict.fromkeys(row["relevant"], 1)) for row in read_lines(data / _WHATSTHATBOOK[1])]
    return Collection(texts, {TEST: questions} if TEST in splits else {})


def read_suggestmeabook(data: Path, splits: Names[str]) -> Collection:
    """Wishes for books, and those that others then named; the books as the product heads them."""
    described = _described(data)
    questions = [
        Query(row["query"], {str(book): 1 for book in row["relevant"] if str(book) in described})
        for row in read_lines(data / _SUGGESTMEABOOK[0])
    ]
    texts = [Text(key, _product_header(book), book["description"]) for key, book in described.items()]
    return Collection(texts, {TEST: [query for query in questions if query.grades]} if TEST in splits else {})


def read_similar(data: Path, splits: Names[str]) -> Collection:
    """Books whose readers also liked these, by other authors and outside the series; headed by their tags alone."""
    return _similar(data, splits, lambda book: ", ".join(_tags(book)))


def read_similar_books(data: Path, splits: Names[str]) -> Collection:
    """The same with the header the product writes: title, authors, series, genres."""
    return _similar(data, splits, _product_header)


def read_documentation(data: Path, splits: Names[str]) -> Collection:
    """Questions about pages of documentation; the headings that are themselves questions asked are left out."""
    rows = read_lines(data / _DOCUMENTATION[1])
    asked = {row["heading_line"].strip() for row in rows if "heading_line" in row}
    pages: dict[str, list[dict[str, Any]]] = {}
    for section in read_lines(data / _DOCUMENTATION[0]):
        pages.setdefault(section["doc"], []).append(section)
    texts = [
        Text(
            page,
            sections[0]["title"],
            "",
            sections=tuple(_headed(section, asked) for section in sections),
            page=read_document((data / "kb/docs" / page).read_bytes(), page, Bounds()),
            hidden=frozenset(line.lstrip("# ") for line in asked),
        )
        for page, sections in pages.items()
    ]
    queries: dict[str, list[Query]] = {split: [] for split in splits}
    for sort in ("faq_heading", "user_issue"):
        some = [
            Query(row["question"], dict.fromkeys(row["relevant_docs"], 1), sort=sort)
            for row in rows
            if row["kind"] == sort
        ]
        for split, half in _alternating(some, splits).items():
            queries[split] += half
    return Collection(texts, queries, kind="DOCUMENT")


def _headed(section: dict[str, Any], asked: Names[str]) -> tuple[str, str]:
    bare = {line.lstrip("# ") for line in asked}
    headings = [heading for heading in section["headings"] if heading.strip() not in bare]
    lines = [line for line in section["body"].split("\n") if line.strip() not in asked]
    return " > ".join(dict.fromkeys([section["title"], *headings])), "\n".join(lines)


def _similar(data: Path, splits: Names[str], header: Callable[[dict[str, Any]], str]) -> Collection:
    described = _described(data)
    texts = {key: Text(key, header(book), book["description"]) for key, book in described.items()}
    queries = []
    for row in read_lines(data / _SIMILAR[0]):
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
    return Collection(list(texts.values()), _alternating(queries, splits))


def read_similar_descriptions(data: Path, splits: Names[str]) -> Collection:
    """The same by descriptions alone."""
    return _similar(data, splits, lambda _: "")


def read_similar_genres(data: Path, splits: Names[str]) -> Collection:
    """The same by genres and descriptions, without shelves."""
    return _similar(data, splits, lambda book: ", ".join(book["genres"]))


def _alternating(queries: list[Query], splits: Names[str]) -> dict[str, list[Query]]:
    # Where the source has no split: every other question is for choosing weights, the rest for reporting.
    return {split: queries[SPLITS.index(split) :: 2] for split in splits}


def _described(data: Path) -> dict[str, dict[str, Any]]:
    return {str(book["book_id"]): book for book in read_lines(data / _BOOKS) if book.get("description")}


def _product_header(book: dict[str, Any]) -> str:
    series = [(entry["name"], entry["sequence"]) for entry in book["series"]]
    return book_header(book["title"], authors=book["authors"], series=series, tags=book["genres"])


def _tags(book: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys([*book["genres"], *(shelf.replace("-", " ") for shelf in book["shelves"])]))


def _related(book: dict[str, Any], other: dict[str, Any]) -> bool:
    names = {series["name"] for series in book["series"]}
    return bool(set(book["authors"]) & set(other["authors"])) or any(
        series["name"] in names for series in other["series"]
    )


_SCIFACT = "retrieval/scifact_{}.jsonl.gz"
_TOT = ("queries/tot_books_corpus.jsonl.gz", "queries/tot_books_open.jsonl.gz")
_WHATSTHATBOOK = ("queries/whatsthatbook_dev_corpus.jsonl.gz", "queries/whatsthatbook_dev_queries.jsonl.gz")
_BOOKS = "books/goodbooks10k.jsonl.gz"
_SUGGESTMEABOOK = ("queries/suggestmeabook_open.jsonl.gz", _BOOKS)
_SIMILAR = ("similar/coread_open.jsonl.gz", _BOOKS)

_DOCUMENTATION = ("kb/sections.jsonl.gz", "kb/questions.jsonl.gz", "kb/docs")

SCIFACT = "SciFact"
TOT = "tip of the tongue"
SUGGESTIONS = "suggestmeabook"
DOCUMENTATION = "documentation"
SOURCES: dict[str, Source] = {
    SCIFACT: Source(
        tuple(_SCIFACT.format(part) for part in ("corpus", "queries_train", "queries_test")), SPLITS, read_scifact
    ),
    TOT: Source(_TOT, SPLITS, read_tot),
    "whatsthatbook": Source(_WHATSTHATBOOK, (TEST,), read_whatsthatbook),
    SUGGESTIONS: Source(_SUGGESTMEABOOK, (TEST,), read_suggestmeabook),
    "similar by tags": Source(_SIMILAR, SPLITS, read_similar),
    "similar books": Source(_SIMILAR, SPLITS, read_similar_books),
    DOCUMENTATION: Source(_DOCUMENTATION, SPLITS, read_documentation),
}
# What parts of a header add.
ABLATIONS: dict[str, Source] = {
    "similar by description alone": Source(_SIMILAR, (TEST,), read_similar_descriptions),
    "similar by genres": Source(_SIMILAR, (TEST,), read_similar_genres),
}
