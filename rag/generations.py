"""Generations on disk: published whole, opened when every checksum holds, pruned when they are old."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np

from rag.errors import GenerationMismatchError, GenerationNotFoundError, GenerationTornError, IndexFileError
from rag.index import SearchIndex, whole
from rag.keywords import Postings
from rag.publishing import published
from rag.segment import PassageRow, Segment

MANIFEST = "manifest.json"
VECTORS = "vectors.faiss"
VOCABULARY = "vocabulary.txt"
# Counted up when stemming, weighting or the files change: older generations are then rebuilt from rows.
FORMAT = 2
# A reader may be opening the last one while the next is published.
KEPT = 2


@dataclass(frozen=True)
class Manifest:
    """What a generation was built from; `files` maps names to SHA-256."""

    format: int
    model: str
    revision: str
    dimension: int
    count: int
    up_to_version: int
    built_at: str
    generation: int
    files: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read and check the manifest of the generation in `folder`. Raises GenerationTornError."""
        try:
            manifest = cls(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
            broken = [name for name, digest in manifest.files.items() if _digest(folder / name) != digest]
        except (OSError, ValueError, TypeError) as error:
            raise GenerationTornError(folder, error) from error
        if broken:
            raise GenerationTornError(folder, f"{', '.join(broken)} changed")
        return manifest


def build_generation(
    folder: Path, *, model: str, revision: str, dimension: int, rows: Sequence[PassageRow], up_to_version: int
) -> SearchIndex:
    """Publish a generation made of `rows` alone and open it."""
    empty = SearchIndex(revision, dimension)
    return publish(folder, empty.with_changes(rows, up_to_version=up_to_version), model=model)


def publish(folder: Path, index: SearchIndex, *, model: str) -> SearchIndex:
    """Publish what `index` holds as the next generation below `folder`, prune, and open it.

    Only one process may publish at a time (the caller holds the lease); any number may read meanwhile.
    """
    home = folder / index.revision
    numbers = generation_numbers(folder, index.revision)
    number = max(numbers, default=0) + 1
    segment = index.compacted()
    with published(generation_folder(home, number)) as building:
        _write(segment, building)
        manifest = Manifest(
            format=FORMAT,
            model=model,
            revision=index.revision,
            dimension=index.dimension,
            count=len(segment),
            up_to_version=index.up_to_version,
            built_at=datetime.now(UTC).isoformat(),
            generation=number,
            files={file.name: _digest(file) for file in sorted(building.iterdir())},
        )
        (building / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    prune(folder, index.revision)
    return open_generation(folder, index.revision, index.dimension, number)


def open_newest(folder: Path, revision: str, dimension: int) -> SearchIndex:
    """Open the newest generation whose checksums hold.

    Raises GenerationNotFoundError when there is none, or the newest one's error when all are unusable:
    the caller then rebuilds from rows.
    """
    failure: IndexFileError = GenerationNotFoundError(folder / revision)
    tried: set[int] = set()
    # Listed again after each failure: a slow reader may find its generation pruned, and newer ones in its place.
    while untried := [number for number in generation_numbers(folder, revision) if number not in tried]:
        try:
            return open_generation(folder, revision, dimension, untried[0])
        except IndexFileError as error:
            failure = error if not tried or untried[0] > max(tried) else failure
            tried.add(untried[0])
    raise failure


def open_generation(folder: Path, revision: str, dimension: int, number: int) -> SearchIndex:
    """Open one generation. Raises GenerationTornError and GenerationMismatchError."""
    home = generation_folder(folder / revision, number)
    manifest = Manifest.read(home)
    expected, found = (FORMAT, revision, dimension), (manifest.format, manifest.revision, manifest.dimension)
    if expected != found:
        raise GenerationMismatchError(home, expected, found)
    try:
        segment = _read(home)
    except (OSError, ValueError, RuntimeError) as error:  # FAISS raises RuntimeError
        raise GenerationTornError(home, error) from error
    return SearchIndex(
        revision=revision,
        dimension=dimension,
        up_to_version=manifest.up_to_version,
        generation=number,
        built_at=datetime.fromisoformat(manifest.built_at),
        parts=(whole(segment),),
    )


def generation_numbers(folder: Path, revision: str) -> list[int]:
    """List the published generations of a model, newest first; cheap enough to ask every second."""
    home = folder / revision
    if not home.is_dir():
        return []
    return sorted((int(child.name) for child in home.iterdir() if child.name.isdigit()), reverse=True)


def prune(folder: Path, revision: str, kept: int = KEPT) -> None:
    """Remove all but the newest `kept` generations; whoever has one open keeps its files mapped."""
    for number in generation_numbers(folder, revision)[kept:]:
        shutil.rmtree(generation_folder(folder / revision, number), ignore_errors=True)


def generation_folder(home: Path, number: int) -> Path:
    """Where a generation lies below the folder of its model."""
    return home / f"{number:08d}"


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write(segment: Segment, folder: Path) -> None:
    faiss.write_index(segment.flat, str(folder / VECTORS))
    (folder / VOCABULARY).write_text("\n".join(segment.postings.vocabulary), encoding="utf-8")
    for name, array in _arrays(segment).items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def _arrays(segment: Segment) -> dict[str, Any]:
    return {
        "passage_ids": segment.passage_ids,
        "owner_kinds": segment.owner_kinds,
        "owner_ids": segment.owner_ids,
        "embedded": segment.embedded,
        "starts": segment.postings.starts,
        "rows": segment.postings.rows,
        "impacts": segment.postings.impacts,
    }


def _read(folder: Path) -> Segment:
    # Mapped, not read: processes on one machine share the pages, and only what queries touch is in memory. As plain
    # arrays, since each slice of a memmap costs ten times as much.
    array = {
        file.stem: np.load(file, mmap_mode="r", allow_pickle=False).view(np.ndarray) for file in folder.glob("*.npy")
    }
    vocabulary = (folder / VOCABULARY).read_text(encoding="utf-8").split("\n")
    count = len(array["passage_ids"])
    flat = faiss.read_index(str(folder / VECTORS), faiss.IO_FLAG_MMAP_IFC)
    if not isinstance(flat, faiss.IndexFlatIP):
        raise GenerationTornError(folder, f"{VECTORS} is a {type(flat).__name__}")
    return Segment(
        passage_ids=array["passage_ids"],
        owner_kinds=array["owner_kinds"],
        owner_ids=array["owner_ids"],
        embedded=array["embedded"],
        flat=flat,
        postings=Postings(
            {stem: place for place, stem in enumerate(vocabulary)},
            array["starts"],
            array["rows"],
            array["impacts"],
            count,
        ),
    )
