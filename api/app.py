"""The serving process: opens database, Valkey and index on one stack, and puts the routes together."""

import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.websockets import WebSocket

from api import playground, sign_in
from api.auth import Authenticator, clear_session_cookie, set_session_cookie
from api.covers import Covers
from api.graphql_http import CORS_REQUEST_HEADERS, CORS_RESPONSE_HEADERS, GraphQLEndpoint, HttpOptions
from api.health import Checks, DatabaseCheck
from api.health import routes as health_routes
from api.index_reader import IndexReader
from api.limits import Limits
from api.logs import RequestLog
from api.mcp import CORS_REQUEST_HEADERS as AGENT_REQUEST_HEADERS
from api.mcp import AgentDoor, DoorOptions
from api.operations import OperationContext
from api.schema import create_schema
from jobs.events import Bus
from library.database import open_database
from library.sealing import Seal
from resolvers.context import Context
from settings import Settings

GRAPHQL = "/graphql"
MCP = "/mcp"


def create_app(settings: Settings) -> Starlette:
    """The ASGI application; nothing connects before its lifespan begins. Raises KeyMissing."""
    seal = Seal(settings.secret_keys)
    database = open_database(settings.resolved_database_url)
    bus = Bus.open(settings.redis_url)
    reader = IndexReader(
        database,
        bus,
        models=settings.data_dir / "models",
        indexes=settings.data_dir / "index",
        model=settings.embedding_model,
        rerankers=settings.data_dir / "rerankers",
        rerank_model=settings.rerank_model,
        stored=settings.vector_index == "pgvector",
    )
    secret = settings.admin_token.get_secret_value() if settings.admin_token is not None else None
    authenticator = Authenticator(database, admin_token=secret)
    program_version = version("shelfgraph")

    async def get_context(connection: Request | WebSocket, params: Mapping[str, object] | None) -> Context:
        viewer = (
            await authenticator.viewer_of_request(connection)
            if isinstance(connection, Request)
            else await authenticator.viewer_of_socket(connection, params)
        )
        return Context(
            database=database,
            bus=bus,
            search=reader,
            seal=seal,
            viewer=viewer,
            request_id=connection.state.request_id,
            demo=settings.demo,
            version=program_version,
            check_viewer=authenticator.still_valid,
            private_folders=(settings.data_dir,),
        )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            stack.push_async_callback(bus.close)
            bus.start()
            stack.push_async_callback(authenticator.close)
            stack.push_async_callback(reader.close)
            reader.start()
            # What start-up made stays: looking through it again would hold the event loop for a tenth of a second.
            gc.collect()
            gc.freeze()
            yield

    schema = create_schema(_limits(settings), operation_timeout=settings.operation_timeout_seconds)
    endpoint = GraphQLEndpoint(
        schema,
        get_context,
        HttpOptions(
            allowed_origins=settings.allowed_origins,
            max_body_bytes=settings.max_body_bytes,
            max_upload_bytes=settings.max_upload_bytes,
        ),
        playground=playground.page(),
        finish=_set_cookies,
    )
    checks = Checks(
        database=DatabaseCheck(database),
        queue=bus.reachable,
        search=lambda: reader.health,
        version=program_version,
    )
    app = Starlette(
        routes=[
            *endpoint.routes(GRAPHQL),
            *AgentDoor(schema, get_context, _door_options(settings, program_version)).routes(MCP),
            *playground.routes(),
            *sign_in.routes(database, authenticator),
            *health_routes(checks),
            *Covers(covers_folder(settings.data_dir), authenticator, demo=settings.demo).routes,
            Route("/", _to_playground),
        ],
        middleware=[Middleware(RequestLog), *_cross_origin(settings.allowed_origins)],
        lifespan=lifespan,
    )
    app.state.bus = bus  # tests look here whether followers that left are gone
    return app


def covers_folder(data_dir: Path) -> Path:
    """Where covers are kept."""
    return data_dir / "covers"


def _limits(settings: Settings) -> Limits:
    return Limits(
        max_depth=settings.max_depth,
        max_aliases=settings.max_aliases,
        max_directives=settings.max_directives,
        max_root_fields=settings.max_root_fields,
        max_tokens=settings.max_tokens,
    )


def _door_options(settings: Settings, program_version: str) -> DoorOptions:
    return DoorOptions(
        version=program_version,
        allowed_origins=settings.allowed_origins,
        max_body_bytes=settings.max_body_bytes,
        writes=settings.mcp_write,
        demo=settings.demo,
    )


def _cross_origin(origins: tuple[str, ...]) -> list[Middleware]:
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=[*CORS_REQUEST_HEADERS, *AGENT_REQUEST_HEADERS],
            expose_headers=list(CORS_RESPONSE_HEADERS),
            allow_credentials="*" not in origins,
        )
    ]


def _set_cookies(context: OperationContext, request: Request, response: Response) -> None:
    """Carry out what `signIn` and `signOut` asked for."""
    if not isinstance(context, Context):
        return
    if context.session.cookie is not None:
        set_session_cookie(response, context.session.cookie, secure=sign_in.is_secure(request))
    if context.session.signed_out:
        clear_session_cookie(response, secure=sign_in.is_secure(request))


async def _to_playground(_request: Request) -> RedirectResponse:
    return RedirectResponse("/playground")
