"""Files are read where they are, and nowhere else."""

import os
from pathlib import Path

from rag.documents.bounds import Bounds
from rag.documents.reading import ReadDocument, Unreadable, read_file


def code(answer: ReadDocument | Unreadable) -> str | None:
    return answer.code if isinstance(answer, Unreadable) else None


def test_a_file_with_known_bytes_is_not_parsed_again(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\nText.")
    first = read_file(str(tmp_path), "a.md", None, Bounds())
    assert isinstance(first, ReadDocument)
    again = read_file(str(tmp_path), "a.md", first.content_hash, Bounds())
    assert isinstance(again, ReadDocument)
    assert (first.text is None, again.text, again.state) == (False, None, first.state)


def test_a_file_of_two_gigabytes_is_refused_by_its_size(tmp_path: Path) -> None:
    with (tmp_path / "big.txt").open("wb") as file:
        file.truncate(2 * 1024**3)
    assert code(read_file(str(tmp_path), "big.txt", None, Bounds())) == "DOCUMENT_TOO_LARGE"


def test_links_pipes_and_what_is_gone_are_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    os.mkfifo(folder / "pipe.txt")
    (folder / "dir.txt").mkdir()
    answers = [
        code(read_file(str(folder), f"{name}.txt", None, Bounds())) for name in ("out", "loop", "pipe", "dir", "no")
    ]
    assert answers == ["OUTSIDE_FOLDER", "FILE_UNREADABLE", "NOT_TEXT", "FILE_UNREADABLE", "FILE_VANISHED"]
    assert code(read_file(str(folder), "../secret.txt", None, Bounds())) == "OUTSIDE_FOLDER"
