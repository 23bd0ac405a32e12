"""Which files of a torrent are imported, whose they are, and where they go."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.import_plans import (
    LEAST_BOOK_BYTES,
    Group,
    Listed,
    PlannedFile,
    PlannedImport,
    Role,
    Subject,
    assign,
    free_folder,
    groups_of,
    imported,
    plan_group,
    role_of,
)
from library.naming import DEFAULT_TEMPLATE, BookNames
from library.releases.facts import ReleaseFacts
from library.releases.matching import Wanted
from library.safe_names import collision_key

VERNE = ("Jules Verne",)


def listed(*paths: str, size: int = 10) -> list[Listed]:
    return [Listed(path, size) for path in paths]


def groups(*paths: str, size: int = 10) -> dict[str, list[str]]:
    return {one.name: [file.path for file in one.files] for one in groups_of(listed(*paths, size=size))}


def subject(book_id: int | None, title: str, **names: str) -> Subject:
    return Subject(book_id, Wanted(title=title, authors=VERNE), BookNames(title=title, authors=VERNE, **names))  # type: ignore[arg-type] # text fields only


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("A/01.mp3", Role.AUDIO),
        ("A/Book.M4B", Role.AUDIO),
        ("A/cover.jpg", Role.EXTRA),
        ("A/info.nfo", Role.EXTRA),
        ("A/A.cue", Role.EXTRA),
        ("A/booklet.pdf", Role.EXTRA),
        ("A/desc.txt", Role.EXTRA),
        ("A/book.rar", Role.ARCHIVE),
        ("A/book.r01", Role.ARCHIVE),
        ("A/book.zip", Role.ARCHIVE),
        ("A/setup.exe", Role.JUNK),
        ("A/run.sh", Role.JUNK),
        ("A/site.url", Role.JUNK),
        ("A/cover.jpg.exe", Role.JUNK),
        ("A/Torrent downloaded from.txt", Role.JUNK),
        ("A/.DS_Store", Role.JUNK),
        ("A/._01.mp3", Role.JUNK),
        ("A/__MACOSX/01.mp3", Role.JUNK),
        ("A/01.mp3.part", Role.JUNK),
    ],
)
def test_what_a_file_is_is_told_by_its_name_and_the_unknown_stays_out(path: str, role: Role) -> None:
    assert role_of(path) is role


def test_samples_stay_out_unless_there_is_nothing_else() -> None:
    kept, left_out = imported(listed("A/a.mp3", "A/Sample/s.mp3", "A/a-sample.mp3", "A/x.exe"))
    assert ([file.path for file in kept], left_out) == (["A/a.mp3"], ["A/Sample/s.mp3", "A/a-sample.mp3", "A/x.exe"])
    kept, left_out = imported(listed("Sample.m4b"))
    assert ([file.path for file in kept], left_out) == (["Sample.m4b"], [])


def test_one_folder_with_its_discs_and_extras_is_one_recording() -> None:
    paths = ("Box/CD1/01.mp3", "Box/CD2/01.mp3", "Box/cover.jpg", "Box/Scans/back.jpg", "Box/CD1/x.cue")
    assert groups(*paths) == {"Box": list(paths)}


def test_a_single_file_with_what_lies_beside_it_is_one_recording() -> None:
    assert groups("Book.m4b") == {"Book": ["Book.m4b"]}
    assert groups("Book.m4b", "Book.cue") == {"Book": ["Book.m4b", "Book.cue"]}


def test_each_folder_with_audio_is_a_recording_and_what_lies_above_them_is_nobodys() -> None:
    assert groups("Box/One/a.mp3", "Box/One/cover.jpg", "Box/Two/a.mp3", "Box/cover.jpg") == {
        "One": ["Box/One/a.mp3", "Box/One/cover.jpg"],
        "Two": ["Box/Two/a.mp3"],
    }


@pytest.mark.parametrize(
    ("first", "second"),
    [("Part 1", "Part 2"), ("Dune Part 1", "Dune Part 2"), ("Side A1", "Side A2"), ("1", "2"), ("Tape 01", "Tape 02")],
)
def test_folders_that_are_parts_of_one_book_are_one_recording(first: str, second: str) -> None:
    assert groups(f"Box/{first}/a.mp3", f"Box/{second}/a.mp3") == {"Box": [f"Box/{first}/a.mp3", f"Box/{second}/a.mp3"]}


@pytest.mark.parametrize(("first", "second"), [("Book 1", "Book 2"), ("Saga Vol 1", "Saga Vol 2"), ("A", "B")])
def test_folders_that_may_be_books_are_recordings_each(first: str, second: str) -> None:
    assert list(groups(f"Box/{first}/a.mp3", f"Box/{second}/a.mp3")) == [first, second]


def test_large_single_files_of_a_folder_are_books_each_and_small_ones_are_chapters() -> None:
    paths = ("Box/Around the Moon.m4b", "Box/Around the Moon.jpg", "Box/The Lighthouse.m4b", "Box/cover.jpg")
    assert groups(*paths) == {"Box": list(paths)}
    assert groups(*paths, size=LEAST_BOOK_BYTES) == {"Around the Moon": list(paths[:2]), "The Lighthouse": [paths[2]]}
    parts = ("Box/Moon 1.m4b", "Box/Moon 2.m4b")
    assert groups(*parts, size=LEAST_BOOK_BYTES) == {"Box": list(parts)}


def test_one_recording_is_what_was_asked_for_whatever_it_is_called() -> None:
    asked = subject(7, "Around the Moon")
    one = Group("qx-4711", tuple(listed("qx-4711/a.mp3")))
    assert assign([one], asked, [], ReleaseFacts(title="other", authors=("Nobody",))) == [asked]


def test_of_several_recordings_each_is_the_book_whose_name_it_bears() -> None:
    asked, other, strange = subject(7, "Around the Moon"), subject(8, "Moon"), subject(9, "The Lighthouse")
    names = ["02 - Around the Moon", "Jules Verne - The Lighthouse", "01. Nothing Known"]
    parts = [Group(name, tuple(listed(f"{name}/a.mp3"))) for name in names]
    found = assign(parts, asked, [other, strange], ReleaseFacts(title="Box", authors=VERNE))
    assert [(one.book_id, one.names.title) for one in found] == [
        (7, "Around the Moon"),
        (9, "The Lighthouse"),
        (None, "Nothing Known"),
    ]


def test_a_group_goes_to_its_books_folder_with_a_sidecar_of_ours() -> None:
    one = Group("X", tuple(listed("X/CD1/01.mp3", "X/CD2/01.mp3", "X/cover.jpg")))
    book = subject(7, "Around: the Moon?", series="Moon", position="2")
    assert plan_group(DEFAULT_TEMPLATE, one, book, [], sidecar_bytes=40) == PlannedImport(
        7,
        "Jules Verne/Moon/Moon #2 - Around - the Moon",
        (
            PlannedFile("X/CD1/01.mp3", "Jules Verne/Moon/Moon #2 - Around - the Moon/CD1/01.mp3", 10),
            PlannedFile("X/CD2/01.mp3", "Jules Verne/Moon/Moon #2 - Around - the Moon/CD2/01.mp3", 10),
            PlannedFile("X/cover.jpg", "Jules Verne/Moon/Moon #2 - Around - the Moon/cover.jpg", 10),
            PlannedFile(None, "Jules Verne/Moon/Moon #2 - Around - the Moon/metadata.json", 40),
        ),
    )


def test_a_sidecar_that_came_along_is_kept_as_the_only_one() -> None:
    one = Group("X", tuple(listed("X/a.mp3", "X/metadata.json")))
    planned = plan_group(DEFAULT_TEMPLATE, one, subject(7, "Moon"), [], sidecar_bytes=40)
    assert [file.source for file in planned.files] == ["X/a.mp3", "X/metadata.json"]


def test_a_folder_that_another_edition_has_gets_a_number() -> None:
    assert free_folder("A/Moon", []) == "A/Moon"
    assert free_folder("A/Moon", ["a/MOON", "A/Moon (2)"]) == "A/Moon (3)"
    assert len(free_folder("A/" + "m" * 255, ["A/" + "m" * 255]).encode()) == 2 + 255


part = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/"), min_size=1, max_size=12)
endings = st.sampled_from(["", ".mp3", ".m4b", ".jpg", ".nfo", ".cue", ".exe", ".rar", ".json"])
paths = st.builds(lambda folders, ending: "/".join(folders) + ending, st.lists(part, min_size=1, max_size=4), endings)


@given(st.lists(paths, min_size=1, max_size=12, unique=True), st.integers(1, 2 * LEAST_BOOK_BYTES))
def test_every_imported_file_goes_to_one_safe_place_below_its_folder_and_the_others_nowhere(
    tree: list[str], size: int
) -> None:
    kept, left_out = imported(listed(*tree, size=size))
    assert sorted([file.path for file in kept] + left_out) == sorted(tree)
    if not any(role_of(file.path) is Role.AUDIO for file in kept):
        return
    taken: list[str] = []
    targets: list[PlannedFile] = []
    for one in groups_of(kept):
        planned = plan_group(DEFAULT_TEMPLATE, one, subject(7, one.name or "Moon"), taken, sidecar_bytes=1)
        assert planned.audio
        taken.append(planned.folder)
        for file in planned.files:
            place = PurePosixPath(file.target)
            assert not place.is_absolute()
            assert file.target.startswith(f"{planned.folder}/")
            assert not any(name.startswith(".") for name in place.parts)
        targets += planned.files
    sources = [file.source for file in targets if file.source is not None]
    assert len(set(sources)) == len(sources)
    assert {file.path for file in kept if role_of(file.path) is Role.AUDIO} <= set(sources)
    assert len({collision_key(file.target) for file in targets}) == len(targets)
