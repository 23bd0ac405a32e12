"""Words are found however they are written, and rare ones count for more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.keywords import Postings, query_stems, rarity, stems


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Shōgun", "shogun"),
        ("O'Brian", "obrian"),
        ("O’Brian", "o'brian"),
        ("the captain's ships", "the captain ship"),
        ("Les Misérables", "LES MISERABLES"),
        ("shipwrecked", "shipwreck"),
        ("Straße", "strasse"),
        ("ﬁnding", "find"),
        ("well-known", "well known"),
        ("snake_case", "snake case"),
    ],
)
def test_words_are_folded_alike_when_written_and_when_asked(written: str, asked: str) -> None:
    assert stems(written) == stems(asked)


def test_other_scripts_are_words_too() -> None:
    assert stems("Война и мир") == ["воина", "и", "мир"]


def test_stop_words_count_only_where_there_is_nothing_else() -> None:
    assert query_stems("the man who was") == {"man": 1}
    assert query_stems("Who was it?") == {"who": 1, "was": 1, "it": 1}
    assert query_stems("?!") == {}


def test_a_row_scores_for_each_stem_it_holds_and_a_rare_one_more() -> None:
    postings = Postings.build([("", "a whale"), ("", "a ship"), ("", "a ship and a whale")])
    scores = postings.scores({"whale": 2.0, "ship": 1.0, "unknown": 9.0})
    assert scores.tolist()[2] > scores.tolist()[0] > scores.tolist()[1] > 0
    assert rarity(10, 1) > rarity(10, 5) > rarity(10, 10) > 0


def test_the_header_weighs_no_less_than_the_text_and_a_long_text_less_than_a_short_one() -> None:
    postings = Postings.build([("whale", "ship"), ("ship", "whale"), ("", "whale " + "sea " * 200)])
    in_header, in_text, in_long_text = postings.scores({"whale": 1.0}).tolist()
    assert in_header >= in_text > in_long_text > 0


def test_frequencies_count_the_living() -> None:
    postings = Postings.build([("", "whale"), ("", "whales"), ("", "ship")])
    assert postings.frequency("whale", None) == 2
    assert postings.frequency("whale", np.array([False, True, True])) == 1
    assert postings.frequency("kraken", None) == 0


TEXTS = st.lists(st.text(alphabet="abc ", max_size=12), max_size=8)


@given(TEXTS, TEXTS, st.data())
def test_joined_postings_are_those_of_the_kept_rows(one: list[str], other: list[str], data: st.DataObject) -> None:
    flags = st.lists(st.booleans(), min_size=len(one) + len(other), max_size=len(one) + len(other))
    kept = np.array(data.draw(flags), np.bool_)
    parts = [
        (Postings.build([("", text) for text in one]), kept[: len(one)]),
        (Postings.build([("", text) for text in other]), kept[len(one) :]),
    ]
    joined = Postings.joined(parts)
    fresh = Postings.build([("", text) for text, keep in zip(one + other, kept, strict=True) if keep])
    for stem in {stem for text in one + other for stem in stems(text)}:
        assert joined.scores({stem: 1.0}).tolist() == fresh.scores({stem: 1.0}).tolist()
        assert joined.frequency(stem, None) == fresh.frequency(stem, None)
