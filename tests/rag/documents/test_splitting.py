"""Documents are cut along headings and sentences, and their offsets are exact."""

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rag.documents.bounds import Bounds
from rag.documents.reading import read_document
from rag.documents.splitting import split_document
from rag.documents.text import DocumentText, TextBuilder
from rag.passages import PassageText, cut_name
from tests.rag.test_passages import WORDS


def read(source: str) -> DocumentText:
    return read_document(source.encode(), "doc.md", Bounds())


def shown(passages: list[PassageText]) -> list[tuple[str, str]]:
    return [(passage.header, passage.text) for passage in passages]


def test_each_section_is_cut_by_itself_under_its_headings() -> None:
    document = read("# Guide\n\nA b c d e f. G h i j k l.\n\n## Paths\n\nM n o p q r.\n\n### Empty\n")
    assert shown(split_document(document, WORDS, window=16, overlap=0)) == [
        ("Guide", "A b c d e f. G h i j k l."),
        ("Guide › Paths", "M n o p q r."),
        ("Guide › Paths", "Empty"),
    ]


def test_the_end_of_a_passage_is_repeated_within_a_section_only() -> None:
    document = read("# D\n\nA b c. D e f. G h i. J k l. M n o.\n\n# E\n\nP q r. S t u. V w x.")
    assert shown(split_document(document, WORDS, window=16, overlap=3)) == [
        ("D", "A b c. D e f. G h i."),
        ("D", "G h i. J k l. M n o."),
        ("D › E", "P q r. S t u. V w x."),
    ]


def test_small_sections_beside_each_other_are_one_passage() -> None:
    document = read("# Terms\n\n" + "x " * 20 + "\n\n## Seed\n\nTo give.\n\n## Leech\n\nTo take.\n\n# End\n\nBye.")
    assert shown(split_document(document, WORDS, window=40))[1:] == [
        ("Terms", "Seed\n\nTo give.\n\nLeech\n\nTo take."),
        ("Terms › End", "Bye."),
    ]


def test_code_and_tables_are_whole_where_they_fit() -> None:
    document = read("# D\n\nOne two three four five.\n\n```\na b. c\nd e. f\n```\n\nSix seven eight nine ten eleven.")
    assert "```\na b. c\nd e. f\n```" in [text for _, text in shown(split_document(document, WORDS, window=12))]


def test_a_long_table_repeats_its_first_row() -> None:
    rows = "\n".join(f"| key{number} | value{number} |" for number in range(6))
    document = read(f"# D\n\n| Name | Value |\n|---|---|\n{rows}")
    assert shown(split_document(document, WORDS, window=24)) == [
        ("D", "| Name | Value |\n| key0 | value0 |\n| key1 | value1 |"),
        ("D\n| Name | Value |", "| key2 | value2 |\n| key3 | value3 |\n| key4 | value4 |"),
        ("D\n| Name | Value |", "| key5 | value5 |"),
    ]


def test_the_way_of_cutting_has_a_name() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", cut_name(WORDS, 256))
    assert cut_name(WORDS, 256) != cut_name(WORDS, 128)


WORD = st.text(alphabet="abcé.|`- ", min_size=1, max_size=60)


@st.composite
def documents(draw: st.DrawFn) -> DocumentText:
    builder = TextBuilder(1_000_000)
    builder.heading(1, "Title")
    for _ in range(draw(st.integers(1, 8))):
        match draw(st.integers(0, 3)):
            case 0:
                builder.heading(draw(st.integers(1, 6)), draw(WORD))
            case 1:
                builder.prose(" ".join(draw(st.lists(WORD, max_size=12))))
            case 2:
                builder.code("\n".join(draw(st.lists(WORD, max_size=12))))
            case 3:
                builder.table(draw(st.lists(st.lists(WORD, min_size=1, max_size=3), max_size=8)))
    return builder.built("Title")


@given(documents(), st.integers(12, 48), st.integers(0, 20))
def test_offsets_are_exact_and_nothing_is_lost_or_too_long(document: DocumentText, window: int, overlap: int) -> None:
    passages = split_document(document, WORDS, window=window, overlap=overlap)
    assert [passage.ordinal for passage in passages] == list(range(len(passages)))
    assert all(document.text[passage.start : passage.end] == passage.text for passage in passages)
    assert all(len(WORDS.encode(passage.embedded).ids) <= window for passage in passages)
    assert all(one.start < other.start for one, other in pairwise(passages))
    covered = {place for passage in passages for place in range(passage.start, passage.end)}
    for section in document.sections:
        body = document.text.find("\n", section.start, section.end) if section.level else section.start
        for word in re.finditer(r"\S+", document.text[body : section.end] if body >= 0 else ""):
            assert covered >= set(range(body + word.start(), body + word.end()))


@given(documents())
def test_sections_follow_each_other_and_cover_the_text(document: DocumentText) -> None:
    assert document.sections[0].start == 0
    assert document.sections[-1].end == len(document.text)
    assert all(one.end == other.start for one, other in pairwise(document.sections))
    assert all(
        document.text[part.start : part.end].split("\n")[0] == part.path[-1] for part in document.sections if part.path
    )
