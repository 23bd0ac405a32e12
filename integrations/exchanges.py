"""One exchange with a server: send, and read the answer, whole or as it comes, within limits of time and size."""

import asyncio
import email.utils
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Sequence

import httpx

# What httpx adds or drops by itself once an answer is unpacked and complete.
_WIRE_HEADERS = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
# gzip and zlib, told apart by their headers.
_ANY_ZLIB = zlib.MAX_WBITS | 32

# What lies behind a failed connection, the special before the general.
_NOT_CONNECTED = (
    (ssl.SSLCertVerificationError, "its TLS certificate is not valid, or not for this host"),
    (ssl.SSLError, "it does not speak TLS at this address"),
    (socket.gaierror, "its name has no address"),
    (ConnectionRefusedError, "nothing listens at its address"),
)


class Unfinished(Exception):
    """No whole answer came; `reason` holds nothing that the other side or the request said."""

    worth_repeating = True

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotConnected(Unfinished):
    """Nothing has been sent."""


class TooLarge(Unfinished):
    """More than was asked to be read."""

    worth_repeating = False

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"its answer is larger than {most_bytes} bytes")


class Damaged(Unfinished):
    """A body that cannot be unpacked."""

    worth_repeating = False

    def __init__(self) -> None:
        super().__init__("a body that cannot be unpacked")


async def exchange(
    transport: httpx.AsyncBaseTransport,
    request: httpx.Request,
    targets: Sequence[httpx.URL],
    *,
    most_bytes: int,
    seconds: float,
) -> httpx.Response:
    """Send a request to the first of `targets` that can be connected to; give the answer, read and unpacked.

    Raises Unfinished. None of httpx's own exceptions leaves, since they carry the request.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _complete(await _send(transport, request, targets), most_bytes)
    except (TimeoutError, httpx.TimeoutException) as error:
        problem: Unfinished = _late(error, seconds)
    except httpx.HTTPError as error:
        problem = _broken(error)
    # Raised out here, so that the original is not kept as its context.
    raise problem


async def begin(
    transport: httpx.AsyncBaseTransport,
    request: httpx.Request,
    targets: Sequence[httpx.URL],
    *,
    most_bytes: int,
    seconds: float,
) -> httpx.Response:
    """Send like `exchange`, and give a successful answer before its body is there: that comes while it is read.

    The limits hold for the whole of it; reading it raises Unfinished, as this does. Other answers are read here.
    """
    clock = asyncio.get_running_loop()
    deadline = clock.time() + seconds
    try:
        async with asyncio.timeout_at(deadline):
            answer = await _send(transport, request, targets)
            if not answer.is_success:
                return await _complete(answer, most_bytes)
        body = _Body(answer, most_bytes, deadline, seconds)
        return httpx.Response(answer.status_code, headers=_headers(answer), stream=body, extensions=answer.extensions)
    except (TimeoutError, httpx.TimeoutException) as error:
        problem: Unfinished = _late(error, seconds)
    except httpx.HTTPError as error:
        problem = _broken(error)
    raise problem


class _Body(httpx.AsyncByteStream):
    """The body of an answer, unpacked as it comes, within limits of time and size."""

    def __init__(self, answer: httpx.Response, most_bytes: int, deadline: float, seconds: float) -> None:
        self._answer = answer
        self._most_bytes = most_bytes
        self._deadline = deadline
        self._seconds = seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = _unpacked(self._answer, self._most_bytes)
        received = 0
        while True:
            try:
                async with asyncio.timeout_at(self._deadline):
                    part = await anext(parts, None)
            except (TimeoutError, httpx.TimeoutException) as error:
                problem: Unfinished = _late(error, self._seconds)
                break
            except httpx.HTTPError as error:
                problem = _broken(error)
                break
            if part is None:
                return
            received += len(part)
            if received > self._most_bytes:
                raise TooLarge(self._most_bytes)
            yield part
        raise problem

    async def aclose(self) -> None:
        await self._answer.aclose()


def retry_after(answer: httpx.Response, now: float) -> float | None:
    """For how many seconds a server asks to be left alone, by seconds or by a date; None if it does not say."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - now)
    except (ValueError, OverflowError):
        return None


async def _send(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, targets: Sequence[httpx.URL]
) -> httpx.Response:
    *others, last = targets
    for target in others:
        try:
            return await transport.handle_async_request(_aimed(request, target))
        except httpx.ConnectError:
            continue  # such as ::1 for a server that listens on 127.0.0.1 only
    return await transport.handle_async_request(_aimed(request, last))


def _aimed(request: httpx.Request, target: httpx.URL) -> httpx.Request:
    """The same request, connecting to `target`; its Host header keeps the name."""
    if target == request.url:
        return request
    return httpx.Request(
        request.method, target, headers=request.headers, stream=request.stream, extensions=request.extensions
    )


async def _complete(answer: httpx.Response, most_bytes: int) -> httpx.Response:
    try:
        content = await _read(answer, most_bytes)
    finally:
        await answer.aclose()
    return httpx.Response(answer.status_code, headers=_headers(answer), content=content, extensions=answer.extensions)


def _headers(answer: httpx.Response) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in answer.headers.raw if name.lower() not in _WIRE_HEADERS]


async def _read(answer: httpx.Response, most_bytes: int) -> bytes:
    announced = answer.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise TooLarge(most_bytes)
    body = bytearray()
    # Not httpx's decoders: they unpack a chunk whole, however large it becomes.
    async for part in _unpacked(answer, most_bytes):
        body += part
        if len(body) > most_bytes:
            raise TooLarge(most_bytes)
    return bytes(body)


async def _unpacked(answer: httpx.Response, most_bytes: int) -> AsyncIterator[bytes]:
    packing = answer.headers.get("content-encoding", "identity").strip().lower()
    stream = answer.stream
    if not isinstance(stream, httpx.AsyncByteStream):
        raise Damaged
    if packing in {"identity", ""}:
        async for part in stream:
            yield part
        return
    if packing not in _PACKED:
        raise Damaged  # nothing else was asked for
    unpack = zlib.decompressobj(_ANY_ZLIB)
    received = False
    try:
        async for part in stream:
            received = True
            # One byte more than allowed is enough to know; what may be left over is never looked at.
            yield unpack.decompress(part, most_bytes + 1)
    except zlib.error:
        raise Damaged from None
    if received and not unpack.eof:
        raise Damaged


def _late(error: Exception, seconds: float) -> Unfinished:
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return NotConnected(f"no connection within {seconds:g} s")
    return Unfinished(f"no whole answer within {seconds:g} s")


def _broken(error: httpx.HTTPError) -> Unfinished:
    if isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol):
        return NotConnected(_why_not_connected(error))
    return Unfinished("the connection broke")


def _why_not_connected(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        for kind, reason in _NOT_CONNECTED:
            if isinstance(cause, kind):
                return reason
        cause = cause.__cause__ or cause.__context__
    return "no connection"
