"""Where a cross-encoder is set, it says in which order the first hits come; names stay first."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from rag.query_embedder import OnnxEmbedder
from rag.reranker import Reranker
from rag.segment import Floats
from tests.resolvers.search_fixtures import Search, Searchable, search_in, searchable
from tests.shelf import Volume

__all__ = ["search_in", "searchable"]

SHELF = (
    Volume("Moby-Dick", description="A captain hunts a white whale over all seas."),
    Volume("Robinson Crusoe", description="A sailor lives alone on an island."),
    Volume("Treasure Island", description="A boy sails to an island where gold is hidden."),
)
ASK = """query ($q: String!, $first: Int! = 10) { semanticSearch(query: $q, first: $first) {
  ... on SemanticSearchPayload { edges { rank node { ... on Book { title } } snippet { text } } } } }"""


class LongestFirst:
    """A model whose score can be counted by eye."""

    def run_pairs(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Letters of the text."""
        return np.array([len(text) for _, text in pairs], np.float32)


@pytest.fixture
async def titles(
    searchable: Callable[..., Awaitable[Searchable]], search_in: Callable[[Searchable], Search]
) -> Callable[..., Awaitable[list[str]]]:
    """Titles of what is found, by a search with the model above or without."""
    library = await searchable(*SHELF)
    model = Reranker(cast("OnnxEmbedder", LongestFirst()))

    async def run(question: str, *, reads_again: bool, **variables: Any) -> list[str]:
        state = replace(library.state, reranker=model if reads_again else None)
        answer = await search_in(replace(library, state=state))(ASK, q=question, **variables)
        return [edge["node"]["title"] for edge in answer["edges"]]

    return run


async def test_hits_come_in_the_order_of_the_cross_encoder(titles: Callable[..., Awaitable[list[str]]]) -> None:
    question = "somebody alone on an island"
    assert (await titles(question, reads_again=False))[0] == "Robinson Crusoe"
    longest = ["Treasure Island", "Moby-Dick", "Robinson Crusoe"]
    assert await titles(question, reads_again=True) == longest
    assert await titles(question, reads_again=True, first=1) == longest[:1]


async def test_what_is_asked_for_by_name_stays_first(titles: Callable[..., Awaitable[list[str]]]) -> None:
    assert await titles("Moby-Dick", reads_again=True) == ["Moby-Dick", "Treasure Island", "Robinson Crusoe"]
