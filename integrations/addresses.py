"""The TLS rule: plain http is for this machine, private networks and hosts that the owner has named."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Collection

import httpx

from integrations.errors import InsecureAddress

# Gives all addresses of a host; raises OSError where there is none.
Resolve = Callable[[str, int], Awaitable[list[str]]]

# Link-local addresses are not among them: that is where clouds keep the credentials of their machines.
_PRIVATE = tuple(
    map(ipaddress.ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"))
)


async def connectable(
    service: str, url: httpx.URL, plain_http_hosts: Collection[str], resolve: Resolve
) -> list[httpx.URL]:
    """Where a request for `url` may connect to, best first.

    A plain http URL comes back once for each address of its host, which all have been checked: the connection goes
    to what was checked, whatever the name means a moment later. The certificate does the same for https.

    Raises InsecureAddress; OSError if the name has no address.
    """
    if url.scheme == "https" or _is_named(url.host, plain_http_hosts):
        return [url]
    found = await resolve(url.raw_host.decode("ascii"), url.port or 80)
    if url.scheme != "http" or not all(map(is_private, found)):
        raise InsecureAddress(service, url.host)
    return [url.copy_with(host=address) for address in found]


def is_private(address: str) -> bool:
    """Whether an IP address is this machine's or a private network's."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in _PRIVATE)


async def resolve_name(host: str, port: int) -> list[str]:
    """All addresses of a host, without repetition, as the system orders them."""
    if _is_address(host):
        return [host]  # spares a thread
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_named(host: str, plain_http_hosts: Collection[str]) -> bool:
    return host.lower().rstrip(".") in {name.lower().rstrip(".") for name in plain_http_hosts}
