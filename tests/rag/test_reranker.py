"""A cross-encoder is exported whole or not at all, and puts hits in its own order."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from rag.errors import ModelError
from rag.query_embedder import OnnxEmbedder
from rag.reranker import READ_AGAIN, Reranker
from rag.reranker_export import ensure_reranker_exported
from rag.segment import Floats
from tests.rag.cross_encoders import made


class WordsInCommon:
    """A model whose score can be counted by eye."""

    def run_pairs(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Words that both texts have."""
        return np.array([len({*one.split()} & {*other.split()}) for one, other in pairs], np.float32)


COUNTING = Reranker(cast("OnnxEmbedder", WordsInCommon()))


def test_the_best_text_comes_first_and_what_has_none_stays_in_its_place() -> None:
    texts = ["a desert", None, "a whale at sea", "the sea", None]
    assert COUNTING.order("whale at sea", texts) == [2, 1, 3, 0, 4]
    assert COUNTING.order("whale", [None, None]) == [0, 1]


def test_only_the_first_hits_are_read_again() -> None:
    texts = ["desert"] * READ_AGAIN + ["whale"]
    assert COUNTING.order("whale", texts) == list(range(READ_AGAIN + 1))


@pytest.mark.timeout(300)  # two processes load torch, which takes long on a busy machine
def test_any_cross_encoder_is_exported_once_and_scores_as_it_did(tmp_path: Path) -> None:
    model = made(tmp_path / "model")
    folder = asyncio.run(ensure_reranker_exported(tmp_path / "rerankers", model))
    assert asyncio.run(ensure_reranker_exported(tmp_path / "rerankers", model)) == folder
    texts = ["a captain hunts a whale", "desert", "sea " * 100]
    scores = Reranker.open(folder).scores("whale", texts)
    # The export has proved that they are those of the model; here they must tell texts apart, whatever their batch.
    assert len(set(np.round(scores, 4).tolist())) == 3
    alone = [Reranker.open(folder).scores("whale", [text])[0] for text in texts]
    assert np.allclose(scores, alone, atol=1e-4)

    with pytest.raises(ModelError, match="2 scores, not one"):
        asyncio.run(ensure_reranker_exported(tmp_path / "rerankers", made(tmp_path / "other", labels=2)))
