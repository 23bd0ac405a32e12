"""Reads documents in a bounded pool of processes: what is hostile or broken ends there, and is told of its file."""

import asyncio
import multiprocessing
import resource
import sys
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any, Self

from pebble import ProcessExpired, ProcessPool

from rag.documents.bounds import Bounds
from rag.documents.errors import ReadingCrashedError, ReadingOutOfMemoryError, ReadingTimedOutError
from rag.documents.reading import ReadDocument, Unreadable, read_content, read_file

TIMEOUT_SECONDS = 300.0  # a PDF of thousands of pages takes minutes
MEMORY_BYTES = 1536 * 1024**2  # address space of one process, of which Python with the readers takes about 400 MB
FILES_PER_PROCESS = 2_000  # bounds what a reader may leak
WAITING_PER_PROCESS = 4

Answer = ReadDocument | Unreadable


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to read, and the hash of its bytes when it was read last."""

    path: str
    known_hash: str | None


class DocumentReader:
    """A pool of reading processes, open as long as its ``async with`` block; none is started before there is work.

    ``timeout`` in seconds bounds one document, ``memory_bytes`` one process, ``bounds`` what is looked at.
    """

    def __init__(
        self,
        *,
        processes: int = 1,
        timeout: float = TIMEOUT_SECONDS,
        memory_bytes: int = MEMORY_BYTES,
        bounds: Bounds | None = None,
        read: Callable[..., Answer] = read_file,
    ) -> None:
        self._processes = processes
        self._timeout = timeout
        self._bounds = bounds or Bounds()
        self._read = read
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

    async def read(self, root: str, files: Iterable[Wanted]) -> AsyncGenerator[tuple[Wanted, Answer]]:
        """Read files below ``root`` and yield each with its answer, in their order.

        Ending the iteration early cancels what has not begun.
        """
        remaining = iter(files)
        waiting = [self._begin(root, file) for file in islice(remaining, self._processes * WAITING_PER_PROCESS)]
        try:
            while waiting:
                file, task = waiting[0]
                answer = await task
                waiting.pop(0)
                waiting.extend(self._begin(root, more) for more in islice(remaining, 1))
                yield file, answer
        finally:
            for _, task in waiting:
                task.cancel()
            await asyncio.gather(*(task for _, task in waiting), return_exceptions=True)

    async def read_upload(self, content: bytes, name: str, known_hash: str | None) -> Answer:
        """Read bytes that were sent, by the name they came with."""
        return await self._answer(read_content, content, name, known_hash)

    def _begin(self, root: str, file: Wanted) -> tuple[Wanted, asyncio.Task[Answer]]:
        return file, asyncio.create_task(self._answer(self._read, root, file.path, file.known_hash))

    async def _answer(self, read: Callable[..., Answer], *given: object) -> Answer:
        future = self._pool.schedule(read, args=[*given, self._bounds], timeout=self._timeout)
        try:
            answer: Answer = await asyncio.wrap_future(future)
        except FutureTimeoutError:
            return Unreadable.of(ReadingTimedOutError(self._timeout))
        except ProcessExpired as error:
            return Unreadable.of(ReadingCrashedError(error.exitcode))
        except MemoryError:
            return Unreadable.of(ReadingOutOfMemoryError())
        return answer


def _limit_memory(memory_bytes: int) -> None:
    # macOS refuses a limit on the address space; the time-out bounds a greedy file there.
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
