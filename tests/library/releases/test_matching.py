"""The gate before ranking: the right book passes, every other one is refused with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.releases import FreeText, RejectionCode, ReleaseFacts, Wanted, match, read_title
from library.releases.likeness import folded_words, name_likeness
from library.scanning.series import SeriesMention
from library.text_search import words

DUNE = Wanted(title="Dune", authors=("Frank Herbert",), series=(SeriesMention("Dune Chronicles", "1"),))
IT = Wanted(title="It", authors=("Stephen King",))
MACHINE = Wanted(title="The Time Machine", authors=("H. G. Wells",))
SCARLET = Wanted(
    title="A Study in Scarlet",
    authors=("Arthur Conan Doyle",),
    series=(SeriesMention("Sherlock Holmes", "1"),),
)
EMPIRE = Wanted(title="The Final Empire", authors=("Brandon Sanderson",), series=(SeriesMention("Mistborn", "1"),))
MARTIAN = Wanted(title="The Martian", authors=("Andy Weir",))
WIND = Wanted(title="The Name of the Wind", authors=("Patrick Rothfuss",))
SAPIENS = Wanted(title="Sapiens", subtitle="A Brief History of Humankind", authors=("Yuval Noah Harari",))
COMPASS = Wanted(title="Northern Lights", aliases=("The Golden Compass",), authors=("Philip Pullman",))
STAND = Wanted(title="Stand by Me", authors=("Stephen King",))


@pytest.mark.parametrize(
    ("wanted", "title"),
    [
        (DUNE, "Dune: Book One by Frank Herbert"),
        (DUNE, "Frank Herbert - Dune (Dune Chronicles 1)"),
        (DUNE, "Dune - Frank Herbert [M4B]"),
        (DUNE, "Frank Herbert - Dune Chronicles 01 - Dune"),
        (IT, "Stephen King - It"),
        (IT, "It by Stephen King [ENG / M4B]"),
        (MACHINE, "The Time Machine by Herbert George Wells"),
        (MACHINE, "H.G.Wells.The.Time.Machine.Unabridged.MP3"),
        (MACHINE, "Wells - The Time Machine"),
        (SCARLET, "Sir Arthur Conan Doyle - A Studdy in Scarlet"),
        (SCARLET, "Arthur Conan Doyle - Sherlock Holmes 01 - A Study in Scarlet read by Stephen Fry"),
        (SCARLET, "A Study in Scarlet [MP3]"),
        (EMPIRE, "Mistborn: The Final Empire by Brandon Sanderson"),
        (EMPIRE, "The Final Empire: Mistborn Book 1 by Brandon Sanderson"),
        (EMPIRE, "Brandon Sanderson - The Final Empire - Mistborn"),
        (MARTIAN, "The Martian: A Novel by Andy Weir"),
        (WIND, "The Name of the Wind: Kingkiller by Patrick Rothfuss"),
        (SAPIENS, "Sapiens: A Brief History of Humankind by Yuval Noah Harari"),
        (SAPIENS, "Sapiens by Yuval N. Harari"),
        (COMPASS, "Philip Pullman - The Golden Compass"),
        (STAND, "Stephen King - Stand by Me"),
        (STAND, "Stand by Me by Stephen King"),
    ],
)
def test_the_wanted_book_passes(wanted: Wanted, title: str) -> None:
    assert match(read_title(title), wanted).rejection is None


@pytest.mark.parametrize(
    ("wanted", "title", "code"),
    [
        (IT, "You Like It Darker by Stephen King", RejectionCode.WRONG_BOOK),
        (IT, "It Ends with Us by Colleen Hoover", RejectionCode.WRONG_BOOK),
        (IT, "It by Colleen Hoover", RejectionCode.WRONG_BOOK),
        (IT, "Stephen King - It - Welcome to Derry", RejectionCode.WRONG_BOOK),
        (IT, "It", RejectionCode.UNKNOWN_AUTHOR),
        (DUNE, "Dune Messiah by Frank Herbert", RejectionCode.WRONG_BOOK),
        (DUNE, "Frank Herbert - Dune - Dune Messiah", RejectionCode.WRONG_BOOK),
        (DUNE, "Frank Herbert - Dune Chronicles 02 - Dune", RejectionCode.WRONG_BOOK),
        (DUNE, "Dune: House Atreides by Brian Herbert", RejectionCode.WRONG_BOOK),
        (DUNE, "Dune: Book Two by Frank Herbert", RejectionCode.WRONG_BOOK),
        (DUNE, "Dune by Brian Herbert", RejectionCode.WRONG_BOOK),
        (DUNE, "Dune (Dune Chronicles 1-6) by Frank Herbert", RejectionCode.SEVERAL_BOOKS),
        (DUNE, "Frank Herbert - Dune [Box Set]", RejectionCode.SEVERAL_BOOKS),
        (MARTIAN, "The Martian Chronicles by Andy Weir", RejectionCode.WRONG_BOOK),
        (MACHINE, "The Time Machine by Stephen Baxter", RejectionCode.WRONG_BOOK),
        (EMPIRE, "Mistborn by Brandon Sanderson", RejectionCode.WRONG_BOOK),
        (SCARLET, "The Sign of Four by Arthur Conan Doyle", RejectionCode.WRONG_BOOK),
        (SCARLET, "A Study in Starlet", RejectionCode.UNKNOWN_AUTHOR),
        (Wanted(title="Swing Shift: Book 2"), "Swing Shift: Book 3", RejectionCode.WRONG_BOOK),
        (Wanted(title="Swing Shift: Book 2"), "Swing Shift", RejectionCode.WRONG_BOOK),
        (Wanted(title="A Clash of Kings"), "A Clash of Wings", RejectionCode.WRONG_BOOK),
    ],
)
def test_every_other_book_is_refused(wanted: Wanted, title: str, code: RejectionCode) -> None:
    rejection = match(read_title(title), wanted).rejection
    assert rejection is not None
    assert rejection.code is code
    assert rejection.message.endswith(".")


def test_a_short_title_without_author_passes_with_another_fact_that_agrees() -> None:
    wanted = Wanted(title="It", authors=("Stephen King",), narrators=("Jane Reader",), durations=(160_000.0,))
    for told in (
        ReleaseFacts(title="It", narrators=("Jane Reader",)),
        ReleaseFacts(title="It", duration_seconds=161_000),
    ):
        found = match(told, wanted)
        assert (found.accepted, found.author_score) == (True, None)


def test_another_narrator_than_the_wanted_one_is_refused_and_an_unknown_one_is_not() -> None:
    wanted = Wanted(title="Emma", authors=("Jane Austen",), narrators=("Jane Reader",))
    other = match(ReleaseFacts(title="Emma", authors=("Jane Austen",), narrators=("John Voice",)), wanted)
    assert other.rejection is not None
    assert other.rejection.code is RejectionCode.NARRATOR
    assert match(ReleaseFacts(title="Emma", authors=("Jane Austen",)), wanted).accepted


def test_a_wanted_box_set_may_be_one() -> None:
    wanted = Wanted(title="Dune: The Complete Series", authors=("Frank Herbert",))
    assert match(read_title("Dune: The Complete Series by Frank Herbert"), wanted).accepted


@pytest.mark.parametrize(
    ("text", "accepted"), [("scarlet doyle", True), ("Doyle: scarlet!", True), ("scarlet fry", False), ("…", False)]
)
def test_typed_words_must_all_be_there(text: str, *, accepted: bool) -> None:
    assert match(read_title("Arthur Conan Doyle - A Study in Scarlet"), FreeText(text)).accepted is accepted


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ("J.R.R. Tolkien", "J R R Tolkien", 1.0),
        ("Doyle, Arthur Conan", "Arthur Conan Doyle", 1.0),
        ("Ursula K. Le Guin", "Ursula Le Guin", 0.95),
        ("J. R. R. Tolkien", "John Ronald Reuel Tolkien", 0.9),
        ("H. G. Wells", "Martha Wells", 0.0),
        ("Frank Herbert", "Brian Herbert", 0.0),
        ("King", "Stephen King", 0.8),
        ("Homer", "Homer", 1.0),
        ("", "Homer", 0.0),
    ],
)
def test_names_are_one_persons_or_not(one: str, other: str, likeness: float) -> None:
    assert name_likeness(one, other) == name_likeness(other, one) == likeness


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4), st.text(min_size=1, max_size=30))
def test_any_release_can_be_compared(parts: list[str], title: str) -> None:
    found = match(read_title(" - ".join(parts)), Wanted(title=title, authors=("A B",)))
    assert 0 <= found.title_score <= 1


@given(st.text(st.characters(max_codepoint=0x7F)) | st.text())
def test_the_quick_way_to_words_finds_the_same(text: str) -> None:
    assert folded_words(text) == words(text)
