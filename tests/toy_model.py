"""A model that is exported in milliseconds: the mean of word vectors, for passages of a few words."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace

from jobs.embedding_model import EmbeddingModel, lineage_of
from jobs.passages import Splitter
from library.passages import Lineage
from rag.query_embedder import GRAPH, TOKENIZER, ModelCard, OnnxEmbedder, load_tokenizer

WORDS = ("whale", "island", "desert", "monster", "sailor", "spice", "captain", "body", "alone", "hunts", "a", "by")


@dataclass(frozen=True)
class ToyModel:
    """A model as `SHELFGRAPH_EMBEDDING_MODEL` names one, and where it is exported."""

    source: Path
    models: Path
    dimension: int
    window: int

    @classmethod
    def made(cls, folder: Path, name: str, *, dimension: int, window: int) -> "ToyModel":
        """Make the files that a model has before anybody exports it; the same arguments give the same weights."""
        source = folder / name
        source.mkdir(parents=True)
        table = np.random.default_rng(dimension).normal(size=(len(WORDS) + 1, dimension)).astype(np.float32)
        (source / "model.safetensors").write_bytes(table.tobytes())
        return cls(source, folder / "models", dimension, window)

    @property
    def name(self) -> str:
        """What the setting says."""
        return str(self.source)

    @property
    def revision(self) -> str:
        """The hash of its weights."""
        return hashlib.sha256((self.source / "model.safetensors").read_bytes()).hexdigest()

    @property
    def folder(self) -> Path:
        """Where its export lies."""
        return self.models / self.revision

    @property
    def lineage(self) -> Lineage:
        """What an index by it is made of."""
        embedder = OnnxEmbedder.open(self.folder)
        return lineage_of(embedder, Splitter.of(load_tokenizer(self.folder), self.window))

    def export(self) -> "ToyModel":
        """Do in milliseconds what `rag.embedder` does with torch."""
        self.folder.mkdir(parents=True)
        table = np.frombuffer((self.source / "model.safetensors").read_bytes(), np.float32)
        _write_graph(table.reshape(-1, self.dimension), self.folder / GRAPH)
        tokenizer = Tokenizer(WordLevel({"[UNK]": 0} | {word: 1 + place for place, word in enumerate(WORDS)}, "[UNK]"))
        tokenizer.pre_tokenizer, tokenizer.normalizer = Whitespace(), Lowercase()
        tokenizer.save(str(self.folder / TOKENIZER))
        files = {file.name: file.stat().st_size for file in self.folder.iterdir()}
        ModelCard(self.name, self.revision, self.dimension, self.window, 0, "", "", files).write(self.folder)
        return self

    def wanted(self) -> EmbeddingModel:
        """It as a worker's model."""
        return EmbeddingModel(self.models, self.name, threads=1)


def _write_graph(table: "np.ndarray[tuple[int, int], np.dtype[np.float32]]", file: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["column"]),
        helper.make_node("Mul", ["words", "column"], ["seen"]),
        helper.make_node("ReduceSum", ["seen", "tokens"], ["sum"], keepdims=0),
        helper.make_node("LpNormalization", ["sum"], ["embedding"], axis=-1, p=2),
    ]
    tokens = ["batch", "token"]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(name, TensorProto.INT64, tokens) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", table.shape[1]])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([2], np.int64), "last"),
            numpy_helper.from_array(np.array([1], np.int64), "tokens"),
        ],
    )
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(file))
