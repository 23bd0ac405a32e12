"""Reading in a pool of processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from library.scanning.errors import Problem
from library.scanning.file_reader import FileReader
from library.scanning.reading import ReadFile, read_item_file
from tests.library.scanning.audio_files import png, write_audio

_MEMORY = 1024**3


def misbehave(root: str, path: str) -> ReadFile | Problem:
    """Hang, crash or take memory when the file's name says so; else read it."""
    if path.startswith("crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.startswith("greedy"):
        bytearray(4 * _MEMORY)
    return read_item_file(root, path)


async def _codes(reader: FileReader, root: Path, paths: list[str]) -> list[tuple[str, str]]:
    answers = [answer async for answer in reader.read(str(root), paths)]
    return [(answer.path, answer.code if isinstance(answer, Problem) else "READ") for answer in answers]


async def test_files_are_read_in_order_and_equal_covers_are_one_object(tmp_path: Path) -> None:
    paths = [write_audio(tmp_path / f"{number}.mp3", tone=200 + number, cover=png()).name for number in range(12)]
    async with FileReader(processes=2) as reader:
        answers = [answer async for answer in reader.read(str(tmp_path), paths)]
    assert answers == [read_item_file(str(tmp_path), path) for path in paths]
    assert len({id(answer.tags.cover) for answer in answers if isinstance(answer, ReadFile)}) == 1


async def test_a_file_that_crashes_hangs_or_eats_memory_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    good = [write_audio(tmp_path / f"{number}.mp3").name for number in range(6)]
    os.mkfifo(tmp_path / "hang.mp3")
    paths = [good[0], "crash.mp3", good[1], "hang.mp3", good[2], good[3], "greedy.mp3", good[4], "missing.mp3", good[5]]
    async with FileReader(processes=2, timeout=3, memory_bytes=_MEMORY, reader=misbehave) as reader:
        codes = await _codes(reader, tmp_path, paths)
    expected = dict.fromkeys(paths, "READ") | {
        "crash.mp3": "READING_CRASHED",
        "hang.mp3": "READING_TIMED_OUT",
        "greedy.mp3": "READING_OUT_OF_MEMORY",
        "missing.mp3": "FILE_UNREADABLE",
    }
    assert codes == list(expected.items())


async def test_an_iteration_that_ends_early_leaves_the_pool_usable(tmp_path: Path) -> None:
    paths = [write_audio(tmp_path / f"{number}.mp3").name for number in range(20)]
    async with FileReader(processes=1) as reader:
        answers = reader.read(str(tmp_path), paths)
        first = await anext(answers)
        await answers.aclose()
        again = await _codes(reader, tmp_path, paths[:2])
    assert (first.path, again) == ("0.mp3", [("0.mp3", "READ"), ("1.mp3", "READ")])


def test_a_file_s_size_and_time_are_those_it_was_read_with(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "1.mp3")
    status, answer = path.stat(), read_item_file(str(tmp_path), "1.mp3")
    assert isinstance(answer, ReadFile)
    assert (answer.path, answer.size_bytes, answer.mtime_ns) == ("1.mp3", status.st_size, status.st_mtime_ns)


def test_a_reading_process_imports_nothing_heavy() -> None:
    heavy = {"sqlalchemy", "numpy", "av", "PIL", "torch", "onnxruntime", "pydantic", "pebble"}
    program = f"import sys, library.scanning.reading; print(sorted({heavy!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "EMPTY_FILE"), (b"text", "UNSUPPORTED_FORMAT"), (b"fLaC", "UNREADABLE_AUDIO")]
)
def test_a_broken_file_is_a_problem_with_its_code(tmp_path: Path, data: bytes, code: str) -> None:
    (tmp_path / "1.mp4").write_bytes(data)
    answer = read_item_file(str(tmp_path), "1.mp4")
    assert isinstance(answer, Problem)
    assert (answer.path, answer.code, str(tmp_path) in answer.reason) == ("1.mp4", code, False)
