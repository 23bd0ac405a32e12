"""The command line: `shelfgraph up | demo | serve | work | scan | ingest | token | mcp | export-schema`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from rich.console import Console
from typer.core import TyperGroup

from api import logs, serving
from api.children import end_with_parent
from api.data_dir import NothingRunning, claimed, find_running
from api.up import migrate, opened, sign_in_link
from api.up import up as run_everything
from jobs.events import Bus
from library import accounts
from library.database import Database
from library.errors import CannotStart, ShelfgraphError
from library.models.accounts import Role, TokenKind
from library.models.jobs import Job, JobState
from library.sealing import Seal
from settings import SECRETS, SecretFileUnreadable, Settings

log = structlog.get_logger(__name__)


class SettingsInvalid(CannotStart):
    """Settings that cannot be; it names the variables, and never shows a value, which may be a secret."""

    def __init__(self, errors: Sequence[ErrorDetails]) -> None:
        reasons = "; ".join(f"{_variable(error)}: {error['msg'].removeprefix('Value error, ')}" for error in errors)
        super().__init__(f"The settings cannot be used: {reasons}.")


class QueueMissing(CannotStart):
    """No Redis or Valkey for a process that does not start its own."""

    def __init__(self, command: str) -> None:
        super().__init__(
            f"`shelfgraph {command}` needs SHELFGRAPH_REDIS_URL, for example redis://127.0.0.1:6379/0. "
            "`shelfgraph up` starts everything by itself."
        )


class OneLineErrors(TyperGroup):
    """Commands whose foreseen failures are one sentence instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what it could foresee ends it with exit code 1."""
        try:
            return super().invoke(ctx)
        except ShelfgraphError as error:
            Console(stderr=True).print(f"shelfgraph: {error}", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=OneLineErrors,
    help="One GraphQL graph over an audiobook collection.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they show local variables, secrets among them
)
WithParent = Annotated[bool, typer.Option("--with-parent", hidden=True)]


@app.command()
def up() -> None:
    """Run everything on this machine: Valkey, worker and API."""
    from api.demo import welcome  # noqa: PLC0415 it knows the demo's writer, which imports much

    settings = load_settings()
    _log(settings)
    with claimed(settings.data_dir):
        run_everything(settings, Console(), welcome)


@app.command()
def demo() -> None:
    """The same with a collection of 120 public-domain audiobooks to try it on."""
    from api.demo import DATA_DIR, collection_folder, show, write  # noqa: PLC0415 as in `up`

    given = load_settings()
    folder = given.data_dir if "data_dir" in given.model_fields_set else DATA_DIR.absolute()
    settings = given.model_copy(update={"data_dir": folder, "demo": True})
    _log(settings)
    console = Console()
    with claimed(folder):
        write(collection_folder(folder), console)
        run_everything(settings, console, show)


@app.command()
def serve(
    *,
    migrate_first: Annotated[
        bool, typer.Option("--migrate/--no-migrate", help="Bring the database to the newest schema first.")
    ] = True,
    listener: Annotated[int | None, typer.Option(hidden=True, help="Descriptor of an open listening socket.")] = None,
    with_parent: WithParent = False,
) -> None:
    """Run the API alone; any number of them may share a database and a queue."""
    settings = load_settings()
    _log(settings)
    if with_parent:
        end_with_parent()
    if not settings.redis_url:
        raise QueueMissing("serve")
    Seal(settings.secret_keys)  # without a key it would start, and fail at the first credential
    opened_socket = serving.inherited(listener) if listener else serving.listen(settings.host, settings.port)
    if migrate_first:
        asyncio.run(migrate(settings.resolved_database_url))
    from api.app import create_app  # noqa: PLC0415 other commands need not wait for the whole graph

    log.info("serving", address=serving.address_of(opened_socket))
    serving.serve(lambda: create_app(settings), opened_socket)


@app.command()
def work(*, with_parent: WithParent = False) -> None:
    """Run a worker alone; any number of them may share a database and a queue."""
    settings = load_settings()
    redaction = _log(settings)
    if with_parent:
        end_with_parent()
    if not settings.redis_url:
        raise QueueMissing("work")
    Seal(settings.secret_keys)
    from jobs.worker import main  # noqa: PLC0415 other commands need not wait for the training tools

    main(settings, redaction.keep)


@app.command()
def scan(
    path: Annotated[Path, typer.Argument(help="A folder of audiobooks, as the server sees it.")],
    *,
    name: Annotated[str | None, typer.Option(help="What to call it; its own name if left out.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Read unchanged files again.")] = False,
) -> None:
    """Add a folder to the library if it is new, scan it, and show how that goes."""
    from api.collection import scan as scan_folder  # noqa: PLC0415 it brings the bars

    settings = load_settings()
    _log(settings, level="ERROR")
    console = Console()
    folder = str(path.expanduser().absolute())

    async def run(database: Database, bus: Bus) -> Job:
        return await scan_folder(database, bus, console, folder, name=name, force=force)

    _follow(settings, console, run)


@app.command()
def ingest(
    path: Annotated[Path, typer.Argument(help="A folder or file of documents, as the server sees it.")],
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the folder's changes from now on.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Read unchanged files again.")] = False,
) -> None:
    """Read documents into the knowledge base, and show how that goes."""
    from api.ingesting import ingest as read  # noqa: PLC0415 it brings the bars

    settings = load_settings()
    _log(settings, level="ERROR")
    console = Console()
    place = str(path.expanduser().absolute())

    async def run(database: Database, bus: Bus) -> Job:
        return await read(database, bus, console, place, [settings.data_dir], watch=watch, force=force)

    _follow(settings, console, run)


@app.command()
def token(
    *,
    name: Annotated[str, typer.Option(help="What the token is for.")] = "command line",
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.ADMIN,
    days: Annotated[int, typer.Option(min=1, max=accounts.MAXIMUM_LIFETIME.days, help="How long it works.")] = 365,
    link: Annotated[bool, typer.Option("--link", help="A sign-in link for a browser instead of a token.")] = False,
) -> None:
    """Print a new API token of the owner's; it is shown this once."""
    settings = load_settings()
    _log(settings, level="ERROR")
    typer.echo(asyncio.run(_sign_in_link(settings) if link else _new_token(settings, name, role, timedelta(days))))


@app.command()
def mcp() -> None:
    """Offer a running server's library to agents, as an MCP server on standard input and output."""
    from api import mcp_stdio  # noqa: PLC0415 other commands need not wait for the SDK

    settings = load_settings()
    _log(settings, level="ERROR")
    token = settings.agent_token.get_secret_value() if settings.agent_token is not None else None
    mcp_stdio.serve(
        settings.agent_url or _served_address(settings),
        token,
        version=version("shelfgraph"),
        writes=settings.mcp_write,
        plain_http_hosts=settings.plain_http_hosts,
    )


@app.command()
def export_schema(
    file: Annotated[Path | None, typer.Argument(help="Where to write it; printed if left out.")] = None,
) -> None:
    """Print the GraphQL schema."""
    from api.schema import export  # noqa: PLC0415 other commands need not wait for the whole graph

    if file is None:
        typer.echo(export(), nl=False)
    else:
        file.write_text(export(), "utf-8")


def load_settings() -> Settings:
    """Read the environment; raises SettingsInvalid."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsInvalid(error.errors(include_input=False, include_url=False)) from None
    except SecretFileUnreadable as error:
        raise CannotStart(str(error)) from None


def _follow(settings: Settings, console: Console, run: Callable[[Database, Bus], Awaitable[Job]]) -> None:
    """Show a job to its end; the exit code tells how it ended."""
    try:
        job = asyncio.run(_connected(settings, run))
    except KeyboardInterrupt:
        console.print("The job goes on without being shown; `jobs` in the graph tells how far it is.")
        raise typer.Exit(130) from None
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        raise typer.Exit(1)


async def _connected(settings: Settings, run: Callable[[Database, Bus], Awaitable[Job]]) -> Job:
    running = find_running(settings.data_dir)
    queue_url = settings.redis_url or (running.redis_url if running else "")
    if not queue_url:
        raise NothingRunning(settings.data_dir)
    bus = Bus.open(queue_url)
    try:
        if not await bus.reachable():
            raise NothingRunning(settings.data_dir)
        bus.start()
        async with opened(settings.resolved_database_url) as database:
            return await run(database, bus)
    finally:
        await bus.close()


async def _new_token(settings: Settings, name: str, role: Role, lifetime: timedelta) -> str:
    await migrate(settings.resolved_database_url)
    async with opened(settings.resolved_database_url) as database, database.write() as session:
        owner = await accounts.ensure_owner(session)
        issued = await accounts.create_token(
            session, owner, kind=TokenKind.API, name=name, role=role, lifetime=lifetime
        )
    return issued.secret


async def _sign_in_link(settings: Settings) -> str:
    await migrate(settings.resolved_database_url)
    async with opened(settings.resolved_database_url) as database:
        return await sign_in_link(database, _served_address(settings))


def _served_address(settings: Settings) -> str:
    """Where a server is to be expected: the `up` on the data directory, or what the settings say."""
    running = find_running(settings.data_dir)
    return running.address if running else serving.address(settings.host, settings.port)


def _log(settings: Settings, level: str | None = None) -> logs.Redaction:
    given = (getattr(settings, name) for name in sorted(SECRETS))
    secrets = [secret.get_secret_value() for secret in given if isinstance(secret, SecretStr)]
    return logs.configure(level=level or settings.log_level, as_json=settings.log_json, secrets=secrets)


def _variable(error: ErrorDetails) -> str:
    return f"SHELFGRAPH_{'_'.join(str(part) for part in error['loc'][:1]).upper()}"


if __name__ == "__main__":
    app()
