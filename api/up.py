"""`shelfgraph up`: Valkey, worker and API as children of one process, on one data directory."""

import asyncio
import http.client
import os
import shlex
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from urllib.parse import urlsplit

import orjson
from rich.console import Console
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from api import data_dir
from api.children import Child, Program
from api.data_dir import Running
from api.serving import PortBusy, address_of, listen
from api.valkey import QueueUnreachable, embedded
from jobs.events import Bus
from library import accounts
from library.database import Database, open_database
from library.errors import CannotStart
from migrations.upgrade import upgrade
from settings import Settings

_PORT_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.1
_OURSELVES = (sys.executable, "-P", "-m", "api.cli")  # -P: no module of the folder one happens to be in


class DatabaseUnusable(CannotStart):
    """A database that cannot be opened or brought to the newest schema."""

    def __init__(self, url: str, error: BaseException) -> None:
        reason = str(error).partition("\n")[0]
        super().__init__(
            f"The database {make_url(url).render_as_string()} cannot be used: {reason}. "
            "Check SHELFGRAPH_DATABASE_URL, and that its server runs and lets this user in."
        )


@dataclass(frozen=True, slots=True)
class Programs:
    """The command lines of the children; `{listener}` is the descriptor of the listening socket."""

    api: tuple[str, ...] = (*_OURSELVES, "serve", "--listener", "{listener}", "--with-parent", "--no-migrate")
    worker: tuple[str, ...] = (*_OURSELVES, "work", "--with-parent")


@dataclass(slots=True)
class Site:
    """What `up` has started: how it is reached, and the children in their order."""

    settings: Settings
    console: Console
    database_url: str
    redis_url: str
    address: str
    children: list[Child] = field(default_factory=list)

    def command(self, arguments: str) -> str:
        """Write out a command that reaches this site from another terminal."""
        usual = Path(Settings.model_fields["data_dir"].default).expanduser()
        folder = self.settings.data_dir
        where = "" if folder == usual else f"SHELFGRAPH_DATA_DIR={shlex.quote(str(folder))} "
        return f"{where}{_program()} {arguments}"

    async def sign_in_link(self) -> str:
        """Make a link that signs the owner in, once, within 15 minutes."""
        async with opened(self.database_url) as database:
            return await sign_in_link(database, self.address)


WhenReady = Callable[[Site], Awaitable[None]]


def _program() -> str:
    """How the command is called from here: by its name, or by its path when that is not found by name."""
    called = Path(sys.argv[0])
    if called.name != "shelfgraph" or which("shelfgraph") is not None:
        return "shelfgraph"
    return shlex.quote(os.path.relpath(called))


def up(settings: Settings, console: Console, when_ready: WhenReady, programs: Programs | None = None) -> None:
    """Run everything until Ctrl-C or SIGTERM; the data directory must be claimed. Raises CannotStart.

    `when_ready` is called once all answer. A second Ctrl-C ends the children by force.
    """
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(settings, console, when_ready, programs or Programs()))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """Open the database for a while; raises DatabaseUnusable when it cannot be reached or has no schema."""
    database = open_database(url)
    try:
        yield database
    except (DBAPIError, OSError) as error:
        raise DatabaseUnusable(url, getattr(error, "orig", None) or error) from error
    finally:
        await database.close()


async def migrate(url: str) -> None:
    """Bring the database to the newest schema; raises DatabaseUnusable."""
    async with opened(url) as database:
        await upgrade(database)


async def sign_in_link(database: Database, address: str) -> str:
    """Make a link that signs the owner in, once, within 15 minutes; the owner is created when missing."""
    async with database.write() as session:
        owner = await accounts.ensure_owner(session)
        code = await accounts.create_sign_in_code(session, owner)
    return f"{address}/sign-in?code={code.secret}"


async def readiness(address: str) -> dict[str, str] | None:
    """What `/health/ready` says; None while the API does not answer, or not with 200."""
    return await asyncio.to_thread(_ask_readiness, urlsplit(address).netloc)


async def _run(settings: Settings, console: Console, when_ready: WhenReady, programs: Programs) -> None:
    ourselves = asyncio.current_task()
    assert ourselves is not None  # noqa: S101 this is a coroutine of `asyncio.run`
    children: list[Child] = []

    def stop() -> None:
        if not ourselves.cancelling():
            ourselves.cancel()
            return
        for child in children:
            child.abandon()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        async with AsyncExitStack() as stack:
            site = await _start(stack, settings, console, programs, children)
            await when_ready(site)
            await asyncio.Event().wait()


async def _start(
    stack: AsyncExitStack, settings: Settings, console: Console, programs: Programs, children: list[Child]
) -> Site:
    """Start everything in the order of need; the stack ends it in the reverse order."""
    folder = settings.data_dir
    # Before anything else: a busy port is the most likely trouble, and cheap to find.
    listener = stack.enter_context(await _listen(settings, console, may_wait=data_dir.is_stale(folder)))
    data_dir.ensure_secret_key(folder)
    say = _shower(settings, console)
    url = settings.resolved_database_url
    redis_url = await _start_queue(stack, settings, console, children, say)
    with console.status("Preparing the database"):
        await migrate(url)
    site = Site(settings, console, url, redis_url, address_of(listener), children)
    environment = _environment(site)
    worker = Child(Program("worker", programs.worker, _at_once, environment, grace_seconds=30.0), say)
    api_argv = tuple(part.format(listener=listener.fileno()) for part in programs.api)
    api = Child(
        Program("API", api_argv, _answers(site.address), environment, descriptors=(listener.fileno(),)),
        say,
    )
    for child in (worker, api):  # so that the API is stopped before the worker
        children.append(child)
        stack.push_async_callback(_stop, console, child)
    with console.status("Starting the API"):
        await api.start()
    await worker.start()
    stack.enter_context(data_dir.announced(folder, Running(os.getpid(), site.address, redis_url)))
    return site


async def _start_queue(
    stack: AsyncExitStack,
    settings: Settings,
    console: Console,
    children: list[Child],
    say: Callable[[str, str], None],
) -> str:
    """Start the embedded Valkey, or look whether the configured server answers; returns its URL."""
    if settings.redis_url:
        async with _bus(settings.redis_url) as bus:
            if not await bus.reachable():
                raise QueueUnreachable
        return settings.redis_url
    with console.status("Starting Valkey"):
        server = stack.enter_context(embedded(settings.data_dir / "valkey"))
        bus = await stack.enter_async_context(_bus(server.url))
        program = Program(
            "Valkey", server.argv, bus.reachable, folder=server.folder, descriptors=(server.lock,), quiet=True
        )
        child = Child(program, say)
        children.append(child)
        stack.push_async_callback(_stop, console, child)
        await child.start()
    return server.url


async def _stop(console: Console, child: Child) -> None:
    with console.status(f"Stopping the {child.program.name}"):
        await child.stop()


@asynccontextmanager
async def _bus(url: str) -> AsyncIterator[Bus]:
    bus = Bus.open(url)
    try:
        yield bus
    finally:
        await bus.close()


async def _listen(settings: Settings, console: Console, *, may_wait: bool) -> socket.socket:
    """Open the listening socket; after a kill the former API may still be about to let it go."""
    patience = _PORT_PATIENCE_SECONDS if may_wait else 0.0
    with console.status("Waiting for the former API to end") if may_wait else nullcontext():
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            try:
                return listen(settings.host, settings.port)
            except PortBusy:
                if asyncio.get_running_loop().time() >= deadline:
                    raise
            await asyncio.sleep(_POLL_SECONDS)


def _environment(site: Site) -> dict[str, str]:
    """What the children read as their settings: ours, with what we have decided."""
    decided = {
        "SHELFGRAPH_DATA_DIR": str(site.settings.data_dir),
        "SHELFGRAPH_DATABASE_URL": site.database_url,
        "SHELFGRAPH_REDIS_URL": site.redis_url,
        "SHELFGRAPH_DEMO": str(site.settings.demo).lower(),
    }
    return os.environ | decided


def _shower(settings: Settings, console: Console) -> Callable[[str, str], None]:
    """Give what prints the children's log lines: with the child's name for people, as they are for machines."""

    def show(name: str, line: str) -> None:
        if settings.log_json:
            console.file.write(f"{line}\n")
        else:
            console.print(f"{name:>6} │ {line}", markup=False, highlight=False, soft_wrap=True)

    return show


async def _at_once() -> bool:
    return True


def _answers(address: str) -> Callable[[], Awaitable[bool]]:
    """Give the question whether the API is ready."""

    async def ready() -> bool:
        return await readiness(address) is not None

    return ready


def _ask_readiness(target: str) -> dict[str, str] | None:
    connection = http.client.HTTPConnection(target, timeout=2.0)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        body: dict[str, str] = orjson.loads(answer.read())
    except (OSError, http.client.HTTPException, orjson.JSONDecodeError):
        return None
    finally:
        connection.close()
    return body if answer.status == http.client.OK else None
