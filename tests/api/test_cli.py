"""The command line: one clear sentence when something is wrong, and tokens that are shown once."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli import SettingsInvalid, load_settings
from library import accounts
from library.database import open_database
from library.models.accounts import Role, TokenKind

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["up"], {"SHELFGRAPH_PORT": "99999"}, "SHELFGRAPH_PORT: Input should be less than or equal to 65535"),
        (["up"], {"SHELFGRAPH_ADMIN_TOKEN": "hunter2"}, "SHELFGRAPH_ADMIN_TOKEN: must have at least 32 characters"),
        (["serve"], {}, "`shelfgraph serve` needs SHELFGRAPH_REDIS_URL"),
        (["work"], {}, "`shelfgraph work` needs SHELFGRAPH_REDIS_URL"),
        (["scan", "."], {}, "Start `shelfgraph up` first"),
        (["token"], {"SHELFGRAPH_DATABASE_URL": "mysql://u:hunter2@localhost/x"}, "SHELFGRAPH_DATABASE_URL: must be"),
        (["token"], {"SHELFGRAPH_DATABASE_URL": "hunter2"}, "SHELFGRAPH_DATABASE_URL: must be"),
        (["up"], {"SHELFGRAPH_REDIS_URL": "hunter2:6379"}, "SHELFGRAPH_REDIS_URL: must be"),
        (["up"], {"SHELFGRAPH_LOG_LEVEL": "LOUD"}, "SHELFGRAPH_LOG_LEVEL: Input should be 'DEBUG', 'INFO'"),
        (
            ["token"],
            {"SHELFGRAPH_DATABASE_URL": "postgresql+asyncpg://ann:hunter2@127.0.0.1:1/x"},
            "The database postgresql+asyncpg://ann:***@127.0.0.1:1/x cannot be used",
        ),
        (["up"], {"SHELFGRAPH_DATA_DIR": "/dev/null/x"}, "/dev/null/x cannot be used as the data directory"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: list[str], environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    ended = shelfgraph(*arguments, **{"SHELFGRAPH_DATA_DIR": str(tmp_path)} | environment)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("shelfgraph: ")
    assert ended.stderr.count("\n") == 1
    assert said in ended.stderr
    assert "hunter2" not in ended.stderr


def test_a_new_token_is_all_that_is_printed_and_works(tmp_path: Path) -> None:
    ended = shelfgraph(
        "token", "--name", "tablet", "--role", "VIEWER", "--days", "2", SHELFGRAPH_DATA_DIR=str(tmp_path)
    )

    known = asyncio.run(authenticated(tmp_path, ended.stdout.removesuffix("\n")))

    assert ended.stderr == ""
    assert (known.user.name, known.token.name, known.role) == ("owner", "tablet", Role.VIEWER)
    assert (known.token.expires_at - known.token.created_at).days == 2


def test_a_sign_in_link_leads_to_the_configured_address(tmp_path: Path) -> None:
    given = {"SHELFGRAPH_DATA_DIR": str(tmp_path), "SHELFGRAPH_PORT": "8123", "SHELFGRAPH_HOST": "0.0.0.0"}

    ended = shelfgraph("token", "--link", **given)

    assert ended.stdout.startswith("http://127.0.0.1:8123/sign-in?code=sg_")


def test_every_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFGRAPH_PORT", "many")
    monkeypatch.setenv("SHELFGRAPH_MAX_DEPTH", "0")

    with pytest.raises(SettingsInvalid, match=r"SHELFGRAPH_PORT.*SHELFGRAPH_MAX_DEPTH"):
        load_settings()


async def authenticated(folder: Path, secret: str) -> accounts.Authenticated:
    database = open_database(f"sqlite+aiosqlite:///{folder}/shelfgraph.db")
    async with database.read() as session:
        known = await accounts.authenticate(session, secret, kinds=[TokenKind.API])
    await database.close()
    return known


def shelfgraph(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHELFGRAPH_")}
    return subprocess.run(
        [sys.executable, "-P", "-m", "api.cli", *arguments],
        env=inherited | environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
