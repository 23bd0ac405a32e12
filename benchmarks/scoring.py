"""Judging 1,000 releases, matching included, beside what rapidfuzz alone needs to compare their titles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import cycle, islice, product
from statistics import median
from typing import TypeVar

from rapidfuzz import fuzz

from benchmarks.measures import Measure, at_most
from library.releases import QualityProfile, ReleaseFacts, Wanted, judge, merge, read_title
from library.scanning.series import SeriesMention

T = TypeVar("T")

RELEASES = 1_000
ROUNDS = 9
MOST_MILLISECONDS = 100
WANTED = Wanted(
    title="A Study in Scarlet",
    authors=("Arthur Conan Doyle", "A. Conan Doyle"),
    series=(SeriesMention("Sherlock Holmes", "1"),),
    durations=(16_500.0, 17_100.0),
)
PROFILE = QualityProfile(languages=("en",), preferred_narrators=("Jane Reader",))
BOOKS = (
    ("Arthur Conan Doyle", "A Study in Scarlet"),
    ("Sir Arthur Conan Doyle", "A Study in Scarlet: A Sherlock Holmes Novel"),
    ("Arthur Conan Doyle", "The Sign of Four"),
    ("Arthur Conan Doyle", "Sherlock Holmes 01 - A Study in Scarlet"),
    ("H. G. Wells", "The Time Machine"),
    ("Jane Austen", "Pride and Prejudice"),
)
SHAPES = (
    "{author} - {title} (Unabridged) [M4B] {rate}kbps #{number}",
    "{title} by {author} [ENG / MP3] [VIP] {number}",
    "{author} - {title} - read by Reader {number} (2019) MP3 {rate}k",
    "{title} {{Reader {number}}} [m4b, {rate} kbps, 4 hrs 35 mins]",
)


def measure() -> Iterator[Measure]:
    """Judge releases as a search brings them: some from fields of their own, most from free titles, all different."""
    # Other releases each time, as nothing is asked to be remembered of the last search.
    rounds = [_titles(start) for start in range(0, ROUNDS * RELEASES, RELEASES)]
    releases = [[_facts(number, title) for number, title in enumerate(titles)] for titles in rounds]
    judged = _milliseconds(_judge_all, releases)
    alone = _milliseconds(_compare_all, rounds)
    read = _milliseconds(_read_all, rounds)
    beside = f"rapidfuzz token_set_ratio of the titles alone {alone:.1f} ms"
    yield at_most(f"judging {RELEASES:,} releases", round(judged, 1), MOST_MILLISECONDS, "ms", baseline=beside)
    yield Measure(f"reading the titles of {RELEASES:,} releases, once when they are found", f"{read:.0f} ms")


def _titles(start: int) -> list[str]:
    shapes = islice(cycle(product(BOOKS, SHAPES, (64, 96, 128))), RELEASES)
    return [
        shape.format(author=author, title=title, rate=rate, number=number)
        for number, ((author, title), shape, rate) in enumerate(shapes, start)
    ]


def _facts(number: int, title: str) -> ReleaseFacts:
    said = ReleaseFacts(size_bytes=90_000_000 + number * 100_000, seeders=number % 60, files=1 + number % 30)
    if number % 3:
        return merge(said, read_title(title))
    author, name = BOOKS[number % len(BOOKS)]
    return merge(
        replace(said, title=f"{name} {title[-4:]}" if number % 2 else name, authors=(author,)), read_title(title)
    )


def _judge_all(releases: Sequence[ReleaseFacts]) -> None:
    for release in releases:
        judge(release, WANTED, PROFILE)


def _compare_all(titles: Sequence[str]) -> None:
    wanted = f"{WANTED.authors[0]} {WANTED.title}"
    for title in titles:
        fuzz.token_set_ratio(wanted, title)


def _read_all(titles: Sequence[str]) -> None:
    for title in titles:
        read_title(title)


def _milliseconds(run: Callable[[T], None], rounds: Sequence[T]) -> float:
    times = []
    for one in rounds:
        began = time.perf_counter()
        run(one)
        times.append(time.perf_counter() - began)
    return median(times) * 1_000
