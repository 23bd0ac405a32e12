"""The demo collection is written whole, once, deterministically, and only where nothing else is."""

# mutagen marks itself as typed, but few of its functions are.
# mypy: allow-untyped-calls

import hashlib
import json
import multiprocessing
import os
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import av
import mutagen
import pytest
from defusedxml import ElementTree
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus

from demo.books import DemoBook, DemoEdition, SeriesPlace, load_books
from demo.layouts import RECIPES, Blurb, Dialect, EditionPlan, Shape, plan
from demo.writer import (
    MARKER,
    CollectionSummary,
    DemoFolderHasOtherFiles,
    FolderNotOurs,
    write_collection,
    write_edition,
)

BOOK = DemoBook(
    title="L'Été à Paris",
    subtitle="A Summer",
    authors=("Anna O'Neil", "Émile Roux"),
    series=(SeriesPlace("Seasons", "2"),),
    year=1901,
    language="fr",
    genres=("Romance", "Travel"),
    tags=("heat", "river"),
    blurb="Two letters & one river.",
    editions=(DemoEdition(narrators=("Odile Ferranche", "Rufus Pemberlin")),),
)
FEW = tuple(
    replace(BOOK, title=title, blurb=f"About {title}.", editions=(DemoEdition((f"{title} Reader",)),))
    for title in ("One", "Two", "Three", "Four")
)


def test_every_recipe_writes_audio_of_the_planned_length_that_decodes(tmp_path: Path) -> None:
    for edition in _one_of_each_recipe():
        write_edition(tmp_path, edition)
        for part in edition.parts:
            path = tmp_path / edition.folder / part.name
            assert _seconds(path) == pytest.approx(part.seconds, abs=0.2), path
            with av.open(str(path)) as audio:
                assert sum(frame.samples for frame in audio.decode(audio=0)) > 0


def test_the_blurb_of_every_recipe_is_in_a_tag_or_a_sidecar(tmp_path: Path) -> None:
    for edition in _one_of_each_recipe():
        write_edition(tmp_path, edition)
        first = tmp_path / edition.folder / edition.parts[0].name
        if edition.recipe.blurb in {Blurb.DESCRIPTION, Blurb.COMMENT}:
            assert BOOK.blurb in str(mutagen.File(first).tags.values()), first
        else:
            text = (tmp_path / edition.folder / edition.recipe.blurb.value).read_text("utf-8")
            assert BOOK.blurb in text.replace("&amp;amp;", "&"), first


def test_an_m4b_in_the_classic_dialect_has_narrators_in_composer_and_series_in_grouping(tmp_path: Path) -> None:
    audio = MP4(_write(tmp_path, ".m4b", Shape.SINGLE, Dialect.CLASSIC))
    assert _texts(audio, "©alb", "©ART", "©wrt", "©grp", "©gen", "©day") == {
        "©alb": ["L'Été à Paris (Unabridged)"],
        "©ART": ["Anna O'Neil; Émile Roux"],
        "©wrt": ["Odile Ferranche, Rufus Pemberlin"],
        "©grp": ["Seasons #2"],
        "©gen": ["Romance; Travel"],
        "©day": ["1901"],
    }
    assert [chapter.title for chapter in audio.chapters or ()] == ["Chapitre 1", "Chapitre 2", "Chapitre 3"]
    assert audio["covr"][0].startswith(b"\xff\xd8")


def test_an_m4b_in_the_movement_dialect_has_a_value_for_each_name(tmp_path: Path) -> None:
    audio = MP4(_write(tmp_path, ".m4b", Shape.ROOT, Dialect.MOVEMENT))
    assert _texts(audio, "©ART", "©nrt", "©mvn", "©mvi", "desc") == {
        "©ART": ["Anna O'Neil", "Émile Roux"],
        "©nrt": ["Odile Ferranche", "Rufus Pemberlin"],
        "©mvn": ["Seasons"],
        "©mvi": [2],
        "desc": ["Two letters & one river."],
    }


def test_an_mp3_in_the_freeform_dialect_is_id3_v2_3_with_joined_values(tmp_path: Path) -> None:
    tags = ID3(_write(tmp_path, ".mp3", Shape.DISCS, Dialect.FREEFORM), translate=False)
    names = ("TPE1", "TPE3", "TCON", "TXXX:SERIES", "TXXX:SERIES-PART", "TPOS", "TRCK", "TYER")
    assert {name: tags[name].text for name in names} == {
        "TPE1": ["Anna O'Neil & Émile Roux"],
        "TPE3": ["Odile Ferranche & Rufus Pemberlin"],
        "TCON": ["Romance/Travel"],
        "TXXX:SERIES": ["Seasons"],
        "TXXX:SERIES-PART": ["2"],
        "TPOS": ["1/2"],
        "TRCK": ["1/2"],
        "TYER": ["1901"],
    }
    assert tags.version == (2, 3, 0)


def test_a_single_mp3_has_chapter_frames(tmp_path: Path) -> None:
    tags = ID3(_write(tmp_path, ".mp3", Shape.SINGLE, Dialect.MOVEMENT))
    chapters = [frame.sub_frames["TIT2"].text[0] for frame in tags.getall("CHAP")]
    assert chapters == ["Chapitre 1", "Chapitre 2", "Chapitre 3"]
    assert [tags["MVNM"].text, tags["MVIN"].text] == [["Seasons"], ["2"]]


def test_a_flac_keeps_its_chapters_in_comments(tmp_path: Path) -> None:
    audio = FLAC(_write(tmp_path, ".flac", Shape.SINGLE, Dialect.MOVEMENT))
    assert [audio["chapter000"], audio["chapter000name"]] == [["00:00:00.000"], ["Chapitre 1"]]
    assert audio["narrator"] == ["Odile Ferranche", "Rufus Pemberlin"]


def test_an_opus_in_the_folder_dialect_leaves_names_to_folders_and_sidecars(tmp_path: Path) -> None:
    path = _write(tmp_path, ".opus", Shape.SINGLE, Dialect.FOLDER)
    assert {"album", "title", "artist", "date", "composer"} & set(OggOpus(path)) == set()
    assert path.parent.relative_to(tmp_path) == Path(
        "Anna O'Neil & Émile Roux/Seasons/Vol 2 - 1901 - L'Été à Paris {Odile Ferranche, Rufus Pemberlin}"
    )
    assert (path.parent / "reader.txt").read_text("utf-8") == "Odile Ferranche, Rufus Pemberlin\n"
    assert (path.parent / "desc.txt").read_text("utf-8") == "Two letters & one river.\n"


def test_metadata_json_holds_the_whole_row(tmp_path: Path) -> None:
    path = _write(tmp_path, ".wav", Shape.SINGLE, Dialect.FOLDER)
    assert json.loads((path.parent / "metadata.json").read_text("utf-8")) == {
        "tags": ["heat", "river"],
        "title": "L'Été à Paris",
        "subtitle": "A Summer",
        "authors": ["Anna O'Neil", "Émile Roux"],
        "narrators": ["Odile Ferranche", "Rufus Pemberlin"],
        "series": ["Seasons #2"],
        "genres": ["Romance", "Travel"],
        "publishedYear": "1901",
        "description": "Two letters & one river.",
        "language": "French",
        "abridged": False,
    }


def test_the_opf_is_well_formed_and_names_roles_and_series(tmp_path: Path) -> None:
    path = _write(tmp_path, ".m4a", Shape.PARTS, Dialect.MOVEMENT)
    [metadata] = ElementTree.fromstring((path.parent / "metadata.opf").read_bytes())
    assert [_plain(element) for element in metadata] == [
        ("title", None, "L'Été à Paris"),
        ("subtitle", None, "A Summer"),
        ("creator", "aut", "Anna O'Neil"),
        ("creator", "aut", "Émile Roux"),
        ("creator", "nrt", "Odile Ferranche"),
        ("creator", "nrt", "Rufus Pemberlin"),
        ("date", None, "1901"),
        ("language", None, "fr"),
        ("description", None, "<p>Two letters &amp; one river.</p>"),
        ("subject", None, "Romance"),
        ("subject", None, "Travel"),
        ("tag", None, "heat"),
        ("tag", None, "river"),
        ("meta", "Seasons", None),
        ("meta", "2", None),
    ]


def test_hours_of_silence_are_small_and_have_their_exact_length(tmp_path: Path) -> None:
    long = replace(BOOK, editions=(DemoEdition(("Odile Ferranche",), hours=3.5),))
    [edition] = plan([long])
    write_edition(tmp_path, edition)
    path = tmp_path / edition.folder / edition.parts[0].name
    assert _seconds(path) == pytest.approx(3.5 * 3600, abs=0.2)
    assert path.stat().st_size < 1_000_000
    with av.open(str(path)) as audio:
        audio.seek(3 * 3600 * av.time_base)
        assert next(audio.decode(audio=0)).samples > 0


def test_no_two_files_hold_the_same_audio(tmp_path: Path) -> None:
    write_collection(tmp_path / "demo", _ignore, books=(*FEW, BOOK))
    payloads = Counter(_payload(path) for path in _audio(tmp_path / "demo"))
    assert len(payloads) > 5
    assert set(payloads.values()) == {1}


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        for edition in _one_of_each_recipe():
            write_edition(tmp_path / name, edition)
    assert _digests(tmp_path / "first") == _digests(tmp_path / "second")


def test_a_second_call_writes_nothing_and_knows_what_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    steps: list[tuple[int, int, str]] = []
    first = write_collection(folder, lambda *step: steps.append(step), books=FEW)
    before = _mtimes(folder)
    second = write_collection(folder, lambda *step: pytest.fail(f"wrote {step}"), books=FEW)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != MARKER)
    assert [(done, total) for done, total, _ in steps] == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert {title for _, _, title in steps} == {"", "One", "Two", "Three", "Four"}
    assert first == CollectionSummary(
        books=4, editions=4, audio_files=len(_audio(folder)), bytes=size, seconds=first.seconds, written=True
    )
    assert second == replace(first, written=False)
    assert _mtimes(folder) == before
    assert _names(tmp_path) == ["demo"]


def test_a_changed_table_replaces_the_collection(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    write_collection(folder, _ignore, books=FEW)
    summary = write_collection(folder, _ignore, books=FEW[:1])
    assert [summary.editions, summary.written] == [1, True]
    assert len(_audio(folder)) == summary.audio_files
    assert _names(tmp_path) == ["demo"]


def test_files_that_somebody_added_are_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    write_collection(folder, _ignore, books=FEW[:1])
    (folder / "mine.mp3").write_bytes(b"mine")
    with pytest.raises(DemoFolderHasOtherFiles, match=r"such as mine\.mp3; move them"):
        write_collection(folder, _ignore, books=FEW[:2])
    assert (folder / "mine.mp3").read_bytes() == b"mine"


def test_a_folder_with_other_peoples_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FolderNotOurs, match="choose another folder"):
        write_collection(tmp_path, _ignore, books=FEW[:1])
    assert _names(tmp_path) == ["notes.txt"]


def test_a_foreign_folder_with_the_scratch_name_is_refused(tmp_path: Path) -> None:
    scratch = tmp_path / ".demo.writing"
    scratch.mkdir()
    (scratch / "notes.txt").write_text("mine")
    with pytest.raises(FolderNotOurs, match=r"demo\.writing"):
        write_collection(tmp_path / "demo", _ignore, books=FEW[:1])
    assert (scratch / "notes.txt").read_text() == "mine"


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    assert write_collection(tmp_path / "demo", _ignore, books=FEW[:1]).written


def test_an_interrupted_call_leaves_nothing_and_is_redone(tmp_path: Path) -> None:
    def interrupt(done: int, total: int, title: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    folder = tmp_path / "demo"
    with pytest.raises(KeyboardInterrupt):
        write_collection(folder, interrupt, books=FEW)
    assert _names(tmp_path) == []
    assert write_collection(folder, _ignore, books=FEW).written


def test_a_killed_call_is_redone(tmp_path: Path) -> None:
    writer = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(tmp_path / "demo",))
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    assert _names(tmp_path) == [".demo.writing"]
    assert write_collection(tmp_path / "demo", _ignore, books=FEW).written
    assert _names(tmp_path) == ["demo"]


def test_the_whole_table_can_be_planned_for_every_folder_name() -> None:
    assert [edition.folder for edition in plan(load_books()) if edition.folder != edition.folder.strip()] == []


def _write_and_die(folder: Path) -> None:
    def die(done: int, total: int, title: str) -> None:
        if done == 2:
            os.kill(os.getpid(), signal.SIGKILL)

    write_collection(folder, die, books=FEW)


def _ignore(done: int, total: int, title: str) -> None:
    pass


def _one_of_each_recipe() -> list[EditionPlan]:
    """The book in every recipe, beside each other in one list."""
    plans = plan([BOOK] * len(RECIPES))
    assert {edition.recipe for edition in plans} == set(RECIPES)
    return [replace(edition, folder=f"{number}/{edition.folder}") for number, edition in enumerate(plans)]


def _write(root: Path, suffix: str, shape: Shape, dialect: Dialect) -> Path:
    """Write the book in the recipe asked for; the path of its first audio file."""
    [edition, *_] = [
        edition
        for edition in plan([BOOK] * len(RECIPES))
        if (edition.recipe.suffix, edition.recipe.shape, edition.recipe.dialect) == (suffix, shape, dialect)
    ]
    write_edition(root, edition)
    return root / edition.folder / edition.parts[0].name


def _texts(audio: MP4, *names: str) -> dict[str, list[object]]:
    return {name: list(audio[name]) for name in names}


def _plain(element: Element) -> tuple[str, str | None, str | None]:
    """Name without its namespace, role or content, and text."""
    values = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    return element.tag.rpartition("}")[2], values.get("role", values.get("content")), element.text


def _seconds(path: Path) -> float:
    length: float = mutagen.File(path).info.length
    return length


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _audio(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.suffix in {recipe.suffix for recipe in RECIPES}]


def _payload(path: Path) -> str:
    with av.open(str(path)) as audio:
        return hashlib.sha256(b"".join(bytes(packet) for packet in audio.demux(audio=0))).hexdigest()


def _digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _mtimes(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
