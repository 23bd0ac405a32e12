"""The event loop is never held: no single step of a request computes for longer than 50 ms."""

import asyncio
import gc
import time

import pytest

from library.database import Database
from tests.resolvers.conftest import Ask
from tests.shelf import Volume, add

LONGEST_STEP_SECONDS = 0.05

PAGE = """{ books(first: 100) { totalCount pageInfo { endCursor } nodes {
  id title publishedYear durationSeconds authors { id name } series { position series { id name } }
  editions { id narrators { id name } } } } }"""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Processor seconds of every step the loop takes; other processes' share of the machine does not count."""
    taken: list[float] = []
    original = asyncio.Handle._run

    def run(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        original(handle)
        taken.append(time.thread_time() - began)

    monkeypatch.setattr(asyncio.Handle, "_run", run)
    return taken


async def test_a_page_of_a_hundred_books_with_people_and_series_is_answered_in_short_steps(
    database: Database, ask: Ask, steps: list[float]
) -> None:
    async with database.write() as session:
        for number in range(100):
            series = ((f"Series {number % 9}", str(number)),)
            genres = ("Adventure", "Classics", f"Genre {number % 5}")
            authors = (f"Author {number % 11}", f"Another {number % 7}")
            await add(session, Volume(f"Book {number}", authors, series=series, genres=genres, description="x" * 500))
    await ask(PAGE)  # parsing, validation and the compilation of statements are done once per document
    gc.freeze()  # as a serving process does when it has started
    steps.clear()
    await ask(PAGE)
    gc.unfreeze()
    assert max(steps) < LONGEST_STEP_SECONDS
