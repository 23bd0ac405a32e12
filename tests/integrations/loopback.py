"""A server on loopback that says exactly the bytes it is told to, whatever HTTP thinks of them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

# Writes an answer; the connection ends when it returns.
Saying = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Loopback:
    """A running server: its port, and the heads of the requests it has got."""

    port: int = 0
    heads: list[str] = field(default_factory=list)


def saying(status: str, *headers: str, body: bytes = b"") -> Saying:
    """An answer that is ready."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode() + body)

    return say


@asynccontextmanager
async def loopback(say: Saying, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Loopback]:
    """Serve until the block ends."""
    server = Loopback()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            await say(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has had enough
        finally:
            writer.close()

    listener = await asyncio.start_server(answer, host, 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()
