"""The sentence that matters is shown, with the words that matched."""

from __future__ import annotations

from rag.keywords import query_stems
from rag.snippets import Snippet, shared_words, snippet

TEXT = "It was a dark night. The shipwrecked man’s island had goats! He lived alone."


def test_the_sentence_with_most_of_the_query_is_chosen_and_its_words_are_marked() -> None:
    found = snippet(query_stems("a man alone on an island after a shipwreck"), TEXT)
    assert found == Snippet("The shipwrecked man’s island had goats!", 21, 60, ((4, 15), (16, 21), (22, 28)))
    assert TEXT[found.start : found.end] == found.sentence


def test_a_rare_word_outweighs_several_common_ones() -> None:
    found = snippet({"night": 0.1, "dark": 0.1, "goat": 5.0}, TEXT)
    assert found is not None
    assert found.start == 21


def test_without_a_match_the_first_sentence_stands_for_the_text() -> None:
    assert snippet(query_stems("robots"), TEXT) == Snippet("It was a dark night.", 0, 20, ())


def test_an_empty_text_has_no_snippet() -> None:
    assert snippet(query_stems("robots"), " ") is None


def test_shared_words_are_given_as_they_are_written_weightiest_first() -> None:
    weights = {"whale": 3.0, "ship": 1.0, "hunt": 2.0}
    assert shared_words(weights, "The Whales were hunted by ships", "a whale hunting ship, the sea") == [
        "Whales",
        "hunted",
        "ships",
    ]
    assert shared_words(weights, "whale", "nothing") == []
