"""The demo collection as a data directory: written, scanned, embedded and indexed once, by real processes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from benchmarks.cache import cache_folder, exported_model
from benchmarks.servers import valkey
from demo.writer import write_collection
from library.models.jobs import JobKind
from rag.generations import FORMAT
from tests.processes import Served, environment, serving, wait_until, working

ADD = "mutation($path: String!) { addLibraryRoot(input: {path: $path}) { __typename ... on Error { message } } }"
UNFINISHED = "{ jobs(first: 100) { nodes { kind state } } }"
SEARCHED = """{ semanticSearch(query: "a ship", first: 1) { ... on SemanticSearchPayload {
  info { generation pendingPassages } } } }"""
PATIENCE_SECONDS = 300.0


def demo_site() -> Path:
    """The data directory of the demo collection, ready to be served; takes a minute the first time."""
    site = cache_folder() / f"demo-{FORMAT}"
    if not (site / "complete").exists():
        shutil.rmtree(site, ignore_errors=True)
        _build(site)
        (site / "complete").touch()
    return site


def database_url(site: Path) -> str:
    """The URL of the site's database."""
    return f"sqlite+aiosqlite:///{site / 'shelfgraph.db'}"


def _build(site: Path) -> None:
    shutil.copytree(exported_model().parent, site / "models")
    audiobooks = site / "demo-collection"
    write_collection(audiobooks, lambda _done, _total, _title: None)
    with valkey() as redis_url:
        settings = environment(database_url(site), redis_url, site, LOG_LEVEL="WARNING")
        with serving(settings) as served, working(settings) as worker:
            served.ask(ADD, {"path": str(audiobooks)})
            wait_until(lambda: _is_indexed(served), "the demo collection is indexed", worker, PATIENCE_SECONDS)


def _is_indexed(served: Served) -> bool:
    jobs: Any = served.ask(UNFINISHED)
    states = {job["kind"]: job["state"] for job in reversed(jobs["jobs"]["nodes"])}
    if states.get(JobKind.SCAN_LIBRARY) != "SUCCEEDED" or {"QUEUED", "RUNNING"} & set(states.values()):
        return False
    found: Any = served.ask(SEARCHED)
    info = found["semanticSearch"].get("info")
    return bool(info and info["generation"] > 0 and info["pendingPassages"] == 0)
