"""SQL statements of one page of books with everything around them: as many for 2,000 books as for 100."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from api.operations import Operation
from api.schema import create_schema
from benchmarks.contexts import answer, context_of, run
from benchmarks.measures import Measure, at_most
from benchmarks.servers import DATABASES, migrated, valkey
from library.database import Database, open_database
from tests.shelf import Volume, add

PAGE = """{ books(first: 100) { nodes { title authors { name } series { position series { name } }
  editions { durationSeconds narrators { name } } } } }"""
LIBRARIES = (100, 2_000)
STATEMENTS = 8
_BOOKS_PER_COMMIT = 200


def measure() -> Iterator[Measure]:
    """Count on both databases."""
    with valkey() as redis_url:
        for kind in DATABASES:
            with migrated(kind) as url, TemporaryDirectory(prefix="sgb-") as folder:
                counts = run(_counts(url, redis_url, Path(folder)))
            for books, count in zip(LIBRARIES, counts, strict=True):
                yield at_most(f"statements of books(first: 100), {books:,} books, {kind}", count, STATEMENTS, "")
            same = "constant" if len(set(counts)) == 1 else "grows"
            yield Measure(f"statements do not depend on the library, {kind}", same, "constant", "", same == "constant")


async def _counts(url: str, redis_url: str, folder: Path) -> list[int]:
    schema = create_schema()
    counts = []
    database = open_database(url)
    there = 0
    async with context_of(url, redis_url, folder) as context:
        for books in LIBRARIES:
            await _fill(database, there, books)
            there = books
            with _counting() as statements:
                data = await answer(schema, context, Operation(PAGE))
            assert len(data["books"]["nodes"]) == LIBRARIES[0]
            counts.append(len(statements))
    await database.close()
    return counts


async def _fill(database: Database, start: int, end: int) -> None:
    for first in range(start, end, _BOOKS_PER_COMMIT):
        async with database.write() as session:
            for number in range(first, min(first + _BOOKS_PER_COMMIT, end)):
                await add(session, _volume(number))


def _volume(number: int) -> Volume:
    return Volume(
        f"Book {number:05}",
        authors=(f"Author {number % 40}", f"Author {number % 7 + 40}"),
        narrators=(f"Reader {number % 30}",),
        series=((f"Series {number % 50}", str(number)),),
    )


@contextmanager
def _counting() -> Iterator[list[str]]:
    """List the statements that any engine sends meanwhile."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield statements
    sa.event.remove(sa.Engine, "before_cursor_execute", note)
