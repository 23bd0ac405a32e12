"""Embedding texts with an exported model: onnxruntime and tokenizers, nothing that trains."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Encoding, Tokenizer

from rag.errors import ExportUnreadableError

Vector = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

CARD = "card.json"
GRAPH = "model.onnx"
# Beside the graph rather than inside it: onnxruntime maps this file, so a serving process holds only the
# pages it touches (measured: 51 MB instead of 126 MB, open in 0.07 s instead of 0.2 s).
WEIGHTS = "model.onnx.data"
TOKENIZER = "tokenizer.json"

# What people say whatever they look for; longer lists gained nothing on training queries.
REQUESTS = ("What is this book called?", "I am looking for a book.")
# Of a question's vector, less than this is no direction to go in.
LEAST_LEFT = 0.3

# Padded tokens in one run of the graph. More only leaves the processor's caches, and lets others wait for longer.
TOKENS_PER_RUN = 512
# Runs that are begun before the first is waited for, so that no thread stands still while results are taken.
BEGUN_PER_THREAD = 2
# Texts tokenised at a time, so that a long list needs no more memory than a short one.
TEXTS_PER_ROUND = 2048


@dataclass(frozen=True)
class ModelCard:
    """What an exported model is; `revision` is the SHA-256 of its weights."""

    model: str
    revision: str
    dimension: int
    window: int
    pad_id: int
    query_prompt: str
    passage_prompt: str
    # File name to size in bytes. A rename publishes the whole folder, so sizes are enough to notice a
    # truncated copy; hashing 90 MB would cost each start more than loading them.
    files: dict[str, int]

    def write(self, folder: Path) -> None:
        """Write the card into the folder of the files it describes."""
        (folder / CARD).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the card and check that the files it names are there in full. Raises ExportUnreadableError."""
        try:
            card = cls(**json.loads((folder / CARD).read_text(encoding="utf-8")))
            for name, size in card.files.items():
                found = (folder / name).stat().st_size
                if found != size:
                    raise ExportUnreadableError(folder, f"{name} has {found} of {size} bytes")
        except (OSError, ValueError, TypeError) as error:
            raise ExportUnreadableError(folder, error) from error
        return card


class OnnxEmbedder:
    """Texts to unit vectors. Safe to share between threads; opening it is the only slow part (0.1 s)."""

    def __init__(
        self, card: ModelCard, session: onnxruntime.InferenceSession, tokenizer: Tokenizer, threads: int = 1
    ) -> None:
        self.card = card
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "embedder") if threads > 1 else None
        self._session = session
        self._tokenizer = tokenizer
        self._inputs = [given.name for given in session.get_inputs()]

    @classmethod
    def open(cls, folder: Path, *, threads: int = 1) -> Self:
        """Open the exported model in `folder`. Raises ExportUnreadableError.

        `threads` compute so many runs of passages beside each other, each run in one thread: threads that share a run
        wait for each other after every step of it (measured on 2 cores: 1.1 times the speed, 1.2 beside other work).
        """
        card = ModelCard.read(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # Memory kept from run to run is 150 MB; small runs of one thread gain 0 to 3 % by it.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        try:
            session = onnxruntime.InferenceSession(str(folder / GRAPH), options, providers=["CPUExecutionProvider"])
            tokenizer = load_tokenizer(folder)
        except Exception as error:  # both libraries raise a bare Exception for a file they cannot read
            raise ExportUnreadableError(folder, error) from error
        tokenizer.enable_truncation(card.window)
        return cls(card, session, tokenizer, threads)

    def embed_query(self, text: str) -> Vector:
        """Return the unit vector of a query, shape (dimension,)."""
        encoding = self._tokenizer.encode(self.card.query_prompt + text)
        vector: Vector = self._run([encoding])[0]
        return vector

    def embed_question(self, text: str) -> Vector:
        """Return the unit vector of what a question is about, shape (dimension,): see `without_request`."""
        about: Vector = without_request(self.embed_query(text)[np.newaxis], self.request)[0]
        return about

    @cached_property
    def request(self) -> Vector:
        """The direction, a unit vector, in which requests point that say nothing of what is asked for."""
        total = np.sum([self.embed_query(text) for text in REQUESTS], axis=0)
        return np.asarray(total / np.linalg.norm(total), np.float32)

    def embed_many(self, texts: Sequence[str], tokens_per_run: int = TOKENS_PER_RUN) -> Vectors:
        """Return the unit vectors of passages, shape (len(texts), dimension), in the order of `texts`."""
        vectors = np.empty((len(texts), self.card.dimension), np.float32)
        for places, found in self.embed_runs(texts, tokens_per_run):
            vectors[places] = found
        return vectors

    def embed_runs(
        self, texts: Sequence[str], tokens_per_run: int = TOKENS_PER_RUN
    ) -> Generator[tuple[Places, Vectors]]:
        """Embed passages of like lengths together, and give after each run of the graph the places it has embedded.

        Places are into `texts`; each comes once, with its unit vector in the same row of shape (places, dimension).
        Whoever stops early does not wait for more than what is being computed.
        """
        for first in range(0, len(texts), TEXTS_PER_ROUND):
            prompted = [self.card.passage_prompt + text for text in texts[first : first + TEXTS_PER_ROUND]]
            encodings = self._tokenizer.encode_batch_fast(prompted)
            batches = _like_lengths([len(encoding.ids) for encoding in encodings], tokens_per_run)
            yield from self._side_by_side(encodings, batches, first)

    def _side_by_side(
        self, encodings: Sequence[Encoding], batches: Iterable[Places], first: int
    ) -> Iterator[tuple[Places, Vectors]]:
        if self._pool is None:
            for batch in batches:
                yield first + batch, self._run([encodings[place] for place in batch])
            return
        submit = self._pool.submit
        waiting = ((first + batch, submit(self._run, [encodings[place] for place in batch])) for batch in batches)
        begun = deque(islice(waiting, BEGUN_PER_THREAD * self._threads))
        try:
            while begun:
                places, running = begun.popleft()
                begun.extend(islice(waiting, 1))
                yield places, running.result()
        finally:
            for _, running in begun:
                running.cancel()

    def run_pairs(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        """Return what the graph makes of pairs of texts, shape (pairs, …), in their order: see `rag.reranker`."""
        encodings = self._tokenizer.encode_batch_fast(list(pairs))
        found = np.empty(len(pairs), np.float32)
        for batch in _like_lengths([len(encoding.ids) for encoding in encodings], TOKENS_PER_RUN):
            found[batch] = self._run([encodings[place] for place in batch])
        return found

    def _run(self, encodings: Sequence[Encoding]) -> Vectors:
        feed = _padded(encodings, self.card.pad_id)
        (vectors,) = self._session.run(None, {name: feed[name] for name in self._inputs})
        return np.asarray(vectors, np.float32)


def without_request(vectors: Vectors, request: Vector) -> Vectors:
    """Take out of questions what they share with any request; unit vectors, shape (questions, dimension).

    "I am looking for a book that I read years ago, in which …" is half about looking for books, and as near to each
    blurb that speaks of books as to the one that is meant. A question that asks for nothing else stays as it is.
    """
    about = vectors - (vectors @ request)[:, np.newaxis] * request
    lengths = np.linalg.norm(about, axis=1, keepdims=True)
    return np.where(lengths < LEAST_LEFT, vectors, about / np.maximum(lengths, LEAST_LEFT))


def load_tokenizer(folder: Path) -> Tokenizer:
    """Load the tokenizer so that it neither truncates nor pads: for `rag.passages.split_text`."""
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def find_export(models: Path, model: str) -> Path | None:
    """Return the folder of the latest complete export of `model` below `models`, or None."""
    found = [folder for folder, card in exports(models).items() if card.model == model]
    return max(found, key=lambda folder: (folder / CARD).stat().st_mtime, default=None)


def exports(models: Path) -> dict[Path, ModelCard]:
    """List the complete exports below `models`: their folders and cards."""
    found = {}
    for card in models.glob(f"*/{CARD}"):
        with suppress(ExportUnreadableError):
            found[card.parent] = ModelCard.read(card.parent)
    return found


def _like_lengths(lengths: Sequence[int], tokens_per_run: int) -> Iterator[Places]:
    # Padding is computed like text: a batch of like lengths wastes none of it.
    order = np.argsort(lengths, kind="stable")[::-1]
    start = 0
    while start < len(order):
        longest = max(lengths[order[start]], 1)
        stop = start + max(tokens_per_run // longest, 1)
        yield order[start:stop]
        start = stop


def _padded(encodings: Iterable[Encoding], pad_id: int) -> dict[str, Any]:
    rows = list(encodings)
    shape = (len(rows), max(len(row.ids) for row in rows))
    ids = np.full(shape, pad_id, np.int64)
    mask = np.zeros(shape, np.int64)
    types = np.zeros(shape, np.int64)
    for place, row in enumerate(rows):
        length = len(row.ids)
        ids[place, :length] = row.ids
        mask[place, :length] = 1
        types[place, :length] = row.type_ids
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
