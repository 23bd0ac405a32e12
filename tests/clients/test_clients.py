"""Public clients and tools of the GraphQL world work with Shelfgraph as it serves; each suite is one program."""

import json

import pytest

from tests.clients.conftest import FOLDER, Suite

SUITES = ("apollo", "codegen", "eslint", "graphql_http", "graphql_sse", "graphql_ws", "relay", "urql")
SHARED = {"scratch", "server"}


@pytest.mark.parametrize("name", SUITES)
def test_a_public_client_or_tool_is_satisfied(suite: Suite, name: str) -> None:
    done = suite(name)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "\n# fail 0" in done.stdout or "\nℹ fail 0" in done.stdout


def test_every_suite_is_run() -> None:
    assert {file.stem for file in (FOLDER / "suites").glob("*.mjs")} - SHARED == set(SUITES)


def test_the_lock_names_no_registry() -> None:
    packages = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
