"""Tasks in the background end when they are told to, and take no cancel that was meant for another."""

import asyncio

import pytest

from library.background import end_task


async def test_a_task_is_ended_and_waited_for() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("its last words")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await end_task(task)
    assert (task.cancelled(), ended) == (True, ["its last words"])


async def test_what_a_task_failed_with_is_told() -> None:
    async def work() -> None:
        raise OSError("broken")

    task = asyncio.create_task(work())
    await asyncio.wait([task])
    with pytest.raises(OSError, match="broken"):
        await end_task(task)


async def test_a_cancel_of_the_caller_is_not_lost() -> None:
    stopping = asyncio.Event()

    async def slow_to_stop() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopping.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(slow_to_stop())
    await asyncio.sleep(0)
    caller = asyncio.create_task(end_task(task))
    await stopping.wait()
    caller.cancel()
    await asyncio.wait([caller])
    assert (caller.cancelled(), task.done()) == (True, True)
