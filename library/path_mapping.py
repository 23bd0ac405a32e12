"""Where the download client's folders are on this machine: the same disk seen from two places has two paths."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from library.errors import BadInput

_SHOWN_PARTS = 2
_WINDOWS = re.compile(r"[A-Za-z]:(?:[\\/]|$)|\\\\")  # a drive, or a share


@dataclass(frozen=True, slots=True)
class PathMapping:
    """One folder under its two names: `theirs` as the client sees it, `ours` as this server does."""

    theirs: str
    ours: str


class UnsafePath(BadInput):
    """A path that climbs out of its folder."""

    def __init__(self) -> None:
        super().__init__("A path with `..` in it is never followed. Give the folder's real path.")


def mappings_of(options: Mapping[str, Any]) -> tuple[PathMapping, ...]:
    """The path mappings among a client's options; half-filled entries say nothing."""
    entries = options.get("path_mappings") or ()
    return tuple(
        PathMapping(entry["theirs"], entry["ours"]) for entry in entries if entry.get("theirs") and entry.get("ours")
    )


def to_ours(path: str, mappings: Iterable[PathMapping]) -> str:
    """The client's path as this server sees it: by the longest mapping that covers it, else unchanged.

    Windows paths of the client are understood, whatever their case and slashes. Raises UnsafePath.
    """
    pure = _safe(path)
    covering = [(theirs, mapping.ours) for mapping in mappings if _covers(theirs := _safe(mapping.theirs), pure)]
    if not covering:
        return path
    theirs, ours = max(covering, key=lambda pair: len(pair[0].parts))
    return str(_safe(ours).joinpath(*pure.parts[len(theirs.parts) :]))


def candidates(theirs: str, folders: Iterable[str]) -> Iterator[PathMapping]:
    """Mappings that would explain a path that is not found: its last folders below folders that are known here.

    The caller looks which of the `ours` exist. The deepest likeness comes first.
    """
    names = _names(_safe(theirs))
    places = list(dict.fromkeys(folders))
    for start in range(len(names)):
        for place in places:
            yield PathMapping(theirs, str(PurePosixPath(place, *names[start:])))


def shown(path: str) -> str:
    """The end of a path, for people who may not know where everything lies on the server."""
    names = _names(_pure(path))
    return "/".join(["…", *names[-_SHOWN_PARTS:]]) if len(names) > _SHOWN_PARTS else "/".join(names) or "…"


def _covers(folder: PurePath, path: PurePath) -> bool:
    if type(folder) is not type(path):
        return False
    # PurePath compares as its system does: Windows names without regard to case.
    return folder == path or folder in path.parents


def _names(path: PurePath) -> list[str]:
    return [part for part in path.parts if part != path.anchor]


def _safe(path: str) -> PurePath:
    pure = _pure(path)
    if ".." in pure.parts:
        raise UnsafePath
    return pure


def _pure(path: str) -> PurePath:
    return PureWindowsPath(path) if _WINDOWS.match(path) else PurePosixPath(path)
