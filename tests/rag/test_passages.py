"""Passages fit the model's window, keep to sentences and lose nothing."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.processors import TemplateProcessing

from rag.passages import PassageText, book_header, content_hash, split_text


def word_tokenizer() -> Tokenizer:
    """One token per word, and two special ones around them."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "[A]": 1, "[Z]": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.post_processor = TemplateProcessing(single="[A] $0 [Z]", special_tokens=[("[A]", 1), ("[Z]", 2)])
    return tokenizer


WORDS = word_tokenizer()


def test_a_text_that_fits_is_one_passage() -> None:
    assert split_text("Alone on an island. He builds a hut.", "Robinson Crusoe", WORDS, window=16) == [
        PassageText(0, "Robinson Crusoe", "Alone on an island. He builds a hut.", 0, 36)
    ]


def test_a_long_text_is_cut_between_sentences_into_passages_of_like_length() -> None:
    text = "A b c d. E f g h. I j k l. M n o p."
    assert [passage.text for passage in split_text(text, "", WORDS, window=16, overlap=0)] == [
        "A b c d. E f g h.",
        "I j k l. M n o p.",
    ]


def test_a_passage_repeats_the_end_of_the_one_before() -> None:
    text = "A b c d e f g. H i. J k l m n o p. Q r."
    assert [passage.text for passage in split_text(text, "", WORDS, window=12, overlap=2)] == [
        "A b c d e f g. H i.",
        "H i. J k l m n o p.",
        "Q r.",
    ]


def test_a_sentence_longer_than_the_window_is_cut_between_words() -> None:
    text = "one two three four five six seven eight nine ten"
    assert [passage.text.strip() for passage in split_text(text, "", WORDS, window=6, overlap=0)] == [
        "one two three four",
        "five six seven eight",
        "nine ten",
    ]


def test_a_book_without_a_description_is_its_header() -> None:
    assert split_text(" ", "Dune by Frank Herbert", WORDS) == [PassageText(0, "Dune by Frank Herbert", "", 0, 0)]


def test_nothing_gives_no_passage() -> None:
    assert split_text("", "", WORDS) == []


def test_a_header_leaves_half_the_window_to_the_text() -> None:
    (passage,) = split_text("So it goes.", "one, two, three, four, five, six, seven", WORDS, window=12)
    assert passage == PassageText(0, "one, two, three, four, five", "So it goes.", 0, 11)


@given(st.text(alphabet="ab .\n", max_size=300), st.integers(8, 40), st.integers(0, 20))
def test_every_passage_fits_and_every_word_is_in_one(text: str, window: int, overlap: int) -> None:
    passages = split_text(text, "head", WORDS, window=window, overlap=overlap)
    covered = {place for passage in passages for place in range(passage.start, passage.end)}
    assert covered >= {place for word in re.finditer(r"\S+", text) for place in range(*word.span())}
    assert all(len(WORDS.encode(passage.embedded).ids) <= window for passage in passages)
    assert all(passage.text == text[passage.start : passage.end] for passage in passages)
    assert all(one.start < other.start and one.end < other.end for one, other in pairwise(passages))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (book_header("Emma"), "Emma"),
        (book_header("Emma", None, ["Jane Austen"]), "Emma by Jane Austen"),
        (
            book_header(
                "Dune", "A Novel", ["Frank Herbert", "N. N."], [("Dune", "1"), ("Saga", None)], ["desert", "sf"]
            ),
            "Dune: A Novel by Frank Herbert, N. N.. Dune 1; Saga. desert, sf",
        ),
    ],
)
def test_a_header_says_which_book_it_is(header: str, expected: str) -> None:
    assert header == expected


def test_a_hash_tells_header_from_text() -> None:
    assert content_hash("a", "b") == content_hash("a", "b")
    assert len({content_hash("a", "b"), content_hash("ab", ""), content_hash("", "ab")}) == 3
