"""Passages, vectors and the changes an index follows."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from library import books, passages
from library.database import Database
from library.passages import Changes, Counts, NewPassage

MODEL = "toy"


def texts(*lines: str) -> list[NewPassage]:
    return [
        NewPassage(place, "Header", line, hashlib.sha256(line.encode()).hexdigest()) for place, line in enumerate(lines)
    ]


async def write(database: Database, book_id: int, lines: Sequence[str]) -> set[int]:
    async with database.write() as session:
        return await passages.replace_book_passages(session, {book_id: texts(*lines)})


async def embed(database: Database, model: str = MODEL, limit: int = 100) -> int:
    """Give every pending passage its own id as vector."""
    async with database.write() as session:
        waiting = await passages.pending(session, model, limit)
        return await passages.store_embeddings(session, model, [(row.id, bytes([row.id])) for row in waiting])


async def fresh_build(database: Database) -> dict[int, tuple[str, bytes | None]]:
    async with database.read() as session:
        return {row.id: (row.text, row.vector) async for rows in passages.all_rows(session, MODEL) for row in rows}


async def follow(database: Database, index: dict[int, tuple[str, bytes | None]], after: int, limit: int = 2) -> int:
    """Bring an index up to date; returns the version it has reached."""
    while True:
        async with database.read() as session:
            changes = await passages.changes_since(session, MODEL, after, limit)
        for row in changes.rows:
            index[row.id] = (row.text, row.vector)
        for passage_id in changes.deleted:
            index.pop(passage_id, None)
        if changes.version == after:
            return after
        after = changes.version


async def test_unchanged_passages_keep_row_and_vector(database: Database) -> None:
    assert await write(database, 1, ["a", "b"]) == {1}
    await embed(database)
    before = await fresh_build(database)
    assert await write(database, 1, ["a", "b"]) == set()
    assert await write(database, 1, ["new", "b"]) == {1}
    after = await fresh_build(database)
    assert dict(after.values()) == {"b": b"\x02", "new": None}
    assert after[2] == before[2]


async def test_a_removed_passage_is_told_to_whoever_knew_it(database: Database) -> None:
    await write(database, 1, ["a", "b"])
    await embed(database)
    async with database.read() as session:
        seen = await passages.version(session)
    await write(database, 1, ["b"])
    async with database.read() as session:
        assert await passages.changes_since(session, MODEL, seen, 100) == Changes(seen + 1, [], [1])
        assert await passages.count_since(session, MODEL, seen) == 1
        assert await passages.changes_since(session, MODEL, seen + 1, 100) == Changes(seen + 1, [], [])


async def test_the_newest_passages_are_embedded_first_and_counted(database: Database) -> None:
    await write(database, 1, ["old", "older"])
    await write(database, 2, ["edited"])
    async with database.read() as session:
        assert [row.text for row in await passages.pending(session, MODEL, 2)] == ["edited", "old"]
    await embed(database, limit=1)
    async with database.read() as session:
        counts = await passages.counts(session, MODEL)
        assert (counts, counts.pending) == (Counts(passages=3, embedded=1), 2)
        assert (await passages.counts(session, "another")).pending == 3


async def test_a_vector_of_a_passage_that_is_gone_is_dropped_and_a_second_one_replaces(database: Database) -> None:
    await write(database, 1, ["a"])
    async with database.write() as session:
        assert await passages.store_embeddings(session, MODEL, [(1, b"x"), (99, b"y")]) == 1
        assert await passages.store_embeddings(session, MODEL, [(1, b"z")]) == 1
        assert await passages.store_embeddings(session, MODEL, []) == 0
    assert await fresh_build(database) == {1: ("a", b"z")}


async def test_books_without_passages_are_found_until_they_have_some(database: Database) -> None:
    async with database.write() as session:
        for title in ("One", "Two"):
            await books.create(session, title)
        await passages.replace_book_passages(session, {1: texts("a")})
        assert await passages.books_without_passages(session, 10) == [2]


async def test_changes_come_in_whole_versions_however_small_the_limit(database: Database) -> None:
    await write(database, 1, ["a", "b", "c"])
    await write(database, 2, ["d"])
    async with database.read() as session:
        first = await passages.changes_since(session, MODEL, 0, 1)
    assert (first.version, [row.text for row in first.rows]) == (1, ["a", "b", "c"])


@pytest.mark.parametrize("limit", [1, 3])
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_following_changes_from_any_point_gives_what_a_fresh_build_gives(
    database: Database, limit: int, data: st.DataObject
) -> None:
    index = await fresh_build(database)
    async with database.read() as session:
        version = await passages.version(session)
    for _ in range(data.draw(st.integers(1, 5))):
        if data.draw(st.booleans()):
            await write(database, data.draw(st.integers(1, 3)), data.draw(st.lists(st.sampled_from("abc"), max_size=3)))
        else:
            await embed(database, limit=data.draw(st.integers(1, 3)))
        if data.draw(st.booleans()):
            version = await follow(database, index, version, limit)
    await follow(database, index, version, limit)
    assert index == await fresh_build(database)
