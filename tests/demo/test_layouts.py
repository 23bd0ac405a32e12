"""The plan of the demo uses every layout, and no two editions get in each other's way."""

from collections import Counter
from pathlib import PurePosixPath

from demo.books import load_books
from demo.layouts import RECIPES, Cover, EditionPlan, inverted, plan, sellers_title

PLANS = plan(load_books())


def test_every_recipe_is_used_several_times() -> None:
    used = Counter(edition.recipe for edition in PLANS)
    assert {recipe: used[recipe] for recipe in RECIPES if used[recipe] < 4} == {}


def test_every_edition_has_a_folder_or_a_file_of_its_own() -> None:
    paths = Counter(path for edition in PLANS for path in _paths(edition))
    assert [path for path, count in paths.items() if count > 1] == []


def test_no_edition_lies_inside_the_folder_of_another() -> None:
    folders = {PurePosixPath(edition.folder) for edition in PLANS if edition.folder}
    assert [folder for folder in folders if folders & set(folder.parents)] == []


def test_real_lengths_are_kept_and_the_rest_lasts_seconds() -> None:
    for edition in PLANS:
        if edition.edition.hours:
            assert edition.seconds == edition.edition.hours * 3600
        else:
            assert all(2 <= part.seconds <= 6 for part in edition.parts)


def test_a_long_recording_has_a_chapter_about_every_half_hour() -> None:
    [crusoe] = [edition for edition in PLANS if edition.book.title == "Robinson Crusoe"]
    chapters = crusoe.parts[0].chapters
    assert [(chapters[0].start, chapters[0].title), len(chapters)] == [(0, "Chapter 1"), 25]
    assert chapters[-1].start < crusoe.seconds


def test_covers_are_embedded_lie_beside_the_audio_or_are_missing() -> None:
    assert {edition.recipe.cover for edition in PLANS} == set(Cover)


def test_titles_say_what_kind_of_recording_it_is() -> None:
    spoken = {sellers_title(edition) for edition in PLANS}
    assert {"The Vicomte of Bragelonne (Abridged)", "A Christmas Carol (Dramatized)"} <= spoken
    assert any(title.endswith("(Unabridged)") for title in spoken)


def test_the_plan_follows_from_the_table_alone() -> None:
    assert plan(load_books()) == PLANS


def test_names_are_inverted_at_their_last_word() -> None:
    assert [inverted("H. G. Wells"), inverted("Voltaire")] == ["Wells, H. G.", "Voltaire"]


def test_a_recording_of_hours_is_never_several_files() -> None:
    long = [edition for edition in PLANS if edition.edition.hours]
    assert {edition.recipe.suffix for edition in long} == {".m4b", ".flac"}
    assert {len(edition.parts) for edition in long} == {1}


def _paths(edition: EditionPlan) -> list[str]:
    names = [part.name for part in edition.parts]
    return [edition.folder or name for name in names[:1]] + [f"{edition.folder}/{name}" for name in names]
