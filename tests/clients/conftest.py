"""The npm packages of the client suites, installed once, and a Shelfgraph that serves."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess, run
from typing import Protocol

import pytest

from api.playground_build import BuildError, Node, find_node, install

FOLDER = Path(__file__).parent
LIMIT_SECONDS = 90


class ServedApi(Protocol):
    """What the fixture `served_api` gives: an address without path, and a token that may do all."""

    url: str
    token: str


Suite = Callable[[str], "CompletedProcess[str]"]


@pytest.fixture(scope="session")
def node() -> Node:
    """Node with the suites' packages installed; installs them when the lock has changed."""
    try:
        found = find_node()
        if _installed() != _locked():
            install(found, FOLDER)
            _stamp().write_text(_locked())
    except BuildError as error:
        _missing(f"{error}; then: cd tests/clients && npm ci")
    return found


@pytest.fixture
def suite(node: Node, served_api: ServedApi) -> Suite:
    """Run one suite against the API that serves."""
    given = {"SHELFGRAPH_URL": served_api.url, "SHELFGRAPH_TOKEN": served_api.token}
    settings = os.environ | given | {"NO_COLOR": "1"}
    return lambda name: run(
        [*node.node, f"suites/{name}.mjs"],
        cwd=FOLDER,
        env=settings,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def _missing(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def _locked() -> str:
    names = ("package.json", "package-lock.json")
    return hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in names)).hexdigest()


def _installed() -> str | None:
    return _stamp().read_text() if _stamp().is_file() else None


def _stamp() -> Path:
    return FOLDER / "node_modules" / ".installed-from"
