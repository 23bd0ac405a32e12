"""What brings the demo shop's torrents to life on loopback: a web seed for all files, and a tracker without peers."""

import asyncio
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

ANNOUNCE = "announce/passkey-of-nobody"
FILES = "files/"


class DemoFiles:
    """An ASGI application that gives the files of `folder`, in ranges, at so many bytes per second (None: at once)."""

    def __init__(self, folder: Path, bytes_per_second: int | None = None) -> None:
        self.bytes_per_second = bytes_per_second
        self._application = Starlette(
            routes=[Route(f"/{ANNOUNCE}", _announced), Mount(f"/{FILES.strip('/')}", StaticFiles(directory=folder))]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_slowly(message: Message) -> None:
            if self.bytes_per_second:
                await asyncio.sleep(len(message.get("body", b"")) / self.bytes_per_second)
            await send(message)

        await self._application(scope, receive, send_slowly)


async def _announced(request: Request) -> Response:
    return Response(b"d8:intervali1800e5:peers0:e", media_type="text/plain")
