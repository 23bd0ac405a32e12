"""Telling sound audio files from damaged ones, whatever they do to their reader."""

import os
import time
from pathlib import Path

import pytest

from jobs.decoding import AudioDecoder, Sound, check_audio
from library.scanning.errors import Problem
from tests.library.scanning.audio_files import png, write_audio

WITH_A_LENGTH = (".mp3", ".m4b", ".flac", ".aiff")


@pytest.mark.parametrize("suffix", [".mp3", ".m4b", ".m4a", ".flac", ".opus", ".ogg", ".wav", ".aiff", ".aac", ".wma"])
def test_a_sound_file_tells_how_long_it_is(tmp_path: Path, suffix: str) -> None:
    place = write_audio(tmp_path / f"a{suffix}", seconds=12)
    found = check_audio(str(tmp_path), place.name)
    assert isinstance(found, Sound)
    assert found.duration_seconds == pytest.approx(12, abs=0.1)


def test_a_cover_picture_is_no_sound(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.m4b", seconds=3, cover=png(), chapters=[(0, 3, "One")])
    found = check_audio(str(tmp_path), "a.m4b")
    assert isinstance(found, Sound)
    assert found.duration_seconds == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("suffix", WITH_A_LENGTH)
def test_a_file_that_was_cut_off_is_noticed(tmp_path: Path, suffix: str) -> None:
    place = write_audio(tmp_path / f"a{suffix}", seconds=20)
    place.write_bytes(place.read_bytes()[: place.stat().st_size // 2])
    assert code_of(check_audio(str(tmp_path), place.name)) in {"CUT_OFF", "UNDECODABLE"}


def test_a_file_cut_off_says_how_much_is_there(tmp_path: Path) -> None:
    place = write_audio(tmp_path / "a.flac", seconds=20)
    place.write_bytes(place.read_bytes()[: place.stat().st_size // 2])
    assert check_audio(str(tmp_path), "a.flac") == Problem(
        "a.flac", "CUT_OFF", "The file ends after 10 of 20 seconds, so it is cut off; get another release."
    )


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_noise_in_the_middle_or_at_the_end_is_noticed(tmp_path: Path, share: float) -> None:
    place = write_audio(tmp_path / "a.flac", seconds=60)
    data = bytearray(place.read_bytes())
    start = int(len(data) * share)
    data[start : start + len(data) // 10] = os.urandom(len(data[start : start + len(data) // 10]))
    place.write_bytes(data)
    assert isinstance(check_audio(str(tmp_path), "a.flac"), Problem)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "EMPTY_FILE"), (b"This is no audio at all. " * 40, "UNDECODABLE"), (None, "FILE_UNREADABLE")],
)
def test_what_is_no_audio_says_why(tmp_path: Path, content: bytes | None, code: str) -> None:
    if content is not None:
        (tmp_path / "a.mp3").write_bytes(content)
    assert code_of(check_audio(str(tmp_path), "a.mp3")) == code


async def test_files_are_checked_in_processes_of_their_own_and_answered_in_order(
    tmp_path: Path, decoder: AudioDecoder
) -> None:
    for name in ("b.mp3", "a.m4b"):
        write_audio(tmp_path / name, seconds=2)
    answers = [answer async for answer in decoder.check(str(tmp_path), ["b.mp3", "none.mp3", "a.m4b"])]
    assert [type(answer) for answer in answers] == [Sound, Problem, Sound]
    assert [answer.path for answer in answers] == ["b.mp3", "none.mp3", "a.m4b"]


async def test_a_file_that_hangs_crashes_or_eats_memory_harms_only_itself(tmp_path: Path) -> None:
    async with AudioDecoder(timeout=2, check=misbehave) as decoder:
        paths = ["hangs", "crashes", "eats", "fine"]
        answers = [answer async for answer in decoder.check(str(tmp_path), paths)]
    assert [code_of(answer) for answer in answers] == [
        "READING_TIMED_OUT",
        "READING_CRASHED",
        "READING_OUT_OF_MEMORY",
        None,
    ]


def misbehave(_root: str, path: str) -> Sound | Problem:
    if path == "hangs":
        time.sleep(60)
    if path == "crashes":
        os._exit(7)
    if path == "eats":
        bytearray(2**40)
    return Sound(path, 1.0)


def code_of(answer: Sound | Problem) -> str | None:
    return answer.code if isinstance(answer, Problem) else None
