"""What an offer says besides its numbers: the book in a built title, the torrent's number, its info-hash."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import BadPayload
from integrations.offers import (
    LONGEST_REASON,
    Magnet,
    NamedBook,
    magnet,
    mam_torrent_id,
    named_book,
    normal_info_hash,
    plain_reason,
    require_torrent,
)

HASH = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("title", "book"),
    [
        ("She by H. Rider Haggard [ENG / M4B]", NamedBook("She", ("H. Rider Haggard",), ("eng",), ("m4b",))),
        (
            "Stand by Me by A. One, B. Two [FRE / MP3 M4B] [VIP]",
            NamedBook("Stand by Me", ("A. One", "B. Two"), ("fre",), ("mp3", "m4b"), vip=True),
        ),
        (
            "A Title [Remastered] by A. One [ENG / M4B]",
            NamedBook("A Title [Remastered]", ("A. One",), ("eng",), ("m4b",)),
        ),
        ("Kim by Rudyard Kipling [ENG]", NamedBook("Kim", ("Rudyard Kipling",), ("eng",))),
        ("Kim by Rudyard Kipling [M4B]", NamedBook("Kim", ("Rudyard Kipling",), (), ("m4b",))),
        ("Beowulf [ENG / M4B]", NamedBook("Beowulf", (), ("eng",), ("m4b",))),
        ("1984", None),
        ("Kim by Rudyard Kipling [VIP]", None),
    ],
)
def test_a_title_of_myanonamouse_is_taken_apart(title: str, book: NamedBook | None) -> None:
    assert named_book(title, is_mam=True) == book


@pytest.mark.parametrize(
    ("title", "known"),
    [
        ("She by H. Rider Haggard [ENG / M4B]", True),
        ("H. Rider Haggard - She (Unabridged) [M4B] 64kbps", False),
        ("Stand by Me [MP3]", False),
        ("Stand by Me [128 kbps / MP3]", False),
    ],
)
def test_of_other_indexers_only_the_whole_form_is_believed(title: str, known: bool) -> None:
    assert (named_book(title, is_mam=False) is not None) is known


@given(st.text(), st.booleans())
def test_no_title_breaks_the_reading(title: str, is_mam: bool) -> None:
    book = named_book(title, is_mam=is_mam)
    assert book is None or book.title in title


def test_the_torrents_number_is_read_from_its_page_only() -> None:
    assert mam_torrent_id(None, "https://www.myanonamouse.net/t/900101") == 900101
    assert mam_torrent_id("https://evil.example/www.myanonamouse.net/t/1", "https://www.myanonamouse.net/u/2") is None


@given(st.binary(min_size=20, max_size=20))
def test_an_info_hash_is_the_same_in_every_spelling(digest: bytes) -> None:
    spellings = {digest.hex(), digest.hex().upper(), base64.b32encode(digest).decode()}
    assert {normal_info_hash(spelling) for spelling in spellings} == {digest.hex()}


@pytest.mark.parametrize("text", [None, "", "0123", HASH + "0", "g" * 40, "ſ" * 32])
def test_anything_else_is_no_info_hash(text: str | None) -> None:
    assert normal_info_hash(text) is None


def test_a_magnet_address_gives_its_info_hash() -> None:
    uri = f"magnet:?dn=She&xt=urn:btih:{HASH.upper()}&tr=https%3A%2F%2Ft.example%2Fkey"
    assert magnet("It", uri) == Magnet(HASH, uri)


@pytest.mark.parametrize("uri", ["magnet:?xt=urn:btmh:1220" + "ab" * 32, "magnet:?dn=x", "magnet://["])
def test_a_magnet_address_without_one_is_refused(uri: str) -> None:
    with pytest.raises(BadPayload):
        magnet("It", uri)


@pytest.mark.parametrize("body", [b"", b"d", b"<html>e", b"d4:infod4:name1:a", b"d8:announce1:ae"])
def test_what_is_no_torrent_is_refused(body: bytes) -> None:
    with pytest.raises(BadPayload):
        require_torrent("It", body)


def test_reasons_lose_markup_addresses_and_length() -> None:
    reason = "<b>Sorry,</b>\n see https://t.example/x?passkey=secret or magnet:?xt=1 <br/>" + "x" * 300
    assert plain_reason(reason) == ("Sorry, see … or … " + "x" * 300)[:200]


@pytest.mark.parametrize("piece", ["1.", "<", "a:/", "x "])
def test_another_server_s_words_are_read_in_no_time_however_long(piece: str) -> None:
    began = time.process_time()
    assert len(plain_reason(piece * 100_000)) <= LONGEST_REASON
    assert time.process_time() - began < 1
