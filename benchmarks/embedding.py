"""Passages per second: the worker's embedder beside a bare `SentenceTransformer.encode` on the same texts."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.cache import exported_model
from benchmarks.collections import SCIFACT, SOURCES, TEST, data_folder
from benchmarks.measures import Measure, at_least
from demo.books import load_books
from jobs.embeddings import WINDOW
from rag.embedder import DEFAULT_PACKAGE
from rag.query_embedder import OnnxEmbedder

PASSAGES = 192
ROUNDS = 3


def measure() -> Iterator[Measure]:
    """Embed the same passages by turns; the worker takes windows as its job does."""
    texts = _texts()
    embedder = OnnxEmbedder.open(exported_model(), threads=os.cpu_count() or 1)
    transformer = _bare()
    bare = partial(transformer.encode, list(texts), show_progress_bar=False)
    whole, job = partial(embedder.embed_many, texts), partial(_in_windows, embedder, texts)
    for warm_up in (partial(embedder.embed_many, texts[:WINDOW]), partial(transformer.encode, list(texts[:WINDOW]))):
        warm_up()
    rounds = [(_seconds(job), _seconds(bare), _seconds(whole)) for _ in range(ROUNDS)]
    by_job, by_bare, by_whole = (len(texts) / median(column) for column in zip(*rounds, strict=True))
    beside = f"SentenceTransformer.encode {by_bare:.0f}/s"
    name = f"embedding {len(texts)} passages in windows of the worker's job"
    yield at_least(f"{name}: speed / bare encode", round(by_job / by_bare, 2), 1.0, "×", baseline=beside)
    yield Measure(f"{name}: passages a second", f"{by_job:.0f}/s, in one call {by_whole:.0f}/s")


def _bare() -> Any:
    # As anybody would load it; the product's own loading chooses what can be exported.
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 the other benchmarks run without torch

    found = importlib.util.find_spec(DEFAULT_PACKAGE)
    assert found is not None
    assert found.origin is not None
    return SentenceTransformer(str(Path(found.origin).parent / "model"), device="cpu")


def _texts() -> list[str]:
    # Abstracts, of unlike lengths; without the data, what the demo's books tell, over and over.
    source = SOURCES[SCIFACT]
    if source.missing(data_folder()):
        return list(islice(cycle(book.blurb for book in load_books()), PASSAGES))
    return [text.whole for text in source.read(data_folder(), (TEST,)).texts[:PASSAGES]]


def _in_windows(embedder: OnnxEmbedder, texts: Sequence[str]) -> None:
    for start in range(0, len(texts), WINDOW):
        embedder.embed_many(texts[start : start + WINDOW])


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
