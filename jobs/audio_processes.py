"""Processes for work on audio files that a bad file may hang or crash."""

import asyncio
import multiprocessing
import resource
import sys
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType
from typing import Any, Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from library.scanning.errors import Problem, ReadingCrashedError, ReadingOutOfMemoryError, ReadingTimedOutError

Answer = TypeVar("Answer")

FILE_TIMEOUT_SECONDS = 600.0  # all of a file is read once; a slow disk gives 2 MB a second
MEMORY_BYTES = 1536 * 1024**2  # address space, of which Python with FFmpeg's libraries takes about 600 MB
FILES_PER_PROCESS = 200  # bounds what a decoder may leak


class AudioProcesses:
    """A pool of processes, open as long as its ``async with`` block; none is started before there is work.

    ``timeout`` in seconds bounds one file, ``memory_bytes`` one process.
    """

    def __init__(
        self, *, processes: int = 1, timeout: float = FILE_TIMEOUT_SECONDS, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._timeout = timeout
        # Never "fork": it copies the threads' locks of a process that runs an event loop.
        self._pool: Any = ProcessPool(
            max_workers=processes,
            max_tasks=FILES_PER_PROCESS,
            initializer=_limit_memory,
            initargs=[memory_bytes],
            context=multiprocessing.get_context("spawn"),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.stop()
        await asyncio.to_thread(self._pool.join)

    async def answer(self, work: Callable[..., Answer], root: str, path: str, *more: object) -> Answer | Problem:
        """What ``work(root, path, *more)`` gives in one of the processes, or what became of the process."""
        future = self._pool.schedule(work, args=[root, path, *more], timeout=self._timeout)
        try:
            answer: Answer = await asyncio.wrap_future(future)
        except FutureTimeoutError:
            return ReadingTimedOutError(self._timeout).problem(path)
        except ProcessExpired as error:
            return ReadingCrashedError(error.exitcode).problem(path)
        except MemoryError:
            return ReadingOutOfMemoryError().problem(path)
        return answer


def _limit_memory(memory_bytes: int) -> None:
    # macOS refuses a limit on the address space; the time-out bounds a greedy file there.
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
