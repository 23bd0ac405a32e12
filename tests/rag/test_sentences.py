"""Sentences are found in real prose, abbreviations and lost spaces included."""

from __future__ import annotations

import pytest

from rag.sentences import sentence_spans


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Mr. Hyde met Dr. Jekyll. They fought.", ["Mr. Hyde met Dr. Jekyll.", "They fought."]),
        ("J. R. R. Tolkien wrote it.", ["J. R. R. Tolkien wrote it."]),
        ("He said “Go!” She went.", ["He said “Go!”", "She went."]),
        ("until the end of the day.In the ruins", ["until the end of the day.", "In the ruins"]),
        ("It costs 3.50 a day", ["It costs 3.50 a day"]),
        ("A title\n\nA paragraph", ["A title", "A paragraph"]),
        ("  \n ", []),
        ("", []),
        ("Me and I. Then you.", ["Me and I.", "Then you."]),
    ],
)
def test_a_text_is_cut_where_its_sentences_end(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in sentence_spans(text)] == sentences
