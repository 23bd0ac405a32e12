"""An operation's surroundings in this process, made as the API makes them, on the event loop that serves it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import strawberry
import uvloop
from strawberry.types.graphql import OperationType

from api.index_reader import IndexReader
from api.operations import Operation, execute
from jobs.events import Bus
from library.database import open_database
from library.models.accounts import Role
from library.sealing import Seal
from rag.embedder import DEFAULT_MODEL
from resolvers.context import Context, Viewer

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end on the kind of event loop that uvicorn chooses."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@asynccontextmanager
async def context_of(url: str, redis_url: str, site: Path) -> AsyncIterator[Context]:
    """The context of operations on a database, whose model and index are in the data directory `site`."""
    database, bus = open_database(url), Bus.open(redis_url)
    bus.start()
    reader = IndexReader(database, bus, models=site / "models", indexes=site / "index", model=DEFAULT_MODEL)
    reader.start()
    viewer = Viewer(user_id=None, name="benchmark", role=Role.ADMIN, token_id=None, expires_at=None)
    yield Context(
        database=database,
        bus=bus,
        search=reader,
        seal=Seal(["a key for benchmarks, which seal nothing"]),
        viewer=viewer,
        request_id="benchmark",
        demo=False,
        version="0",
        check_viewer=_always,
    )
    await reader.close()
    await bus.close()
    await database.close()


async def answer(schema: strawberry.Schema, context: Context, operation: Operation) -> Any:
    """Run a query that must succeed, as one request, and give its data."""
    context.clear_loaders()
    given = await execute(schema, operation, context, {OperationType.QUERY})
    assert not given.errors, given.errors
    return given.body["data"]


async def _always(_viewer: Viewer) -> bool:
    return True
