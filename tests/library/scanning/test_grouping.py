"""Grouping files into items."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.scanning.grouping import FoundAudio, FoundItem, disc_number, group, signature
from library.scanning.walking import FileStat


def _file(path: str, size: int = 1, mtime: int = 2) -> FileStat:
    return FileStat(path, size, mtime, 3)


def _items(*paths: str) -> dict[str, list[str]]:
    return {item.path: [audio.file.path for audio in item.audio] for item in group(map(_file, paths))}


def test_the_documented_tree_groups_as_audiobookshelf_groups_it() -> None:
    assert _items(
        "Root Single File.m4b",
        "Book2/audiofile.m4b",
        "Book2/disk 001/audiofile.m4b",
        "Author/Book3/Disc 1/1.mp3",
        "Author/Book3/Disc 2/1.mp3",
        "Author/Series/Book4/CD1/1.mp3",
        "Author/Series/Book4/cover.jpg",
        "Author/Series2/Book5/deeply/nested/cd 01/1.mp3",
        "Author/Series2/Book5/deeply/nested/cd 02/1.mp3",
        "Author/Notes/readme.txt",
    ) == {
        "Root Single File.m4b": ["Root Single File.m4b"],
        "Book2": ["Book2/audiofile.m4b", "Book2/disk 001/audiofile.m4b"],
        "Author/Book3": ["Author/Book3/Disc 1/1.mp3", "Author/Book3/Disc 2/1.mp3"],
        "Author/Series/Book4": ["Author/Series/Book4/CD1/1.mp3"],
        "Author/Series2/Book5/deeply/nested": [
            "Author/Series2/Book5/deeply/nested/cd 01/1.mp3",
            "Author/Series2/Book5/deeply/nested/cd 02/1.mp3",
        ],
    }


def test_an_item_has_its_discs_in_order_and_its_sidecars_images_and_ebooks() -> None:
    paths = [
        "A/B/CD 10/1.mp3",
        "A/B/CD 2/1.mp3",
        "A/B/desc.txt",
        "A/B/cover.jpg",
        "A/B/book.epub",
        "A/B/CD 2/x.nfo",
        "A/B/other.txt",
    ]
    assert group(map(_file, paths)) == [
        FoundItem(
            path="A/B",
            is_file=False,
            audio=(FoundAudio(_file("A/B/CD 2/1.mp3"), 2), FoundAudio(_file("A/B/CD 10/1.mp3"), 10)),
            sidecars=(_file("A/B/CD 2/x.nfo"), _file("A/B/desc.txt")),
            images=(_file("A/B/cover.jpg"),),
            ebooks=(_file("A/B/book.epub"),),
        )
    ]


def test_audio_deeper_under_an_item_joins_the_item_even_through_folders_without_audio() -> None:
    assert _items("A/1.mp3", "A/empty/deep/2.mp3") == {"A": ["A/1.mp3", "A/empty/deep/2.mp3"]}


def test_files_in_the_root_belong_to_the_audio_of_the_same_name_only() -> None:
    files = map(_file, ["One.m4b", "One.jpg", "One.opf", "Two.mp3", "folder.jpg"])
    assert [
        (item.path, item.is_file, [file.path for file in (*item.images, *item.sidecars)]) for item in group(files)
    ] == [
        ("One.m4b", True, ["One.jpg", "One.opf"]),
        ("Two.mp3", True, []),
    ]


def test_a_disc_folder_directly_in_the_root_is_an_item() -> None:
    assert _items("CD1/1.mp3") == {"CD1": ["CD1/1.mp3"]}


def test_ebooks_alone_make_no_item() -> None:
    assert _items("Author/book.epub", "Author/Audio/1.mp3") == {"Author/Audio": ["Author/Audio/1.mp3"]}


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("CD1", 1),
        ("cd 02", 2),
        ("Disc 1", 1),
        ("DISK 001", 1),
        ("Disc 1 of 3", 1),
        ("CD-4", 4),
        ("CD", None),
        ("Discworld 1", None),
        ("Disc 1234", None),
    ],
)
def test_disc_folders_are_told_by_their_whole_name(name: str, number: int | None) -> None:
    assert disc_number(name) == number


def test_the_signature_changes_with_any_file_and_with_nothing_else() -> None:
    (item,) = group([_file("A/1.mp3"), _file("A/desc.txt")])
    (same,) = group([FileStat("A/desc.txt", 1, 2, 99), FileStat("A/1.mp3", 1, 2, 98)])
    changed = [
        group([_file("A/1.mp3"), _file("A/desc.txt", size=2)])[0],
        group([_file("A/1.mp3", mtime=3), _file("A/desc.txt")])[0],
        group([_file("A/1.mp3"), _file("A/desc.txt"), _file("A/cover.jpg")])[0],
    ]
    assert signature(same) == signature(item)
    assert len({signature(one) for one in (item, *changed)}) == 4


_NAMES = st.sampled_from(["A", "B", "CD 1", "cd2", "deep", "Disc 3"])
_FILES = st.sampled_from(["1.mp3", "2.m4b", "cover.jpg", "desc.txt", "book.epub", "metadata.json"])
_PATHS = st.builds(lambda folders, name: "/".join([*folders, name]), st.lists(_NAMES, max_size=4), _FILES)


@given(st.sets(_PATHS, max_size=30), st.randoms(use_true_random=False))
def test_grouping_does_not_depend_on_the_order_of_the_files(paths: set[str], order: random.Random) -> None:
    files = [_file(path) for path in sorted(paths)]
    shuffled = list(files)
    order.shuffle(shuffled)
    assert group(shuffled) == group(files)


@given(st.sets(_PATHS, max_size=30))
def test_every_audio_file_is_in_exactly_one_item(paths: set[str]) -> None:
    grouped = [audio.file.path for item in group(map(_file, paths)) for audio in item.audio]
    assert sorted(grouped) == sorted(path for path in paths if path.endswith((".mp3", ".m4b")))
