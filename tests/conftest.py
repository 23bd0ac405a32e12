"""What every test may ask for: a migrated database of either kind, and a real Valkey."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from jobs.events import Bus
from library.database import Database, open_database
from library.models import LibraryRoot
from rag.embedder import ensure_exported
from tests.postgres import Emptying, migrate, postgres
from tests.processes import Served, environment, serving, valkey
from tests.shelf import Volume, add
from tests.stored_tables import drop_stored_index

DATABASE_KINDS = ("sqlite", "postgres")
LONGEST = "test_campaign.py"  # one test, and minutes


def pytest_addoption(parser: pytest.Parser) -> None:
    """Choose the database: each test that uses one runs on both unless told otherwise."""
    parser.addoption(
        "--database", choices=[*DATABASE_KINDS, "both"], default="both", help="database(s) to run the tests on"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give every test that uses a database one run per kind."""
    if "database_kind" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--database")
        kinds = DATABASE_KINDS if chosen == "both" else (chosen,)
        metafunc.parametrize("database_kind", kinds, scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where files are shared out to processes, begin with the long ones: a last one would be waited for alone."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        tests = Counter(item.path for item in items)
        items.sort(key=lambda item: (item.path.name != LONGEST, -tests[item.path]))


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder with a short path: Unix sockets have room for 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="sg-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey_url(short_folder: Path) -> Iterator[str]:
    """A real Valkey server on a Unix socket, shared by the session; each test takes a database number of its own."""
    socket = short_folder / "v.sock"
    with valkey(socket):
        yield f"unix://{socket}"


_numbers = iter(range(1, 4096))


@pytest.fixture
def redis_url(valkey_url: str) -> str:
    """The URL of an empty Valkey database."""
    return f"{valkey_url}?db={next(_numbers)}"


@pytest.fixture
async def bus(redis_url: str) -> AsyncIterator[Bus]:
    """A listening bus on an empty Valkey database."""
    bus = Bus.open(redis_url)
    bus.start()
    yield bus
    await bus.close()


@pytest.fixture(scope="session")
def postgres_uri(short_folder: Path) -> Iterator[str]:
    """The URL of a migrated database on a real Postgres server, which the tests of a process share one by one."""
    with postgres(short_folder) as url:
        yield url


@pytest.fixture(scope="session")
def emptying(postgres_uri: str) -> Iterator[Emptying]:
    """What empties that database."""
    emptying = Emptying(postgres_uri)
    yield emptying
    emptying.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    asyncio.run(migrate(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture
def database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a fresh, migrated database."""
    if database_kind == "sqlite":
        file = tmp_path / "shelfgraph.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite+aiosqlite:///{file}"
        return
    emptying: Emptying = request.getfixturevalue("emptying")
    emptying.empty()
    yield emptying.url


@pytest.fixture
def stored_url(emptying: Emptying) -> str:
    """The URL of a fresh, migrated Postgres database."""
    emptying.empty()
    return emptying.url


@pytest.fixture
async def stored(stored_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated Postgres database, in which pgvector may keep the search index."""
    database = open_database(stored_url)
    yield database
    await drop_stored_index(database)
    await database.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh, migrated, open database."""
    database = open_database(database_url)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def exported_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the real model's export, made once for all processes of a run: it takes some twenty seconds."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # which they share
    with (folder / "models.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return asyncio.run(ensure_exported(folder / "models"))


@pytest.fixture(scope="session")
def served_api(sqlite_template: Path, valkey_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running API over a library of three books and one root, without a worker."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copy(sqlite_template, folder / "shelfgraph.db")
    url = f"sqlite+aiosqlite:///{folder / 'shelfgraph.db'}"
    asyncio.run(_fill(url, folder))
    with serving(environment(url, f"{valkey_url}?db={next(_numbers)}", folder)) as served:
        yield served


async def _fill(url: str, folder: Path) -> None:
    database = open_database(url)
    async with database.write() as session:
        session.add(LibraryRoot(name="Shelf", path=str(folder / "audiobooks")))
        for title in ("Robinson Crusoe", "Treasure Island", "The Time Machine"):
            await add(session, Volume(title, description=f"About {title}.", series=(("Classics", None),)))
    await database.close()
