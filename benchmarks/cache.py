"""What benchmarks keep between runs, in a folder of the user's cache and never in the project."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rag.embedder import ensure_exported
from rag.query_embedder import OnnxEmbedder, Vectors, load_tokenizer, without_request

_AT_ONCE = 128


def cache_folder() -> Path:
    """The folder that SHELFGRAPH_BENCH_CACHE names, or the user's cache; made when missing."""
    usual = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "shelfgraph-benchmarks"
    folder = Path(os.environ.get("SHELFGRAPH_BENCH_CACHE") or usual).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def exported_model() -> Path:
    """The folder of the default model's export, made the first time."""
    return asyncio.run(ensure_exported(cache_folder() / "models"))


class KeptEmbedder:
    """The product's embedder, which embeds every text once in its life: vectors are kept by the text's hash."""

    def __init__(self) -> None:
        folder = exported_model()
        self._embedder = OnnxEmbedder.open(folder, threads=os.cpu_count() or 1)
        self.card = self._embedder.card
        self.tokenizer = load_tokenizer(folder)
        self._kept = sqlite3.connect(cache_folder() / f"vectors-{self.card.revision[:16]}.db")
        self._kept.execute("CREATE TABLE IF NOT EXISTS vectors (hash TEXT PRIMARY KEY, vector BLOB) WITHOUT ROWID")

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of texts, shape (texts, dimension), in their order."""
        hashes = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        unknown = {digest: text for digest, text in zip(hashes, texts, strict=True) if self._vector(digest) is None}
        for some in _chunks(list(unknown.items())):
            vectors = self._embedder.embed_many([text for _, text in some])
            rows = [(digest, vector.tobytes()) for (digest, _), vector in zip(some, vectors, strict=True)]
            with self._kept:
                self._kept.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
        found = [np.frombuffer(self._vector(digest) or b"", np.float32) for digest in hashes]
        return np.stack(found) if found else np.empty((0, self.card.dimension), np.float32)

    def embed_questions(self, questions: Sequence[str]) -> Vectors:
        """Unit vectors of what questions are about, as the product embeds them."""
        return without_request(self.embed(questions), self._embedder.request)

    def kept(self, limit: int) -> Vectors:
        """Some of the vectors that were ever made, shape (vectors, dimension), in the order of their texts' hashes."""
        rows = self._kept.execute("SELECT vector FROM vectors ORDER BY hash LIMIT ?", (limit,)).fetchall()
        return np.array([np.frombuffer(row[0], np.float32) for row in rows]).reshape(-1, self.card.dimension)

    def _vector(self, digest: str) -> bytes | None:
        row: tuple[bytes] | None = self._kept.execute("SELECT vector FROM vectors WHERE hash = ?", (digest,)).fetchone()
        return row[0] if row is not None else None


def _chunks(items: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
