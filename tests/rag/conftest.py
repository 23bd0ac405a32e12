"""The real model, opened once per test session."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.query_embedder import OnnxEmbedder


@pytest.fixture(scope="session")
def embedder(exported_model: Path) -> OnnxEmbedder:
    return OnnxEmbedder.open(exported_model)
