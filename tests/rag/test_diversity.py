"""A list of likenesses is not all of one series, and loses nothing."""

from hypothesis import given
from hypothesis import strategies as st

from rag.diversity import spread


def test_what_is_over_its_share_comes_behind_the_others() -> None:
    groups = [{"dune"}, {"dune", "herbert"}, {"dune"}, {"herbert"}, set(), {"asimov"}]
    assert spread(groups, first=6, most=1) == [0, 3, 4, 5, 1, 2]
    assert spread(groups, first=3, most=2) == [0, 1, 3]


def test_where_there_are_no_others_nothing_changes() -> None:
    assert spread([{"dune"}, {"dune"}, {"dune"}], first=3, most=1) == [0, 1, 2]


@given(st.lists(st.sets(st.sampled_from("abc"))), st.integers(1, 9), st.integers(1, 4))
def test_nothing_is_lost_or_told_twice(groups: list[set[str]], first: int, most: int) -> None:
    chosen = spread(groups, first, most)
    assert sorted(spread(groups, len(groups), most)) == list(range(len(groups)))
    assert len(chosen) == min(first, len(groups))
