"""Which folders can be library roots."""

from pathlib import Path

import pytest

from library import roots
from library.database import Database
from library.errors import FolderUnusable, NotFound, RootsOverlap


async def test_a_folder_is_kept_under_its_real_path_and_its_own_name(database: Database, tmp_path: Path) -> None:
    (tmp_path / "Books").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "Books")
    folder = await roots.usable_folder(str(tmp_path / "link"))
    async with database.write() as session:
        root = await roots.add(session, folder)
        named = [(one.id, one.name, one.path) for one in await roots.all_roots(session)]
        assert named == [(root.id, "Books", str((tmp_path / "Books").resolve()))]
        assert await roots.get(session, root.id) is root
        with pytest.raises(NotFound):
            await roots.get(session, root.id + 1)


@pytest.mark.parametrize("path", ["relative", "", "/does/not/exist", "/etc/hostname", "/a\0b", "/" + "x" * 5000])
async def test_what_is_no_readable_absolute_folder_is_refused(path: str) -> None:
    with pytest.raises(FolderUnusable, match="absolute path"):
        await roots.usable_folder(path)


async def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(FolderUnusable):
        await roots.usable_folder(str(tmp_path / "a"))


@pytest.mark.parametrize("other", ["books", "books/inner", ""])
async def test_no_root_lies_inside_another(database: Database, tmp_path: Path, other: str) -> None:
    (tmp_path / "books/inner").mkdir(parents=True)
    async with database.write() as session:
        await roots.add(session, await roots.usable_folder(str(tmp_path / "books")))
        with pytest.raises(RootsOverlap):
            await roots.add(session, await roots.usable_folder(str(tmp_path / other)))


async def test_folders_with_a_common_beginning_of_their_name_do_not_overlap(database: Database, tmp_path: Path) -> None:
    for name in ("books", "books 2"):
        (tmp_path / name).mkdir()
        async with database.write() as session:
            await roots.add(session, await roots.usable_folder(str(tmp_path / name)), f"  {name} of mine ")
    async with database.read() as session:
        assert [root.name for root in await roots.all_roots(session)] == ["books of mine", "books 2 of mine"]
