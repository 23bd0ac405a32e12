"""Fingerprints of the audio payload."""

import random
import struct
from pathlib import Path

import pytest

from library.scanning.errors import EmptyFileError, FileUnreadableError
from library.scanning.identity import audio_fingerprint, edition_fingerprint
from tests.library.scanning.audio_files import (
    SUFFIXES,
    png,
    write_ape_tags,
    write_audio,
    write_cover,
    write_id3v1,
    write_tags,
)

_ALBUM = {
    ".mp3": "TALB",
    ".wav": "TALB",
    ".aiff": "TALB",
    ".aac": "TALB",
    ".m4b": "©alb",
    ".m4a": "©alb",
    ".wma": "WM/AlbumTitle",
}
_WITHOUT_PICTURES = (".aac", ".wma")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_writing_tags_and_pictures_does_not_change_the_fingerprint(tmp_path: Path, suffix: str) -> None:
    path = write_audio(tmp_path / f"book{suffix}")
    before, size = audio_fingerprint(path), path.stat().st_size
    # 100,000 characters move every format's audio and, in Ogg, take new pages
    write_tags(path, {_ALBUM.get(suffix, "album"): "Title " * 17_000})
    if suffix not in _WITHOUT_PICTURES:
        write_cover(path, png(size=200))
    grown = audio_fingerprint(path)
    write_tags(path, {_ALBUM.get(suffix, "album"): "T"})
    assert path.stat().st_size != size
    assert (grown, audio_fingerprint(path)) == (before, before)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_audio_of_the_same_length_has_another_fingerprint(tmp_path: Path, suffix: str) -> None:
    one, other = write_audio(tmp_path / f"one{suffix}"), write_audio(tmp_path / f"other{suffix}", tone=550)
    assert audio_fingerprint(one) != audio_fingerprint(other)


def test_tags_at_the_end_of_an_mp3_do_not_count(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "book.mp3")
    before = audio_fingerprint(path)
    write_ape_tags(path, {"Album": "Title " * 100})
    with_ape = audio_fingerprint(path)
    write_id3v1(path, "Title")
    with_all = audio_fingerprint(path)
    lyrics = b"LYRICSBEGININD0000200"
    path.write_bytes(path.read_bytes() + lyrics + f"{len(lyrics):06}LYRICS200".encode() + b"TAG" + bytes(125))
    assert {with_ape, with_all, audio_fingerprint(path)} == {before}


def test_a_large_payload_is_told_by_its_length_its_ends_and_pieces_between(tmp_path: Path) -> None:
    payload = random.Random(1).randbytes(1_000_000)
    path = tmp_path / "book.mp3"

    def fingerprint(data: bytes) -> str:
        path.write_bytes(data)
        return audio_fingerprint(path)

    changed_start = bytes([payload[0] ^ 1]) + payload[1:]
    changed_end = payload[:-1] + bytes([payload[-1] ^ 1])
    middle = 7 * (1_000_000 - 16_384) // 15 + 100
    changed_middle = payload[:middle] + bytes(50) + payload[middle + 50 :]
    versions = [payload, changed_start, changed_end, changed_middle, payload + b"x"]
    assert len({fingerprint(version) for version in versions}) == len(versions)


def test_the_media_data_of_an_mp4_may_be_cut_into_several_atoms_or_have_a_64_bit_size(tmp_path: Path) -> None:
    path, audio = tmp_path / "book.m4b", random.Random(2).randbytes(400_000)

    def atom(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I4s", len(data) + 8, name) + data

    def fingerprint(*atoms: bytes) -> str:
        path.write_bytes(b"".join(atoms))
        return audio_fingerprint(path)

    head = atom(b"ftyp", b"M4B isom")
    large = struct.pack(">I4sQ", 1, b"mdat", len(audio) + 16) + audio
    whole = fingerprint(head, atom(b"mdat", audio))
    assert whole == fingerprint(
        head, atom(b"moov", b"tags"), atom(b"mdat", audio[:100_001]), atom(b"mdat", audio[100_001:])
    )
    assert whole == fingerprint(head, large, atom(b"free", b"x"))
    assert whole == fingerprint(head, struct.pack(">I4s", 0, b"mdat") + audio)


def _ogg_page(data: bytes, lacing: bytes, sequence: int, granule: int) -> bytes:
    return struct.pack("<4sBBqIIIB", b"OggS", 0, 0, granule, 77, sequence, 0, len(lacing)) + lacing + data


def _ogg(comment: bytes, packets: list[bytes], per_page: int) -> bytes:
    """Build an Opus stream with ``per_page`` audio packets (of 200 bytes) in each page."""
    comment_lacing = bytes([255] * (len(comment) // 255) + [len(comment) % 255])
    pages = [_ogg_page(b"OpusHead", bytes([8]), 0, 0), _ogg_page(comment, comment_lacing, 1, 0)]
    for start in range(0, len(packets), per_page):
        held = packets[start : start + per_page]
        pages.append(_ogg_page(b"".join(held), bytes(map(len, held)), len(pages), 960 * (start + len(held))))
    return b"".join(pages)


@pytest.mark.parametrize("count", [100, 5_000])
def test_an_ogg_stream_is_the_same_however_it_is_cut_into_pages(tmp_path: Path, count: int) -> None:
    packets = [random.Random(number).randbytes(200) for number in range(count)]
    path = tmp_path / "book.opus"

    def fingerprint(data: bytes) -> str:
        path.write_bytes(data)
        return audio_fingerprint(path)

    whole = fingerprint(_ogg(b"OpusTags", packets, 50))
    assert whole == fingerprint(_ogg(b"OpusTags" + b"x" * 40_000, packets, 7))
    assert whole != fingerprint(_ogg(b"OpusTags", packets[:-1], 50))
    assert whole != fingerprint(_ogg(b"OpusTags", [bytes(200), *packets[1:]], 50))


def test_damaged_files_still_have_a_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "book"
    for data in (
        b"ID3",
        b"OggS",
        b"fLaC",
        b"RIFF\xff\xff\xff\xffWAVEdata\xff\xff",
        b"....ftyp",
        b"\0\0\0\1mdat",
        b"FORM",
        b"x",
    ):
        path.write_bytes(data)
        assert len(audio_fingerprint(path)) == 40


def test_an_empty_or_missing_file_has_no_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    with pytest.raises(EmptyFileError):
        audio_fingerprint(tmp_path / "empty.mp3")
    with pytest.raises(FileUnreadableError):
        audio_fingerprint(tmp_path / "missing.mp3")


def test_an_edition_is_its_files_in_their_order() -> None:
    assert edition_fingerprint(["a", "b"]) == edition_fingerprint(iter(["a", "b"]))
    assert len({edition_fingerprint(files) for files in (["a", "b"], ["b", "a"], ["ab"], ["a"])}) == 4
