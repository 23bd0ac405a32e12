"""Snippets: the sentence of a passage that answers the question, with the words that matched."""

import strawberry

from rag.keywords import query_stems
from rag.snippets import snippet
from resolvers.context import Info


@strawberry.type(description="A range of characters, counted from 0 in Unicode code points; the end is exclusive.")
class TextRange:
    """Start and end."""

    start: int = strawberry.field(description="First character.")
    end: int = strawberry.field(description="Character after the last.")


@strawberry.type(description="The sentence that fits the question best.")
class Snippet:
    """Text and highlights."""

    text: str = strawberry.field(description="The sentence.")
    highlights: list[TextRange] = strawberry.field(description="Words of the question in it.")


async def snippet_of(info: Info, passage_id: int, question: str) -> Snippet | None:
    """The snippet of a passage; its header when it has no text of its own."""
    row = await info.context.loaders.passage.load(passage_id)
    if row is None:
        return None
    found = snippet(query_stems(question), row.text or row.header)
    if found is None:
        return None
    return Snippet(text=found.sentence, highlights=[TextRange(start=start, end=end) for start, end in found.highlights])
