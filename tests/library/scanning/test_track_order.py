"""The order of listening."""

import random

from hypothesis import given
from hypothesis import strategies as st

from library.scanning.track_order import TrackHints, in_listening_order, leading_number, natural_key


def _order(*files: TrackHints) -> list[str]:
    return [file.path for file in in_listening_order(files)]


def test_track_tags_count_before_file_names() -> None:
    assert _order(TrackHints("a.mp3", tag_track=2), TrackHints("b.mp3", tag_track=1)) == ["b.mp3", "a.mp3"]


def test_numbers_in_file_names_count_as_numbers() -> None:
    names = ["Track 10.mp3", "Track 2.mp3", "Track 1.mp3"]
    assert _order(*map(TrackHints, names)) == ["Track 1.mp3", "Track 2.mp3", "Track 10.mp3"]


def test_doubled_track_numbers_are_not_believed() -> None:
    assert _order(TrackHints("2.mp3", tag_track=1), TrackHints("1.mp3", tag_track=1)) == ["1.mp3", "2.mp3"]


def test_one_missing_track_number_makes_file_names_count_for_all() -> None:
    files = [TrackHints("1.mp3", tag_track=2), TrackHints("2.mp3"), TrackHints("3.mp3", tag_track=1)]
    assert _order(*files) == ["1.mp3", "2.mp3", "3.mp3"]


def test_the_disc_of_the_folder_counts_before_the_disc_of_the_tags() -> None:
    files = [
        TrackHints("CD 2/1.mp3", folder_disc=2, tag_disc=1, tag_track=1),
        TrackHints("CD 1/1.mp3", folder_disc=1, tag_disc=1, tag_track=1),
        TrackHints("CD 10/1.mp3", folder_disc=10, tag_disc=1, tag_track=1),
    ]
    assert _order(*files) == ["CD 1/1.mp3", "CD 2/1.mp3", "CD 10/1.mp3"]


def test_the_disc_of_the_tags_counts_without_disc_folders() -> None:
    files = [TrackHints("a.mp3", tag_disc=2, tag_track=1), TrackHints("b.mp3", tag_disc=1, tag_track=1)]
    assert _order(*files) == ["b.mp3", "a.mp3"]


def test_track_tags_are_read_with_or_without_a_total() -> None:
    assert [leading_number(text) for text in ("3/10", "03", " 7", "0", "x", "", None)] == [
        3,
        3,
        7,
        None,
        None,
        None,
        None,
    ]


@given(st.lists(st.text(), max_size=20), st.randoms(use_true_random=False))
def test_any_names_have_one_order(names: list[str], order: random.Random) -> None:
    shuffled = order.sample(names, len(names))
    assert sorted(shuffled, key=natural_key) == sorted(names, key=natural_key)
