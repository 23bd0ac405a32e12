"""Passages, vectors and the changes an index follows."""

import hashlib
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from library import books, passages
from library.database import Database
from library.models.passages import OwnerKind, Passage
from library.passages import Changes, Counts, Lineage, NewPassage

TOY = Lineage("toy", "short")


def texts(*lines: str) -> list[NewPassage]:
    return [
        NewPassage(place, "Header", line, hashlib.sha256(line.encode()).hexdigest()) for place, line in enumerate(lines)
    ]


async def write(database: Database, book_id: int, lines: Sequence[str]) -> set[int]:
    async with database.write() as session:
        return await passages.replace_passages(session, OwnerKind.BOOK, {book_id: texts(*lines)}, cut=TOY.cut)


async def embed(database: Database, lineage: Lineage = TOY, limit: int = 100) -> int:
    """Give every pending passage its own id as vector."""
    async with database.write() as session:
        waiting = await passages.pending(session, lineage, limit)
        return await passages.store_embeddings(session, lineage.model, [(row.id, bytes([row.id])) for row in waiting])


async def fresh_build(database: Database) -> dict[int, tuple[str, bytes | None]]:
    async with database.read() as session:
        return {row.id: (row.text, row.vector) async for rows in passages.all_rows(session, TOY) for row in rows}


async def follow(database: Database, index: dict[int, tuple[str, bytes | None]], after: int, limit: int = 2) -> int:
    """Bring an index up to date; returns the version it has reached."""
    while True:
        async with database.read() as session:
            changes = await passages.changes_since(session, TOY, after, limit)
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
        assert await passages.changes_since(session, TOY, seen, 100) == Changes(seen + 1, [], [1])
        assert await passages.count_since(session, TOY, seen) == 1
        assert await passages.changes_since(session, TOY, seen + 1, 100) == Changes(seen + 1, [], [])


async def test_the_newest_passages_are_embedded_first_and_counted(database: Database) -> None:
    await write(database, 1, ["old", "older"])
    await write(database, 2, ["edited"])
    async with database.read() as session:
        assert [row.text for row in await passages.pending(session, TOY, 2)] == ["edited", "old"]
        newest = await passages.newest_version(session, TOY)
        assert [row.text for row in await passages.pending(session, TOY, 9, after=newest - 1)] == ["edited"]
        assert await passages.newest_version(session, Lineage("toy", "another cut")) == 0
    await embed(database, limit=1)
    async with database.read() as session:
        assert await passages.newest_version(session, TOY) == newest
        counts = await passages.counts(session, TOY)
        assert (counts, counts.pending) == (Counts(passages=3, embedded=1), 2)
        assert (await passages.counts(session, Lineage("another", TOY.cut))).pending == 3


async def test_a_vector_of_a_passage_that_is_gone_is_dropped_and_a_second_one_replaces(database: Database) -> None:
    await write(database, 1, ["a"])
    async with database.write() as session:
        assert await passages.store_embeddings(session, TOY.model, [(1, b"x"), (99, b"y")]) == 1
        assert await passages.store_embeddings(session, TOY.model, [(1, b"z")]) == 1
        assert await passages.store_embeddings(session, TOY.model, []) == 0
    assert await fresh_build(database) == {1: ("a", b"z")}


async def test_books_without_passages_are_found_until_they_have_some(database: Database) -> None:
    async with database.write() as session:
        for title in ("One", "Two"):
            await books.create(session, title)
        await passages.replace_passages(session, OwnerKind.BOOK, {1: texts("a")}, cut=TOY.cut)
        assert await passages.books_without_passages(session, TOY.cut, 10) == [2]
        assert await passages.books_without_passages(session, "long", 10) == [1, 2]


async def test_a_new_way_of_cutting_stands_beside_the_old_until_the_text_changes(database: Database) -> None:
    long = Lineage("toy", "long")
    await write(database, 1, ["a", "b"])
    async with database.write() as session:
        recut = {1: texts("ab")}
        await passages.replace_passages(session, OwnerKind.BOOK, recut, cut=long.cut, keep_other_cuts=True)
        assert await passages.counts(session, TOY) == Counts(passages=2, embedded=0)
        assert await passages.counts(session, long) == Counts(passages=1, embedded=0)
        assert [row.text for row in (await passages.changes_since(session, long, 0, 100)).rows] == ["ab"]
    await write(database, 1, ["a", "c"])
    async with database.read() as session:
        assert await passages.counts(session, TOY) == Counts(passages=2, embedded=0)
        assert await passages.counts(session, long) == Counts(passages=0, embedded=0)


async def test_a_piece_that_moved_keeps_its_row_and_gets_its_new_place(database: Database) -> None:
    async def write_at(start: int) -> None:
        piece = NewPassage(0, "Header", "text", "hash", start, start + 4)
        async with database.write() as session:
            await passages.replace_passages(session, OwnerKind.DOCUMENT, {1: [piece]}, cut=TOY.cut)

    await write_at(0)
    await write_at(10)
    async with database.read() as session:
        found = (await session.scalars(sa.select(Passage))).one()
        assert (found.id, found.owner_kind, found.start, found.end) == (1, OwnerKind.DOCUMENT, 10, 14)


async def test_changes_come_in_whole_versions_however_small_the_limit(database: Database) -> None:
    await write(database, 1, ["a", "b", "c"])
    await write(database, 2, ["d"])
    async with database.read() as session:
        first = await passages.changes_since(session, TOY, 0, 1)
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
