"""One table of retrieval quality: `python -m benchmarks.eval [--only NAME]… [--database KIND] [--train]`.

Every collection is judged for keywords alone, vectors alone, their plain fusion, the product's two legs, and ours.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence

from benchmarks.baselines import SYSTEMS
from benchmarks.cache import KeptEmbedder
from benchmarks.collections import ABLATIONS, SOURCES, TEST, TRAIN, Source, data_folder
from benchmarks.indexes import MEMORY, PGVECTOR, making
from benchmarks.judging import RESAMPLES, SEED, Judgement, judge_baselines, judge_shelf
from benchmarks.measures import circumstances, table
from benchmarks.quality import reached
from benchmarks.servers import DATABASES
from benchmarks.shelves import Shelf

COLUMNS = ("collection", "split", "queries", "system", "nDCG@10", "recall@10", "recall@100", "MRR@10", "95 %", "p50 ms")
KINDS = {MEMORY: MEMORY, PGVECTOR: PGVECTOR, **{kind.lower(): kind for kind in DATABASES}}


def main() -> int:
    """Judge, print the table and what holds; the exit code says whether every bound does."""
    sources = SOURCES | ABLATIONS
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eval", description=__doc__)
    parser.add_argument("--only", action="append", choices=sources, help="judge this alone; may be repeated")
    parser.add_argument("--database", choices=KINDS, default=MEMORY, help="where the passages lie")
    parser.add_argument("--train", action="store_true", help="judge the training queries as well")
    given = parser.parse_args()
    embedder = KeptEmbedder()
    judged: list[Judgement] = []
    for name in given.only or sources:
        if missing := sources[name].missing(data_folder()):
            print(f"{name}: skipped, there is no {data_folder() / missing[0]}")
            continue
        print(f"{name}: data {sources[name].digest(data_folder())}", flush=True)
        splits = [TRAIN, TEST] if given.train else [TEST]
        judged += _judged(name, sources[name], splits, KINDS[given.database], embedder)
    print(f"\n{circumstances()} · revision {_revision()} · model {embedder.card.revision[:12]} · {given.database}")
    print(f"95 %: bootstrap of what counts, {RESAMPLES} resamples, seed {SEED}\n\n{_table(judged)}\n")
    lines = [line for some in _groups(judged) for line in reached(some[0].collection, some, "")]
    print(table(lines))
    return int(any(line.ok is False for line in lines))


def _judged(
    name: str, source: Source, splits: Sequence[str], database: str, embedder: KeptEmbedder
) -> Iterator[Judgement]:
    splits = [split for split in splits if split in source.splits]
    collection = source.read(data_folder(), splits)
    with making(database, embedder.card.model) as make_index:
        shelf = Shelf.build(embedder, collection, make_index)
        for split in splits:
            yield from judge_baselines(name, collection, split, embedder)
            yield from judge_shelf(name, collection, split, embedder, shelf)


def _groups(judged: Sequence[Judgement]) -> Iterator[list[Judgement]]:
    # What parts of a header add is shown, and nothing asked of it.
    for name, split in dict.fromkeys((one.collection, one.split) for one in judged if one.collection in SOURCES):
        yield [one for one in judged if (one.collection, one.split) == (name, split)]


def _table(judged: Sequence[Judgement]) -> str:
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(_row(one) for one in judged)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def _row(one: Judgement) -> tuple[str, ...]:
    quality = one.quality
    values = (quality.ndcg_10, quality.recall_10, quality.recall_100, quality.mrr_10)
    system = one.system if one.system in SYSTEMS else f"**{one.system}**"
    return (
        f"{one.collection}{one.sort and f' ({one.sort})'}",
        one.split,
        str(quality.queries),
        system,
        *(f"{value:.4f}" for value in values),
        f"{quality.low:.3f} to {quality.high:.3f}",
        "" if one.milliseconds is None else f"{one.milliseconds:.1f}",
    )


def _revision() -> str:
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return found or "unknown"


if __name__ == "__main__":
    sys.exit(main())
