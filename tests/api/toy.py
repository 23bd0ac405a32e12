"""A small graph with everything that can happen to an endpoint, and a server for it on loopback."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket
from strawberry.dataloader import DataLoader

from api.client_errors import QuietSchema
from api.graphql_http import GraphQLEndpoint, HttpOptions
from api.limits import Limits, operation_limits
from library.errors import ErrorCode, NotFound, ShelfgraphError

TOKEN = "sg_toy"


class TokenUnknown(ShelfgraphError):
    """A token that nobody was given."""

    code = ErrorCode.UNAUTHENTICATED


@dataclass
class World:
    """What happens behind the graph, for tests to look at and to change."""

    running: int = 0
    cancelled: int = 0
    contexts: int = 0
    batches: int = 0
    token_valid: bool = True
    release: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class ToyContext:
    """The context of one operation."""

    world: World
    request_id: str
    viewer: str | None
    params: Mapping[str, object] | None

    def __post_init__(self) -> None:
        self.world.contexts += 1
        self.doubles: DataLoader[int, int] = DataLoader(load_fn=self._double)

    async def _double(self, keys: list[int]) -> list[int]:
        self.world.batches += 1
        return [key * 2 for key in keys]

    @property
    def allow_introspection(self) -> bool:
        return self.viewer is not None

    def clear_loaders(self) -> None:
        self.doubles.clear_all()

    async def close(self) -> None:
        self.world.contexts -= 1

    async def viewer_still_valid(self) -> bool:
        return self.viewer is None or self.world.token_valid


Info = strawberry.Info[ToyContext, None]


@strawberry.type
class Thing:
    name: str = "thing"

    @strawberry.field
    def inner(self) -> "Thing":
        return Thing()

    @strawberry.field
    async def two(self, info: Info) -> int:
        return await info.context.doubles.load(1)


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"hello {name}"

    @strawberry.field
    def thing(self) -> Thing:
        return Thing()

    @strawberry.field
    def many(self, ids: list[int]) -> int:
        return len(ids)

    @strawberry.field
    def first(self, first: int = 10) -> int:
        return first

    @strawberry.field
    def viewer(self, info: Info) -> str | None:
        return info.context.viewer

    @strawberry.field
    def lost(self) -> str | None:
        raise NotFound("Book", "1")

    @strawberry.field
    def crash(self) -> str | None:
        raise RuntimeError("SELECT secret FROM /srv/books")

    @strawberry.field
    def too_big(self) -> int | None:
        return 2**40

    @strawberry.field
    async def slow(self, info: Info) -> str | None:
        world = info.context.world
        world.running += 1
        try:
            await world.release.wait()
        except asyncio.CancelledError:
            world.cancelled += 1
            raise
        finally:
            world.running -= 1
        return "done"


@strawberry.type
class Mutation:
    @strawberry.mutation
    def rename(self, name: str) -> str:
        return name


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number

    @strawberry.subscription
    async def things(self, to: int) -> AsyncGenerator[Thing, None]:
        for _ in range(to):
            yield Thing()

    @strawberry.subscription
    async def forever(self, info: Info) -> AsyncGenerator[int, None]:
        world = info.context.world
        world.running += 1
        try:
            yield 1
            await world.release.wait()
        finally:
            world.running -= 1

    @strawberry.subscription
    async def failing(self) -> AsyncGenerator[int, None]:
        yield 1
        raise NotFound("Book", "1")


def schema(limits: Limits | None = None, timeout: float = 5.0) -> QuietSchema:
    """Build the toy schema with the endpoint's extensions."""
    extensions = operation_limits(limits or Limits(), timeout=timeout)
    return QuietSchema(Query, Mutation, Subscription, extensions=extensions)


def endpoint(
    world: World,
    options: HttpOptions | None = None,
    *,
    limits: Limits | None = None,
    timeout: float = 5.0,
    playground: bool = False,
) -> GraphQLEndpoint:
    """Build the endpoint over a world."""

    async def get_context(connection: Request | WebSocket, params: Mapping[str, object] | None) -> ToyContext:
        given = (params or {}).get("authorization") or connection.headers.get("authorization")
        if given not in {None, f"Bearer {TOKEN}"}:
            raise TokenUnknown("This token is unknown. Make one with `shelfgraph token`.")
        viewer = "ann" if given else None
        return ToyContext(world, connection.state.request_id, viewer, params)

    page = PlainTextResponse("the playground") if playground else None
    return GraphQLEndpoint(schema(limits, timeout), get_context, options, playground=page)


def application(endpoint: GraphQLEndpoint) -> Starlette:
    """Route `/graphql` to the endpoint."""
    return Starlette(routes=endpoint.routes("/graphql"))


class AnnouncedServer(uvicorn.Server):
    """uvicorn that says when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def served(app: Starlette) -> AsyncIterator[str]:
    """Serve an application with uvicorn on a free loopback port; yields `127.0.0.1:port`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, lifespan="off", log_config=None, ws="websockets-sansio")
        server = AnnouncedServer(config)
        # As uvicorn's own `serve`, but without its handlers for signals, which pytest keeps for itself.
        task = asyncio.create_task(server._serve([listener]))
        try:
            await server.ready.wait()
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await task


async def eventually(condition: Callable[[], bool]) -> None:
    """Let the event loop run until something is so; the test's time-out is the limit."""
    while not condition():
        await asyncio.sleep(0)
