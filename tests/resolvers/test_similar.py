"""Books like a book: not all of its own series while there are others, and none is lost where there are not."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult

from library.models.accounts import Role
from resolvers.context import Context, Viewer
from tests.resolvers.conftest import schema, viewer
from tests.resolvers.search_fixtures import Searchable, searchable
from tests.shelf import Volume

__all__ = ["searchable"]

DESERT = "On a desert planet a young prophet leads its people in a war for the spice"
SHELF = (
    *(
        Volume(f"Dune {n}", ("Frank Herbert",), (), (("Dune", str(n)),), (), f"{DESERT}, part {n}.")
        for n in range(1, 5)
    ),
    Volume("Sands", ("Ann Example",), description="A prophet of desert people begins a war."),
    Volume("Shōgun", ("James Clavell",), description="An English pilot is stranded in Japan."),
)
SIMILAR = """query ($first: Int!, $exclude: [SimilarExclusion!]) {
  books(search: "Dune 1", first: 1) {
    nodes { title similar(first: $first, exclude: $exclude) { rank book { title } } }
  }
}"""


@pytest.fixture
async def like(
    make_context: Callable[[Viewer | None], Context], searchable: Callable[..., Awaitable[Searchable]]
) -> Callable[..., Awaitable[list[str]]]:
    """Ask for books like the first of the shelf; gives their titles."""
    library = await searchable(*SHELF)

    async def run(**variables: Any) -> list[str]:
        context = make_context(viewer(Role.VIEWER))
        context.search = library
        result = await schema.execute(SIMILAR, variable_values=variables, context_value=context)
        assert isinstance(result, ExecutionResult)
        assert result.errors is None, result.errors
        (book,) = (result.data or {})["books"]["nodes"]
        assert [each["rank"] for each in book["similar"]] == list(range(1, len(book["similar"]) + 1))
        return [each["book"]["title"] for each in book["similar"]]

    return run


async def test_one_series_takes_no_more_than_a_third(like: Callable[..., Awaitable[list[str]]]) -> None:
    first, *others = await like(first=3)
    assert first in {"Dune 2", "Dune 3", "Dune 4"}
    assert others == ["Sands", "Shōgun"]
    assert sorted(await like(first=9)) == ["Dune 2", "Dune 3", "Dune 4", "Sands", "Shōgun"]


async def test_what_would_be_no_news_can_be_left_out(like: Callable[..., Awaitable[list[str]]]) -> None:
    assert await like(first=9, exclude=["SAME_SERIES"]) == ["Sands", "Shōgun"]
