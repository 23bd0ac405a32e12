"""Placing files: all at once, overwriting nothing, leaving the library by no link."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.placing import Proof, copy, discard, is_ours, publish, stage, staging_folder, write_new
from jobs.recycling import Taken, remove_empty_folders, take_out
from library.import_errors import CrossDevice, LeadsOut, SourceChanged, TargetExists
from library.models.downloads import ImportMode
from tests.jobs.import_fixtures import tree

MODES = list(ImportMode)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    return root


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = tmp_path / "source.mp3"
    source.write_bytes(b"sound" * 1000)
    return source


def staged(root: Path, source: Path, mode: ImportMode, known: Proof | None = None) -> Proof:
    return stage(source, staging_folder(root, 1) / "a.mp3", source.stat().st_size, mode, known)


@pytest.mark.parametrize("mode", MODES)
def test_a_file_is_placed_the_way_that_was_asked_for(root: Path, source: Path, mode: ImportMode) -> None:
    proof = staged(root, source, mode)
    publish(root, staging_folder(root, 1), "A/B", {"a.mp3": proof})
    placed = root / "A/B/a.mp3"
    assert placed.read_bytes() == source.read_bytes()
    assert placed.samefile(source) is (mode is not ImportMode.COPY)
    assert is_ours(placed, proof)
    assert sorted(os.listdir(root)) == ["A"]  # noqa: PTH208 names are compared
    if mode is ImportMode.COPY:
        assert placed.stat().st_mtime_ns == source.stat().st_mtime_ns


@pytest.mark.parametrize("mode", MODES)
def test_doing_it_again_at_any_stage_changes_nothing(root: Path, source: Path, mode: ImportMode) -> None:
    first = staged(root, source, mode)
    assert staged(root, source, mode, first) == first
    second = staged(root, source, mode)  # what was staged is not in rows yet
    publish(root, staging_folder(root, 1), "A/B", {"a.mp3": second})
    before = (root / "A/B/a.mp3").stat()
    publish(root, staging_folder(root, 1), "A/B", {"a.mp3": second})
    assert (root / "A/B/a.mp3").stat() == before


def test_a_hardlink_that_cannot_be_is_no_copy(root: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any, **named: Any) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(CrossDevice):
        staged(root, source, ImportMode.HARDLINK)
    assert tree(root) == {}
    proof = staged(root, source, ImportMode.MOVE)
    assert proof.content_hash is not None


@pytest.mark.parametrize("change", ["gone", "longer", "a link"])
def test_a_source_that_changed_since_it_was_verified_is_refused(root: Path, source: Path, change: str) -> None:
    size = source.stat().st_size
    if change == "longer":
        source.write_bytes(b"x" * (size + 1))
    else:
        source.rename(source.with_name("other"))
        if change == "a link":
            source.symlink_to(source.with_name("other"))
    with pytest.raises(SourceChanged):
        stage(source, staging_folder(root, 1) / "a.mp3", size, ImportMode.HARDLINK, None)


@pytest.mark.parametrize("what", ["a file", "a full folder", "a link", "a file above", "a broken link above"])
def test_whatever_is_in_the_way_stays(root: Path, source: Path, what: str) -> None:
    proof = staged(root, source, ImportMode.HARDLINK)
    place = root / "A/B"
    above = what.endswith("above")
    (place.parent.parent if above else place.parent).mkdir(exist_ok=True)
    if what == "a full folder":
        place.mkdir()
        (place / "theirs").write_text("theirs")
    elif "link" in what:
        (place.parent if above else place).symlink_to(root / "nowhere")
    else:
        (place.parent if above else place).write_text("theirs")
    before = {path: (path.lstat().st_mode, path.lstat().st_ino) for path in root.rglob("*")}
    with pytest.raises(TargetExists):
        publish(root, staging_folder(root, 1), "A/B", {"a.mp3": proof})
    assert {path: (path.lstat().st_mode, path.lstat().st_ino) for path in root.rglob("*")} == before


def test_what_another_worker_has_published_meanwhile_is_no_obstacle(root: Path, source: Path) -> None:
    proof = staged(root, source, ImportMode.HARDLINK)
    publish(root, staging_folder(root, 1), "A/B", {"a.mp3": proof})
    assert staged(root, source, ImportMode.HARDLINK) == proof
    publish(root, staging_folder(root, 1), "A/B", {"a.mp3": proof})
    assert sorted(path.name for path in root.rglob("*")) == ["A", "B", "a.mp3"]


def test_a_folder_that_lacks_a_staged_file_never_appears(root: Path, source: Path) -> None:
    proof = staged(root, source, ImportMode.HARDLINK)
    with pytest.raises(SourceChanged):
        publish(root, staging_folder(root, 1), "A/B", {"a.mp3": proof, "b.mp3": proof})
    assert not (root / "A").exists()


def test_an_empty_folder_is_in_nobodys_way(root: Path, source: Path) -> None:
    (root / "A/B").mkdir(parents=True)
    publish(root, staging_folder(root, 1), "A/B", {"a.mp3": staged(root, source, ImportMode.HARDLINK)})
    assert sorted(tree(root)) == ["A/B/a.mp3"]


def test_a_link_out_of_the_library_is_not_followed_and_one_within_it_is(
    root: Path, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (root / "Out").symlink_to(tmp_path / "outside")
    (root / "Real").mkdir()
    (root / "In").symlink_to(root / "Real")
    proofs = {"a.mp3": staged(root, source, ImportMode.HARDLINK)}
    with pytest.raises(LeadsOut):
        publish(root, staging_folder(root, 1), "Out/deep/B", proofs)
    assert list((tmp_path / "outside").iterdir()) == []
    publish(root, staging_folder(root, 1), "In/B", proofs)
    assert sorted(tree(root / "Real")) == ["B/a.mp3"]


def test_what_earlier_tries_left_does_not_appear(root: Path, source: Path, tmp_path: Path) -> None:
    proof = staged(root, source, ImportMode.HARDLINK)
    staging = staging_folder(root, 1)
    (staging / ".half.part").write_text("half")
    (staging / "old").mkdir()
    (staging / "old/b.mp3").write_text("of another plan")
    (staging / "link").symlink_to(tmp_path)
    publish(root, staging, "A", {"a.mp3": proof})
    assert sorted(tree(root)) == ["A/a.mp3"]
    assert source.exists()


def test_a_copy_that_does_not_read_as_it_was_written_never_appears(
    root: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def spoil(descriptor: int) -> None:
        os.pwrite(descriptor, b"!", 3)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", spoil)
    with pytest.raises(OSError, match="does not read the same"):
        copy(source, root / "a.mp3")
    assert tree(root) == {}


def test_a_copy_overwrites_nothing(root: Path, source: Path) -> None:
    (root / "a.mp3").write_text("theirs")
    with pytest.raises(FileExistsError):
        copy(source, root / "a.mp3")
    assert tree(root) == {"a.mp3": b"theirs"}


def test_a_sidecar_is_a_file_of_its_own_even_where_a_link_has_its_name(root: Path, source: Path) -> None:
    place = staging_folder(root, 1) / "metadata.json"
    place.parent.mkdir(parents=True)
    place.symlink_to(source)
    before = source.read_bytes()
    proof = write_new(b"{}", place)
    assert (place.read_bytes(), source.read_bytes()) == (b"{}", before)
    assert stat.S_ISREG(place.lstat().st_mode)
    assert is_ours(place, proof)


def test_only_what_is_provably_ours_is(root: Path, source: Path) -> None:
    proof = copy(source, root / "a.mp3")
    assert is_ours(root / "a.mp3", proof)
    assert is_ours(source, proof)  # the same bytes
    (root / "same size").write_bytes(b"x" * proof.size_bytes)
    (root / "link").symlink_to(root / "a.mp3")
    assert not any(is_ours(root / name, proof) for name in ("same size", "link", "nothing", "."))


names = st.lists(st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h"]), unique=True, min_size=1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(ours=names, theirs=names, mode=st.sampled_from(MODES), number=st.integers(0, 10**9))
def test_over_any_trees_importing_and_undoing_touch_no_file_of_anybody_else(
    tmp_path: Path, ours: list[str], theirs: list[str], mode: ImportMode, number: int
) -> None:
    here = tmp_path / f"{number}-{len(list(tmp_path.iterdir()))}"
    root, depot, recycle = here / "root", here / "depot", here / "recycle"
    for folder, files in ((root, theirs), (depot, ours)):
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"{folder.name} {name}")
    before, sources = tree(root), tree(depot)
    staging = staging_folder(root, 1)
    proofs = {name: stage(depot / name, staging / name, (depot / name).stat().st_size, mode, None) for name in ours}
    try:
        publish(root, staging, "c", proofs)
    except TargetExists:
        discard(staging)
        assert (tree(root), tree(depot)) == (before, sources)
        return
    assert tree(root) == before | {f"c/{name}": content for name, content in sources.items()}
    outcomes = {take_out(root / "c" / name, proof, recycle / name, None) for name, proof in proofs.items()}
    remove_empty_folders(root, root / "c")
    assert outcomes == {Taken.RECYCLED}
    assert (tree(root), tree(depot), tree(recycle)) == (before, sources, sources)
