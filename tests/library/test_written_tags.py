"""Writing tags, as the scanner reads them back."""

from dataclasses import replace
from pathlib import Path

import pytest

from library.scanning.book_tags import facts_of_tags
from library.scanning.errors import UnreadableAudioError, UnsupportedFormatError
from library.scanning.facts import BookFacts
from library.scanning.identity import audio_fingerprint
from library.scanning.series import SeriesMention
from library.scanning.tags import read_tags
from library.written_tags import WrittenTags, is_taggable, write_tags
from tests.library.scanning.audio_files import Tags, png, write_audio

SUFFIXES = (".mp3", ".m4b", ".m4a", ".flac", ".ogg", ".oga", ".opus")
TAGS = WrittenTags(
    title="Michael Strogoff",
    album="Michael Strogoff",
    authors=("Jules Verne", "Ann Other Jr."),
    narrators=("Ann Reader", "Bob Voice"),
    series="Voyages",
    position="2.5",
    published_year=1876,
    language="en",
    asin="B00ABCDEFG",
)
READ = BookFacts(
    title="Michael Strogoff",
    authors=("Jules Verne", "Ann Other Jr."),
    narrators=("Ann Reader", "Bob Voice"),
    series=(SeriesMention("Voyages", "2.5"),),
    published_year=1876,
    language="en",
    asin="B00ABCDEFG",
)
# What an uploader may have left, in the places the scanner looks at.
NOISE_ID3: Tags = {
    "TIT2": "noise", "TALB": "Noise", "TPE1": "Noise", "TCOM": "Noise", "TPE3": "Noise", "TXXX:author": "Noise",
    "TXXX:Narrated By": "Noise", "TXXX:series_part": "9", "MVNM": "Noise", "MVIN": "9", "TXXX:PART": "9",
    "TXXX:AUDIBLE_ASIN": "B00NOISE00", "TDOR": "1999", "TCON": "Adventure",
}  # fmt: skip
NOISE_MP4: Tags = {
    "©nam": "noise", "©alb": "Noise", "©ART": "Noise", "©wrt": "Noise", "©nrt": "Noise", "----:author": "Noise",
    "----:Series Part": "9", "©mvn": "Noise", "©mvi": "9", "tvsh": "Noise", "tven": "9", "CDEK": "B00NOISE00",
    "----:originalyear": "1999", "©gen": "Adventure",
}  # fmt: skip
NOISE_COMMENTS: Tags = {
    "TITLE": "noise", "ALBUM": "Noise", "ARTIST": ["Noise", "More"], "AUTHOR": "Noise", "COMPOSER": "Noise",
    "PERFORMER": "Noise", "SERIES_PART": "9", "MOVEMENTNAME": "Noise", "MVIN": "9", "AUDIBLE_ASIN": "B00NOISE00",
    "ORIGINALYEAR": "1999", "GENRE": "Adventure",
}  # fmt: skip
NOISE = {".mp3": NOISE_ID3, ".m4b": NOISE_MP4, ".m4a": NOISE_MP4}


def facts(path: Path) -> BookFacts:
    return facts_of_tags([read_tags(path)])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_is_what_the_scanner_reads(tmp_path: Path, suffix: str) -> None:
    path = write_audio(tmp_path / f"a{suffix}")
    before = audio_fingerprint(path)
    write_tags(path, TAGS)
    assert facts(path) == READ
    assert read_tags(path).tags["title"] == ("Michael Strogoff",)
    assert audio_fingerprint(path) == before
    assert is_taggable(path.name)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_of_what_the_file_said_of_the_same_is_left(tmp_path: Path, suffix: str) -> None:
    path = write_audio(tmp_path / f"a{suffix}", tags=NOISE.get(suffix, NOISE_COMMENTS), cover=png())
    cover = read_tags(path).cover
    assert cover is not None
    write_tags(path, TAGS)
    assert facts(path) == replace(READ, genres=("Adventure",))
    assert read_tags(path).cover == cover


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_not_known_is_left_as_the_file_says_it(tmp_path: Path, suffix: str) -> None:
    path = write_audio(tmp_path / f"a{suffix}")
    write_tags(path, TAGS)
    write_tags(path, WrittenTags(title="Strogoff", album="Strogoff"))
    assert facts(path) == replace(READ, title="Strogoff")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_writing_again_changes_nothing(tmp_path: Path, suffix: str) -> None:
    path = write_audio(tmp_path / f"a{suffix}")
    write_tags(path, TAGS)
    before = read_tags(path)
    write_tags(path, TAGS)
    assert read_tags(path) == before


@pytest.mark.parametrize(
    ("suffix", "title", "date"), [(".mp3", "TIT2", "TDRC"), (".m4b", "©nam", "©day"), (".flac", "TITLE", "DATE")]
)
def test_one_of_several_files_keeps_its_title_and_a_recording_its_date(
    tmp_path: Path, suffix: str, title: str, date: str
) -> None:
    path = write_audio(tmp_path / f"a{suffix}", tags={title: "The Czar's Courier", date: "2019-03-05"})
    bare = write_audio(tmp_path / f"b{suffix}")
    for place in (path, bare):
        write_tags(place, replace(TAGS, title="02", keeps_title=True))
    assert [read_tags(place).tags["title"] for place in (path, bare)] == [("The Czar's Courier",), ("02",)]
    assert facts(path) == replace(READ, published_date="2019-03-05")


@pytest.mark.parametrize("position", ["2", "1-3", "Prequel", "0", None])
@pytest.mark.parametrize("suffix", [".mp3", ".m4b", ".opus"])
def test_every_kind_of_position_is_read_back(tmp_path: Path, suffix: str, position: str | None) -> None:
    path = write_audio(tmp_path / f"a{suffix}")
    write_tags(path, replace(TAGS, position=position))
    assert facts(path).series == (SeriesMention("Voyages", position),)


def test_chapters_stay(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.m4b", seconds=3, chapters=[(0, 1, "One"), (1, 3, "Two")])
    before = read_tags(path).chapters
    assert [chapter.title for chapter in before] == ["One", "Two"]
    write_tags(path, TAGS)
    assert read_tags(path).chapters == before


def test_other_formats_and_damaged_files_are_told(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav")
    with pytest.raises(UnsupportedFormatError):
        write_tags(path, TAGS)
    broken = tmp_path / "b.flac"
    broken.write_bytes(b"fLaC" + bytes(100))
    with pytest.raises(UnreadableAudioError):
        write_tags(broken, TAGS)
    assert not any(map(is_taggable, ("a.wav", "a.wma", "a.aac", "a.aiff", "cover.jpg", "a")))
