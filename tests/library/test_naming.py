"""Paths of imported files: safe on every system, below the root, one for each file."""

import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.naming import (
    DEFAULT_TEMPLATE,
    FIELDS,
    MOST_PATH_BYTES,
    BookNames,
    PathTooLong,
    TemplateInvalid,
    check_template,
    plan_folder,
    plan_path,
    plan_paths,
)
from library.safe_names import MOST_BYTES, collision_key, safe_file_name, safe_name
from library.scanning.track_order import natural_key

SCARLET = BookNames(
    title="A Study in Scarlet",
    authors=("Arthur Conan Doyle",),
    series="Sherlock Holmes",
    position="1",
    narrators=("Jane Reader",),
)
ODD_LETTERS = st.sampled_from('ab./\\:*?"<>| \n\x00\u202e\u0301é漢🎧\u200d{}#-1')
TEXTS = st.text(max_size=40) | st.text(ODD_LETTERS, max_size=400)
NAMES = st.builds(
    BookNames,
    title=TEXTS,
    authors=st.lists(TEXTS, max_size=4).map(tuple),
    subtitle=st.none() | TEXTS,
    series=st.none() | TEXTS,
    position=st.none() | TEXTS,
    narrators=st.lists(TEXTS, max_size=4).map(tuple),
)
FILES = st.lists(TEXTS.filter(lambda text: any(ord(letter) < 0xD800 for letter in text)), max_size=6, unique=True)


@pytest.mark.parametrize(
    ("names", "folder"),
    [
        (SCARLET, "Arthur Conan Doyle/Sherlock Holmes/Sherlock Holmes #1 - A Study in Scarlet {Jane Reader}"),
        (BookNames(title="Emma", authors=("Jane Austen",), narrators=("A B",)), "Jane Austen/Emma {A B}"),
        (BookNames(title="Emma", authors=("Jane Austen",)), "Jane Austen/Emma"),
        (BookNames(title="Emma", authors=("J A",), series="S"), "J A/S/S - Emma"),
        (BookNames(title="Emma", authors=("J A",), position="4"), "J A/Emma"),
        (BookNames(title=""), "Unknown Author/Unknown Title"),
        (BookNames(title="???", authors=("...",)), "Unknown Author/Unknown Title"),
        (BookNames(title="AC/DC: Live", authors=("A",)), "A/AC-DC - Live"),
        (BookNames(title="T", authors=("A", "B", "C", "D")), "A & B & C/T"),
        (BookNames(title="con", authors=("NUL.x",)), "NUL_.x/con_"),
        (BookNames(title="..", authors=("../../etc",)), "-..-etc/Unknown Title"),
    ],
)
def test_the_default_template_leaves_out_what_is_not_known(names: BookNames, folder: str) -> None:
    assert plan_folder(DEFAULT_TEMPLATE, names) == folder


@pytest.mark.parametrize(
    ("template", "folder"),
    [
        ("{author}/{year} - {title} [{asin}]", "Arthur Conan Doyle/A Study in Scarlet"),
        ("Audio/{series} (Book {position})/{title}", "Audio/Sherlock Holmes (Book 1)/A Study in Scarlet"),
        ("{title} by {author}", "A Study in Scarlet by Arthur Conan Doyle"),
    ],
)
def test_a_template_of_ones_own_is_filled(template: str, folder: str) -> None:
    assert plan_folder(template, SCARLET) == folder


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("", "must have 1 to 300 characters"),
        ("/{title}", "has an empty folder"),
        ("{title}//x", "has an empty folder"),
        ("../{title}", "has the folder '..'"),
        ("{title}/con", "has the folder 'con'"),
        ("{title}: {author}", "has ':', which not every file system takes"),
        ("{author}", "must contain {title}"),
        ("{title}/{titel}", "has no field 'titel'"),
        ("{title} {", "has a brace that belongs to no field"),
        ("/".join(["{title}"] * 9), "has more than 8 folders"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_with_the_reason(template: str, reason: str) -> None:
    with pytest.raises(TemplateInvalid) as refused:
        check_template(template)
    assert reason in str(refused.value)


def test_every_field_may_be_used() -> None:
    check_template("/".join(f"{{{name}}}" for name in FIELDS[:8]))


@given(TEXTS)
def test_a_safe_name_is_taken_everywhere(text: str) -> None:
    for name in (safe_name(text), safe_file_name(text)):
        assert 0 < len(name.encode()) <= MOST_BYTES
        assert not set(name) & set('/\\:*?"<>|\x00\n\t')
        assert name == name.strip(" .")
        assert name == unicodedata.normalize("NFC", name)
        assert name.partition(".")[0].strip().casefold() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}


@given(TEXTS)
def test_a_safe_name_stays_as_it_is(text: str) -> None:
    assert safe_name(safe_name(text)) == safe_name(text)
    assert safe_file_name(safe_file_name(text)) == safe_file_name(text)


@pytest.mark.parametrize(
    ("text", "name"), [("CON", "CON_"), ("lpt¹.mp3", "lpt¹_.mp3"), ("a" * 300 + ".mp3", "a" * 251 + ".mp3")]
)
def test_devices_get_another_name_and_long_ones_keep_their_ending(text: str, name: str) -> None:
    assert safe_file_name(text) == name


def test_a_name_is_cut_between_letters() -> None:
    assert safe_name("é" * 127 + "e\u0323\u0301") == "é" * 127
    assert safe_name("a" * 247 + "👩\u200d🚀") == "a" * 247


@given(NAMES, FILES)
def test_no_path_leads_out_of_the_root_and_no_two_files_share_one(names: BookNames, files: Sequence[str]) -> None:
    planned = plan_paths(DEFAULT_TEMPLATE, names, files)
    assert list(planned) == list(files)
    for path in planned.values():
        assert not path.startswith("/")
        assert all(part == safe_name(part) for part in path.split("/"))
        assert len(path.encode()) <= MOST_PATH_BYTES
    assert len({collision_key(path) for path in planned.values()}) == len(files)


def test_folders_that_all_files_share_are_left_out_and_discs_are_kept() -> None:
    planned = plan_paths("{title}", SCARLET, ["Root/CD 1/01.mp3", "Root/CD 2/01.mp3"])
    assert list(planned.values()) == ["A Study in Scarlet/CD 1/01.mp3", "A Study in Scarlet/CD 2/01.mp3"]


def test_colliding_names_are_numbered_and_what_exists_is_left_alone() -> None:
    planned = plan_paths("{title}", BookNames(title="T"), ["Cover.jpg", "cover.jpg"], taken=["t/COVER.JPG"])
    assert planned == {"Cover.jpg": "T/Cover (2).jpg", "cover.jpg": "T/cover (3).jpg"}


def test_a_file_never_takes_the_name_of_a_folder() -> None:
    planned = plan_paths("{title}", BookNames(title="T"), ["a?", "a/b.mp3"])
    assert planned == {"a?": "T/a (2)", "a/b.mp3": "T/a/b.mp3"}


@given(
    st.lists(
        st.text(ODD_LETTERS, min_size=1, max_size=8).map(lambda stem: f"{stem.replace('/', '')}.mp3"),
        unique=True,
        max_size=6,
    )
)
def test_tracks_keep_their_order(files: Sequence[str]) -> None:
    planned = plan_paths("{title}", BookNames(title="T"), files)
    by_old_name = sorted(files, key=natural_key)
    assert sorted(by_old_name, key=lambda file: natural_key(planned[file])) == by_old_name


def test_tracks_whose_order_would_be_lost_are_numbered() -> None:
    planned = plan_paths("{title}", BookNames(title="T"), ["*b.mp3", "a.mp3"])
    assert planned == {"*b.mp3": "T/1 - b.mp3", "a.mp3": "T/2 - a.mp3"}


def test_nothing_in_a_downloads_path_leads_upwards() -> None:
    assert plan_path("{title}", BookNames(title="T"), "/../../etc/./passwd") == "T/etc/passwd"


def test_a_long_title_gives_way_before_the_narrator() -> None:
    folder = plan_folder("{title} {{narrator}}", BookNames(title="漢" * 200, narrators=("Jane Reader",)))
    assert folder == "漢" * 80 + " {Jane Reader}"


def test_a_path_that_cannot_fit_is_refused() -> None:
    with pytest.raises(PathTooLong):
        plan_path("{title}/{title}/{title}", BookNames(title="a" * 40), "a.mp3", most_bytes=40)
    path = plan_path("{title}/{title}", BookNames(title="a" * 250), "b" * 100 + ".mp3", most_bytes=200)
    assert len(path.encode()) <= 200
    assert PurePosixPath(path).suffix == ".mp3"
