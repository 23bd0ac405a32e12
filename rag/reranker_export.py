"""Loading any cross-encoder of sentence-transformers, exporting it once to ONNX, and proving that nothing was lost.

Run as a program (`python -m rag.reranker_export FOLDER MODEL`) for the reason that `rag.embedder` gives.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.embedder import (
    cached_source,
    export_apart,
    exported,
    is_complete,
    local_source,
    main,
    parity_texts,
    vouched_revision,
    write_graph,
)
from rag.errors import ModelNotFoundError, ModelUnsupportedError, RerankerParityError
from rag.publishing import published
from rag.query_embedder import TOKENIZER, ModelCard
from rag.reranker import Reranker

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

PARITY_PAIRS = 64
LARGEST_DIFFERENCE = 1e-3


async def ensure_reranker_exported(folder: Path, model: str) -> Path:
    """Return the folder of the exported `model`; when needed, export it in a process of its own. Raises ModelError."""
    return await asyncio.to_thread(exported, folder, model) or await export_apart("rag.reranker_export", folder, model)


def export_reranker(folder: Path, model: str) -> Path:
    """Export `model` into `folder`/<SHA-256 of its weights>/, in this process. Raises ModelError."""
    source = local_source(model)
    encoder = _loaded(model, source)
    revision = vouched_revision(model, source or cached_source(model))
    final = folder / revision
    if is_complete(final):
        return final
    with published(final) as building:
        _write(encoder, model, building)
        encoder.tokenizer.backend_tokenizer.save(str(building / TOKENIZER))
        _card(encoder, model, revision, building).write(building)
        _prove(encoder, model, Reranker.open(building))
    return final


def _loaded(model: str, source: Path | None) -> CrossEncoder:
    if source is not None:
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    from sentence_transformers import CrossEncoder  # noqa: PLC0415 - seconds and 700 MB, only for an export

    try:
        encoder: CrossEncoder = CrossEncoder(
            str(source or model), device="cpu", model_kwargs={"attn_implementation": "eager"}
        )
    except (OSError, ValueError) as error:
        raise ModelNotFoundError(model, error) from error
    if encoder.num_labels != 1:
        raise ModelUnsupportedError(model, f"it gives {encoder.num_labels} scores, not one")
    encoder.eval()
    return encoder


def _write(encoder: CrossEncoder, model: str, folder: Path) -> None:
    import torch  # noqa: PLC0415 - only for an export

    # Two pairs of unlike lengths: tracing must see padding, or it takes the mask for a constant.
    pairs = [
        ("a short one", "a text"),
        ("a longer question than the other", "a longer text that makes the other padded"),
    ]
    example = {name: value for name, value in encoder.preprocess(pairs).items() if torch.is_tensor(value)}
    names = list(example)

    class Score(torch.nn.Module):
        """The model's one score, from 0 to 1."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.encoder(dict(zip(names, tensors, strict=True)))["scores"]
            return torch.sigmoid(scores[:, 0])

    write_graph(Score(), example, "score", model, folder)


def _card(encoder: CrossEncoder, model: str, revision: str, folder: Path) -> ModelCard:
    window = encoder.max_seq_length
    if window is None:
        raise ModelUnsupportedError(model, "it names no longest input")
    files = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    return ModelCard(model, revision, 1, int(window), int(encoder.tokenizer.pad_token_id or 0), "", "", files)


def _prove(encoder: CrossEncoder, model: str, reranker: Reranker) -> None:
    import torch  # noqa: PLC0415 - only for an export

    texts = parity_texts(PARITY_PAIRS, reranker.model.card.window)
    pairs: list[Any] = [(texts[0], text) for text in texts]
    expected = encoder.predict(pairs, activation_fn=torch.nn.Sigmoid(), show_progress_bar=False)
    difference = float(np.abs(reranker.scores(texts[0], texts) - np.asarray(expected, np.float32)).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise RerankerParityError(model, difference, LARGEST_DIFFERENCE)


if __name__ == "__main__":
    main(export_reranker)
