"""Walking a library root."""

import os
from pathlib import Path

import pytest

from library.scanning.errors import Problem, RootUnavailableError
from library.scanning.walking import FileStat, walk


def _touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")


def _paths(root: Path) -> list[str]:
    return [file.path for file in walk(root).files]


def test_a_file_is_listed_with_its_relative_path_size_time_and_inode(tmp_path: Path) -> None:
    _touch(tmp_path, "Author/Book/1.mp3")
    status = (tmp_path / "Author/Book/1.mp3").stat()
    assert walk(tmp_path).files == [FileStat("Author/Book/1.mp3", 1, status.st_mtime_ns, status.st_ino)]


def test_hidden_synology_unfinished_and_unknown_files_are_skipped(tmp_path: Path) -> None:
    _touch(
        tmp_path,
        "Book/1.mp3",
        "Book/.hidden.mp3",
        ".trash/1.mp3",
        "Book/@eaDir/1.mp3",
        "Book/2.mp3.part",
        "Book/3.crdownload",
        "Book/notes.docx",
    )
    assert _paths(tmp_path) == ["Book/1.mp3"]


def test_a_sub_folder_with_an_ignore_file_is_skipped_with_all_below_it_but_the_root_is_not(tmp_path: Path) -> None:
    _touch(tmp_path, ".ignore", "Kept/1.mp3", "Left/.ignore", "Left/1.mp3", "Left/Below/1.mp3")
    assert _paths(tmp_path) == ["Kept/1.mp3"]


def test_a_loop_of_links_ends_and_every_file_is_listed_once_by_its_real_path(tmp_path: Path) -> None:
    _touch(tmp_path, "Zoo/Book/1.mp3")
    (tmp_path / "Zoo/Book/loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "Alias").symlink_to(tmp_path / "Zoo", target_is_directory=True)
    assert _paths(tmp_path) == ["Zoo/Book/1.mp3"]


def test_a_linked_folder_outside_the_root_is_followed(tmp_path: Path) -> None:
    _touch(tmp_path, "elsewhere/Book/1.mp3", "root/Other/2.mp3")
    (tmp_path / "root/linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert _paths(tmp_path / "root") == ["Other/2.mp3", "linked/Book/1.mp3"]


def test_a_pipe_and_a_broken_link_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "gone.mp3").symlink_to(tmp_path / "nowhere.mp3")
    assert _paths(tmp_path) == []


def test_a_name_that_is_not_utf_8_is_reported_readably_and_left_out(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/Caf\xe9.mp3"))).write_bytes(b"x")
    _touch(tmp_path, "Café.mp3")
    found = walk(tmp_path)
    assert [file.path for file in found.files] == ["Café.mp3"]
    assert found.problems == [
        Problem(
            "Caf\\xe9.mp3",
            "NAME_NOT_TEXT",
            "The name is not valid UTF-8 (the odd bytes are shown as \\xNN); rename it and scan again.",
        )
    ]


def test_a_folder_that_cannot_be_listed_is_reported_and_named_as_unlisted(tmp_path: Path) -> None:
    _touch(tmp_path, "Book/1.mp3")
    # Rights would not stop root, a path longer than the system allows stops everybody.
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=folder)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    found = walk(tmp_path)
    assert [file.path for file in found.files] == ["Book/1.mp3"]
    assert [(problem.path, problem.code) for problem in found.problems] == [(found.unlisted[0], "FOLDER_UNREADABLE")]
    assert len(found.unlisted[0]) + len(str(tmp_path)) > 4_000


def test_a_root_that_is_not_there_is_an_error_and_never_an_empty_answer(tmp_path: Path) -> None:
    with pytest.raises(RootUnavailableError, match="check that it is mounted") as caught:
        walk(tmp_path / "unmounted")
    assert str(tmp_path) not in str(caught.value)
