"""The demo's own documents: short guides to Shelfgraph, so that questions in the playground have answers."""

from collections.abc import Iterator
from importlib.resources import files


def guides() -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each, by name."""
    for entry in sorted(files("demo").joinpath("documents").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".md"):
            yield entry.name, entry.read_bytes()
