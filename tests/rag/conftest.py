"""The real model, exported once per test session."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.embedder import ensure_exported
from rag.query_embedder import OnnxEmbedder


@pytest.fixture(scope="session")
def exported_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_exported(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def embedder(exported_model: Path) -> OnnxEmbedder:
    return OnnxEmbedder.open(exported_model)
