"""Settings come from the environment, secrets also from files, and what cannot work is named."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from settings import Settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        for suffix in ("", "_FILE"):
            monkeypatch.delenv(f"SHELFGRAPH_{name.upper()}{suffix}", raising=False)


def test_a_secret_may_be_given_as_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("x" * 40 + "\n")
    monkeypatch.setenv("SHELFGRAPH_ADMIN_TOKEN_FILE", str(file))
    token = Settings().admin_token
    assert token is not None
    assert token.get_secret_value() == "x" * 40


def test_the_environment_beats_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://from-file:1/0")
    monkeypatch.setenv("SHELFGRAPH_REDIS_URL_FILE", str(file))
    monkeypatch.setenv("SHELFGRAPH_REDIS_URL", "redis://from-environment:1/0")
    assert Settings().redis_url == "redis://from-environment:1/0"


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHELFGRAPH_ADMIN_TOKEN_FILE", str(tmp_path / "none"))
    with pytest.raises(ValueError, match="SHELFGRAPH_ADMIN_TOKEN_FILE"):
        Settings()


def test_only_secrets_are_read_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("1234")
    monkeypatch.setenv("SHELFGRAPH_PORT_FILE", str(file))
    assert Settings().port == 8000


def test_a_short_admin_token_is_refused_without_being_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFGRAPH_ADMIN_TOKEN", "tooshort-secret")
    with pytest.raises(ValidationError, match="at least 32 characters") as raised:
        Settings()
    assert "tooshort-secret" not in str(raised.value)


def test_origins_are_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFGRAPH_ALLOWED_ORIGINS", "https://a.example/, https://b.example")
    assert Settings().allowed_origins == ("https://a.example", "https://b.example")


def test_pgvector_without_postgres_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFGRAPH_VECTOR_INDEX", "pgvector")
    with pytest.raises(ValidationError, match="needs SHELFGRAPH_DATABASE_URL to name a Postgres database"):
        Settings()
    monkeypatch.setenv("SHELFGRAPH_DATABASE_URL", "postgresql+asyncpg://reader@db.example/shelfgraph")
    assert Settings().vector_index == "pgvector"
