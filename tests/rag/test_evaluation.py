"""The measures agree with values worked out by hand."""

from __future__ import annotations

import pytest

from rag.evaluation import ndcg, recall, reciprocal_rank


def test_ndcg_is_one_for_the_best_order_and_less_for_others() -> None:
    grades = {"a": 2, "b": 1}
    assert ndcg(["a", "b", "c"], grades) == 1
    # Gains are 3 and 1, the second rank is worth 1 / log2(3) = 0.6309: 2.8928 of 3.6309.
    assert ndcg(["b", "a"], grades) == pytest.approx(0.7967, abs=1e-4)
    assert ndcg(["c"], grades) == 0
    assert ndcg(["c", "a"], {"a": 1}, depth=1) == 0
    assert ndcg(["a"], {}) == 0


def test_recall_and_reciprocal_rank_look_only_so_deep() -> None:
    grades = {"a": 1, "b": 2, "c": 0}
    assert recall(["x", "a", "b"], grades, depth=2) == 0.5
    assert reciprocal_rank(["c", "x", "b"], grades) == pytest.approx(1 / 3)
    assert reciprocal_rank(["c", "x", "b"], grades, depth=2) == 0
