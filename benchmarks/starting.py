"""The API's second start: how soon it is ready, answers by meaning, and how much memory it then holds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median
from typing import Any, NamedTuple

import httpx
import psutil

from benchmarks.demo_site import database_url, demo_site
from benchmarks.measures import Measure, at_most
from benchmarks.searching import QUESTION
from benchmarks.servers import valkey
from demo.questions import EXAMPLE_QUESTIONS
from tests.processes import Served, environment, serving

READY_SECONDS, ANSWER_SECONDS, MEGABYTES = 2.0, 3.0, 300.0
STARTS = 5


class Start(NamedTuple):
    """Seconds from the start of the process, and megabytes resident after the first answers."""

    ready: float
    answer: float
    resident: float


def measure() -> Iterator[Measure]:
    """Start the API on the demo collection several times, and give medians."""
    site = demo_site()
    with valkey() as redis_url:
        settings = environment(database_url(site), redis_url, site, LOG_LEVEL="WARNING")
        starts = [_start(settings) for _ in range(STARTS)]
    of = f"of {STARTS} second starts"
    yield at_most(f"API ready with `search: READY`, median {of}", median(_column(starts, 0)), READY_SECONDS, "s")
    yield at_most(f"API's first semantic answer, median {of}", median(_column(starts, 1)), ANSWER_SECONDS, "s")
    name = "API's resident memory after fifteen answers, greatest"
    yield at_most(f"{name} {of}", max(_column(starts, 2)), MEGABYTES, "MB")


def _start(settings: dict[str, str]) -> Start:
    began = time.perf_counter()
    with serving(settings) as served, served.client as client:
        while _readiness(client).get("search") != "READY":
            time.sleep(0.005)
        ready = time.perf_counter() - began
        _ask(served, client, EXAMPLE_QUESTIONS[0].question)
        answer = time.perf_counter() - began
        for example in EXAMPLE_QUESTIONS:
            _ask(served, client, example.question)
        return Start(ready, answer, psutil.Process(served.process.pid).memory_info().rss / 1e6)


def _readiness(client: httpx.Client) -> dict[str, str]:
    answer = client.get("/health/ready")
    body: dict[str, str] = answer.json()
    return body


def _ask(served: Served, client: httpx.Client, question: str) -> None:
    body: Any = client.post("/graphql", json={"query": QUESTION, "variables": {"question": question}}).json()
    assert body["data"]["semanticSearch"]["edges"], f"{served.url} found nothing"


def _column(starts: list[Start], place: int) -> list[float]:
    return [start[place] for start in starts]
