"""Starts the fakes on loopback, says how to configure them, and ends with Ctrl-C: `make fakes`."""

import argparse
import json
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.demo_shop import DemoShop, bound, open_shop, serving
from tests.fakes.language_model import API_KEY, MODEL, FakeLanguageModel
from tests.fakes.qbittorrent import running_fake
from tests.fakes.qbittorrent_state import FakeQBittorrent
from tests.real_qbittorrent import PROGRAM, real_qbittorrent

PORT_BASE = 9801
PLACE_OF_LANGUAGE_MODEL = 5
PLACE_OF_QBITTORRENT = 4  # after the four of the shop, so that what was configured once stays true
BYTES_PER_SECOND = 5_000  # slow enough to follow recordings that last seconds
USUAL_FOLDER = Path("data/fakes")
_ENDED = "\nThe fakes have ended; what they wrote stays in the folder.\n"
CONFIGURE = """\
mutation ConfigureIntegration($input: ConfigureIntegrationInput!) {
  configureIntegration(input: $input) {
    __typename
    ... on ConfigureIntegrationPayload { integration { name } job { id } }
    ... on Error { code message }
  }
}"""


@dataclass(frozen=True)
class Client:
    """A running qBittorrent; `hint` says what is peculiar about it."""

    url: str
    username: str
    password: str = field(repr=False)
    hint: str = ""

    @property
    def integration(self) -> Mapping[str, object]:
        """How it is configured, as `ConfigureIntegrationInput`; small disks may do for small recordings."""
        given = {"username": self.username, "password": self.password, "freeSpaceReserveBytes": "0"}
        return {"url": self.url, "service": {"qbittorrent": given}}


def main() -> None:
    """Serve until interrupted."""
    chosen = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder = chosen.folder.resolve()
    try:
        with ExitStack() as stack:
            shop = stack.enter_context(
                open_shop(folder, port_base=chosen.port_base, bytes_per_second=chosen.bytes_per_second or None)
            )
            # What is printed stays true, however often either side starts again.
            shop.myanonamouse.switches.rotate_cookie = False
            port = chosen.port_base and chosen.port_base + PLACE_OF_QBITTORRENT
            clients = [stack.enter_context(_qbittorrent(folder, port))] if chosen.qbittorrent else []
            place = chosen.port_base and chosen.port_base + PLACE_OF_LANGUAGE_MODEL
            model_url = stack.enter_context(_language_model(place))
            # Not an exception: wherever it is raised, such as in a destructor, it may be swallowed.
            interrupted = threading.Event()
            signal.signal(signal.SIGINT, lambda *_: interrupted.set())
            sys.stdout.write(_said(shop, clients, model_url))
            sys.stdout.flush()
            interrupted.wait()
        sys.stdout.write(_ENDED)
    except KeyboardInterrupt:
        sys.stdout.write(_ENDED)
    except OSError as problem:
        sys.exit(
            f"The fakes cannot start: {problem}. Choose other ports with --port-base, or --folder; with make: "
            "make fakes FAKES='--port-base 9901'."
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes", description=__doc__)
    parser.add_argument("--port-base", type=int, default=PORT_BASE, help="six ports from this one on are used; 0: any")
    parser.add_argument("--folder", type=Path, default=USUAL_FOLDER, help="where recordings and downloads are kept")
    parser.add_argument(
        "--qbittorrent", action="store_true", help="start a qBittorrent too: the real one where it is installed"
    )
    parser.add_argument(
        "--bytes-per-second", type=int, default=BYTES_PER_SECOND, help="how fast downloads are; 0: as fast as may be"
    )
    return parser.parse_args()


@contextmanager
def _qbittorrent(folder: Path, port: int) -> Iterator[Client]:
    """The real program where it is installed, else the fake one."""
    if shutil.which(PROGRAM):
        with real_qbittorrent(folder / "qbittorrent", port) as program:
            yield Client(program.url, program.username, program.password)
    else:
        fake = FakeQBittorrent(downloads=str(folder / "downloads"), source=folder / "files")
        with running_fake(fake, port) as running:
            finish = f"""  curl {running.url}/fake/progress -d '{{"hashes": "all", "progress": 1}}'"""
            yield Client(running.url, fake.username, fake.password, f"This qBittorrent moves when told:\n{finish}")


@contextmanager
def _language_model(port: int) -> Iterator[str]:
    """Where a language model is that writes what it reads."""
    with bound(port) as listener, serving(FakeLanguageModel(), listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def _said(shop: DemoShop, clients: list[Client], model_url: str) -> str:
    model = {"url": f"{model_url}/v1", "service": {"openaiCompatible": {"apiKey": API_KEY, "model": MODEL}}}
    integrations = [*shop.integrations(), *(client.integration for client in clients), model]
    return "\n".join(
        (
            "Nothing here is real: no account, no tracker, no key.",
            "",
            "1. Start Shelfgraph in another terminal (make run) and sign in by its link.",
            "2. In the playground's tab ConfigureIntegration, run this once with each line below it as its variables:",
            "",
            CONFIGURE,
            "",
            *(json.dumps({"input": integration}) for integration in integrations),
            "",
            "3. Want a book on offer, as the tab WantBook does; README.md shows how it goes on.",
            "",
            "The language model writes answers to the tab AskKnowledgeBase.",
            "",
            "On offer:",
            *(
                f"  {entry.id}  {entry.title}, read by {', '.join(entry.narrators)} ({entry.tags}, {entry.language})"
                for entry in shop.entries
            ),
            "",
            "Plugs to pull; an empty list, or false, puts each back:",
            f"""  curl {shop.prowlarr_url}/fake/switches -d '{{"failing": [9]}}'""",
            f"""  curl {shop.myanonamouse_url}/fake/switches -d '{{"session_expired": true}}'""",
            f"""  curl {model_url}/fake/switches -d '{{"invents_citations": true}}'""",
            *(client.hint for client in clients if client.hint),
            "",
            "Ctrl-C ends everything.",
            "",
        )
    )


if __name__ == "__main__":
    main()
