"""Looks for known secrets in whatever a run has left, in all the clothes they may wear."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST = 8  # fewer characters also occur by chance


def forms(secret: str) -> Iterator[bytes]:
    """A secret raw, URL-encoded, JSON-escaped, and as it looks inside base64 text at each of three positions."""
    for text in {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}:
        yield text.encode()
        yield text.replace("/", "\\/").encode()
        yield quote(text, safe="").encode()
        yield from _base64_forms(text.encode())


def found(secrets: Mapping[str, Iterable[str]], places: Mapping[str, bytes]) -> list[str]:
    """Which secrets are where, by their names: "the API key in the log"; an empty list is what a test wants."""
    return sorted(
        {
            f"{name} in {place}"
            for name, values in secrets.items()
            for value in values
            if len(value) >= SHORTEST
            for form in set(forms(value))
            for place, content in places.items()
            if form in content
        }
    )


def files(folder: Path, *patterns: str) -> dict[str, bytes]:
    """What is in the files below a folder, by their paths."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for pattern in patterns
        for path in folder.rglob(pattern)
        if path.is_file()
    }


def _base64_forms(content: bytes) -> Iterator[bytes]:
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + content)
        # Its ends share characters with whatever stands before and after.
        inner = coded[(0, 2, 3)[shift] : len(coded) - 4 if (shift + len(content)) % 3 else len(coded)]
        if len(inner) >= SHORTEST:
            yield inner
            yield inner.replace(b"+", b"-").replace(b"/", b"_")
