"""The demo shop is a street one can walk: what its indexers offer can be fetched from its web seed and played."""

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from urllib.parse import quote

import av
import httpx
import pytest
import torf
from graphql import OperationDefinitionNode, build_schema, get_variable_values, parse, validate

from api.schema import export
from demo.books import load_books
from integrations.prowlarr import Prowlarr
from integrations.torznab import Torznab
from tests.fakes import prowlarr, torznab
from tests.fakes.__main__ import CONFIGURE, Client
from tests.fakes.catalogue import CatalogueEntry
from tests.fakes.demo_recordings import RECORDINGS
from tests.fakes.demo_shop import SESSION, DemoShop, open_shop
from tests.processes import wait_until
from tests.real_qbittorrent import RealQBittorrent, real_qbittorrent


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoShop]:
    with open_shop(tmp_path_factory.mktemp("shop")) as running:
        yield running


def test_every_torrent_comes_whole_from_its_web_seed(shop: DemoShop) -> None:
    for entry in shop.entries:
        torrent = torf.Torrent.read_stream(entry.torrent)
        content = b"".join(_fetched(f"{torrent.webseeds[0]}{quote(str(file))}") for file in torrent.files)
        assert tuple(hashlib.sha1(piece).digest() for piece in _pieces(content, torrent.piece_size)) == torrent.hashes
        assert entry.size_bytes == len(content)


def test_a_part_of_a_file_can_be_asked_for(shop: DemoShop) -> None:
    torrent = torf.Torrent.read_stream(shop.entries[0].torrent)
    url = f"{torrent.webseeds[0]}{quote(str(torrent.name))}"

    part = httpx.get(url, headers={"Range": "bytes=100-199"})

    assert (part.status_code, part.content) == (206, _fetched(url)[100:200])


def test_every_recording_plays_at_its_length_and_bit_rate(shop: DemoShop) -> None:
    paths = sorted(path for path in shop.files.rglob("*") if path.is_file())
    assert len(paths) == 9
    for path in paths:
        with av.open(str(path)) as audio:
            played = sum(frame.samples for frame in audio.decode(audio=0)) / audio.streams.audio[0].rate
            assert audio.duration is not None
            assert played == pytest.approx(audio.duration / 1e6, abs=0.1)
            assert played > 1


def test_the_recordings_are_other_ones_than_the_demos(shop: DemoShop) -> None:
    owned = {narrator for book in load_books() for edition in book.editions for narrator in edition.narrators}

    assert not owned & {narrator for entry in shop.entries for narrator in entry.narrators}
    assert {"Kim", "Emma", "The Warden"} <= {book.title for book in load_books()}


def test_one_recording_of_each_kind_is_offered(shop: DemoShop) -> None:
    by_id = {entry.id: entry for entry in shop.entries}

    assert [entry.id for entry in shop.entries if entry.abridged] == [910002]
    assert [entry.id for entry in shop.entries if entry.language == "GER"] == [910003]
    assert by_id[910004].title == "Kim (Dramatized)"
    assert (by_id[910005].files, by_id[910005].series) == (2, (("Chronicles of Barsetshire", "1-2"),))


async def test_prowlarr_lists_the_trackers_rows_and_hands_out_the_same_torrents(shop: DemoShop) -> None:
    async with httpx.AsyncClient(base_url=shop.prowlarr_url) as client:
        service = Prowlarr(client, "Prowlarr", prowlarr.API_KEY)
        answer = await service.search("Kim")
        mam = next(offer for offer in answer.releases if offer.mam_torrent_id == 910001)
        torrent = await service.torrent(mam.link)

    assert sorted(offer.mam_torrent_id or 0 for offer in answer.releases) == [0, 0, 910001, 910002, 910003, 910004]
    assert torrent == _entry(shop, 910001).torrent


async def test_torznab_hands_out_the_same_torrents(shop: DemoShop) -> None:
    async with httpx.AsyncClient(base_url=shop.torznab_url) as client:
        service = Torznab(client, "Shelf", torznab.API_KEY)
        (offer,) = (await service.search("", author="G. K. Chesterton", title="The Club of Queer Trades")).releases
        torrent = await service.torrent(offer.link)

    assert torrent == _entry(shop, 910008).torrent
    assert offer.info_hash == _entry(shop, 910008).info_hash


def test_the_trackers_site_knows_the_session_that_is_printed(shop: DemoShop) -> None:
    answer = httpx.get(f"{shop.myanonamouse_url}/json/checkCookie.php", cookies={"mam_id": SESSION})

    assert answer.status_code == 200
    assert shop.integrations()[0]["service"] == {"myanonamouse": {"session": SESSION}}


def test_a_second_opening_offers_the_same(tmp_path: Path) -> None:
    with open_shop(tmp_path) as first:
        hashes = [entry.info_hash for entry in first.entries]
        changed = {path: path.stat().st_mtime_ns for path in first.files.rglob("*")}

    with open_shop(tmp_path) as second:
        assert [entry.info_hash for entry in second.entries] == hashes
        assert {path: path.stat().st_mtime_ns for path in second.files.rglob("*")} == changed


def test_a_real_qbittorrent_fetches_a_recording(shop: DemoShop, tmp_path: Path) -> None:
    entry = _entry(shop, 910005)
    with real_qbittorrent(tmp_path) as program, _signed_in(program) as client:
        client.post("torrents/add", files={"torrents": ("x.torrent", entry.torrent)}).raise_for_status()
        rows: list[dict[str, object]] = []

        def is_done() -> bool:
            rows[:] = client.get("torrents/info", params={"hashes": entry.info_hash}).json()
            return bool(rows) and rows[0]["progress"] == 1

        wait_until(is_done, "the recording has come")
        fetched = {path.name: path.read_bytes() for path in program.downloads.rglob("*.m4b")}

    assert fetched == {path.name: path.read_bytes() for path in (shop.files / RECORDINGS[4].name).iterdir()}


def test_the_command_says_how_to_configure_everything_and_ends_with_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fakes", "--port-base", "0", "--folder", str(tmp_path / "fakes")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = list(takewhile(lambda line: not line.startswith("On offer"), process.stdout))
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=30)

    given = [json.loads(line) for line in said if line.startswith("{")]
    kinds = [kind for each in given for kind in each["input"]["service"]]
    assert kinds == ["myanonamouse", "prowlarr", "torznab", "openaiCompatible"]
    assert rest.rstrip().endswith("The fakes have ended; what they wrote stays in the folder.")
    assert process.returncode == 0


def test_what_the_command_prints_is_accepted_by_the_schema(shop: DemoShop) -> None:
    schema = build_schema(export())
    (operation,) = parse(CONFIGURE).definitions
    assert isinstance(operation, OperationDefinitionNode)
    client = Client("http://127.0.0.1:9805", "reader", "secret")

    wrong = [
        get_variable_values(schema, operation.variable_definitions or (), {"input": each})
        for each in [*shop.integrations(), client.integration]
    ]

    assert validate(schema, parse(CONFIGURE)) == []
    assert [each for each in wrong if isinstance(each, list)] == []


def test_a_taken_port_is_said(tmp_path: Path, shop: DemoShop) -> None:
    port = str(httpx.URL(shop.myanonamouse_url).port)
    command = [sys.executable, "-m", "tests.fakes", "--port-base", port, "--folder", str(tmp_path)]

    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    assert ended.returncode == 1
    assert "Choose other ports with --port-base" in ended.stderr


def _entry(shop: DemoShop, number: int) -> CatalogueEntry:
    return next(entry for entry in shop.entries if entry.id == number)


def _fetched(url: str) -> bytes:
    return httpx.get(url).raise_for_status().content


def _pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@contextmanager
def _signed_in(program: RealQBittorrent) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{program.url}/api/v2") as client:
        given = {"username": program.username, "password": program.password}
        client.post("auth/login", data=given).raise_for_status()
        yield client
