"""Mutations while Prowlarr, the tracker and qBittorrent hang, beside the same while all of them answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.cache import exported_model
from benchmarks.measures import Measure, at_most
from tests.campaign.offers import offers
from tests.road.site import Site, open_site
from tests.road.steps import requested, searched, wanted

ROUNDS, AT_A_TIME = 4, 5  # by turns, so that a busy moment of the machine falls on both
RATIO = 1.5  # of medians that differ by chance alone
_LOG_LEVEL = "WARNING"

Mutation = Callable[[int], object]


def measure() -> Iterator[Measure]:
    """Ask so many times for a search, a want and a download: first everybody answers, then nobody does."""
    with TemporaryDirectory(prefix="sgb-") as folder:
        place = Path(folder)
        with open_site(place / "site", place, exported_model(), LOG_LEVEL=_LOG_LEVEL) as site:
            site.add_library()
            site.configure_all()
            mutations = _mutations(site)
            answering: dict[str, list[float]] = {name: [] for name in mutations}
            hanging: dict[str, list[float]] = {name: [] for name in mutations}
            for turn in range(ROUNDS):
                _ask(mutations, 2 * turn * AT_A_TIME, answering)
                with site.hanging():
                    _ask(mutations, (2 * turn + 1) * AT_A_TIME, hanging)
    for name in mutations:
        meanwhile, otherwise = median(hanging[name]), median(answering[name])
        yield at_most(
            f"{name} while all other servers hang: p50 of {ROUNDS * AT_A_TIME}, times that while they answer",
            round(meanwhile / otherwise, 2),
            RATIO,
            "x",
            baseline=f"{meanwhile:.1f} ms while they hang, {otherwise:.1f} ms while they answer",
        )


def _mutations(site: Site) -> dict[str, Mutation]:
    made = asyncio.run(offers(site, 1, 2 * ROUNDS * AT_A_TIME))
    return {
        "searchReleases": lambda number: searched(site, text=f"Voyage {number}"),
        "wantBook": lambda number: wanted(site, f"A wanted book {number}", "Some Author"),
        "requestDownload": lambda number: requested(site, made[number].release),
    }


def _ask(mutations: dict[str, Mutation], first: int, milliseconds: dict[str, list[float]]) -> None:
    for number in range(first, first + AT_A_TIME):
        for name, mutate in mutations.items():
            began = time.perf_counter()
            mutate(number)
            milliseconds[name].append(1000 * (time.perf_counter() - began))
