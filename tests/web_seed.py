"""An HTTP server on loopback that gives a folder's files in ranges, as fast as it is allowed to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

_CHUNK_BYTES = 16_384


@dataclass
class WebSeed:
    """A running server; `bytes_per_second` may be changed at any time, None is unlimited and 0 holds everything."""

    url: str
    folder: Path
    bytes_per_second: int | None = None
    requests: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def wait_for_turn(self, size: int) -> bool:
        """Hold a connection until `size` bytes may go out; False when the server ends meanwhile."""
        # One connection at a time, so that the limit is for all of them together.
        with self._lock:
            while self.bytes_per_second == 0 and not self.ended.wait(0.02):
                pass
            if self.bytes_per_second:
                self.ended.wait(size / self.bytes_per_second)
        return not self.ended.is_set()


@contextmanager
def web_seed(folder: Path, *, bytes_per_second: int | None = None) -> Iterator[WebSeed]:
    """Serve `folder` until the block ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        seed = WebSeed(f"http://127.0.0.1:{server.server_port}/", folder, bytes_per_second)
        server.seed = seed
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield seed
        finally:
            seed.ended.set()
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    seed: WebSeed

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that goes away in the middle is what tests do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Give a file, whole or one range of it."""
        seed = self.server.seed
        seed.requests.append(self.path)
        file = self._file(seed.folder)
        if file is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        size = file.stat().st_size
        first, last = self._range(size)
        if first > last:
            self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            return
        self._send_head(first, last, size)
        self._send_body(seed, file, first, last)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 the name is the library's
        """Say nothing."""

    def _file(self, folder: Path) -> Path | None:
        wanted = (folder / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        inside = wanted.is_relative_to(folder.resolve())
        return wanted if inside and wanted.is_file() else None

    def _range(self, size: int) -> tuple[int, int]:
        header = self.headers.get("Range", "")
        if not header.startswith("bytes="):
            return 0, size - 1
        first, _, last = header.removeprefix("bytes=").partition("-")
        return int(first), min(int(last), size - 1) if last else size - 1

    def _send_head(self, first: int, last: int, size: int) -> None:
        whole = (first, last) == (0, size - 1) and "Range" not in self.headers
        self.send_response(HTTPStatus.OK if whole else HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Content-Type", "application/octet-stream")
        if not whole:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()

    def _send_body(self, seed: WebSeed, file: Path, first: int, last: int) -> None:
        left = last - first + 1
        with file.open("rb") as stream:
            stream.seek(first)
            while left and seed.wait_for_turn(min(left, _CHUNK_BYTES)):
                chunk = stream.read(min(left, _CHUNK_BYTES))
                self.wfile.write(chunk)
                left -= len(chunk)
