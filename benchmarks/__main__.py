"""One table of everything that is measured: `python -m benchmarks [--only NAME]…`."""

from __future__ import annotations

import argparse
import logging
import os
import sys

import structlog

from benchmarks import (
    answering,
    embedding,
    following,
    freshness,
    ingesting,
    polling,
    quality,
    scoring,
    searching,
    starting,
    statements,
    vectors,
    waiting,
)
from benchmarks.measures import Measure, circumstances, table

BENCHMARKS = {
    "statements": statements.measure,
    "starting": starting.measure,
    "searching": searching.measure,
    "embedding": embedding.measure,
    "freshness": freshness.measure,
    "ingesting": ingesting.measure,
    "quality": quality.measure,
    "answers": answering.measure,
    "scoring": scoring.measure,
    "polling": polling.measure,
    "following": following.measure,
    "waiting": waiting.measure,
    "vectors": vectors.measure,
}


def main() -> int:
    """Measure one thing after the other, and print the table; the exit code says whether all bounds hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="measure this alone; may be repeated")
    chosen = parser.parse_args().only or list(BENCHMARKS)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    lines: list[Measure] = []
    before = circumstances()
    for name in chosen:
        print(f"measuring {name} … load average {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
        lines.extend(BENCHMARKS[name]())
    print(f"\nbegun {before}\nended {circumstances()}\n\n{table(lines)}")
    return int(any(line.ok is False for line in lines))


if __name__ == "__main__":
    sys.exit(main())
