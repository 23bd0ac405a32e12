"""Torrent files are read as they stand, and nothing in them is believed that could do harm."""

import hashlib
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.bencode import DEEPEST, MOST_VALUES, NotBencoded, decode_dictionary
from integrations.torrent_file import ListedFile, TorrentFile, UnusableTorrent, read_torrent
from tests.torrents import bencoded, make_torrent

ANNOUNCE = "https://t.tracker.example/tracker.php/SECRETPASSKEY/announce"
OTHER = "udp://other.example:6969/announce"


def test_a_torrent_is_read_whole(tmp_path: Path) -> None:
    folder = tmp_path / "Emma"
    (folder / "Part 1").mkdir(parents=True)
    (folder / "Part 1" / "01.mp3").write_bytes(bytes(40_000))
    (folder / "cover.jpg").write_bytes(bytes(10))
    made = make_torrent(folder, trackers=[ANNOUNCE, OTHER], private=True, comment="https://site.example/t/7")
    assert read_torrent(made.content, service="MyAnonamouse") == TorrentFile(
        name="Emma",
        infohash_v1=made.info_hash,
        infohash_v2=None,
        files=(
            ListedFile(PurePosixPath("Emma/Part 1/01.mp3"), 40_000),
            ListedFile(PurePosixPath("Emma/cover.jpg"), 10),
        ),
        total_bytes=40_010,
        private=True,
        comment="https://site.example/t/7",
        announce_hosts=("t.tracker.example", "other.example"),
        content=made.content,
    )


def test_a_torrent_of_one_file_has_no_folder(tmp_path: Path) -> None:
    (tmp_path / "Emma.m4b").write_bytes(bytes(20_000))
    made = make_torrent(tmp_path / "Emma.m4b")
    assert read_torrent(made.content, service="x").files == (ListedFile(PurePosixPath("Emma.m4b"), 20_000),)


def test_the_identity_is_the_hash_of_the_bytes_as_they_stand() -> None:
    # Its keys are not in order, which encoding it again would mend.
    info = b"d6:pieces20:" + bytes(20) + b"4:name4:Emma12:piece lengthi16384e6:lengthi9ee"
    torrent = read_torrent(b"d4:info" + info + b"e", service="x")
    assert torrent.info_hash == hashlib.sha1(info).hexdigest()
    assert torrent.client_ids == (torrent.info_hash,)


def test_a_torrent_of_the_second_version_is_known_by_its_shortened_hash() -> None:
    tree = {"Part 1": {"01.mp3": {"": {"length": 7}}}, "cover.jpg": {"": {"length": 3}}}
    info = bencoded({"name": "Emma", "meta version": 2, "piece length": 16384, "file tree": tree})
    torrent = read_torrent(b"d4:info" + info + b"e", service="x")
    digest = hashlib.sha256(info).hexdigest()
    assert (torrent.infohash_v1, torrent.infohash_v2, torrent.info_hash) == (None, digest, digest[:40])
    assert [str(file.path) for file in torrent.files] == ["Emma/Part 1/01.mp3", "Emma/cover.jpg"]


def test_a_single_file_of_the_second_version_has_no_folder() -> None:
    info = {
        "name": "Emma.m4b",
        "meta version": 2,
        "piece length": 16384,
        "file tree": {"Emma.m4b": {"": {"length": 7}}},
    }
    torrent = read_torrent(bencoded({"info": info}), service="x")
    assert torrent.files == (ListedFile(PurePosixPath("Emma.m4b"), 7),)


def test_a_torrent_of_both_versions_may_be_held_under_either_name() -> None:
    info = bencoded(described(length=9) | {"meta version": 2})
    torrent = read_torrent(b"d4:info" + info + b"e", service="x")
    first, second = hashlib.sha1(info).hexdigest(), hashlib.sha256(info).hexdigest()
    assert (torrent.info_hash, torrent.client_ids) == (first, (second[:40], first))


def test_what_fills_up_pieces_is_no_file() -> None:
    files = [{"length": 9, "path": ["a"]}, {"length": 5, "path": [".pad", "5"], "attr": "p"}]
    torrent = read_torrent(bencoded({"info": described(files=files)}), service="x")
    assert (torrent.files, torrent.total_bytes) == ((ListedFile(PurePosixPath("Emma/a"), 9),), 9)


@pytest.mark.parametrize("name", ["..", ".", "", "/etc", "a/b", "a\\b", "a\0b", 7])
def test_a_name_that_leaves_its_folder_refuses_the_torrent(name: str | int) -> None:
    refused("one of its names would leave", bencoded({"info": described(name=name, length=9)}))
    refused("one of its names would leave", bencoded({"info": described(files=[{"length": 9, "path": ["a", name]}])}))


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        (7, "describes no files"),
        ({"name": "Emma", "length": 9, "file tree": 7}, "list of files is damaged"),
        ({"name": "Emma", "file tree": {"a": {"": {"length": 7}}}}, "of no known version"),
    ],
)
def test_what_describes_no_files_is_refused(info: object, reason: str) -> None:
    refused(reason, bencoded({"info": info}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"length": -1}, "has no size"),
        ({"length": "9"}, "has no size"),
        ({"length": 0}, "size is impossible"),
        ({"length": 2**60}, "size is impossible"),
        ({"length": 99_999}, "pieces do not agree"),
        ({"length": 9, "piece length": 0}, "pieces do not agree"),
        ({"length": 9, "pieces": 7}, "pieces do not agree"),
        ({"files": 7}, "list of files is damaged"),
        ({"files": [7]}, "list of files is damaged"),
        ({"files": [{"length": 9}]}, "list of files is damaged"),
        ({"files": [{"length": 9, "path": []}]}, "empty or too long"),
        ({"files": [{"length": 9, "path": ["x" * 5_000]}]}, "empty or too long"),
        ({"files": [{"length": 4, "path": ["a"]}, {"length": 5, "path": ["a"]}]}, "the same name"),
    ],
)
def test_impossible_descriptions_are_refused(changes: dict[str, Any], reason: str) -> None:
    refused(reason, bencoded({"info": described(**changes)}))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no dictionary"),
        (b"<!DOCTYPE html>", "no dictionary"),
        (b"d", "no number"),
        (b"d3:abc", "no number"),
        (b"d3:abci1ee7:garbage", "something follows"),
        (b"d3:abci01ee", "no number"),
        (b"d3:abci-0ee", "no number"),
        (b"d3:abcie", "no number"),
        (b"d3:abci" + b"9" * 5_000 + b"ee", "no number"),
        (b"d3:abc9999999999999999:xe", "cut off"),
        (b"d3:abc-1:xe", "no number"),
        (b"d1:ai1e1:ai2ee", "a key comes twice"),
        (b"di1ei2ee", "no number"),
        (b"d1:a" + b"l" * (DEEPEST + 1), "nested"),
        (b"d1:al" + b"0:" * (MOST_VALUES + 1) + b"ee", "too many"),
    ],
)
def test_what_is_not_bencoded_is_refused(data: bytes, reason: str) -> None:
    refused(reason, data)


def test_a_file_beyond_the_limit_is_not_even_read() -> None:
    refused("larger than 10485760 bytes", b"d" + bytes(10 * 1024 * 1024))


def test_a_list_of_files_without_end_is_refused() -> None:
    files = [{"length": 1, "path": [str(number)]} for number in range(10_001)]
    refused("it lists more than 10000 files", bencoded({"info": described(files=files)}))


def test_white_space_after_its_end_is_allowed() -> None:
    assert decode_dictionary(b"d1:ai1ee\r\n").values == {b"a": 1}


def test_a_refusal_says_what_to_do_and_no_secret_shows() -> None:
    with pytest.raises(UnusableTorrent) as raised:
        read_torrent(bencoded({"announce": ANNOUNCE, "info": 7}), service="MyAnonamouse")
    assert str(raised.value) == (
        "MyAnonamouse gave a torrent file that cannot be used: it describes no files. Choose another release."
    )
    torrent = read_torrent(bencoded({"announce": ANNOUNCE, "info": described(length=9)}), service="x")
    assert "SECRETPASSKEY" not in repr(torrent)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for text in (data, b"d4:info" + data + b"e"):
        with suppress(UnusableTorrent):
            assert read_torrent(text, service="x").total_bytes > 0


VALUES = st.recursive(
    st.integers(-(2**63), 2**63) | st.binary(max_size=20),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.binary(max_size=8), parts, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.binary(max_size=8), VALUES, max_size=5))
def test_what_was_encoded_is_decoded_with_its_bytes(values: dict[bytes, Any]) -> None:
    decoded = decode_dictionary(bencoded(values))
    assert (dict(decoded.values), dict(decoded.raw)) == (
        values,
        {name: bencoded(part) for name, part in values.items()},
    )


@given(st.dictionaries(st.binary(max_size=8), VALUES, min_size=1, max_size=5), st.data())
def test_a_part_of_it_is_refused(values: dict[bytes, Any], data: st.DataObject) -> None:
    whole = bencoded(values)
    with pytest.raises(NotBencoded):
        decode_dictionary(whole[: data.draw(st.integers(0, len(whole) - 1))])


def refused(reason: str, data: bytes) -> None:
    """Expect a refusal for a reason."""
    with pytest.raises(UnusableTorrent, match=reason):
        read_torrent(data, service="x")


def described(**changes: Any) -> dict[str, Any]:
    """A description of one piece."""
    return {"name": "Emma", "piece length": 16384, "pieces": bytes(20)} | changes
