"""Genres, languages, identifiers, dates and cleaning: rules over single values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.scanning.cleaning import clean_line, clean_text
from library.scanning.dates import iso_date, year_of
from library.scanning.genres import split_genres
from library.scanning.identifiers import normal_asin, normal_isbn
from library.scanning.languages import normal_language


@pytest.mark.parametrize(
    ("values", "genres"),
    [
        (["Classics/Horror"], ["Classics", "Horror"]),
        (["Sci-Fi/Fantasy; Horror"], ["Sci-Fi/Fantasy", "Horror"]),
        (["Classics/Sci-Fi/Fantasy"], ["Classics", "Sci-Fi/Fantasy"]),
        (["Mystery, Thriller & Suspense"], ["Mystery, Thriller & Suspense"]),
        (["Mystery, Thriller & Suspense, Romance"], ["Mystery, Thriller & Suspense", "Romance"]),
        (["Crafts, Hobbies & Home"], ["Crafts, Hobbies & Home"]),
        (["Fantasy, Action & Adventure"], ["Fantasy", "Action & Adventure"]),
        (["Fantasy, Horror"], ["Fantasy", "Horror"]),
        (["A", "B"], ["A", "B"]),
        (["A//B"], ["A", "B"]),
        (["Fantasy; fantasy"], ["Fantasy"]),
        (["Audiobook; Children's Audiobooks; 101; "], ["Children's Audiobooks"]),
        (["Science Fictional/Fantasyland"], ["Science Fictional", "Fantasyland"]),
    ],
)
def test_genres_are_split(values: list[str], genres: list[str]) -> None:
    assert split_genres(values) == tuple(genres)


@given(st.lists(st.text(max_size=40), max_size=5))
def test_splitting_genres_again_changes_nothing(values: list[str]) -> None:
    assert split_genres(split_genres(values)) == split_genres(values)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("English", "en"),
        ("eng", "en"),
        ("en-US", "en"),
        ("EN_gb", "en"),
        ("English (US)", "en"),
        ("Deutsch", "de"),
        ("ger", "de"),
        ("fra", "fr"),
        ("fre", "fr"),
        ("日本語", "ja"),
        ("grc", "grc"),
        ("und", None),
        ("ff LANGUAGE", None),
        ("", None),
    ],
)
def test_languages_become_codes(text: str, code: str | None) -> None:
    assert normal_language(text) == code


@pytest.mark.parametrize(
    ("text", "isbn"),
    [
        ("9780306406157", "9780306406157"),
        ("978-0-306-40615-7", "9780306406157"),
        ("0-306-40615-2", "9780306406157"),
        ("ISBN: 080442957X", "9780804429573"),
        ("9780306406158", None),
        ("0306406153", None),
        ("no number", None),
    ],
)
def test_an_isbn_is_checked_and_made_13_digits_long(text: str, isbn: str | None) -> None:
    assert normal_isbn(text) == isbn


@pytest.mark.parametrize(
    ("text", "asin"),
    [
        ("B00TEST123", "B00TEST123"),
        (" b00test123 ", "B00TEST123"),
        ("1250236525", "1250236525"),
        ("UNABRIDGED", None),
        ("B00", None),
    ],
)
def test_an_asin_has_ten_characters_and_a_digit(text: str, asin: str | None) -> None:
    assert normal_asin(text) == asin


@pytest.mark.parametrize(
    ("text", "day", "year"),
    [
        ("1892-10-14", "1892-10-14", 1892),
        ("2020-01-02T03:04:05Z", "2020-01-02", 2020),
        ("30-Apr-2010", "2010-04-30", 2010),
        ("April 30, 2010", "2010-04-30", 2010),
        ("1818", None, 1818),
        ("04/05/2016", None, 2016),
        ("2016-13-01", None, 2016),
        ("(P)2011 Somebody", None, 2011),
        ("0000", None, None),
        ("12345", None, None),
    ],
)
def test_dates_are_read_only_where_there_is_no_doubt(text: str, day: str | None, year: int | None) -> None:
    assert (iso_date(text), year_of(text)) == (day, year)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("<p>One</p><p>Two &amp; three</p>", "One\nTwo & three"),
        ("&lt;p&gt;quoted &amp;amp; twice&lt;/p&gt;", "quoted & twice"),
        ("a < b and c > d", "a < b and c > d"),
        ("one\r\n\r\n\r\ntwo", "one\n\ntwo"),
        ("<script>alert(1)</script>text<img src=x onerror=y>", "text"),
        ("nul\x00 and \ud800 surrogate", "nul and surrogate"),
    ],
)
def test_descriptions_become_plain_text(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@given(st.text())
def test_cleaned_text_can_always_be_stored(text: str) -> None:
    for cleaned in (clean_line(text), clean_text(text)):
        assert "\x00" not in cleaned.encode().decode()


def test_cleaned_text_is_bounded() -> None:
    assert (len(clean_line("x" * 10_000_000)), len(clean_text("y " * 10_000_000))) == (1_000, 32_767)
