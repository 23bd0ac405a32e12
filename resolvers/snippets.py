"""Snippets: the sentence of a passage that answers the question, with the words that matched."""

from collections.abc import Mapping

import strawberry

from rag.snippets import snippet
from resolvers.passages import Passage


@strawberry.type(description="A range of characters, counted from 0 in Unicode code points; the end is exclusive.")
class TextRange:
    """Start and end."""

    start: int = strawberry.field(description="First character.")
    end: int = strawberry.field(description="Character after the last.")


@strawberry.type(description="The sentence that fits the question best.")
class Snippet:
    """Text, place and highlights."""

    text: str = strawberry.field(description="The sentence.")
    start: int | None = strawberry.field(
        description="Its first character in the document's text, or the book's description; null for a line of facts."
    )
    end: int | None = strawberry.field(description="The character after its last, there.")
    highlights: list[TextRange] = strawberry.field(description="Words of the question in it.")


def snippet_of(stems: Mapping[str, float], passage: Passage) -> Snippet | None:
    """The snippet of a passage for the stems of a question; of its header where it has no text of its own."""
    found = snippet(stems, passage.text or passage.header)
    if found is None:
        return None
    return Snippet(
        text=found.sentence,
        start=passage.start + found.start if passage.text else None,
        end=passage.start + found.end if passage.text else None,
        highlights=[TextRange(start=start, end=end) for start, end in found.highlights],
    )
