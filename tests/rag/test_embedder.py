"""The real model: exported without loss, and opened without what trains it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rag.embedder import (
    DEFAULT_MODEL,
    DEFAULT_PACKAGE,
    DEFAULT_WEIGHTS_SHA256,
    ensure_exported,
    parity_texts,
    prove_parity,
)
from rag.errors import ExportError, ExportUnreadableError, ModelNotFoundError, ParityError, WeightsMismatchError
from rag.passages import split_text
from rag.query_embedder import ModelCard, OnnxEmbedder, find_export, load_tokenizer, without_request


def test_the_export_lies_under_the_hash_of_its_weights(exported_model: Path) -> None:
    assert exported_model.name == DEFAULT_WEIGHTS_SHA256
    card = ModelCard.read(exported_model)
    assert (card.model, card.revision, card.dimension, card.window) == (
        DEFAULT_MODEL,
        DEFAULT_WEIGHTS_SHA256,
        384,
        256,
    )


async def test_an_export_is_made_once(exported_model: Path) -> None:
    graph = exported_model / "model.onnx"
    before = graph.stat().st_ino, graph.stat().st_mtime_ns  # reading it may change when it was read last
    assert await ensure_exported(exported_model.parent) == exported_model
    assert (graph.stat().st_ino, graph.stat().st_mtime_ns) == before
    assert find_export(exported_model.parent, DEFAULT_MODEL) == exported_model
    assert find_export(exported_model.parent, "another/model") is None


def test_a_batch_gives_the_vectors_of_its_texts_alone(embedder: OnnxEmbedder) -> None:
    texts = parity_texts(12, 256)
    alone = np.stack([embedder.embed_query(text) for text in texts])
    assert np.allclose(embedder.embed_many(texts), alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-5)


def test_runs_beside_each_other_give_each_text_once_and_stop_when_nobody_asks(
    embedder: OnnxEmbedder, exported_model: Path
) -> None:
    texts = parity_texts(30, 256)
    parallel = OnnxEmbedder.open(exported_model, threads=2)
    runs = list(parallel.embed_runs(texts, tokens_per_run=300))
    assert len(runs) > 10
    places = np.concatenate([places for places, _ in runs])
    assert sorted(places) == list(range(len(texts)))
    given = np.concatenate([vectors for _, vectors in runs])
    assert np.allclose(given, embedder.embed_many(texts)[places], atol=1e-5)
    stopped = parallel.embed_runs(texts, tokens_per_run=300)
    assert np.array_equal(next(stopped)[0], runs[0][0])
    stopped.close()
    assert np.allclose(parallel.embed_many(texts[:3]), embedder.embed_many(texts[:3]), atol=1e-5)


def test_no_texts_give_no_vectors(embedder: OnnxEmbedder) -> None:
    assert embedder.embed_many([]).shape == (0, 384)


def test_meaning_is_nearer_than_words(embedder: OnnxEmbedder) -> None:
    query = embedder.embed_query("a shipwrecked man learns to live alone")
    crusoe, ship = embedder.embed_many(
        ["A sailor cast away on an island survives by himself for years.", "How to learn shipping for a living."]
    )
    assert query @ crusoe > query @ ship


def test_a_passage_never_exceeds_the_real_window(exported_model: Path) -> None:
    tokenizer = load_tokenizer(exported_model)
    passages = split_text("Naïve Zoë’s café, 1,001 nights. " * 200, "Tales by Nobody", tokenizer)
    assert len(passages) > 5
    assert max(len(tokenizer.encode(passage.embedded).ids) for passage in passages) <= 256


def test_embedding_a_query_imports_nothing_that_trains(exported_model: Path) -> None:
    program = (
        "import sys, pathlib; from rag.query_embedder import OnnxEmbedder;"
        "OnnxEmbedder.open(pathlib.Path(sys.argv[1])).embed_query('x');"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(exported_model)], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "tokenizer.json", "card.json"])
def test_a_torn_export_says_what_to_do(exported_model: Path, tmp_path: Path, name: str) -> None:
    torn = tmp_path / "torn"
    shutil.copytree(exported_model, torn)
    (torn / name).write_bytes((torn / name).read_bytes()[:100])
    with pytest.raises(ExportUnreadableError, match="Delete that folder"):
        OnnxEmbedder.open(torn)


async def test_any_sentence_transformers_model_is_exported_also_where_a_torn_export_lies(tmp_path: Path) -> None:
    source, models = tiny_model(tmp_path / "tiny"), tmp_path / "models"
    torn = models / hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest()
    torn.mkdir(parents=True)
    (torn / "card.json").write_text("{")
    folder = await ensure_exported(models, str(source))
    assert (folder, find_export(models, str(source))) == (torn, torn)
    embedder = OnnxEmbedder.open(folder)
    assert (embedder.card.dimension, embedder.card.window) == (16, 32)
    assert embedder.embed_query("a whale").shape == (16,)


def tiny_model(folder: Path) -> Path:
    """A BERT with random weights, as sentence-transformers keeps one: 16 numbers for 32 tokens, of eight words."""
    program = f"""
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizerFast
torch.manual_seed(1)
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "the", "whale", "captain", "ship", "sea", "lost", "at"]
open("vocab.txt", "w").write(chr(10).join(words))
size = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=64, **size)).save_pretrained("bert")
BertTokenizerFast("vocab.txt").save_pretrained("bert")
transformer = Transformer("bert", max_seq_length=32)
SentenceTransformer(modules=[transformer, Pooling(16)]).save({str(folder)!r})
"""
    folder.mkdir()
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, cwd=folder, capture_output=True)
    return folder


def test_a_graph_that_is_not_one_is_refused(exported_model: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn"
    shutil.copytree(exported_model, torn)
    (torn / "model.onnx").write_bytes(b"x" * (torn / "model.onnx").stat().st_size)
    with pytest.raises(ExportUnreadableError):
        OnnxEmbedder.open(torn)


async def test_a_model_that_does_not_exist_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"no-such-model.*cannot be loaded"):
        await ensure_exported(tmp_path / "models", str(tmp_path / "no-such-model"))
    assert not (tmp_path / "models").exists()


async def test_a_folder_without_weights_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="holds no weights"):
        await ensure_exported(tmp_path / "models", str(tmp_path))


async def test_weights_with_another_hash_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / DEFAULT_PACKAGE
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "model" / "model.safetensors").write_bytes(b"not the weights")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WeightsMismatchError, match="53aa51172d142c89"):
        await ensure_exported(tmp_path / "models")


def test_an_export_with_other_vectors_is_not_proven(
    exported_model: Path, embedder: OnnxEmbedder, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    shutil.copytree(exported_model, wrong)
    card = json.loads((wrong / "card.json").read_text())
    (wrong / "card.json").write_text(json.dumps(card | {"window": 64}))
    with pytest.raises(ParityError, match="was not published"):
        prove_parity(embedder.embed_many, OnnxEmbedder.open(wrong), count=20)
    assert prove_parity(embedder.embed_many, embedder, count=20) > 0.9999


def test_a_question_is_about_what_is_asked_for_and_not_about_asking(embedder: OnnxEmbedder) -> None:
    plain = embedder.embed_query("A whale hunts the captain of a ship.")
    story = "I am looking for a book I read as a child. A whale hunts the captain of a ship. What is it called?"
    assert embedder.embed_question(story) @ plain > embedder.embed_query(story) @ plain + 0.05
    assert embedder.embed_question("ships at sea") @ embedder.embed_query("ships at sea") > 0.9
    only_asking = without_request(embedder.request[np.newaxis], embedder.request)
    assert only_asking[0] @ embedder.request > 0.999
