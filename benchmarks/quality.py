"""Retrieval quality as lines of `python -m benchmarks`: ours against the bounds, on SQLite and on Postgres.

The index of ours is made from rows by the product's own path and must answer exactly like one made in memory. Its
constants come from training queries (benchmarks/tune.py), which are not asked here; `make eval` shows everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.baselines import VECTOR
from benchmarks.cache import KeptEmbedder
from benchmarks.collections import SCIFACT, SOURCES, TEST, Collection, data_folder
from benchmarks.indexes import making
from benchmarks.judging import OURS, Judgement, answers_of, bound, counting, judge_baselines, judge_shelf
from benchmarks.measures import Measure, at_least, at_most
from benchmarks.servers import DATABASES
from benchmarks.shelves import Shelf, in_memory

SCIFACT_VECTOR, SCIFACT_VECTOR_OFF = 0.645, 0.005
EMPTY_AT_MOST = 0.01


def measure() -> Iterator[Measure]:
    """Judge every collection whose files are there."""
    embedder = KeptEmbedder()
    for name, source in SOURCES.items():
        if missing := source.missing(data_folder()):
            yield Measure(f"{name}: {counting(name)}", f"skipped: no {data_folder() / missing[0]}")
        else:
            yield from _judged(name, source.read(data_folder(), (TEST,)), embedder)


def reached(name: str, judged: Sequence[Judgement], where: str) -> Iterator[Measure]:
    """Lines that say what ours reached and what it should, for all queries of a collection and for each sort."""
    for sort in sorted({one.sort for one in judged}):
        some = {one.system: one for one in judged if one.sort == sort}
        ours = some.pop(OURS)
        baselines = {system: one.counts for system, one in some.items() if not system.startswith("our")}
        beside = ", ".join(f"{system} {value:.4f}" for system, value in baselines.items())
        title = f"{name}{sort and f' ({sort})'}, {ours.quality.queries} {ours.split} queries{where}: {counting(name)}"
        asked_for = bound(name, max(baselines.values()))
        if asked_for is None:
            interval = f"{ours.counts:.4f} ({ours.quality.low:.4f} to {ours.quality.high:.4f})"
            yield Measure(title, interval, baseline=beside)
        else:
            yield at_least(title, round(ours.counts, 4), round(asked_for, 4), "", baseline=beside)


def _judged(name: str, collection: Collection, embedder: KeptEmbedder) -> Iterator[Measure]:
    baselines = judge_baselines(name, collection, TEST, embedder)
    if name == SCIFACT:
        yield from _vector_alone(baselines)
    remembered = Shelf.build(embedder, collection, in_memory)
    expected = answers_of(collection, embedder, remembered)
    queries = collection.queries[TEST]
    for database in DATABASES:
        with making(database, embedder.card.model) as make_index:
            shelf = Shelf.build(embedder, collection, make_index)
            ours = judge_shelf(name, collection, TEST, embedder, shelf)
            found = answers_of(collection, embedder, shelf)
        yield from reached(name, [*baselines, *ours], f", {database}")
        same = sum(answer == other for answer, other in zip(found, expected, strict=True))
        yield at_least(f"{name}, {database}: answers like those from memory", same, len(queries), "")
    empty = round(remembered.empty_share(queries), 4)
    yield at_most(f"{name}: share of empty keyword legs", empty, EMPTY_AT_MOST, "")


def _vector_alone(baselines: Sequence[Judgement]) -> Iterator[Measure]:
    found = next(one.counts for one in baselines if one.system == VECTOR)
    limits = f"{SCIFACT_VECTOR} ± {SCIFACT_VECTOR_OFF}"
    holds = abs(found - SCIFACT_VECTOR) <= SCIFACT_VECTOR_OFF
    yield Measure(f"{SCIFACT}: nDCG@10 of vectors of whole texts cut at the window", f"{found:.4f}", limits, "", holds)
