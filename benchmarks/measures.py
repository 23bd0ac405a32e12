"""A line of the table: what was measured, what was reached, what is asked for, and what it is compared with."""

from __future__ import annotations

import operator
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

COLUMNS = ("measure", "reached", "bound", "baseline", "ok")


@dataclass(frozen=True)
class Measure:
    """One line; `ok` is None where nothing is asked for and the line informs."""

    name: str
    reached: str
    bound: str = ""
    baseline: str = ""
    ok: bool | None = None


def at_most(name: str, value: float, bound: float, unit: str, *, baseline: str = "") -> Measure:
    """Measure something that should be small."""
    return _bounded(name, value, "≤", bound, unit, baseline)


def at_least(name: str, value: float, bound: float, unit: str, *, baseline: str = "") -> Measure:
    """Measure something that should be large."""
    return _bounded(name, value, "≥", bound, unit, baseline)


def table(measures: Iterable[Measure]) -> str:
    """Lay the lines out in Markdown."""
    rows = [COLUMNS, *((line.name, line.reached, line.bound, line.baseline, _verdict(line.ok)) for line in measures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def circumstances() -> str:
    """Say when and where this was measured, and how busy the machine is: a busy one doubles every time."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{moment} · {os.cpu_count()} cores · Python {platform.python_version()} · load average {load:.1f}"


def _bounded(name: str, value: float, sign: str, bound: float, unit: str, baseline: str) -> Measure:
    holds = operator.le if sign == "≤" else operator.ge
    return Measure(name, _written(value, unit), f"{sign} {_written(bound, unit)}", baseline, holds(value, bound))


def _written(value: float, unit: str) -> str:
    digits = 0 if value == int(value) or abs(value) >= 100 else 2 if abs(value) >= 1 else 4
    return f"{value:,.{digits}f} {unit}".strip()


def _verdict(ok: bool | None) -> str:
    return "" if ok is None else "yes" if ok else "NO"
