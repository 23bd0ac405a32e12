"""Tasks in the background of another, and how they are ended."""

import asyncio
from typing import Any


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it has ended; raises what it failed with.

    A cancel of the caller that comes meanwhile ends the caller, too; suppressed around the awaited task, it would be
    lost.
    """
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled():
        task.result()
