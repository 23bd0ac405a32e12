"""Snippets: the sentence of a passage that answers the question, with the words that matched."""

from collections.abc import Mapping

import strawberry

from rag.snippets import snippet


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


def snippet_of(stems: Mapping[str, float], text: str) -> Snippet | None:
    """The snippet of a text for the stems of a question; None for an empty text."""
    found = snippet(stems, text)
    if found is None:
        return None
    return Snippet(text=found.sentence, highlights=[TextRange(start=start, end=end) for start, end in found.highlights])
