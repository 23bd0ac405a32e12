"""The first hits read again by a cross-encoder, where one is set."""

import asyncio
from collections.abc import Sequence
from typing import Any

from rag.passages import embedded_text
from rag.reranker import READ_AGAIN
from resolvers.named_hits import Ranked
from resolvers.search_access import Ready
from resolvers.search_legs import SearchLeg


def hits_wanted(state: Ready, first: int) -> int:
    """How many hits to ask for: a better order needs some to choose from."""
    return max(first, READ_AGAIN) if state.reranker is not None else first


async def reranked(state: Ready, question: str, ranked: Sequence[Ranked], passages: Sequence[Any]) -> list[Ranked]:
    """Put hits in the order of the cross-encoder; what was asked for by its name stays where it is."""
    if state.reranker is None:
        return list(ranked)
    shown = {row_id: embedded_text(row.header, row.text) for row_id, row in passages}
    texts = [
        shown.get(one.hit.passage_id) if one.hit is not None and SearchLeg.NAME not in one.legs else None
        for one in ranked
    ]
    order = await asyncio.to_thread(state.reranker.order, question, texts)
    return [ranked[place] for place in order]
