"""The data directory: whose it is, the key it holds, and how other commands find the `up` that runs on it."""

import base64
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from library.errors import CannotStart

_OWNER_ONLY = 0o600


class DataDirUnusable(CannotStart):
    """A data directory that cannot be written."""

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(
            f"{folder} cannot be used as the data directory ({error.strerror}). "
            "Set SHELFGRAPH_DATA_DIR to a folder this user may write."
        )


class DataDirInUse(CannotStart):
    """A data directory on which another `up` runs."""

    def __init__(self, folder: Path, pid: str) -> None:
        super().__init__(
            f"Shelfgraph runs on {folder} already (process {pid or 'unknown'}). "
            "Stop it first, or set SHELFGRAPH_DATA_DIR to another folder."
        )


class NothingRunning(CannotStart):
    """No queue to hand a job to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"Nothing runs on {folder}. Start `shelfgraph up` first, "
            "or set SHELFGRAPH_REDIS_URL and SHELFGRAPH_DATABASE_URL to those of your `serve` and `work`."
        )


@dataclass(frozen=True, slots=True)
class Running:
    """What a running `up` tells other commands on the same data directory."""

    pid: int
    address: str
    redis_url: str


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make the data directory ours until the end; raises DataDirInUse or DataDirUnusable.

    The kernel frees the lock with its process, however that ends.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
    except OSError as error:
        raise DataDirUnusable(folder, error) from None
    try:
        if not lock(descriptor):
            raise DataDirInUse(folder, os.read(descriptor, 20).decode(errors="replace").strip())
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def lock(descriptor: int) -> bool:
    """Take a file's lock unless another process has it; children that inherit the descriptor share it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def ensure_secret_key(folder: Path) -> Path:
    """Create `secret.key`, by which the secrets of integrations are encrypted, unless it is there."""
    file = folder / "secret.key"
    if not file.exists():
        _write_private(file, base64.urlsafe_b64encode(secrets.token_bytes(32)))
    return file


@contextmanager
def announced(folder: Path, running: Running) -> Iterator[None]:
    """Tell other commands on this data directory how to reach what runs."""
    file = _announcement(folder)
    _write_private(file, orjson.dumps(asdict(running)))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def find_running(folder: Path) -> Running | None:
    """What runs on this data directory; None when nothing does, or it was killed and could not clean up."""
    try:
        running = Running(**orjson.loads(_announcement(folder).read_bytes()))
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError, TypeError):
        return None
    return running if _is_alive(running.pid) else None


def is_stale(folder: Path) -> bool:
    """Whether the last `up` on this data directory was killed; only whoever has claimed it may ask."""
    return _announcement(folder).exists()


def _announcement(folder: Path) -> Path:
    return folder / "run.json"


def _write_private(file: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        scratch.unlink()
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    scratch.replace(file)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
