"""The way out over real sockets: sizes, times, redirects, certificates and the rule for plain http."""

import asyncio
import gzip
import ssl
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.errors import BadPayload, InsecureAddress, Unavailable
from integrations.http import Outside, Service
from tests.integrations.loopback import Saying, loopback, saying
from tests.integrations.outside_world import Clock

MOST = 10_000


@asynccontextmanager
async def really_outside(redis_url: str) -> AsyncIterator[Outside]:
    clock = Clock()
    outside = Outside(redis_url, user_agent="Shelfgraph/test", clock=clock, sleep=clock.sleep)
    try:
        yield outside
    finally:
        await outside.close()


def local(port: int, scheme: str = "http", host: str = "127.0.0.1") -> Service:
    return Service(f"local:{port}", f"{scheme}://{host}:{port}", most_bytes=MOST, timeout_seconds=5.0, burst=20)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
async def test_a_server_on_this_machine_is_reached_under_its_name(redis_url: str, host: str) -> None:
    """Also where the name has an IPv6 address on which nothing listens."""
    async with loopback(saying("200 OK", "Content-Length: 2", body=b"hi")) as server, really_outside(redis_url) as out:
        answer = await out.client(local(server.port, host=host)).get("/x?y=1")

    assert (answer.status_code, answer.text) == (200, "hi")
    assert server.heads[0].startswith("GET /x?y=1 HTTP/1.1\r\n")
    assert f"Host: {host.lower()}:{server.port}\r\n" in server.heads[0]


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"a" * MOST, mtime=0)),  # the same in each process: it is part of the test's name
        ("deflate", zlib.compress(b"a" * MOST)),
        ("identity", b"a" * MOST),
    ],
)
async def test_as_much_as_is_allowed_is_read_and_unpacked(redis_url: str, encoding: str, packed: bytes) -> None:
    say = saying("200 OK", f"Content-Encoding: {encoding}", f"Content-Length: {len(packed)}", body=packed)
    async with loopback(say) as server, really_outside(redis_url) as out:
        answer = await out.client(local(server.port)).get("/")

    assert answer.content == b"a" * MOST
    assert "content-encoding" not in answer.headers


BOMB = gzip.compress(bytes(50_000_000))
TOO_LARGE = {
    "one byte too many": saying("200 OK", body=b"a" * (MOST + 1)),
    "announced": saying("200 OK", f"Content-Length: {MOST + 1}"),
    "a bomb": saying("200 OK", "Content-Encoding: gzip", body=BOMB),
    "one byte too many, packed": saying("200 OK", "Content-Encoding: gzip", body=gzip.compress(b"a" * (MOST + 1))),
}


@pytest.mark.parametrize("name", TOO_LARGE)
async def test_a_larger_answer_is_not_read_to_its_end_nor_asked_for_again(redis_url: str, name: str) -> None:
    async with loopback(TOO_LARGE[name]) as server, really_outside(redis_url) as out:
        with pytest.raises(Unavailable, match=f"its answer is larger than {MOST} bytes"):
            await out.client(local(server.port)).get("/")

    assert len(server.heads) == 1


async def test_a_bomb_takes_no_more_memory_than_is_allowed(redis_url: str) -> None:
    """A chunk from the network holds 64 KiB, which would become 64 MiB."""
    async with loopback(TOO_LARGE["a bomb"]) as server, really_outside(redis_url) as out:
        tracemalloc.start()
        with pytest.raises(Unavailable):
            await out.client(local(server.port)).get("/")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert peak < 4_000_000


async def test_an_endless_answer_ends(redis_url: str) -> None:
    async def for_ever(writer: asyncio.StreamWriter) -> None:
        await saying("200 OK")(writer)
        while True:
            writer.write(b"x" * 1_000)
            await writer.drain()

    async with loopback(for_ever) as server, really_outside(redis_url) as out:
        with pytest.raises(Unavailable, match="larger"):
            await out.client(local(server.port)).get("/")


async def test_an_answer_that_drips_is_given_up_as_a_whole(redis_url: str) -> None:
    """Each byte comes in time; the answer does not."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        await saying("200 OK", "Content-Length: 1000")(writer)
        for _ in range(1_000):
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with loopback(drip) as server, really_outside(redis_url) as out:
        began = time.monotonic()
        with pytest.raises(Unavailable, match=r"no whole answer within 0\.1 s"):
            await out.client(local(server.port)).post("/", timeout=0.1)

    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "say",
    [
        saying("200 OK", "Content-Encoding: gzip", body=b"not packed at all"),
        saying("200 OK", "Content-Encoding: gzip", body=gzip.compress(b"a" * 500)[:-4]),
        saying("200 OK", "Content-Encoding: br", body=b"\x0b\x02\x80hello\x03"),
        saying("200 OK", "Content-Encoding: gzip, gzip", body=gzip.compress(BOMB)),
    ],
)
async def test_a_body_that_cannot_be_unpacked_is_an_unexpected_answer(redis_url: str, say: Saying) -> None:
    async with loopback(say) as server, really_outside(redis_url) as out:
        with pytest.raises(BadPayload):
            await out.client(local(server.port)).get("/")

    assert len(server.heads) == 1


async def test_a_hostile_redirect_gets_no_key(redis_url: str) -> None:
    async with loopback(saying("200 OK")) as thief:
        lure = saying("307 Temporary Redirect", f"Location: http://127.0.0.1:{thief.port}/", "Content-Length: 0")
        async with loopback(lure) as server, really_outside(redis_url) as out:
            client = out.client(local(server.port))
            client.headers["X-Api-Key"] = "hush-hush-hush"
            assert (await client.get("/")).status_code == 307
            with pytest.raises(BadPayload):
                await client.get("/", follow_redirects=True)

    assert (len(server.heads), thief.heads) == (2, [])


async def test_a_magnet_redirect_is_left_to_the_caller(redis_url: str) -> None:
    say = saying("301 Moved", "Location: magnet:?xt=urn:btih:abc", "Content-Length: 0")
    async with loopback(say) as server, really_outside(redis_url) as out:
        answer = await out.client(local(server.port)).get("/download")

    assert (answer.status_code, answer.headers["location"]) == (301, "magnet:?xt=urn:btih:abc")


async def test_a_server_that_hangs_up_is_asked_again(redis_url: str) -> None:
    async def hang_up(_writer: asyncio.StreamWriter) -> None:
        return

    async with loopback(hang_up) as server, really_outside(redis_url) as out:
        with pytest.raises(Unavailable, match="the connection broke"):
            await out.client(local(server.port)).get("/")

    assert len(server.heads) == 3


async def test_where_nothing_listens_is_told_apart(redis_url: str) -> None:
    async with loopback(saying("200 OK")) as server:
        pass
    async with really_outside(redis_url) as out:
        with pytest.raises(Unavailable, match="nothing listens at its address"):
            await out.client(local(server.port)).get("/")
        with pytest.raises(Unavailable, match="its name has no address"):
            await out.client(Service("gone", "http://gone.invalid")).get("/")


async def test_plain_http_to_a_public_address_never_connects(redis_url: str) -> None:
    async with really_outside(redis_url) as out:
        with pytest.raises(InsecureAddress):
            await out.client(Service("public", "http://192.0.2.1")).get("/")


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_request(
    redis_url: str, tmp_path: Path
) -> None:
    async with loopback(saying("200 OK"), self_signed(tmp_path)) as server, really_outside(redis_url) as out:
        with pytest.raises(Unavailable, match="its TLS certificate is not valid, or not for this host"):
            await out.client(local(server.port, "https", "localhost")).get("/")

    assert server.heads == []


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "self-signed.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
