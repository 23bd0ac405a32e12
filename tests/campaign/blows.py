"""Who is killed at which point: drawn by a seed one by one, and struck while the processes wait at their points."""

import json
import os
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TARGETS = {"worker": 5, "qbittorrent": 2, "valkey": 2, "api": 1}  # and how often each is drawn
# Points by role, and how often each is drawn; the others are passed too seldom to wait for.
POINTS = {
    ("worker", "commit: downloads"): 8,
    ("worker", "commit: download_files"): 4,
    ("worker", "commit: imports"): 4,
    ("worker", "commit: imported_files"): 6,
    ("worker", "commit: audio_files"): 4,
    ("worker", "commit: embeddings"): 2,
    ("worker", "commit: integration_secrets"): 1,
    ("worker", "commit: jobs"): 3,
    ("worker", "commit: leases"): 1,
    ("worker", "call: a torrent"): 4,
    ("worker", "call: qBittorrent torrents/add"): 5,
    ("worker", "call: qBittorrent torrents/info"): 2,
    ("worker", "call: qBittorrent sync/maindata"): 2,
    ("worker", "call: qBittorrent auth/login"): 1,
    ("worker", "file: mkdir"): 3,
    ("worker", "file: link"): 5,
    ("worker", "file: fsync"): 3,
    ("worker", "file: rename"): 5,
    ("worker", "file: rmdir"): 2,
    ("worker", "file: unlink"): 2,
    ("API", "commit: downloads"): 4,
}
MOST_PASSED = 3  # a point is struck at one of its next so many passings
PATIENCE_SECONDS = 6.0  # for a point that is not passed any more


@dataclass(frozen=True)
class Blow:
    """At the `nth` passing of a point from now on, `target` is killed."""

    role: str
    point: str
    target: str
    nth: int


@dataclass(frozen=True)
class Struck:
    """A blow that fell, and when."""

    blow: Blow
    at: float


@dataclass
class Blows:
    """What falls, what fell, and how often each point was passed; `kill` kills and says whether it could."""

    chance: random.Random
    kill: Callable[[str], bool]
    struck: list[Struck] = field(default_factory=list)
    passed: Counter[str] = field(default_factory=Counter)
    armed: Blow | None = None
    _armed_at: float = 0.0
    _left: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def arm(self) -> None:
        """Let the next blow fall, if none is about to; one that waited in vain is replaced."""
        with self._lock:
            if self.armed is None or time.monotonic() > self._armed_at + PATIENCE_SECONDS:
                self.armed, self._armed_at = self._drawn(), time.monotonic()
                self._left = self.armed.nth

    def disarm(self) -> None:
        """Let nothing fall any more."""
        with self._lock:
            self.armed = None

    def pass_by(self, role: str, point: str) -> None:
        """A process is at a point; returns when it may go on."""
        with self._lock:
            self.passed[f"{role} {point}"] += 1
            blow = self.armed
            if blow is None or (blow.role, blow.point) != (role, point):
                return
            self._left -= 1
            if self._left <= 0 and self.kill(blow.target):
                self.struck.append(Struck(blow, time.monotonic()))
                self.armed = None

    def _drawn(self) -> Blow:
        role, point = self.chance.choices(list(POINTS), list(POINTS.values()))[0]
        target = self.chance.choices(list(TARGETS), list(TARGETS.values()))[0]
        when = self.chance.choice(("before", "after"))
        return Blow(role, f"{when} {point}", target, self.chance.randint(1, MOST_PASSED))


@contextmanager
def taking_toll(address: Path, blows: Blows) -> Iterator[None]:
    """Listen to processes with points until the block ends."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(address))
        listener.listen()
        threading.Thread(target=_accept, args=(listener, blows), daemon=True).start()
        yield


def _accept(listener: socket.socket, blows: Blows) -> None:
    while True:
        try:
            line, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(line, blows), daemon=True).start()


def _serve(line: socket.socket, blows: Blows) -> None:
    with line, line.makefile("rb") as lines:
        try:
            for said in lines:
                told = json.loads(said)
                blows.pass_by(told["role"], told["kind"])
                line.sendall(b".")
        except OSError:
            return  # the process died here, as it should
