"""The sentences that answer are quoted word for word, cited, never twice the same; or nothing is found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rag import answers
from rag.answers import Answer, Citation, Source, Statement, answer
from rag.segment import Floats
from tests.rag.toys import toy_vector

QUESTION = toy_vector(sea=1)
WEIGHTS = {"whale": 2.0, "hunt": 1.0}


def embed(texts: Sequence[str]) -> Floats:
    """The sea, in texts that name it."""
    return np.stack([toy_vector(sea=1) if "sea" in text else toy_vector(war=1) for text in texts])


def source(number: int, text: str, start: int = 0, *, cosine: float = 0.5, owner: int | None = None) -> Source:
    return Source(number, ("DOCUMENT", owner or number), "A page", text, start, cosine)


def test_the_sentence_that_answers_is_quoted_with_its_place_in_the_owners_text() -> None:
    found = answer(
        WEIGHTS, QUESTION, [source(1, "Wars are long.\nWhales are hunted at sea.", 100), source(2, "Nothing.")], embed
    )
    worth = answers.WORDS_WORTH + answers.PASSAGE_WORTH * 0.5 + answers.LEADING_OWNER_WORTH
    assert found.relevance == pytest.approx(1 + worth)
    assert found == Answer(
        found=True,
        relevance=found.relevance,
        statements=(Statement("Whales are hunted at sea.", (1,)),),
        citations=(Citation(1, 0, 1, ("DOCUMENT", 1), 115, 140),),
    )


def test_what_says_the_same_is_said_once_and_what_two_passages_share_is_one_place() -> None:
    same = "The whale is hunted at sea."
    found = answer(WEIGHTS, QUESTION, [source(1, same), source(2, f"{same} Ships hunt a whale.", owner=1)], embed)
    assert [statement.text for statement in found.statements] == [same]


def test_where_nothing_is_relevant_nothing_is_quoted() -> None:
    found = answer(WEIGHTS, QUESTION, [source(1, "Wars are long.", cosine=0.0)], embed)
    assert (found.found, found.statements, found.citations) == (False, (), ())


def test_without_passages_nothing_is_found() -> None:
    assert answer(WEIGHTS, QUESTION, [], embed) == Answer(found=False, relevance=0.0)


def test_no_more_is_embedded_than_can_be_afforded() -> None:
    counted: list[int] = []

    def counting(texts: Sequence[str]) -> Floats:
        counted.append(len(texts))
        return embed(texts)

    answer(WEIGHTS, QUESTION, [source(1, "\n".join(f"- whale {n}" for n in range(500)))], counting)
    assert counted == [answers.EMBEDDED]
