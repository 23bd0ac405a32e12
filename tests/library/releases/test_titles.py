"""Reading free titles and tags of releases."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.releases import ReleaseFacts, merge, read_tags, read_title
from library.scanning.series import SeriesMention


def facts(*parts: str, **told: Any) -> ReleaseFacts:
    return ReleaseFacts(parts=parts, **told)


TITLES = {
    "Arthur Conan Doyle - A Study in Scarlet (Unabridged) [M4B] 64kbps": facts(
        "Arthur Conan Doyle",
        "A Study in Scarlet",
        title="A Study in Scarlet",
        authors=("Arthur Conan Doyle",),
        formats=("m4b",),
        bit_rate_kbps=64,
        abridged=False,
    ),
    "The Time Machine by H. G. Wells, Ann Other [ENG / M4B MP3] [VIP]": facts(
        "The Time Machine",
        "by H. G. Wells, Ann Other",
        title="The Time Machine",
        authors=("H. G. Wells", "Ann Other"),
        formats=("m4b", "mp3"),
        language="en",
        is_free_for_vip=True,
    ),
    "A Writer - [Foundation 03] - Second Part - read by Jane Reader (2019) MP3 128k": facts(
        "A Writer",
        "Second Part",
        title="Second Part",
        authors=("A Writer",),
        narrators=("Jane Reader",),
        series=(SeriesMention("Foundation", "3"),),
        formats=("mp3",),
        bit_rate_kbps=128,
        published_year=2019,
    ),
    "Frank_Herbert_-_Dune_(Dune_Chronicles_1)_m4b": facts(
        "Frank Herbert",
        "Dune",
        title="Dune",
        authors=("Frank Herbert",),
        series=(SeriesMention("Dune Chronicles", "1"),),
        formats=("m4b",),
    ),
    "11.22.63.by.Stephen.King.Unabridged.MP3-GROUP": facts(
        "11 22 63",
        "by Stephen King",
        title="11 22 63",
        authors=("Stephen King",),
        formats=("mp3",),
        abridged=False,
    ),
    "A Writer - Saga - 03 - Title [GraphicAudio] 12h05m": facts(
        "A Writer",
        "Title",
        title="Title",
        authors=("A Writer",),
        series=(SeriesMention("Saga", "3"),),
        dramatized=True,
        duration_seconds=43_500.0,
    ),
    "Frank Schätzing - Der Schwarm (gekürztes Hörbuch) {Jan Leser}": facts(
        "Frank Schätzing",
        "Der Schwarm",
        title="Der Schwarm",
        authors=("Frank Schätzing",),
        narrators=("Jan Leser",),
        language="de",
        abridged=True,
    ),
    "George Orwell - 1984 (1949)": facts(
        "George Orwell", "1984", title="1984", authors=("George Orwell",), published_year=1949
    ),
    "Emma (BBC Radio 4 Full Cast Drama) [abridged, VBR V2, 3 hrs 32 mins]": facts(
        title="Emma", dramatized=True, abridged=True, bit_rate_kbps=190, duration_seconds=12_720.0
    ),
    "The 64K Question": facts(title="The 64K Question"),
    "Some.Audiobook.Unabridged": facts(title="Some Audiobook", abridged=False),
    "[M4B]": facts(title="[M4B]", formats=("m4b",)),
}


@pytest.mark.parametrize("title", TITLES)
def test_a_title_says_what_it_says(title: str) -> None:
    assert read_title(title) == TITLES[title]


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        (
            "Unabridged, 64 kbps, chapterized, 3 hrs 32 mins",
            ReleaseFacts(abridged=False, bit_rate_kbps=64, duration_seconds=12_720.0),
        ),
        ("Full cast, unabridged", ReleaseFacts(dramatized=True, abridged=False)),
        (
            "German m4b 128kbps 45 mins narrated by Jane Reader",
            ReleaseFacts(
                language="de",
                formats=("m4b",),
                bit_rate_kbps=128,
                duration_seconds=2_700.0,
                narrators=("Jane Reader",),
            ),
        ),
        (1984, ReleaseFacts()),
        (None, ReleaseFacts()),
        ("", ReleaseFacts()),
    ],
)
def test_tags_say_what_they_say(tags: object, told: ReleaseFacts) -> None:
    assert read_tags(tags) == told


@given(st.text(max_size=200))
def test_any_text_is_read_and_kept(text: str) -> None:
    for told in (read_title(text), read_tags(text)):
        assert ReleaseFacts.from_json(told.to_json()) == told


def test_fields_of_their_own_beat_what_was_parsed() -> None:
    parsed = read_title("Doyle - Scarlet (Abridged) [MP3] 64kbps")
    structured = ReleaseFacts(title="A Study in Scarlet", authors=("Arthur Conan Doyle",), abridged=False, seeders=0)
    assert merge(structured, parsed) == ReleaseFacts(
        title="A Study in Scarlet",
        authors=("Arthur Conan Doyle",),
        abridged=False,
        seeders=0,
        formats=("mp3",),
        bit_rate_kbps=64,
    )


def test_a_known_author_is_taken_out_of_a_guessed_title() -> None:
    merged = merge(ReleaseFacts(authors=("Stephen King",)), read_title("It - Stephen King"))
    assert merged == ReleaseFacts(title="It", authors=("Stephen King",), parts=("It",))


def test_facts_of_a_newer_version_are_left_out() -> None:
    assert ReleaseFacts.from_json({"title": "T", "smell": "old"}) == ReleaseFacts(title="T")
