"""The documentation is true: generated pages are current, links lead somewhere, commands run, queries fit."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from graphql import FieldNode, OperationDefinitionNode, build_schema, parse, validate

from api.cli import app
from api.schema import export
from docs.generate import PAGES, text_of
from settings import SECRETS, Settings

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "tests/clients/README.md"])
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
# Commands that end by themselves and change nothing, with something they say.
RUNNABLE = {
    "shelfgraph --help": "export-schema",
    "shelfgraph export-schema": "type Query",
    "make": "run every test",
}


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_current(page: str) -> None:
    assert (ROOT / "docs" / page).read_text() == text_of(page), "run: make docs"


def test_every_setting_is_described() -> None:
    page = (ROOT / "docs/settings.md").read_text()
    assert [name for name in Settings.model_fields if f"`SHELFGRAPH_{name.upper()}`" not in page] == []
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_only_settings_that_exist_are_spoken_of() -> None:
    known = {f"SHELFGRAPH_{name.upper()}" for name in Settings.model_fields}
    files = {f"SHELFGRAPH_{name.upper()}_FILE" for name in SECRETS}
    # What the client suites and the benchmarks read, which are not the program.
    suites = {"SHELFGRAPH_URL", "SHELFGRAPH_TOKEN", "SHELFGRAPH_SCHEMA"}
    suites |= {"SHELFGRAPH_BENCH_CACHE", "SHELFGRAPH_BENCH_DATA", "SHELFGRAPH_BENCH_DOCUMENTS"}
    spoken = {name for file in DOCUMENTS for name in re.findall(r"SHELFGRAPH_[A-Z_]+[A-Z]", file.read_text())}
    assert spoken - known - files - suites == set()


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_links_lead_somewhere(file: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", file.read_text())
    local = [target for target in targets if not target.startswith(("http://", "https://"))]
    assert [target for target in local if not (file.parent / target).exists()] == []


def test_files_that_are_spoken_of_exist() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    files = re.findall(
        r"`((?:api|jobs|library|rag|resolvers|tests|web|migrations|benchmarks)/[\w/.]*)(?:::\w+)?`", page
    )
    assert len(files) > 20
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_every_page_is_reached_from_the_readme() -> None:
    pages = {f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")}
    assert pages <= set(re.findall(r"\]\(([^)]+)\)", README))


@pytest.mark.parametrize("command", ["make run", "make test", "make check", "make format", "make lock", "make docs"])
def test_make_knows_the_commands_of_the_documentation(command: str) -> None:
    done = run(["make", "--dry-run", "--always-make", command.removeprefix("make ")])
    assert done.returncode == 0, done.stderr


def test_every_make_command_that_is_spoken_of_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    spoken = {
        name for file in DOCUMENTS for name in re.findall(r"(?:`|^    )make ([a-z]+)", file.read_text(), re.MULTILINE)
    }
    assert spoken <= targets
    assert {"run", "test", "check"} <= spoken


def test_every_shelfgraph_command_that_is_spoken_of_exists() -> None:
    known = {
        command.name or command.callback.__name__.replace("_", "-")
        for command in app.registered_commands
        if command.callback
    }
    spoken = {name for file in DOCUMENTS for name in re.findall(r"(?:`|bin/)shelfgraph ([a-z-]+)", file.read_text())}
    assert spoken <= known
    assert known <= spoken


@pytest.mark.parametrize(("command", "said"), RUNNABLE.items())
def test_commands_that_change_nothing_run(command: str, said: str, tmp_path: Path) -> None:
    program, *arguments = command.split()
    found = str(Path(sys.executable).with_name(program)) if program == "shelfgraph" else program
    done = run([found, *arguments], SHELFGRAPH_DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_the_query_of_the_readme_fits_the_schema_and_its_answer() -> None:
    query, answer = block("graphql"), json.loads(block("json"))
    document = parse(query)
    assert validate(build_schema(export()), document) == []
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    asked = [field.name.value for field in operation.selection_set.selections if isinstance(field, FieldNode)]
    assert list(answer["data"]) == asked


def test_the_readme_opens_with_the_two_commands() -> None:
    opening = README.partition("## ")[0]
    assert "    make run " in opening
    assert "    make test " in opening


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {*project["dependencies"], *project["optional-dependencies"]["dev"]}
    table = (ROOT / "docs/decisions.md").read_text().partition("## The lock")[0]
    named = {
        name for row in re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    }
    assert named == declared


def test_locks_name_versions_and_nothing_else() -> None:
    runtime, development = (pins(name) for name in ("requirements.lock", "requirements-dev.lock"))
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][a-z0-9.]*", pin) for pin in runtime | development)
    assert runtime <= development
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert wanted(project["dependencies"]) <= named(runtime)
    assert wanted(project["optional-dependencies"]["dev"]) <= named(development)


def test_nothing_committed_names_a_machine() -> None:
    listed = run(["git", "ls-files", "--cached", "--others", "--exclude-standard"]).stdout.split()
    places = re.compile(r"(?<![\w.])/(?:work|root|opt)/|/tmp/\w")
    texts = {
        name: (ROOT / name).read_text()
        for name in listed
        if (ROOT / name).suffix != ".lock" and (ROOT / name).is_file()
    }
    assert [name for name, text in texts.items() if places.search(text) and name != "tests/test_docs.py"] == []


def block(language: str) -> str:
    """The readme's first block in a language."""
    return README.partition(f"```{language}\n")[2].partition("```")[0]


def pins(name: str) -> set[str]:
    """The lines of a lock."""
    return set((ROOT / name).read_text().split("\n")) - {""}


def named(pinned: set[str]) -> set[str]:
    """The names of pins."""
    return {pin.partition("==")[0] for pin in pinned}


def wanted(dependencies: list[str]) -> set[str]:
    """The names of dependencies."""
    return {re.split(r"[\[=]", text)[0].lower() for text in dependencies}


def run(command: list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in the project's folder."""
    given = os.environ | environment
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
