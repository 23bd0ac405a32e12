"""The points at which a process asks whether somebody dies now: around commits, calls to others and file operations.

Nothing of the product knows of them: what it calls is wrapped from outside, before it starts.
"""

import json
import os
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import event
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.engine import Connection, Engine

OPERATIONS = ("link", "rename", "replace", "mkdir", "rmdir", "unlink", "fsync", "utime")
# What a commit is named after: the first of these tables that it wrote to.
TABLES = ("imported_files", "imports", "download_files", "downloads", "audio_files", "books", "passages", "embeddings",
          "integration_secrets", "integrations", "jobs", "leases")  # fmt: skip
_WRITES = re.compile(r"^\s*(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM) \"?(\w+)")


class Toll:
    """A process's line to the campaign: each point waits until it is let pass, which the dead never are."""

    def __init__(self, address: Path, role: str) -> None:
        self._role = role
        self._process = os.getpid()
        self._turn = threading.Lock()
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(os.fspath(address))

    def point(self, kind: str) -> None:
        """Pass a point, once the campaign lets us."""
        if os.getpid() != self._process:  # a reading process of ours has no line of its own
            return
        said = {"role": self._role, "kind": kind, "process": self._process}
        with self._turn:
            self._line.sendall(json.dumps(said).encode() + b"\n")
            self._line.recv(1)


def lay(toll: Toll, site: Path) -> None:
    """Put the points into this process; of file operations those below `site`."""
    _around_commits(toll)
    _around_calls(toll)
    for name in OPERATIONS:
        setattr(os, name, _around(name, getattr(os, name), toll, os.fspath(site)))


def _around_commits(toll: Toll) -> None:
    written: dict[int, set[str]] = {}
    commit: Callable[..., None] = SQLiteDialect_aiosqlite.do_commit

    @event.listens_for(Engine, "before_cursor_execute")
    def note(connection: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        found = _WRITES.match(statement)
        if found:
            written.setdefault(id(connection.connection.dbapi_connection), set()).add(found[1])

    def do_commit(dialect: Any, connection: Any) -> None:
        tables = written.pop(id(connection.dbapi_connection), set())
        if not tables:
            commit(dialect, connection)
            return
        name = next((table for table in TABLES if table in tables), "other rows")
        toll.point(f"before commit: {name}")
        commit(dialect, connection)
        toll.point(f"after commit: {name}")

    @event.listens_for(Engine, "rollback")
    def forget(connection: Connection) -> None:
        written.pop(id(connection.connection.dbapi_connection), None)

    setattr(SQLiteDialect_aiosqlite, "do_commit", do_commit)  # noqa: B010 mypy knows no assignment to a method


def _around_calls(toll: Toll) -> None:
    send = httpx.AsyncHTTPTransport.handle_async_request

    async def handle(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        name = _call(request)
        toll.point(f"before {name}")
        answer = await send(transport, request)
        toll.point(f"after {name}")
        return answer

    setattr(httpx.AsyncHTTPTransport, "handle_async_request", handle)  # noqa: B010 as above


def _call(request: httpx.Request) -> str:
    """What is called, without what differs from call to call."""
    path = request.url.path
    if "/api/v2/" in path:
        return f"call: qBittorrent {path.partition('/api/v2/')[2]}"
    if "download" in path or path.startswith("/dl/"):
        return "call: a torrent"
    return "call: an indexer or tracker"


def _around(name: str, operation: Callable[..., Any], toll: Toll, below: str) -> Callable[..., Any]:
    def run(*given: Any, **named: Any) -> Any:
        if name != "fsync" and not os.fsdecode(given[0]).startswith(below):
            return operation(*given, **named)
        toll.point(f"before file: {name}")
        answer = operation(*given, **named)
        toll.point(f"after file: {name}")
        return answer

    return run
