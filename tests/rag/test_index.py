"""Changes make new snapshots that answer like an index built afresh."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import VectorLengthError
from rag.index import JOINED_ROWS, SearchIndex
from rag.search import Mode, search, similar
from rag.segment import FAISS_ROWS, PassageRow, Segment
from rag.sources import Owner
from tests.rag.toys import AXES, DIMENSION, row, toy_vector

EMPTY = SearchIndex("toy", DIMENSION)


def test_an_index_counts_what_can_be_found_and_what_is_not_embedded_yet() -> None:
    index = EMPTY.with_changes([row(1, vector=toy_vector(sea=1)), row(2, "desert")], up_to_version=7)
    assert (index.count, index.pending, index.up_to_version) == (2, 1, 7)


async def test_a_change_leaves_the_snapshot_it_came_from_alone() -> None:
    before = EMPTY.with_changes([row(1, "sea")])
    after = before.with_changes([row(2, "sea")], deletions=[1])
    assert [hit.passage_id for hit in await search(before, "sea", None, first=9)] == [1]
    assert [hit.passage_id for hit in await search(after, "sea", None, first=9)] == [2]


def test_a_version_never_goes_back() -> None:
    assert EMPTY.with_changes([], up_to_version=8).with_changes([], up_to_version=7).up_to_version == 8


async def test_the_last_row_of_an_id_wins_and_wins_over_its_deletion() -> None:
    index = EMPTY.with_changes([row(1, "sea"), row(1, "desert")], deletions=[1])
    assert index.count == 1
    assert [hit.passage_id for hit in await search(index, "desert", None, first=9)] == [1]
    assert await search(index, "sea", None, first=9) == []


def test_a_vector_of_another_length_is_refused() -> None:
    with pytest.raises(VectorLengthError, match="passage 5"):
        EMPTY.with_changes([row(5, vector=np.ones(3, np.float32))])


def test_single_changes_are_joined_into_few_parts() -> None:
    index = EMPTY
    for passage_id in range(1, 301):
        index = index.with_changes([row(passage_id, "sea")])
    assert index.count == 300
    assert len(index.parts) <= 10


def test_one_change_is_quick_while_ten_thousand_are_pending() -> None:
    rows = [row(number, "sea war", toy_vector(sea=1)) for number in range(1, 10_001)]
    index = EMPTY.with_changes(rows)
    durations = []
    for number in range(20):
        start = time.process_time()
        index.with_changes([row(number + 1, "love", toy_vector(love=1))])
        durations.append(time.process_time() - start)
    assert sorted(durations)[10] < 0.02  # some 0.5 ms; room for a busy machine


@pytest.mark.parametrize("count", [FAISS_ROWS // 2, FAISS_ROWS * 2])
def test_the_search_looks_at_nothing_but_wanted_rows(count: int) -> None:
    rows = [row(number, vector=toy_vector(sea=1)) for number in range(1, count)]
    segment = Segment.build([*rows, row(count, vector=toy_vector(war=1)), row(count + 1)], DIMENSION)
    only_worst = np.zeros(len(segment), np.bool_)
    only_worst[-2:] = True
    found, cosines = segment.nearest(toy_vector(sea=1), 10, only_worst)
    assert (found.tolist(), cosines.tolist()) == ([count - 1], [0.0])
    everything, _ = segment.nearest(toy_vector(war=1), count + 5, None)
    assert len(everything) == count
    assert everything[0] == count - 1


VECTORS = st.sampled_from([None, toy_vector(sea=1), toy_vector(sea=0.6, war=0.8), toy_vector(love=1)])
ROWS = st.builds(
    lambda passage_id, text, vector, owner: row(passage_id, text, vector, owner=owner, header="tale"),
    st.integers(1, 12),
    st.lists(st.sampled_from(AXES), max_size=4).map(" ".join),
    VECTORS,
    st.integers(1, 5),
)
CHANGES = st.lists(st.tuples(st.lists(ROWS, max_size=5), st.lists(st.integers(1, 12), max_size=3)), max_size=8)


@given(CHANGES)
async def test_any_sequence_of_changes_answers_like_a_fresh_build(
    changes: list[tuple[list[PassageRow], list[int]]],
) -> None:
    index, rows = EMPTY, dict[int, PassageRow]()
    for upserts, deletions in changes:
        index = index.with_changes(upserts, deletions)
        rows = {number: kept for number, kept in rows.items() if number not in deletions}
        rows |= {upsert.passage_id: upsert for upsert in upserts}
    fresh = EMPTY.with_changes([rows[number] for number in sorted(rows)])
    assert index.count == fresh.count == len(rows)
    assert index.pending == fresh.pending
    for mode in Mode:
        for query in ("sea", "love war tale", "unknown"):
            ask = {"query": query, "query_vector": toy_vector(sea=0.8, love=0.6), "first": 9, "mode": mode}
            assert await search(index, **ask) == await search(fresh, **ask)  # type: ignore[arg-type]  # a dict of mixed values
    like = {"owner": Owner("book", 1), "header": "tale", "text": "sea", "first": 9}
    assert await similar(index, **like) == await similar(fresh, **like)  # type: ignore[arg-type]  # a dict of mixed values


def test_the_tail_stays_below_its_limit_of_joined_rows() -> None:
    index = EMPTY.with_changes([row(number) for number in range(1, JOINED_ROWS)])
    index = index.with_changes([row(number) for number in range(JOINED_ROWS, 2 * JOINED_ROWS)])
    assert [part.live for part in index.parts] == [JOINED_ROWS - 1, JOINED_ROWS]
