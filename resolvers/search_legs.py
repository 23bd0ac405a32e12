"""How a hit was found: by the legs of the search, or because the question is its name."""

from collections.abc import Iterable
from enum import StrEnum

from rag.search import Leg
from resolvers.descriptions import describe_enum


class SearchLeg(StrEnum):
    """What found a hit."""

    KEYWORD = "KEYWORD"
    NAME = "NAME"
    VECTOR = "VECTOR"


describe_enum(
    SearchLeg,
    "A leg of the search that found a hit.",
    {
        SearchLeg.KEYWORD: "Words of the question stand in it.",
        SearchLeg.NAME: "The question is its title, its author or its series, but for a slip of one letter.",
        SearchLeg.VECTOR: "Its meaning is near the question's.",
    },
    name="SearchLeg",
)


def search_legs(legs: Iterable[Leg], *, named: bool) -> list[SearchLeg]:
    """The legs of a hit, in order."""
    found = [SearchLeg(leg.value) for leg in legs]
    return sorted([*found, SearchLeg.NAME] if named else found)
