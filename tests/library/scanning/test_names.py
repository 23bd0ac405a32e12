"""Taking names out of one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.scanning.names import Credit, Role, authors_of, narrators_of, split_credits, split_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Terry Pratchett & Neil Gaiman", ["Terry Pratchett", "Neil Gaiman"]),
        ("Terry Pratchett and Neil Gaiman", ["Terry Pratchett", "Neil Gaiman"]),
        ("Reader One; Reader Two", ["Reader One", "Reader Two"]),
        ("Narrator A, Narrator B", ["Narrator A", "Narrator B"]),
        ("Neil Gaiman, Terry Pratchett, and Dirk Maggs", ["Neil Gaiman", "Terry Pratchett", "Dirk Maggs"]),
        ("One Two/Three Four", ["One Two", "Three Four"]),
        ("Tolkien, J. R. R.", ["J. R. R. Tolkien"]),
        ("Le Guin, Ursula K.", ["Ursula K. Le Guin"]),
        ("van der Berg, Jan", ["Jan van der Berg"]),
        ("Pratchett, Terry & Gaiman, Neil", ["Terry Pratchett", "Neil Gaiman"]),
        ("Pratchett, Terry, Gaiman, Neil", ["Terry Pratchett", "Neil Gaiman"]),
        ("Wells, H. G. (Herbert George)", ["H. G. Wells"]),
        ("Shirtaloon, Travis Deverell", ["Shirtaloon", "Travis Deverell"]),
        ("Martin Luther King, Jr.", ["Martin Luther King Jr."]),
        ("Jane Doe, Ph.D., John Smith, M.D.", ["Jane Doe Ph.D.", "John Smith M.D."]),
        ("Simon & Schuster", ["Simon & Schuster"]),
        ("Barnes & Noble Audio", ["Barnes & Noble Audio"]),
        ("Neil Gaiman, Simon & Schuster", ["Neil Gaiman", "Simon", "Schuster"]),
        ("Sandy Anderson", ["Sandy Anderson"]),
        ("Brandon Sanderson, brandon sanderson", ["Brandon Sanderson"]),
        ("Narrated by Bob Jones", ["Bob Jones"]),
        ("Byron Jones", ["Byron Jones"]),
        ("Various", []),
        ("", []),
    ],
)
def test_a_line_names(text: str, names: list[str]) -> None:
    assert split_names(text) == names


def test_where_surnames_come_first_two_full_given_names_are_turned_round_too() -> None:
    assert split_names("King, Martin Luther, Jr.", surname_first=True) == ["Martin Luther King Jr."]


def test_roles_beside_names_are_taken_off_and_kept_apart() -> None:
    assert split_credits("Ursula Le Guin, Smith, Jo (Translator); Stephen Fry - Introductions; Kim Li [Narrator]") == [
        Credit("Ursula Le Guin", None),
        Credit("Smith", None),
        Credit("Jo", Role.OTHER),
        Credit("Stephen Fry", Role.OTHER),
        Credit("Kim Li", Role.NARRATOR),
    ]


def test_a_translator_is_no_author_but_an_editor_is_when_nobody_else_wrote() -> None:
    translated = split_credits("Oleg Sapphire, Alexey Kovtunov, Jennifer E. Sunseri - Translator")
    edited = split_credits("Ed Ferman - editor, Ann Other (Foreword)")
    assert (authors_of(translated), authors_of(edited)) == (["Oleg Sapphire", "Alexey Kovtunov"], ["Ed Ferman"])


def test_a_translator_alone_is_kept_rather_than_nobody() -> None:
    assert authors_of(split_credits("Jo Smith (Translator)")) == ["Jo Smith"]


def test_narrators_are_found_in_a_line_of_authors_only_by_their_role() -> None:
    credits_ = split_credits("Ann Writer (Author), Ray Reader (Narrator)")
    assert (authors_of(credits_), narrators_of(credits_, without_role=False)) == (["Ann Writer"], ["Ray Reader"])


_PIECES = st.sampled_from(
    [
        "Terry",
        "Pratchett",
        "Le",
        "Guin",
        "J.",
        "R.",
        "Jr.",
        "Ph.D.",
        "and",
        "Simon",
        "Schuster",
        "Audio",
        ",",
        ", ",
        "&",
        " & ",
        ";",
        "/",
        " ",
        "(Translator)",
        "- Editor",
        "by",
        "van",
        "The",
        "O'Brien",
    ]
)


@given(st.lists(_PIECES, max_size=12).map(" ".join) | st.text(max_size=60))
def test_splitting_a_name_again_gives_the_same_name(text: str) -> None:
    for name in split_names(text):
        assert split_names(name) == [name]
