"""Proposals of one item."""

from pathlib import Path

from library.scanning.evidence import EDITION_FIELDS, FieldName, Proposal, Source, proposals_of_item
from library.scanning.facts import BookFacts
from library.scanning.grouping import group
from library.scanning.series import SeriesMention
from library.scanning.sidecars import Sidecar, SidecarKind, read_sidecars
from library.scanning.tags import FileTags, read_tags
from library.scanning.walking import walk
from tests.library.scanning.audio_files import write_audio


def test_each_source_proposes_what_it_knows_with_its_rank_and_place() -> None:
    file = FileTags("mp3", "mp3", 1.0, tags={"album": ("Dracula",), "genre": ("Horror",)})
    opf = Sidecar("A/S/1 - Drac/x.opf", SidecarKind.OPF, BookFacts(narrators=("Ann One",), abridged=False))
    found = proposals_of_item("Bram Stoker/Gothic/1 - Drac", is_file=False, files=[file], sidecars=[opf])
    assert found == [
        Proposal(FieldName.TITLE, "Drac", Source.FOLDER, "folder names", 0.7, 10),
        Proposal(FieldName.AUTHORS, ["Bram Stoker"], Source.FOLDER, "folder names", 0.7, 10),
        Proposal(FieldName.SERIES, [{"name": "Gothic", "position": "1"}], Source.FOLDER, "folder names", 0.7, 10),
        Proposal(FieldName.TITLE, "Dracula", Source.TAGS, "tags", 0.8, 20),
        Proposal(FieldName.GENRES, ["Horror"], Source.TAGS, "tags", 0.8, 20),
        Proposal(FieldName.NARRATORS, ["Ann One"], Source.SIDECAR, "x.opf", 0.9, 50),
        Proposal(FieldName.ABRIDGED, False, Source.SIDECAR, "x.opf", 0.9, 50),
    ]


def test_an_author_that_tags_file_by_surname_is_the_person_the_folder_names() -> None:
    def authors(folder: str, artist: str) -> list[object]:
        file = FileTags("mp3", "mp3", 1.0, tags={"album": ("T",), "artist": (artist,)})
        found = proposals_of_item(f"{folder}/T", is_file=False, files=[file])
        return [one.value for one in found if (one.field, one.source) == (FieldName.AUTHORS, Source.TAGS)]

    assert authors("Arthur Conan Doyle", "Doyle, Arthur Conan") == [["Arthur Conan Doyle"]]
    assert authors("Somebody Else", "Shirtaloon, Travis Deverell") == [["Shirtaloon", "Travis Deverell"]]


def test_sidecars_are_ranked_nfo_text_opf_metadata_json() -> None:
    kinds = [SidecarKind.METADATA_JSON, SidecarKind.NFO, SidecarKind.OPF, SidecarKind.TXT]
    sidecars = [Sidecar(f"A/{kind.name}", kind, BookFacts(title=kind.name)) for kind in kinds]
    found = proposals_of_item("", is_file=False, files=[], sidecars=sidecars)
    assert [(proposal.value, proposal.rank) for proposal in found] == [
        ("NFO", 30),
        ("TXT", 40),
        ("OPF", 50),
        ("METADATA_JSON", 60),
    ]


def test_an_unsure_field_says_so() -> None:
    found = proposals_of_item("Title - More", is_file=False, files=[])
    assert {proposal.field: proposal.confidence for proposal in found} == {
        FieldName.TITLE: 0.5,
        FieldName.SUBTITLE: 0.4,
    }


def test_every_field_of_the_facts_can_be_proposed() -> None:
    assert [field.value for field in FieldName] == [name for name in BookFacts.__slots__ if name != "unsure"]
    assert {field for field in FieldName if field in EDITION_FIELDS} == EDITION_FIELDS


def test_a_folder_on_disk_becomes_proposals(tmp_path: Path) -> None:
    tags = {
        "ALBUM": "Twenty Thousand Leagues",
        "COMPOSER": "Narrator F",
        "NARRATOR": "Narr Tag",
        "SERIES": "Voyages",
        "PART": "6",
    }
    write_audio(tmp_path / "Jules Verne/Voyages/Book 6 - Leagues/book.flac", tags=tags)
    (tmp_path / "Jules Verne/Voyages/Book 6 - Leagues/desc.txt").write_text("Under the sea.")
    (item,) = group(walk(tmp_path).files)
    sidecars, problems = read_sidecars(tmp_path, [file.path for file in item.sidecars])
    files = [read_tags(tmp_path / audio.file.path) for audio in item.audio]
    found = proposals_of_item(item.path, is_file=item.is_file, files=files, sidecars=sidecars)
    best = {proposal.field.value: proposal.value for proposal in found}
    assert (best, problems) == (
        {
            "title": "Twenty Thousand Leagues",
            "authors": ["Jules Verne"],
            "series": [{"name": "Voyages", "position": "6"}],
            "narrators": ["Narrator F", "Narr Tag"],
            "description": "Under the sea.",
        },
        [],
    )


def test_series_of_facts_are_plain_data() -> None:
    facts = BookFacts(series=(SeriesMention("A"), SeriesMention("B", "2.5")))
    (proposal,) = proposals_of_item("", is_file=False, files=[], sidecars=[Sidecar("x.opf", SidecarKind.OPF, facts)])
    assert proposal.value == [{"name": "A", "position": None}, {"name": "B", "position": "2.5"}]
