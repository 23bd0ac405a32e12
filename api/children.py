"""Child processes of `up`: started, watched, started again when they die, and ended with it, however it ends."""

import asyncio
import ctypes
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from library.background import end_task
from library.errors import CannotStart

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.05
_LONGEST_LINE = 1 << 20
_REMEMBERED_LINES = 5
_PR_SET_PDEATHSIG = 1  # of prctl(2), Linux only


class ChildFailed(CannotStart):
    """A child that ended before it was ready."""

    def __init__(self, name: str, code: int, lines: Sequence[str]) -> None:
        said = " Its last words: " + " / ".join(lines) if lines else ""
        super().__init__(f"The {name} {describe_end(code)} before it was ready.{said}")


class ChildNotReady(CannotStart):
    """A child that lives but does not answer."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"The {name} was not ready after {seconds:g} seconds; see its log lines above and try again.")


@dataclass(frozen=True, slots=True)
class Program:
    """What a child runs, how one tells that it is ready, and how long it may take to begin and to end."""

    name: str
    argv: Sequence[str]
    ready: Callable[[], Awaitable[bool]]
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    folder: Path | None = None
    descriptors: Sequence[int] = ()  # that it inherits, under the same numbers
    start_seconds: float = 120.0
    grace_seconds: float = 15.0
    # The pause before it is started again, the longer the more often it has died in a row.
    pauses: Sequence[float] = (0.2, 0.5, 1, 2, 5, 10, 30)
    quiet: bool = False  # what it writes is shown only when it fails to start
    steady_seconds: float = 60.0  # whoever has lived this long starts anew with the shortest pause


class Child:
    """One child process in a session of its own, so that Ctrl-C reaches it through us, in the right order."""

    def __init__(self, program: Program, show: Callable[[str, str], None]) -> None:
        self.program = program
        self._show = show
        self._last_lines: deque[str] = deque(maxlen=_REMEMBERED_LINES)
        self._process: asyncio.subprocess.Process | None = None
        self._output: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the child and wait until it is ready; raises ChildFailed or ChildNotReady."""
        await self._spawn()
        try:
            async with asyncio.timeout(self.program.start_seconds):
                await self._until_ready()
        except TimeoutError:
            raise ChildNotReady(self.program.name, self.program.start_seconds) from None
        self._watch = asyncio.create_task(self._restart_for_ever(), name=f"watch:{self.program.name}")

    async def stop(self) -> None:
        """End the child: politely, and after its time of grace by force; what it started itself goes with it."""
        if self._watch is not None:
            await end_task(self._watch)
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), self.program.grace_seconds)
        except TimeoutError:
            log.warning("child_killed", child=self.program.name, reason="it did not end in time")
        self._kill()
        await self._process.wait()
        await self._finish_output()

    def abandon(self) -> None:
        """End the child at once, for good; `stop` may follow."""
        if self._watch is not None:
            self._watch.cancel()
        self._kill()

    def _kill(self) -> None:
        """End the child and everything in its session."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _spawn(self) -> None:
        program = self.program
        self._process = await asyncio.create_subprocess_exec(
            *program.argv,
            stdin=asyncio.subprocess.PIPE,  # its end tells the child that we are gone
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(program.environment),
            cwd=program.folder,
            pass_fds=program.descriptors,
            start_new_session=True,
            preexec_fn=_tie_to_parent(),
            limit=_LONGEST_LINE,
        )
        self._output = asyncio.create_task(self._show_output(self._process), name=f"output:{program.name}")

    async def _until_ready(self) -> None:
        assert self._process is not None  # noqa: S101 `_spawn` has set it
        while not await self.program.ready():
            if self._process.returncode is not None:
                await self._finish_output()
                raise ChildFailed(self.program.name, self._process.returncode, list(self._last_lines))
            await asyncio.sleep(_POLL_SECONDS)

    async def _restart_for_ever(self) -> None:
        deaths = 0
        while self._process is not None:
            began = time.monotonic()
            code = await self._process.wait()
            self._kill()  # what it had started would hold its files and ports
            await self._finish_output()
            deaths = 0 if time.monotonic() - began > self.program.steady_seconds else deaths
            pause = self.program.pauses[min(deaths, len(self.program.pauses) - 1)]
            deaths += 1
            reason = describe_end(code)
            log.warning("child_restarts", child=self.program.name, reason=reason, pause_seconds=pause)
            await asyncio.sleep(pause)
            await self._spawn()

    async def _show_output(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 it was asked for as a pipe
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than any line we write; the reader has dropped it
                continue
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            self._last_lines.append(text)
            if not self.program.quiet:
                self._show(self.program.name, text)

    async def _finish_output(self) -> None:
        if self._output is not None:
            await asyncio.wait({self._output}, timeout=1.0)
            self._output.cancel()


def end_with_parent(grace_seconds: float = 30.0) -> None:
    """End this process when the parent that holds the other end of its standard input is gone.

    Works on every Unix, where the death signal of `_tie_to_parent` is Linux's own; and it has the last word when an
    orderly end takes too long.
    """

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_seconds)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def describe_end(code: int) -> str:
    """Say how a process ended, from its return code."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"


def _tie_to_parent() -> Callable[[], None] | None:
    """Give what the new process calls first, so that the kernel ends it when we die; None where none can."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up here: after the fork nothing may be loaded
    parent = os.getpid()

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # we died before it was asked for
            os._exit(1)

    return tie
