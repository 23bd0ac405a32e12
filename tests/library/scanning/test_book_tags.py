"""One account of a book from the tags of all its files."""

import pytest

from library.scanning.book_tags import facts_of_tags
from library.scanning.facts import BookFacts
from library.scanning.series import SeriesMention
from library.scanning.tags import FileTags


def _file(**tags: str | tuple[str, ...]) -> FileTags:
    named = {name.replace("_", "-") if name == "series_part" else name: value for name, value in tags.items()}
    return FileTags(
        "mp3", "mp3", 10.0, tags={name: (value,) if isinstance(value, str) else value for name, value in named.items()}
    )


def _facts(*files: FileTags) -> BookFacts:
    return facts_of_tags(files)


def test_a_fully_tagged_m4b_gives_every_field() -> None:
    file = _file(
        title="Frankenstein",
        album="Frankenstein: The 1818 Text (Unabridged)",
        artist="Mary Shelley",
        albumartist="Mary Shelley",
        composer="Narrator A, Narrator B",
        genre="Classics/Horror",
        date="1818",
        releasedate="2020-02-01",
        series="Gothic Tales",
        series_part="1",
        grouping="Gothic Tales #1; Monster Universe #2.5",
        language="English",
        asin="B00TEST123",
        isbn="0-306-40615-2",
        subtitle="The 1818 Text",
        publisher="Test Publisher",
        description="Short",
        longdescription="Short and then long",
        comment="Comment text",
    )
    assert _facts(file) == BookFacts(
        title="Frankenstein: The 1818 Text",
        subtitle="The 1818 Text",
        authors=("Mary Shelley",),
        series=(SeriesMention("Gothic Tales", "1"), SeriesMention("Monster Universe", "2.5")),
        description="Short and then long",
        language="en",
        published_year=1818,
        genres=("Classics", "Horror"),
        narrators=("Narrator A", "Narrator B"),
        publisher="Test Publisher",
        asin="B00TEST123",
        isbn="9780306406157",
        abridged=False,
        published_date="2020-02-01",
    )


def test_files_without_tags_say_nothing() -> None:
    assert (_facts(), _facts(_file())) == (BookFacts(), BookFacts())


def test_the_title_most_files_give_is_taken_and_a_chapter_s_title_is_not() -> None:
    files = [_file(album="Draculla", title="1"), _file(album="Dracula", title="2"), _file(album="Dracula", title="3")]
    assert _facts(*files).title == "Dracula"
    assert _facts(_file(title="Chapter 1"), _file(title="Chapter 2")).title is None


def test_a_single_file_s_own_title_counts_with_less_certainty() -> None:
    assert _facts(_file(title="Dracula")) == BookFacts(title="Dracula", unsure={"title": 0.6})


@pytest.mark.parametrize(
    ("tags", "authors", "narrators"),
    [
        ({"artist": "Ann Author", "composer": "Ray Reader"}, ("Ann Author",), ("Ray Reader",)),
        ({"artist": "Ann Author", "composer": "Ann Author"}, ("Ann Author",), ()),
        ({"artist": "Ann Author", "narrator": "Ann Author"}, ("Ann Author",), ("Ann Author",)),
        ({"artist": "Ann Author", "composer": "Ann Author; Ray Reader"}, ("Ann Author",), ("Ann Author", "Ray Reader")),
        (
            {"artist": "Ann Author", "composer": "Com Poser", "narrator": "Nar Rator", "performer": "Per Former"},
            ("Ann Author",),
            ("Com Poser", "Nar Rator", "Per Former"),
        ),
        (
            {"artist": "Ann Author", "narrator": ("Ray Reader", "ray reader", "Kim Li")},
            ("Ann Author",),
            ("Ray Reader", "Kim Li"),
        ),
        (
            {"artist": "Ray Reader", "albumartist": "Ann Author", "narrator": "Ray Reader"},
            ("Ann Author",),
            ("Ray Reader",),
        ),
        ({"artist": "Ann Author, Ray Reader", "narrator": "Ray Reader"}, ("Ann Author",), ("Ray Reader",)),
        ({"artist": "X Y", "author": "Ann Author"}, ("Ann Author",), ()),
        ({"albumartist": "Ann Author"}, ("Ann Author",), ()),
        ({"artist": "Ann Author, Tom Lator - Translator"}, ("Ann Author",), ()),
        ({"artist": "Various", "albumartist": "Ann Author"}, ("Ann Author",), ()),
    ],
)
def test_people_are_told_apart(tags: dict[str, str], authors: tuple[str, ...], narrators: tuple[str, ...]) -> None:
    facts = _facts(_file(**tags))
    assert (facts.authors, facts.narrators) == (authors, narrators)


def test_narrators_of_later_files_count_too() -> None:
    files = [_file(artist="Ann Author", composer="One Reader"), _file(artist="Ann Author", composer="Two Reader")]
    assert _facts(*files).narrators == ("One Reader", "Two Reader")


def test_artists_that_differ_from_file_to_file_give_way_to_one_album_artist() -> None:
    files = [_file(artist="One Reader", albumartist="Ann Author"), _file(artist="Two Reader", albumartist="Ann Author")]
    assert _facts(*files).authors == ("Ann Author",)


@pytest.mark.parametrize(
    ("tags", "series"),
    [
        ({"movement": "Gothic", "movementnumber": "2"}, [("Gothic", "2")]),
        ({"movement": "Gothic", "movementnumber": "0"}, [("Gothic", None)]),
        ({"movement": "Gothic", "movementnumber": "2", "part": "2.5"}, [("Gothic", "2.5")]),
        ({"movement": "Gothic", "movementnumber": "2", "series": "gothic", "series_part": "2.50"}, [("Gothic", "2.5")]),
        ({"series": "A;B", "series_part": "1;2.5"}, [("A", "1"), ("B", "2.5")]),
        ({"series": ("A", "B"), "series_part": ("1", "1-3")}, [("A", "1"), ("B", "1-3")]),
        ({"series": "Gothic", "part": "6"}, [("Gothic", "6")]),
        ({"series": "Gothic #3"}, [("Gothic", "3")]),
        ({"series": "Gothic", "series_part": "Prequel"}, [("Gothic", "Prequel")]),
        ({"show": "Gothic", "episode_id": "2"}, [("Gothic", "2")]),
        ({"grouping": "A #1; B #2.5"}, [("A", "1"), ("B", "2.5")]),
        ({"grouping": "Content group"}, []),
    ],
)
def test_series_are_read_in_every_convention(tags: dict[str, str], series: list[tuple[str, str | None]]) -> None:
    assert _facts(_file(**tags)).series == tuple(SeriesMention(*one) for one in series)


def test_a_series_stated_by_the_title_alone_is_less_certain_but_certainly_no_title() -> None:
    facts = _facts(_file(album="Columbus Day - Expeditionary Force, Book 1"))
    assert facts == BookFacts(
        title="Columbus Day",
        series=(SeriesMention("Expeditionary Force", "1"),),
        unsure={"series": 0.6},
    )


def test_a_comment_is_a_less_certain_description_and_comments_that_differ_are_none() -> None:
    assert _facts(_file(comment="A tale")) == BookFacts(description="A tale", unsure={"description": 0.5})
    assert _facts(_file(comment="part 1"), _file(comment="part 2")).description is None


@pytest.mark.parametrize(
    ("tags", "abridged"),
    [
        ({"album": "X (Unabridged)"}, False),
        ({"album": "X [Abridged]"}, True),
        ({"album": "X", "abridged": "1"}, True),
        ({"album": "X", "abridged": "no"}, False),
        ({"album": "X", "unabridged": "yes"}, False),
        ({"album": "X", "format": "Unabridged"}, False),
        ({"album": "The Unabridged Journals"}, None),
    ],
)
def test_abridgement_is_read(tags: dict[str, str], abridged: bool | None) -> None:
    assert _facts(_file(**tags)).abridged == abridged


def test_a_dramatization_is_told_by_title_or_publisher_and_less_surely_by_a_full_cast() -> None:
    assert [
        _facts(_file(**tags)).dramatized
        for tags in ({"album": "X (Dramatized Adaptation)"}, {"publisher": "GraphicAudio"}, {"album": "X"})
    ] == [
        True,
        True,
        None,
    ]
    facts = _facts(_file(composer="Full Cast"))
    assert (facts.dramatized, facts.unsure) == (True, {"dramatized": 0.6})
