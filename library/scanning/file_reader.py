"""Reads audio files in a bounded pool of processes, which survives files that hang or crash their reader.

One file is one task: a task costs 0.06 ms against about 1 ms for reading, and so a crash or time-out belongs to
its file without looking for it.
"""

import asyncio
import multiprocessing
import resource
import sys
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from itertools import islice
from types import TracebackType
from typing import Any, Self
from weakref import WeakValueDictionary

from pebble import ProcessExpired, ProcessPool

from library.scanning.errors import Problem, ReadingCrashedError, ReadingOutOfMemoryError, ReadingTimedOutError
from library.scanning.pictures import Picture
from library.scanning.reading import ReadFile, read_item_file

FILE_TIMEOUT_SECONDS = 30.0
# Address space of one reading process; Python with mutagen takes about 150 MB of it.
MEMORY_BYTES = 1024**3
# Enough to keep the processes busy, few enough that results and their covers do not pile up.
WAITING_PER_PROCESS = 4
# A process is replaced after so many files, so that what it may leak is bounded.
FILES_PER_PROCESS = 2_000

Reader = Callable[[str, str], ReadFile | Problem]


class FileReader:
    """A pool of reading processes, open as long as its ``async with`` block.

    ``timeout`` in seconds bounds one file, ``memory_bytes`` one process; ``reader`` is what runs in the process.
    A reading process imports the ``__main__`` module of its parent again, unless that is a ``__main__.py``.
    """

    def __init__(
        self,
        *,
        processes: int = 2,
        timeout: float = FILE_TIMEOUT_SECONDS,
        memory_bytes: int = MEMORY_BYTES,
        reader: Reader = read_item_file,
    ) -> None:
        self._processes = processes
        self._timeout = timeout
        self._reader = reader
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

    async def read(self, root: str, paths: Iterable[str]) -> AsyncGenerator[ReadFile | Problem]:
        """Read the files at ``paths`` below ``root`` and yield one answer each, in the order of ``paths``.

        Covers with the same bytes are one object, so the files of an item together hold one. Ending the iteration
        early cancels what has not begun.
        """
        covers: WeakValueDictionary[str, Picture] = WeakValueDictionary()
        remaining = iter(paths)
        waiting = [self._begin(root, path) for path in islice(remaining, self._processes * WAITING_PER_PROCESS)]
        try:
            while waiting:
                answer = await waiting[0]
                waiting.pop(0)
                waiting.extend(self._begin(root, path) for path in islice(remaining, 1))
                yield _with_shared_cover(answer, covers)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def _begin(self, root: str, path: str) -> asyncio.Task[ReadFile | Problem]:
        return asyncio.create_task(self._answer(root, path))

    async def _answer(self, root: str, path: str) -> ReadFile | Problem:
        future = self._pool.schedule(self._reader, args=[root, path], timeout=self._timeout)
        try:
            answer: ReadFile | Problem = await asyncio.wrap_future(future)
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


def _with_shared_cover(answer: ReadFile | Problem, covers: WeakValueDictionary[str, Picture]) -> ReadFile | Problem:
    if isinstance(answer, Problem) or answer.tags.cover is None:
        return answer
    cover = covers.setdefault(answer.tags.cover.digest, answer.tags.cover)
    return replace(answer, tags=replace(answer.tags, cover=cover))
