"""Chapters on the time line of an edition."""

from hypothesis import given
from hypothesis import strategies as st

from library.scanning.chapters import EditionChapter, TimedFile, edition_chapters
from library.scanning.raw_chapters import RawChapter
from library.scanning.tags import FileTags


def _file(path: str, seconds: float, *chapters: RawChapter, title: str = "") -> TimedFile:
    tags = {"title": (title,)} if title else {}
    return TimedFile(path, FileTags("mp3", "mp3", seconds, tags=tags, chapters=chapters))


def test_chapters_inside_files_are_moved_to_the_edition_and_end_where_the_next_begins() -> None:
    files = [_file("1.mp3", 10, RawChapter(0, "One"), RawChapter(4, "Two")), _file("2.mp3", 5, RawChapter(1, "Three"))]
    assert edition_chapters(files) == (
        EditionChapter("One", 0, 4),
        EditionChapter("Two", 4, 11),
        EditionChapter("Three", 11, 15),
    )


def test_a_file_without_chapters_adds_one_named_by_its_file_name() -> None:
    files = [_file("A/01 - Start.mp3", 10), _file("A/02.mp3", 5, RawChapter(0, "In"))]
    assert edition_chapters(files) == (EditionChapter("Start", 0, 10), EditionChapter("In", 10, 15))


def test_files_are_chapters_named_by_their_titles_when_these_differ() -> None:
    files = [_file("1.mp3", 10, title="Letter 1"), _file("2.mp3", 5, title="Letter 2")]
    assert edition_chapters(files) == (EditionChapter("Letter 1", 0, 10), EditionChapter("Letter 2", 10, 15))


def test_titles_that_repeat_the_book_give_way_to_file_names() -> None:
    files = [_file("01.mp3", 10, title="Dracula"), _file("02.mp3", 5, title="Dracula")]
    assert edition_chapters(files) == (EditionChapter("01", 0, 10), EditionChapter("02", 10, 15))


def test_a_single_file_without_chapters_has_none() -> None:
    assert edition_chapters([_file("1.mp3", 10, title="Dracula")]) == ()


def test_a_sidecar_s_chapters_count_first() -> None:
    files = [_file("1.mp3", 10, RawChapter(0, "Inside"))]
    sidecar = [RawChapter(0, "Listed", 6), RawChapter(6, "", 10)]
    assert edition_chapters(files, sidecar) == (EditionChapter("Listed", 0, 6), EditionChapter("Chapter 2", 6, 10))


def test_degenerate_chapters_are_dropped() -> None:
    chapters = [
        RawChapter(0, "One"),
        RawChapter(4, "Mark"),
        RawChapter(4.01, "Two"),
        RawChapter(99, "Outside"),
        RawChapter(float("nan"), "No"),
    ]
    assert edition_chapters([_file("1.mp3", 10, *chapters)]) == (
        EditionChapter("One", 0, 4),
        EditionChapter("Two", 4.01, 10),
    )


def test_overdrive_s_continuations_join_their_chapter_across_files() -> None:
    files = [
        _file("1.mp3", 10, RawChapter(0, "One"), RawChapter(5, "One (05:00)")),
        _file("2.mp3", 10, RawChapter(0, "One (continued)"), RawChapter(3, "Two")),
    ]
    assert edition_chapters(files) == (EditionChapter("One", 0, 13), EditionChapter("Two", 13, 20))


_CHAPTERS = st.lists(
    st.builds(RawChapter, st.floats(-10, 1e6) | st.just(float("nan")), st.text(max_size=3)), max_size=8
)
_FILES = st.lists(
    st.builds(_file, st.just("1.mp3"), st.floats(0, 1e5))
    | _CHAPTERS.map(lambda chapters: _file("2.mp3", 60, *chapters)),
    max_size=6,
)


@given(_FILES, _CHAPTERS)
def test_chapters_follow_each_other_inside_the_recording(files: list[TimedFile], sidecar: list[RawChapter]) -> None:
    chapters = edition_chapters(files, sidecar)
    edges = [edge for chapter in chapters for edge in (chapter.start, chapter.end)]
    assert edges == sorted(edges)
    assert all(chapter.start < chapter.end and chapter.title for chapter in chapters)
