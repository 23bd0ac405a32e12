"""Reading series, positions and titles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.scanning.series import SeriesMention, marked_mentions, mention, merged, normal_position, paired_mentions
from library.scanning.titles import clean_title, edition_hints, stated_series


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("01", "1"),
        ("3.0", "3"),
        ("2.50", "2.5"),
        ("0.5", "0.5"),
        ("1-3", "1-3"),
        ("1 – 3", "1-3"),
        ("1-16.5", "1-16.5"),
        ("Book 7", "7"),
        ("Vol. 2", "2"),
        ("#4", "4"),
        ("3/10", "3"),
        ("Prequel", "Prequel"),
        ("<b>", None),
        ("", None),
        (None, None),
    ],
)
def test_positions_have_one_spelling(text: str | None, position: str | None) -> None:
    assert normal_position(text) == position


@given(st.text(max_size=40))
def test_a_normal_position_stays_as_it_is(text: str) -> None:
    once = normal_position(text)
    assert normal_position(once) == once


def test_a_series_may_carry_its_position() -> None:
    assert [
        mention("Gothic Tales #2"),
        mention("Gothic Tales, Book 3"),
        mention("Gothic Tales"),
        mention("The 100"),
    ] == [
        SeriesMention("Gothic Tales", "2"),
        SeriesMention("Gothic Tales", "3"),
        SeriesMention("Gothic Tales"),
        SeriesMention("The 100"),
    ]


def test_a_grouping_names_series_only_with_a_marked_position() -> None:
    assert marked_mentions("Gothic Tales #1; Monster Universe #2.5; Content group") == [
        SeriesMention("Gothic Tales", "1"),
        SeriesMention("Monster Universe", "2.5"),
    ]


def test_joined_series_are_paired_with_joined_positions() -> None:
    assert paired_mentions(["A; B", "C"], ["1;2.5"]) == [
        SeriesMention("A", "1"),
        SeriesMention("B", "2.5"),
        SeriesMention("C"),
    ]


def test_merging_keeps_the_first_spelling_and_the_most_precise_position() -> None:
    mentions = [
        SeriesMention("The Stormlight Archive", "2"),
        SeriesMention("stormlight archive", "2.5"),
        SeriesMention("Cosmere"),
    ]
    assert merged(mentions) == (SeriesMention("The Stormlight Archive", "2.5"), SeriesMention("Cosmere"))


@pytest.mark.parametrize(
    ("title", "series", "cleaned"),
    [
        ("Dracula (Unabridged)", None, "Dracula"),
        ("Dracula [unabridged]", None, "Dracula"),
        ("Dracula - Unabridged", None, "Dracula"),
        ("Harry Potter (Full-Cast Edition)", None, "Harry Potter"),
        ("Red Rising (Part 2 of 2) (Dramatized Adaptation)", None, "Red Rising (Part 2 of 2)"),
        ("Good Spirits - A Novel", None, "Good Spirits"),
        ("These Summer Storms: A Novel", None, "These Summer Storms"),
        ("A Novel", None, "A Novel"),
        ("Unabridged", None, "Unabridged"),
        ("Columbus Day - Expeditionary Force, Book 1", SeriesMention("Expeditionary Force", "1"), "Columbus Day"),
        ("Columbus Day - Expeditionary Force, Book 1", None, "Columbus Day - Expeditionary Force, Book 1"),
        (
            "Columbus Day - Expeditionary Force, Book 1",
            SeriesMention("Expeditionary Force", "2"),
            "Columbus Day - Expeditionary Force, Book 1",
        ),
        ("Swing Shift: Book 2", SeriesMention("Swing Shift", "2"), "Swing Shift: Book 2"),
        ("The Survivalist, Book 7", SeriesMention("Other Series", "7"), "The Survivalist"),
        ("Catch-22", SeriesMention("Catch", "22"), "Catch-22"),
    ],
)
def test_a_title_loses_only_what_is_certainly_no_part_of_it(
    title: str, series: SeriesMention | None, cleaned: str
) -> None:
    assert clean_title(title, [series] if series else []) == cleaned


def test_a_title_may_state_its_series() -> None:
    assert [
        stated_series("Blood Rites - The Dresden Files, Book 6 (Unabridged)"),
        stated_series("Forge (Tower #1)"),
        stated_series("Dracula"),
    ] == [
        SeriesMention("The Dresden Files", "6"),
        SeriesMention("Tower", "1"),
        None,
    ]


def test_notes_in_a_title_tell_the_edition() -> None:
    titles = [
        "X (Unabridged)",
        "X [Abridged]",
        "X (Dramatized Adaptation)",
        "X - Full Cast Drama",
        "The Unabridged Journals",
    ]
    assert [edition_hints(title) for title in titles] == [
        (False, None),
        (True, None),
        (None, True),
        (None, True),
        (None, None),
    ]
