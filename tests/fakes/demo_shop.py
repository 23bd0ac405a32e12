"""A whole street of fakes on loopback with the demo recordings: two kinds of indexers, a tracker's site, a web seed."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from demo.books import DemoBook
from tests.fakes import prowlarr, torznab
from tests.fakes.catalogue import CatalogueEntry
from tests.fakes.demo_files import ANNOUNCE, FILES, DemoFiles
from tests.fakes.demo_recordings import RECORDINGS, Recording, write_recording
from tests.fakes.myanonamouse import FakeMyAnonamouse
from tests.fakes.prowlarr import FakeProwlarr
from tests.fakes.prowlarr_rows import myanonamouse, public_tracker
from tests.fakes.torznab import FEED, FakeTorznab
from tests.processes import wait_until
from tests.torrents import make_torrent

SESSION = "fake-session-of-nobody"
GRACE_SECONDS = 1  # for answers that a switch holds back
ADDED = datetime(2026, 10, 3, 18, 45, tzinfo=UTC)


@dataclass(frozen=True)
class DemoShop:
    """The running fakes and their addresses; `entries` is everything on offer."""

    entries: tuple[CatalogueEntry, ...]
    files: Path
    myanonamouse: FakeMyAnonamouse
    prowlarr: FakeProwlarr
    torznab: FakeTorznab
    myanonamouse_url: str
    prowlarr_url: str
    torznab_url: str
    files_url: str

    def integrations(self) -> list[Mapping[str, object]]:
        """How each is configured, as `ConfigureIntegrationInput`."""
        return [
            {"url": self.myanonamouse_url, "service": {"myanonamouse": {"session": SESSION}}},
            {"url": self.prowlarr_url, "service": {"prowlarr": {"apiKey": prowlarr.API_KEY}}},
            {"url": self.torznab_url, "service": {"torznab": {"apiKey": torznab.API_KEY}}},
        ]


@contextmanager
def open_shop(folder: Path, *, port_base: int = 0, bytes_per_second: int | None = None) -> Iterator[DemoShop]:
    """Write the recordings below `folder` and serve everything on four ports from `port_base` on, until the block ends.

    Port 0 takes free ones. Raises OSError when a port is taken.
    """
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        ports = [stack.enter_context(bound(port_base and port_base + place)) for place in range(4)]
        urls = [f"http://127.0.0.1:{port.getsockname()[1]}" for port in ports]
        entries = {each: _entry(files, each, urls[3]) for each in RECORDINGS}
        shop = _shop(entries, files, urls)
        seed = DemoFiles(files, bytes_per_second)
        applications: list[ASGIApp] = [shop.myanonamouse.app, shop.prowlarr, shop.torznab, seed]
        for application, port in zip(applications, ports, strict=True):
            stack.enter_context(serving(application, port))
        yield shop


@contextmanager
def serving(application: ASGIApp, port: socket.socket) -> Iterator[None]:
    """Serve an application on a bound socket until the block ends."""
    # Prowlarr's fake tells the time itself.
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            log_level="warning",
            lifespan="off",
            ws="none",
            date_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [port]}, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, "the fake answers")
        yield
    finally:
        server.should_exit = True
        thread.join()


def _shop(entries: Mapping[Recording, CatalogueEntry], files: Path, urls: list[str]) -> DemoShop:
    everything = tuple(entries.values())
    public = [entry for recording, entry in entries.items() if "public" in recording.where]
    # A magnet address leads nowhere without peers, so this one hands out files.
    tracker = replace(public_tracker(public), magnets=False)
    return DemoShop(
        entries=everything,
        files=files,
        myanonamouse=FakeMyAnonamouse(everything, session=SESSION),
        prowlarr=FakeProwlarr((myanonamouse(everything), tracker), server=urls[1]),
        torznab=FakeTorznab(
            [entry for recording, entry in entries.items() if "torznab" in recording.where], server=urls[2]
        ),
        myanonamouse_url=urls[0],
        prowlarr_url=urls[1],
        torznab_url=f"{urls[2]}{FEED}/",
        files_url=urls[3],
    )


def _entry(files: Path, recording: Recording, url: str) -> CatalogueEntry:
    written = write_recording(files, recording)
    books = [edition.book for edition in recording.editions()]
    torrent = make_torrent(
        files / recording.name,
        web_seeds=[f"{url}/{FILES}"],
        trackers=[f"{url}/{ANNOUNCE}"],
        private=True,
        comment=f"https://www.myanonamouse.net/t/{recording.id}",
    )
    return CatalogueEntry(
        id=recording.id,
        title=_title(recording, books),
        authors=tuple(dict.fromkeys(author for book in books for author in book.authors)),
        narrators=recording.narrators,
        series=_series(books),
        torrent=torrent.content,
        size_bytes=sum(path.stat().st_size for path in written),
        files=len(written),
        filetype=recording.suffix[1:],
        tags=f"{recording.kind}, {recording.bit_rate // 1000} kbps",
        description=books[0].blurb,
        bit_rate=recording.bit_rate,
        duration=_clock(sum(written.values())),
        language=recording.language,
        category=45,
        category_name="Audiobooks - Literary Classics",
        added=ADDED,
        seeders=recording.seeders,
        abridged=recording.abridged,
        free=recording.free,
        vip=recording.vip,
        fl_vip=recording.vip,
    )


def _title(recording: Recording, books: list[DemoBook]) -> str:
    if len(books) > 1:
        return recording.name
    return f"{books[0].title} (Dramatized)" if recording.dramatized else books[0].title


def _series(books: list[DemoBook]) -> tuple[tuple[str, str], ...]:
    numbers: dict[str, list[str]] = {}
    for book in books:
        for place in book.series:
            numbers.setdefault(place.series, []).append(place.position)
    return tuple((series, "-".join(dict.fromkeys((found[0], found[-1])))) for series, found in numbers.items())


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


@contextmanager
def bound(port: int) -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        yield listener
