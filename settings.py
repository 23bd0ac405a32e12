"""Every setting of Shelfgraph, read from the environment once per process."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

MINIMUM_ADMIN_TOKEN_LENGTH = 32
SECRETS = frozenset(
    {
        "admin_token",
        "agent_token",
        "database_url",
        "redis_url",
        "secret_key",
        "prowlarr_api_key",
        "myanonamouse_session",
        "torznab_api_key",
        "qbittorrent_password",
        "language_model_api_key",
    }
)
DATABASE_DRIVERS = ("sqlite+aiosqlite", "postgresql+asyncpg")


class SecretFileUnreadable(ValueError):
    """A `_FILE` variable that leads nowhere."""

    def __init__(self, variable: str, error: Exception) -> None:
        super().__init__(f"{variable} names a file that cannot be read ({type(error).__name__}). Correct or unset it.")


class SecretFiles(PydanticBaseSettingsSource):
    """Reads `SHELFGRAPH_X_FILE` for the settings that hold secrets, as container platforms hand them out."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The content of the named file; raises SecretFileUnreadable."""
        del field
        variable = f"SHELFGRAPH_{field_name.upper()}_FILE"
        path = os.environ.get(variable) if field_name in SECRETS else None
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise SecretFileUnreadable(variable, error) from None

    def __call__(self) -> dict[str, Any]:
        """All values found in files."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """One frozen value object; variables carry the prefix `SHELFGRAPH_`, secrets may be given as files (`_FILE`)."""

    model_config = SettingsConfigDict(env_prefix="SHELFGRAPH_", frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then secret files; nothing is read from the current folder."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, SecretFiles(settings_cls)

    data_dir: Path = Field(
        default=Path("~/.local/share/shelfgraph"),
        description="Folder for everything Shelfgraph keeps: database, covers, search index, exported model.",
    )
    database_url: str = Field(
        default="",
        description="`sqlite+aiosqlite:///FILE` or `postgresql+asyncpg://USER:PASSWORD@HOST/NAME`; "
        "empty: SQLite in the data directory.",
    )
    redis_url: str = Field(
        default="",
        description="`redis://HOST:PORT/N` or `unix://SOCKET` of a Redis or Valkey server; "
        "empty: `shelfgraph up` starts its own.",
    )
    host: str = Field(default="127.0.0.1", description="Address the API listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port the API listens on; 0 picks a free one.")
    admin_token: SecretStr | None = Field(
        default=None,
        description="Break-glass token with the ADMIN role, at least 32 characters; works whatever the database says.",
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Comma-separated origins of other sites (`https://app.example`) whose pages may call the API.",
    )
    demo: bool = Field(
        default=False,
        description="Demo mode: anonymous visitors may read, introspect and open the playground.",
    )
    embedding_model: str = Field(
        default="sentence-transformers/all-MiniLM-L6-v2",
        description="A sentence-transformers model by name or path; the default comes with the installation.",
    )
    vector_index: Literal["faiss", "pgvector"] = Field(
        default="faiss",
        description="Where the search index lies: `faiss`, in files that each API process opens; `pgvector`, in "
        "Postgres with pgvector 0.8 or newer, and no process holds any of it.",
    )
    rerank_model: str = Field(
        default="",
        description="A sentence-transformers cross-encoder, by name or path, that reads the first 30 hits of a search "
        "again and puts them in a better order; some milliseconds a hit. Empty: none.",
    )
    embedding_threads: int = Field(
        default=0, ge=0, description="Threads of one embedding call in the worker; 0: one per core."
    )
    scan_processes: int = Field(default=2, ge=1, le=64, description="Processes that read audio files during a scan.")
    file_timeout_seconds: float = Field(
        default=60.0, gt=0, description="Longest time the reading of one audio file may take."
    )
    scan_interval_hours: float = Field(
        default=24.0,
        ge=0,
        description="Every library root is scanned again after this time; 0: never by itself.",
    )
    operation_timeout_seconds: float = Field(
        default=30.0, gt=0, description="Longest time one GraphQL query or mutation may take."
    )
    max_depth: int = Field(default=15, ge=1, description="Deepest nesting of fields in one operation.")
    max_aliases: int = Field(default=30, ge=0, description="Most aliases in one operation.")
    max_directives: int = Field(default=30, ge=0, description="Most directives in one operation.")
    max_root_fields: int = Field(default=20, ge=1, description="Most root fields in one operation.")
    max_tokens: int = Field(default=2000, ge=100, description="Most lexical tokens in one document.")
    max_body_bytes: int = Field(default=1_048_576, ge=1024, description="Largest request body, in bytes.")
    max_upload_bytes: int = Field(
        default=67_108_864, ge=1024, description="Largest document that may be uploaded, in bytes."
    )
    max_document_bytes: int = Field(
        default=67_108_864, ge=1024, description="Largest file that is read as a document, in bytes."
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="Key (32 characters or more) that credentials are sealed with; several, newest first, separated by "
        "commas. `shelfgraph up` makes one in the data directory; empty: that file.",
    )
    recycle_dir: Path | None = Field(
        default=None,
        description="Folder that files taken out of the library are moved to; empty: `recycle` in the data directory.",
    )
    plain_http_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Comma-separated host names, not on a private network, that may be called without TLS.",
    )
    prowlarr_url: str = Field(default="", description="Address of Prowlarr; given here, no mutation can change it.")
    prowlarr_api_key: SecretStr | None = Field(default=None, description="API key of Prowlarr.")
    myanonamouse_session: SecretStr | None = Field(
        default=None, description="Session (`mam_id`) of MyAnonamouse, made for Shelfgraph alone."
    )
    torznab_url: str = Field(default="", description="Address of a Torznab indexer, such as one of Jackett.")
    torznab_api_key: SecretStr | None = Field(default=None, description="API key of the Torznab indexer.")
    qbittorrent_url: str = Field(default="", description="Address of qBittorrent's web interface.")
    qbittorrent_username: str = Field(default="", description="User of qBittorrent's web interface.")
    qbittorrent_password: SecretStr | None = Field(
        default=None, description="Password of qBittorrent's web interface, or an API key when no user is given."
    )
    language_model_api: Literal["openai", "anthropic"] = Field(
        default="openai",
        description="What the language model's server speaks: `openai` (chat completions, as Ollama, llama.cpp, vLLM "
        "and LM Studio do too) or `anthropic` (Messages).",
    )
    language_model_name: str = Field(
        default="", description="Name of the language model that writes answers; empty: none by the environment."
    )
    language_model_url: str = Field(
        default="",
        description="Address of its server, for `openai` mostly ending in `/v1`; empty: Anthropic's own.",
    )
    language_model_api_key: SecretStr | None = Field(
        default=None, description="API key of the language model's server, where it wants one."
    )
    watched_poll_seconds: float = Field(
        default=2.0, gt=0, description="How often qBittorrent is asked while somebody follows downloads."
    )
    idle_poll_seconds: float = Field(
        default=20.0, gt=0, description="How often qBittorrent is asked while nobody follows downloads."
    )
    mcp_write: bool = Field(
        default=False,
        description="Whether agents (MCP) are also offered tools that change something: searching for releases, "
        "wanting books, requesting downloads. A token's role still holds.",
    )
    agent_url: str = Field(
        default="",
        description="Address of the server that `shelfgraph mcp` speaks to; empty: the `up` on this data directory, "
        "or the host and port of these settings.",
    )
    agent_token: SecretStr | None = Field(default=None, description="API token that `shelfgraph mcp` presents.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    log_json: bool = Field(default=False, description="Write logs as one JSON object a line.")

    @property
    def resolved_database_url(self) -> str:
        """The database's URL, also when none was given."""
        file = URL.create("sqlite+aiosqlite", database=str(self.data_dir / "shelfgraph.db"))
        return self.database_url or file.render_as_string()

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The keys credentials are sealed with, newest first; empty when there are none."""
        given = self.secret_key.get_secret_value() if self.secret_key is not None else _kept_key(self.data_dir)
        return tuple(key.strip() for key in given.split(",") if key.strip())

    @property
    def resolved_recycle_dir(self) -> Path:
        """The recycle folder, also when none was given."""
        return self.recycle_dir or self.data_dir / "recycle"

    @field_validator("allowed_origins", "plain_http_hosts", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(entry.strip().rstrip("/") for entry in value.split(",") if entry.strip())
        return value

    @field_validator("database_url")
    @classmethod
    def _refuse_other_databases(cls, value: str) -> str:
        try:
            known = not value or make_url(value).drivername in DATABASE_DRIVERS
        except (ArgumentError, ValueError):
            known = False
        if not known:
            message = "must be sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/NAME"
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _refuse_pgvector_without_postgres(self) -> Self:
        if self.vector_index == "pgvector" and not self.database_url.startswith("postgresql"):
            message = "SHELFGRAPH_VECTOR_INDEX=pgvector needs SHELFGRAPH_DATABASE_URL to name a Postgres database"
            raise ValueError(message)
        return self

    @field_validator("redis_url")
    @classmethod
    def _refuse_other_queues(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            message = "must be redis://HOST:PORT/N, rediss://HOST:PORT/N or unix://SOCKET"
            raise ValueError(message)
        return value

    @field_validator("admin_token")
    @classmethod
    def _refuse_short_token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < MINIMUM_ADMIN_TOKEN_LENGTH:
            message = f"must have at least {MINIMUM_ADMIN_TOKEN_LENGTH} characters"
            raise ValueError(message)
        return value

    @field_validator("data_dir")
    @classmethod
    def _expand_home(cls, value: Path) -> Path:
        return value.expanduser().absolute()


def _kept_key(data_dir: Path) -> str:
    """The key that `up` made, so that commands beside it need no setting."""
    try:
        return (data_dir / "secret.key").read_text(encoding="utf-8")
    except OSError:
        return ""
