"""Reading tags from real files of every format."""

from contextlib import suppress
from pathlib import Path

import pytest

from library.scanning.errors import EmptyFileError, UnreadableAudioError, UnsupportedFormatError
from library.scanning.raw_chapters import RawChapter
from library.scanning.tags import read_tags
from tests.library.scanning.audio_files import SUFFIXES, Tags, png, write_ape_tags, write_audio

_ID3: Tags = {
    "TALB": "Frankenstein",
    "TIT3": "The 1818 Text",
    "TPE1": "Mary Shelley",
    "TCOM": "Narrator A",
    "TCON": ["Classics", "Horror"],
    "MVNM": "Gothic Tales",
    "MVIN": "1",
    "TXXX:ASIN": "B00TEST123",
    "COMM:desc": "About a <b>monster</b>",
    "COMM": "a comment",
    "TRCK": "3/10",
}
_MP4: Tags = {
    "©alb": "Frankenstein",
    "----:SUBTITLE": "The 1818 Text",
    "©ART": "Mary Shelley",
    "©wrt": "Narrator A",
    "©gen": ["Classics", "Horror"],
    "©mvn": "Gothic Tales",
    "©mvi": "1",
    "----:ASIN": "B00TEST123",
    "desc": "About a <b>monster</b>",
    "©cmt": "a comment",
    "trkn": "3",
}
_VORBIS: Tags = {
    "ALBUM": "Frankenstein",
    "SUBTITLE": "The 1818 Text",
    "ARTIST": "Mary Shelley",
    "COMPOSER": "Narrator A",
    "GENRE": ["Classics", "Horror"],
    "MOVEMENTNAME": "Gothic Tales",
    "MOVEMENT_NO": "1",
    "ASIN": "B00TEST123",
    "DESCRIPTION": "About a <b>monster</b>",
    "COMMENT": "a comment",
    "TRACKNUMBER": "3",
}
_ASF: Tags = {
    "WM/AlbumTitle": "Frankenstein",
    "WM/SubTitle": "The 1818 Text",
    "Author": "Mary Shelley",
    "WM/Composer": "Narrator A",
    "WM/Genre": ["Classics", "Horror"],
    "MovementName": "Gothic Tales",
    "MVIN": "1",
    "ASIN": "B00TEST123",
    "Description": "About a <b>monster</b>",
    "Comment": "a comment",
    "WM/TrackNumber": "3",
}
_NATIVE = {".m4b": _MP4, ".m4a": _MP4, ".wma": _ASF, **dict.fromkeys((".flac", ".opus", ".ogg", ".oga"), _VORBIS)}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_gives_the_same_names_to_the_same_tags(tmp_path: Path, suffix: str) -> None:
    path = write_audio(tmp_path / f"book{suffix}", tags=_NATIVE.get(suffix, _ID3))
    tags = dict(read_tags(path).tags)
    track = tags.pop("track")
    for tool in ("encoder", "encodedby", "encodingsettings"):
        tags.pop(tool, None)
    assert track[0].startswith("3")
    assert tags == {
        "album": ("Frankenstein",),
        "subtitle": ("The 1818 Text",),
        "artist": ("Mary Shelley",),
        "composer": ("Narrator A",),
        "genre": ("Classics", "Horror"),
        "movement": ("Gothic Tales",),
        "movementnumber": ("1",),
        "asin": ("B00TEST123",),
        "description": ("About a monster",),
        "comment": ("a comment",),
    }


@pytest.mark.parametrize(
    ("suffix", "format_name", "codec"),
    [
        (".mp3", "mp3", "mp3"),
        (".m4b", "mp4", "aac"),
        (".flac", "flac", "flac"),
        (".opus", "ogg", "opus"),
        (".ogg", "ogg", "vorbis"),
        (".oga", "ogg", "flac"),
        (".wav", "wav", "pcm"),
        (".aiff", "aiff", "pcm"),
        (".aac", "aac", "aac"),
        (".wma", "asf", "wma"),
    ],
)
def test_format_codec_and_length_are_read(tmp_path: Path, suffix: str, format_name: str, codec: str) -> None:
    found = read_tags(write_audio(tmp_path / f"book{suffix}", seconds=2))
    assert (found.format, found.codec) == (format_name, codec)
    assert found.duration_seconds == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix not in (".aac", ".wma")])
def test_the_cover_is_read_with_the_type_its_bytes_tell(tmp_path: Path, suffix: str) -> None:
    cover = read_tags(write_audio(tmp_path / f"book{suffix}", cover=png())).cover
    assert cover is not None
    assert (cover.mime, cover.data) == ("image/png", png())


def test_a_picture_that_is_none_is_not_taken(tmp_path: Path) -> None:
    assert read_tags(write_audio(tmp_path / "book.mp3", cover=b"<svg onload=alert(1)>")).cover is None


def test_mp4_chapters_are_read(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "book.m4b", chapters=[(0, 0.4, "Letter 1"), (0.4, 1, "Chapter 1")])
    assert read_tags(path).chapters == (RawChapter(0.0, "Letter 1"), RawChapter(0.4, "Chapter 1"))


def test_vorbis_chapters_are_read(tmp_path: Path) -> None:
    tags = {
        "CHAPTER001": "00:00:00.500",
        "CHAPTER001NAME": "Two",
        "CHAPTER000": "00:00:00.000",
        "CHAPTER000NAME": "One",
    }
    path = write_audio(tmp_path / "book.flac", tags=tags)
    assert read_tags(path).chapters == (RawChapter(0.0, "One"), RawChapter(0.5, "Two"))


def test_overdrive_markers_are_read_and_are_no_tag(tmp_path: Path) -> None:
    one = "<Marker><Name>One</Name><Time>0:00.000</Time></Marker>"
    two = "<Marker><Name>Two</Name><Time>1:02.500</Time></Marker>"
    markers = f"<Markers>{one}{two}</Markers>"
    found = read_tags(write_audio(tmp_path / "book.mp3", tags={"TXXX:OverDrive MediaMarkers": markers}))
    assert found.chapters == (RawChapter(0.0, "One"), RawChapter(62.5, "Two"))
    assert "overdrive mediamarkers" not in found.tags


def test_markers_that_define_entities_are_not_expanded(tmp_path: Path) -> None:
    markers = "<Markers><Marker><Name>&a;</Name><Time>0:00.000</Time></Marker></Markers>"
    bomb = f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>{markers}'
    found = read_tags(write_audio(tmp_path / "book.mp3", tags={"TXXX:OverDrive MediaMarkers": bomb}))
    assert found.chapters == ()


def test_ape_tags_count_where_an_mp3_has_no_others(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "book.mp3")
    path.write_bytes(_without_id3(path.read_bytes()))
    write_ape_tags(path, {"Album": "Dracula", "Narrated By": "Somebody"})
    assert read_tags(path).tags == {"album": ("Dracula",), "narrator": ("Somebody",)}


def _without_id3(data: bytes) -> bytes:
    size = sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    return data[10 + size :]


def test_huge_and_countless_values_are_cut(tmp_path: Path) -> None:
    tags = {
        "TITLE": "x" * 200_000,
        "GENRE": [f"genre {number}" for number in range(5_000)],
        "DESCRIPTION": "d" * 200_000,
    }
    found = read_tags(write_audio(tmp_path / "book.flac", tags=tags)).tags
    assert (len(found["title"][0]), len(found["genre"]), len(found["description"][0])) == (1_000, 64, 32_768)


def test_each_kind_of_broken_file_has_its_own_error(tmp_path: Path) -> None:
    contents = {
        EmptyFileError: b"",
        UnsupportedFormatError: b"just some text " * 100,
        UnreadableAudioError: b"fLaC\x00\xff\xff\xff",
    }
    for number, (error_type, data) in enumerate(contents.items()):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(data)
        with pytest.raises(error_type) as caught:
            read_tags(path)
        assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_cut_off_anywhere_is_read_or_reported_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    whole = write_audio(tmp_path / f"book{suffix}", tags=_NATIVE.get(suffix, _ID3)).read_bytes()
    cut = tmp_path / f"cut{suffix}"
    for length in (*range(1, 200, 7), *range(200, len(whole), len(whole) // 40)):
        cut.write_bytes(whole[:length])
        with suppress(UnreadableAudioError, UnsupportedFormatError):
            read_tags(cut)
