"""Reading folder names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.scanning.facts import BookFacts
from library.scanning.paths import facts_of_path
from library.scanning.series import SeriesMention


@pytest.mark.parametrize(
    ("path", "facts"),
    [
        (
            "Terry Goodkind/Sword of Truth/Vol 1 - 1994 - Wizards First Rule {Sam Tsoutsouvas}",
            BookFacts(
                title="Wizards First Rule",
                authors=("Terry Goodkind",),
                series=(SeriesMention("Sword of Truth", "1"),),
                narrators=("Sam Tsoutsouvas",),
                published_year=1994,
            ),
        ),
        (
            "Terry Goodkind/Sword of Truth/1994 - Book 1 - Wizards First Rule",
            BookFacts(
                title="Wizards First Rule",
                authors=("Terry Goodkind",),
                series=(SeriesMention("Sword of Truth", "1"),),
                published_year=1994,
            ),
        ),
        (
            "Author/(2003) - Title [B000000000]",
            BookFacts(title="Title", authors=("Author",), published_year=2003, asin="B000000000"),
        ),
        (
            "Conan Doyle, Arthur/Holmes/Vol. 3 - 1892 - The Adventures - Twelve Stories {Ann One, Bob Two}",
            BookFacts(
                title="The Adventures",
                subtitle="Twelve Stories",
                authors=("Arthur Conan Doyle",),
                series=(SeriesMention("Holmes", "3"),),
                narrators=("Ann One", "Bob Two"),
                published_year=1892,
                unsure={"title": 0.5, "subtitle": 0.4},
            ),
        ),
        (
            "Arthur Conan Doyle/Sherlock Holmes/Sherlock Holmes #2.5 - A Study in Scarlet {Jane Reader}",
            BookFacts(
                title="A Study in Scarlet",
                authors=("Arthur Conan Doyle",),
                series=(SeriesMention("Sherlock Holmes", "2.5"),),
                narrators=("Jane Reader",),
            ),
        ),
        ("Le Guin, Ursula K./Earthsea", BookFacts(title="Earthsea", authors=("Ursula K. Le Guin",))),
        ("Montgomery, Lucy Maud/Anne", BookFacts(title="Anne", authors=("Lucy Maud Montgomery",))),
        (
            "Terry Pratchett & Neil Gaiman/Good Omens",
            BookFacts(title="Good Omens", authors=("Terry Pratchett", "Neil Gaiman")),
        ),
        ("Only Title", BookFacts(title="Only Title")),
        (
            "ignored/Author/Series/Title",
            BookFacts(title="Title", authors=("Author",), series=(SeriesMention("Series"),)),
        ),
        ("Author/Title [UNABRIDGED]", BookFacts(title="Title", authors=("Author",), abridged=False)),
        ("Author/1984", BookFacts(title="1984", authors=("Author",))),
        ("illiad_0801_librivox3", BookFacts(title="illiad")),
        ("moby_dick_librivox", BookFacts(title="moby dick")),
    ],
)
def test_a_path_says(path: str, facts: BookFacts) -> None:
    assert facts_of_path(path) == facts


@pytest.mark.parametrize(
    ("folder", "title", "position"),
    [
        ("101 Dalmatians", "101 Dalmatians", None),
        ("101. Dalmatians", "Dalmatians", "101"),
        ("Book 01 - Title", "Title", "1"),
        ("Title - 3.0", "Title", "3"),
        ("0.5 - Title", "Title", "0.5"),
        ("Volume 2 Title", "Title", "2"),
        ("Title - Vol. 12 - 1999", "Title", "12"),
        ("1-3 - Title", "Title", "1-3"),
        ("Book 1", "Book 1", "1"),
        ("1994 - Title", "Title", None),
    ],
)
def test_a_position_is_read_below_a_series_folder(folder: str, title: str, position: str | None) -> None:
    facts = facts_of_path(f"Author/Series/{folder}")
    assert (facts.title, facts.series) == (title, (SeriesMention("Series", position),))


def test_a_position_is_not_read_without_a_series_folder() -> None:
    assert facts_of_path("Author/Book 1 - Title", parse_subtitle=False).title == "Book 1 - Title"


def test_the_subtitle_stays_in_the_title_when_it_is_not_asked_for() -> None:
    assert facts_of_path("Author/Title - More", parse_subtitle=False) == BookFacts(
        title="Title - More", authors=("Author",)
    )


def test_a_file_in_the_root_is_named_by_its_stem() -> None:
    assert facts_of_path("Root Single File.m4b", is_file=True) == BookFacts(title="Root Single File")


@given(st.text(), st.booleans(), st.booleans())
def test_no_path_raises(path: str, is_file: bool, parse_subtitle: bool) -> None:
    facts_of_path(path, is_file=is_file, parse_subtitle=parse_subtitle)


@given(
    st.lists(
        st.sampled_from(
            ["Vol", " - ", "1994", "(", ")", "[", "B00TEST123", "]", "{", "}", "1", ".", ",", "/", "A", " "]
        ),
        max_size=20,
    )
)
def test_no_path_made_of_the_conventions_own_pieces_raises(pieces: list[str]) -> None:
    facts_of_path("".join(pieces))
