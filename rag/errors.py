"""Every way in which searching by meaning can fail.

RagError
├── ModelError
│   ├── ModelNotFoundError        the sentence-transformers model cannot be loaded
│   ├── WeightsMismatchError      the weights on disk are not the ones their publisher vouches for
│   ├── ModelUnsupportedError     the model cannot be expressed as one ONNX graph
│   ├── ParityError               the exported graph gives other vectors than the model
│   ├── RerankerParityError       the exported graph gives other scores than the model
│   ├── ExportError               the exporting process ended without a model
│   └── ExportUnreadableError     an exported model is missing or torn
├── QueryVectorMissingError       a search by vector alone was given no vector
├── VectorLengthError             a passage's vector has another length than the index
└── IndexFileError
    ├── GenerationNotFoundError   no complete generation has been published
    ├── GenerationTornError       a published generation lost or changed bytes
    └── GenerationMismatchError   the generation belongs to another model
"""

from __future__ import annotations

from pathlib import Path


class RagError(Exception):
    """Something about meaning failed; the subclasses say what."""


class ModelError(RagError):
    """The embedding model cannot be used."""


class ModelNotFoundError(ModelError):
    """The sentence-transformers model cannot be loaded."""

    def __init__(self, model: str, reason: object) -> None:
        super().__init__(
            f"The embedding model {model!r} cannot be loaded ({reason}). Install its package, "
            "or name a folder that holds a sentence-transformers model."
        )


class WeightsMismatchError(ModelError):
    """The weights on disk are not the ones their publisher vouches for."""

    def __init__(self, weights: Path, expected: str, found: str) -> None:
        super().__init__(
            f"The file {weights.name!r} has SHA-256 {found}, its publisher gives {expected}. "
            "Reinstall the package that brings it; do not use these weights."
        )


class ModelUnsupportedError(ModelError):
    """The model cannot be expressed as one ONNX graph of its token ids."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"The model {model!r} cannot be exported: {reason}. Choose another text model.")


class ParityError(ModelError):
    """The exported graph gives other vectors than the model it was made from."""

    def __init__(self, model: str, cosine: float, least: float) -> None:
        super().__init__(
            f"The ONNX export of {model!r} agrees with the model only to a cosine of {cosine:.6f} "
            f"(at least {least} is needed), so it was not published. Choose another text model."
        )


class RerankerParityError(ModelError):
    """The exported graph of a cross-encoder gives other scores than the model it was made from."""

    def __init__(self, model: str, difference: float, largest: float) -> None:
        super().__init__(
            f"The ONNX export of the cross-encoder {model!r} gives scores that differ by up to {difference:.4f} "
            f"(at most {largest} is allowed), so it was not published. Choose another cross-encoder."
        )


class ExportError(ModelError):
    """The exporting process ended without publishing a model."""

    def __init__(self, model: str, status: int, last_words: str) -> None:
        super().__init__(f"Exporting {model!r} ended with status {status}: {last_words}")


class ExportUnreadableError(ModelError):
    """An exported model is missing or torn."""

    def __init__(self, folder: Path, reason: object) -> None:
        super().__init__(
            f"The exported model in {folder.name} cannot be read ({reason}). "
            "Delete that folder; the worker exports it again."
        )


class QueryVectorMissingError(RagError):
    """A search by vector alone was given no vector."""

    def __init__(self) -> None:
        super().__init__("A search in VECTOR mode needs the query's vector. Embed the query, or use HYBRID.")


class VectorLengthError(RagError):
    """A passage's vector has another length than the index."""

    def __init__(self, passage_id: int, expected: int, found: tuple[int, ...]) -> None:
        super().__init__(
            f"The vector of passage {passage_id} has the shape {found}, the index holds ({expected},). "
            "It was made by another model: embed the passage again."
        )


class IndexFileError(RagError):
    """A generation of the index cannot be used; it is rebuilt from rows."""


class GenerationNotFoundError(IndexFileError):
    """No complete generation has been published yet."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"The folder {folder.name!r} holds no complete index generation. Rebuild it from rows.")


class GenerationTornError(IndexFileError):
    """A published generation lost or changed bytes."""

    def __init__(self, folder: Path, reason: object) -> None:
        super().__init__(f"The index generation {folder.name} is torn ({reason}). Rebuild it from rows.")


class GenerationMismatchError(IndexFileError):
    """The generation was built with another model, or with vectors of another length."""

    def __init__(self, folder: Path, expected: object, found: object) -> None:
        super().__init__(
            f"The index generation {folder.name} was built for {found}, but {expected} is in use. Rebuild it from rows."
        )
