"""A query made of a book points from it towards what is wanted, and away from what is not."""

from __future__ import annotations

import numpy as np
import pytest

from rag.likeness import UNWANTED_SHARE, WANTED_SHARE, like_vector, like_words
from tests.rag.toys import DIMENSION, toy_vector


def test_the_query_is_the_middle_of_the_book_moved_towards_what_is_wanted_and_away_from_what_is_not() -> None:
    own = np.stack([toy_vector(desert=1), toy_vector(desert=1)])
    moved = like_vector(own, toy_vector(sea=1), toy_vector(war=1))
    assert moved is not None
    assert float(np.linalg.norm(moved)) == pytest.approx(1)
    assert moved / moved[1] == pytest.approx(toy_vector(desert=1, sea=WANTED_SHARE, war=-UNWANTED_SHARE))


def test_a_book_that_is_not_embedded_leaves_what_is_wanted_or_nothing() -> None:
    none = np.empty((0, DIMENSION), np.float32)
    wanted = like_vector(none, toy_vector(sea=1))
    assert wanted is not None
    assert wanted == pytest.approx(toy_vector(sea=1))
    assert like_vector(none) is None


def test_the_words_are_those_wanted_and_the_books_own_without_the_unwanted() -> None:
    words = like_words("Prophets of the desert. A prophet, a war; deserts!", "merchants", "prophets").split()
    assert set(words) == {"merchants", "desert.", "war;"}
