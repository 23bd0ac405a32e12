"""Choosing the constants of the ranking on training queries: `python -m benchmarks.tune`.

Read are SciFact's training queries and every other question of tip-of-the-tongue, of the documentation and of the
similar books; no test query is embedded or asked. A setting's value is the mean over these collections of what counts
there (`benchmarks.judging.counting`) divided by that of the best baseline (vector, bm25s or their fusion), so that easy
and hard ones count alike. The grid is fixed; what wins is written by hand into rag/keywords.py and rag/search.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import product
from types import ModuleType

from benchmarks.cache import KeptEmbedder
from benchmarks.collections import SOURCES, TRAIN, Collection, data_folder
from benchmarks.judging import Quality, counting, judge_baselines
from benchmarks.shelves import Shelf, asked, in_memory
from rag import keywords
from rag import search as ranking

Setting = Mapping[str, float]

# Each stage starts from the winner of the one before.
BUILT: dict[str, Sequence[float]] = {"K1": (0.9, 1.2, 1.6), "B": (0.4, 0.6, 0.75), "HEADER_WEIGHT": (1.0, 2.0, 3.0)}
ASKED: dict[str, Sequence[float]] = {
    "KEYWORD_WORTH": (0.15, 0.2, 0.25, 0.3, 0.4),
    "SECOND_SHARE": (0.0, 0.05, 0.15, 0.3),
}
LIKENED: dict[str, Sequence[float]] = {
    "SIMILAR_KEYWORD_WORTH": (0.2, 0.3, 0.4, 0.6, 0.8, 1.2),
    "SIMILAR_HEADER_WEIGHT": (1.0, 2.0, 3.0, 5.0),
}
SHOWN = 12


class Trial:
    """A collection's training queries, with the best that a baseline reaches on them."""

    def __init__(self, name: str, collection: Collection, embedder: KeptEmbedder) -> None:
        self.name = name
        self.likens = collection.queries[TRAIN][0].document is not None
        self._shelf = Shelf.build(embedder, collection, in_memory)
        self._queries = collection.queries[TRAIN]
        self._asked = asked(self._queries, embedder.embed_questions)
        baselines = judge_baselines(name, collection, TRAIN, embedder)
        self.best_baseline = max(one.counts for one in baselines if not one.sort)

    def rebuild(self) -> None:
        """Weigh the words anew."""
        shelf = self._shelf
        made = in_memory(shelf.rows, shelf.index.revision, shelf.index.dimension)
        self._shelf = replace(shelf, index=made)

    def gain(self) -> float:
        """What counts of ours by that of the best baseline."""
        counts = counting(self.name)
        quality = Quality.of(self._queries, [answer.ids for answer in self._shelf.ask_all(self._asked)], counts)
        return float(getattr(quality, counts)) / self.best_baseline


def main() -> None:
    """Print the grid and what wins."""
    embedder = KeptEmbedder()
    sources = {name: source for name, source in SOURCES.items() if TRAIN in source.splits}
    trials = [Trial(name, source.read(data_folder(), (TRAIN,)), embedder) for name, source in sources.items()]
    print(
        "training queries: " + ", ".join(f"{trial.name} (best baseline {trial.best_baseline:.4f})" for trial in trials)
    )
    words = _winner(_tried(BUILT | ASKED, [trial for trial in trials if not trial.likens]))
    likened = [trial for trial in trials if trial.likens]
    with _constants(words):
        for trial in likened:
            trial.rebuild()
        alike = _winner(_tried(LIKENED, likened))
    print("chosen: " + _written({**words, **alike}))


def _tried(
    grid: Mapping[str, Sequence[float]], trials: Sequence[Trial]
) -> Iterator[tuple[float, Setting, list[float]]]:
    """Every setting of a grid with its value, and with the gain on each collection."""
    built = [name for name in grid if name in BUILT]
    asked_only = [name for name in grid if name not in BUILT]
    for outer in _settings(built, grid):
        with _constants(outer):
            for trial in trials if built else ():
                trial.rebuild()
            for inner in _settings(asked_only, grid):
                with _constants(inner):
                    gains = [trial.gain() for trial in trials]
                yield sum(gains) / len(gains), {**outer, **inner}, gains


def _winner(tried: Iterable[tuple[float, Setting, list[float]]]) -> Setting:
    ranked = sorted(tried, key=lambda trial: -trial[0])
    for value, setting, gains in ranked[:SHOWN]:
        print(f"{value:.4f}  ({', '.join(f'{gain:.4f}' for gain in gains)})  {_written(setting)}", flush=True)
    print(f"… and {len(ranked) - SHOWN} more, down to {ranked[-1][0]:.4f} with {_written(ranked[-1][1])}")
    return ranked[0][1]


def _settings(names: Sequence[str], grid: Mapping[str, Sequence[float]]) -> list[Setting]:
    return [dict(zip(names, values, strict=True)) for values in product(*(grid[name] for name in names))]


@contextmanager
def _constants(setting: Setting) -> Iterator[None]:
    """Put other values into the constants for a while: the product has one value for each, and no parameter."""
    before = {name: getattr(_home(name), name) for name in setting}
    try:
        for name, value in setting.items():
            setattr(_home(name), name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(_home(name), name, value)


def _home(name: str) -> ModuleType:
    return keywords if hasattr(keywords, name) else ranking


def _written(setting: Setting) -> str:
    return " ".join(f"{name}={value:g}" for name, value in setting.items())


if __name__ == "__main__":
    main()
