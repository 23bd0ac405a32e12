"""Serving HTTP: the listening socket, its address, and uvicorn around the application."""

import errno
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from library.errors import CannotStart

_BACKLOG = 512
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 what these mean, not what is bound
# Sockets and event streams never end by themselves; requests in hand have ended by then.
_GRACE_SECONDS = 5


class PortBusy(CannotStart):
    """A port on which another program listens."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"Port {port} of {host} is in use. Stop the program that has it, "
            "or set SHELFGRAPH_PORT to another port (0 picks a free one)."
        )


class AddressUnusable(CannotStart):
    """An address on which this machine cannot listen."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        super().__init__(
            f"Cannot listen on {host} port {port} ({error.strerror}). "
            "Set SHELFGRAPH_HOST to an address of this machine and SHELFGRAPH_PORT to a port above 1023."
        )


class ServingFailed(CannotStart):
    """An application that failed in its start-up; uvicorn has logged why."""

    def __init__(self) -> None:
        super().__init__("The API could not start; the reason is in the log lines above.")


def listen(host: str, port: int) -> socket.socket:
    """Open the listening socket; port 0 picks a free one. Raises PortBusy or AddressUnusable."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressUnusable(host, port, error) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait for old connections
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortBusy(host, port) from None
        raise AddressUnusable(host, port, error) from None
    return listener


def inherited(descriptor: int) -> socket.socket:
    """Take over the listening socket that `up` has opened."""
    return socket.socket(fileno=descriptor)


def address_of(listener: socket.socket) -> str:
    """Say how a browser on this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    return address(host, port)


def address(host: str, port: int) -> str:
    """Say how a browser on this machine reaches a host, `0.0.0.0` included."""
    reached = _EVERYWHERE.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def serve(create: Callable[[], ASGIApp], listener: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C; the requests in hand are answered first."""
    config = uvicorn.Config(
        create(),
        log_config=None,  # `api.logs` has set logging up, and writes its own access log
        access_log=False,
        server_header=False,
        date_header=True,
        ws="websockets-sansio",
        ws_max_size=1 << 20,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        return
    if not server.started:
        raise ServingFailed
