"""Plain http reaches this machine, private networks and named hosts only, and connects to what was checked."""

import socket

import httpx
import pytest

from integrations.addresses import Resolve, connectable, is_private, resolve_name
from integrations.errors import InsecureAddress


def resolving_to(*addresses: str) -> Resolve:
    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    return resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.10",
        "::1",
        "fd12::1",
        "::ffff:192.168.1.10",
    ],
)
def test_addresses_of_this_machine_and_of_private_networks_are_private(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "172.32.0.1", "100.64.0.1", "0.0.0.0", "169.254.169.254"),
        *("::", "2001:db8::1", "::ffff:8.8.8.8", "64:ff9b::a00:1", "fe80::1", "fe80::1%eth0"),
        *("home.test", ""),
    ],
)
def test_public_shared_link_local_and_unspecified_addresses_are_not(address: str) -> None:
    assert not is_private(address)


async def test_https_connects_by_name_since_the_certificate_proves_who_answers() -> None:
    url = httpx.URL("https://tracker.test/search")

    assert await connectable("indexer", url, (), resolving_to()) == [url]


async def test_plain_http_connects_to_the_addresses_that_were_checked() -> None:
    """A name that means something else a moment later changes nothing."""
    url = httpx.URL("http://prowlarr:9696/api?x=1")

    assert await connectable("prowlarr", url, (), resolving_to("fd00::5", "10.0.0.5")) == [
        httpx.URL("http://[fd00::5]:9696/api?x=1"),
        httpx.URL("http://10.0.0.5:9696/api?x=1"),
    ]


async def test_one_public_address_among_private_ones_is_enough_to_refuse() -> None:
    url = httpx.URL("http://rebind.test/?apikey=hush-hush")

    with pytest.raises(InsecureAddress) as caught:
        await connectable("prowlarr", url, (), resolving_to("10.0.0.5", "93.184.216.34"))

    assert str(caught.value) == (
        "'rebind.test' is a public address without TLS. Use https://, or name the host in SHELFGRAPH_PLAIN_HTTP_HOSTS."
    )


async def test_a_host_that_is_named_may_be_public() -> None:
    url = httpx.URL("http://Seedbox.test:8080/")

    assert await connectable("qbittorrent", url, ["seedbox.TEST."], resolving_to("93.184.216.34")) == [url]


async def test_another_scheme_is_refused_wherever_it_leads() -> None:
    with pytest.raises(InsecureAddress):
        await connectable("x", httpx.URL("ftp://nas/x"), (), resolving_to("10.0.0.5"))


@pytest.mark.parametrize("written", ["2130706433", "0x7f.1", "127.1"])
async def test_odd_ways_to_write_an_address_are_resolved_before_they_are_checked(written: str) -> None:
    targets = await connectable("x", httpx.URL(f"http://{written}:81/"), (), resolve_name)

    assert targets == [httpx.URL("http://127.0.0.1:81/")]


async def test_a_name_without_an_address_is_an_error_of_the_system() -> None:
    with pytest.raises(socket.gaierror):
        await connectable("x", httpx.URL("http://nowhere.invalid/"), (), resolve_name)
