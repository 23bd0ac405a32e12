"""Generations are published whole, read by many, and never trusted when torn."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from rag.errors import GenerationMismatchError, GenerationNotFoundError, GenerationTornError
from rag.generations import build_generation, generation_numbers, open_newest, prune, publish
from rag.index import SearchIndex
from rag.publishing import ABANDONED_SECONDS, PREFIX
from rag.search import search
from rag.segment import PassageRow
from tests.rag.toys import DIMENSION, row, toy_vector

ROWS = [
    row(1, "A whale at sea.", toy_vector(sea=1), header="Moby Dick"),
    row(2, "Spice and sand.", toy_vector(desert=1), header="Dune", kind="document", owner=9),
    row(3, "Not embedded yet."),
]


def build(folder: Path, rows: list[PassageRow] = ROWS, version: int = 3) -> SearchIndex:
    return build_generation(folder, model="toy", revision="abc", dimension=DIMENSION, rows=rows, up_to_version=version)


async def found(index: SearchIndex) -> list[object]:
    return [
        await search(index, query, vector, first=9)
        for query, vector in (("whale", toy_vector(sea=1)), ("dune", None), ("embedded", toy_vector(desert=1)))
    ]


async def test_an_opened_generation_answers_like_the_rows_it_was_built_from(tmp_path: Path) -> None:
    built = build(tmp_path)
    index = open_newest(tmp_path, "abc", DIMENSION)
    assert (index.generation, index.up_to_version, index.count, index.pending) == (1, 3, 3, 1)
    assert index.built_at == built.built_at
    assert await found(index) == await found(built) == await found(SearchIndex("abc", DIMENSION).with_changes(ROWS))


async def test_changes_behind_a_generation_become_the_next_one(tmp_path: Path) -> None:
    changed = build(tmp_path).with_changes([row(4, "A war.", toy_vector(war=1))], [2], up_to_version=5)
    after = publish(tmp_path, changed, model="toy")
    assert (after.generation, after.up_to_version, after.count, len(after.parts)) == (2, 5, 3, 1)
    assert await found(after) == await found(changed)


async def test_an_empty_library_has_a_generation_too(tmp_path: Path) -> None:
    build(tmp_path, [], 0)
    index = open_newest(tmp_path, "abc", DIMENSION)
    assert await search(index, "anything", toy_vector(sea=1), first=5) == []
    assert index.with_changes(ROWS).count == 3


def test_the_last_two_generations_are_kept(tmp_path: Path) -> None:
    for version in range(4):
        build(tmp_path, version=version)
    assert generation_numbers(tmp_path, "abc") == [4, 3]
    assert generation_numbers(tmp_path, "other") == []


async def test_a_reader_keeps_its_generation_while_it_is_pruned(tmp_path: Path) -> None:
    index = build(tmp_path)
    before = await found(index)
    build(tmp_path, [])
    prune(tmp_path, "abc", kept=1)
    assert generation_numbers(tmp_path, "abc") == [2]
    assert await found(index) == before


@pytest.mark.parametrize("name", ["vectors.faiss", "vocabulary.txt", "passage_ids.npy", "impacts.npy", "manifest.json"])
@pytest.mark.parametrize("how", ["cut", "changed", "lost"])
def test_a_torn_generation_is_refused_and_the_one_before_taken(tmp_path: Path, name: str, how: str) -> None:
    build(tmp_path, version=3)
    build(tmp_path, version=4)
    file = tmp_path / "abc" / "00000002" / name
    content = file.read_bytes()
    if how == "lost":
        file.unlink()
    elif how == "cut":
        file.write_bytes(content[: len(content) // 2])
    else:
        file.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    assert open_newest(tmp_path, "abc", DIMENSION).up_to_version == 3


def test_when_every_generation_is_torn_the_caller_is_told_to_rebuild(tmp_path: Path) -> None:
    build(tmp_path)
    (tmp_path / "abc" / "00000001" / "vectors.faiss").write_bytes(b"")
    with pytest.raises(GenerationTornError, match="Rebuild it from rows"):
        open_newest(tmp_path, "abc", DIMENSION)
    assert build(tmp_path).generation == 2


def test_without_a_generation_the_caller_is_told_to_rebuild(tmp_path: Path) -> None:
    with pytest.raises(GenerationNotFoundError):
        open_newest(tmp_path, "abc", DIMENSION)


def test_a_generation_of_another_dimension_or_model_is_not_opened(tmp_path: Path) -> None:
    build(tmp_path)
    with pytest.raises(GenerationMismatchError, match="Rebuild it from rows"):
        open_newest(tmp_path, "abc", DIMENSION + 1)
    (tmp_path / "abc").rename(tmp_path / "xyz")
    with pytest.raises(GenerationMismatchError, match="xyz"):
        open_newest(tmp_path, "xyz", DIMENSION)


def test_what_a_crashed_builder_left_is_not_read_and_is_swept_later(tmp_path: Path) -> None:
    home = tmp_path / "abc"
    old, new = home / f"{PREFIX}old", home / f"{PREFIX}new"
    old.mkdir(parents=True)
    new.mkdir()
    os.utime(old, (0, new.stat().st_mtime - 2 * ABANDONED_SECONDS))
    assert generation_numbers(tmp_path, "abc") == []
    build(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)


def test_two_readers_see_whole_generations_while_they_are_swapped(tmp_path: Path) -> None:
    # Generation n holds n passages of version n: a mixture would not add up.
    def rows(count: int) -> list[PassageRow]:
        return [row(number, f"word{count}", toy_vector(sea=1)) for number in range(1, count + 1)]

    build(tmp_path, rows(1), 1)
    seen: list[tuple[int, int, int]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            index = open_newest(tmp_path, "abc", DIMENSION)
            hits = asyncio.run(search(index, f"word{index.up_to_version}", None, first=50))
            seen.append((index.up_to_version, index.count, len(hits)))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for count in range(2, 12):
        build(tmp_path, rows(count), count)
    done.set()
    for reader in readers:
        reader.join()
    assert seen
    assert all(version == count == hits for version, count, hits in seen)


async def test_a_published_vector_keeps_its_bits(tmp_path: Path) -> None:
    vector = np.random.default_rng(1).normal(size=DIMENSION).astype(np.float32)
    vector /= np.linalg.norm(vector)
    index = build(tmp_path, [row(1, vector=vector)])
    assert (await index.vectors(np.array([1]))).tolist() == [vector.tolist()]
