"""Where the folders of a download client are on this machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.path_mapping import PathMapping, UnsafePath, candidates, mappings_of, shown, to_ours

MAPPINGS = (
    PathMapping("/downloads", "/srv/downloads"),
    PathMapping("/downloads/books/", "/mnt/books"),
    PathMapping("D:\\Torrents", "/mnt/windows"),
    PathMapping("\\\\nas\\share", "/mnt/share"),
)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("/downloads", "/srv/downloads"),
        ("/downloads/", "/srv/downloads"),
        ("/downloads/A/b.mp3", "/srv/downloads/A/b.mp3"),
        ("/downloads/books/A", "/mnt/books/A"),
        ("/downloads/bookshelf", "/srv/downloads/bookshelf"),
        ("/downloads2/A", "/downloads2/A"),
        ("/Downloads/A", "/Downloads/A"),
        ("/elsewhere//A/", "/elsewhere//A/"),
        ("d:/torrents/A/b.mp3", "/mnt/windows/A/b.mp3"),
        ("D:\\TORRENTS\\A", "/mnt/windows/A"),
        ("\\\\NAS\\share\\A", "/mnt/share/A"),
        ("/downloads/back\\slash", "/srv/downloads/back\\slash"),
    ],
)
def test_the_longest_mapping_on_whole_names_says_where_a_path_of_the_client_is(theirs: str, ours: str) -> None:
    assert to_ours(theirs, MAPPINGS) == ours


@pytest.mark.parametrize("path", ["/downloads/../etc", "D:\\Torrents\\..\\secret", ".."])
def test_a_path_that_climbs_is_refused(path: str) -> None:
    with pytest.raises(UnsafePath):
        to_ours(path, MAPPINGS)


def test_half_filled_mappings_say_nothing() -> None:
    options = {"path_mappings": [{"theirs": "/d", "ours": "/s"}, {"theirs": "", "ours": "/x"}, {"theirs": "/y"}]}
    assert mappings_of(options) == (PathMapping("/d", "/s"),)
    assert mappings_of({"path_mappings": None}) == ()


def test_places_that_would_explain_a_path_come_with_the_most_alike_first() -> None:
    assert [one.ours for one in candidates("/data/books", ["/srv", "/mnt"])] == [
        "/srv/data/books",
        "/mnt/data/books",
        "/srv/books",
        "/mnt/books",
    ]


def test_of_a_path_only_its_end_is_shown() -> None:
    assert shown("/srv/secret/downloads/books") == "…/downloads/books"
    assert shown("C:\\a\\b\\c") == "…/b/c"
    assert shown("/downloads") == "downloads"
    assert shown("/") == "…"


names = st.text(st.characters(blacklist_characters="/\\:", blacklist_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda name: name not in {".", ".."}
)


@given(st.lists(names, max_size=4))
def test_there_and_back_is_the_same_place(below: list[str]) -> None:
    path = "/".join(["/downloads/films", *below])
    back = [PathMapping(theirs=mapping.ours, ours=mapping.theirs) for mapping in MAPPINGS]
    assert to_ours(to_ours(path, MAPPINGS), back) == path
