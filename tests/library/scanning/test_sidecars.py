"""Reading the files beside the audio."""

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from library.scanning.errors import Problem, SidecarBrokenError
from library.scanning.facts import BookFacts
from library.scanning.raw_chapters import RawChapter
from library.scanning.series import SeriesMention
from library.scanning.sidecars import MAX_SIDECAR_BYTES, Sidecar, SidecarKind, decoded, parse_sidecar, read_sidecars

_FLAT = b"""{"tags": ["gothic"], "chapters": [{"id": 0, "start": 0, "end": 1.5, "title": "One"}], "title": "Dracula",
"subtitle": "A Mystery Story", "authors": ["Bram Stoker"], "narrators": ["Ann One", "Simon & Co, Ltd"],
"series": ["Gothic Classics #2", "Plain #Name", "Other"], "genres": ["Horror"], "publishedYear": "1897",
"publishedDate": null, "publisher": "Constable", "description": "<p>About</p>", "isbn": "9780306406157",
"asin": "B00TEST791", "language": "eng", "explicit": false, "abridged": false}"""


def test_metadata_json_is_read() -> None:
    assert parse_sidecar("A/metadata.json", _FLAT) == Sidecar(
        "A/metadata.json",
        SidecarKind.METADATA_JSON,
        BookFacts(
            title="Dracula",
            subtitle="A Mystery Story",
            authors=("Bram Stoker",),
            narrators=("Ann One", "Simon & Co, Ltd"),
            series=(SeriesMention("Gothic Classics", "2"), SeriesMention("Plain", "Name"), SeriesMention("Other")),
            genres=("Horror",),
            tags=("gothic",),
            published_year=1897,
            publisher="Constable",
            description="About",
            isbn="9780306406157",
            asin="B00TEST791",
            language="en",
        ),
        (RawChapter(0, "One", 1.5),),
    )


def test_the_older_nested_metadata_json_is_read() -> None:
    data = b"""{"tags": ["t"], "metadata": {"title": "Dracula", "authors": [{"id": "x", "name": "Bram Stoker"}],
    "series": [{"name": "Gothic", "sequence": "2.0"}], "publishedDate": "1897-05-26", "abridged": true, "isbn": 5}}"""
    assert parse_sidecar("metadata.json", data).facts == BookFacts(
        title="Dracula",
        authors=("Bram Stoker",),
        series=(SeriesMention("Gothic", "2"),),
        tags=("t",),
        published_year=1897,
        published_date="1897-05-26",
        abridged=True,
    )


_OPF = """<?xml version="1.0" encoding="utf-8"?>
<ns0:package xmlns:ns0="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><ns0:metadata>
<dc:title>Dracula</dc:title><dc:subtitle>A Mystery Story</dc:subtitle>
<dc:creator ns0:role="aut" ns0:file-as="Stoker, Bram">Bram Stoker</dc:creator>
<dc:creator ns0:role="nrt">Ann One</dc:creator>
<dc:contributor ns0:role="bkp">calibre (6.0)</dc:contributor><dc:contributor ns0:role="nrt">Bob Two</dc:contributor>
<dc:date>1897-05-26</dc:date><dc:publisher>Constable</dc:publisher><dc:language>eng</dc:language>
<dc:identifier ns0:scheme="ISBN">9780306406157</dc:identifier>
<dc:identifier ns0:scheme="ASIN">B00TEST791</dc:identifier>
<dc:description>&lt;p&gt;About&lt;/p&gt;</dc:description><dc:subject>Horror</dc:subject><dc:tag>gothic</dc:tag>
<meta name="calibre:series" content="Gothic"/><meta name="calibre:series_index" content="2"/>
<meta name="calibre:series" content="Monsters"/><meta name="calibre:series_index" content="1.5"/>
</ns0:metadata></ns0:package>"""


def test_an_opf_is_read_whatever_its_prefixes() -> None:
    assert parse_sidecar("A/book.opf", _OPF.encode()) == Sidecar(
        "A/book.opf",
        SidecarKind.OPF,
        BookFacts(
            title="Dracula",
            subtitle="A Mystery Story",
            authors=("Bram Stoker",),
            narrators=("Ann One", "Bob Two"),
            series=(SeriesMention("Gothic", "2"), SeriesMention("Monsters", "1.5")),
            genres=("Horror",),
            tags=("gothic",),
            published_year=1897,
            published_date="1897-05-26",
            publisher="Constable",
            description="About",
            isbn="9780306406157",
            asin="B00TEST791",
            language="en",
        ),
    )


def test_a_single_series_of_an_opf_takes_its_index_from_anywhere() -> None:
    data = b'<p><meta name="calibre:series_index" content="3.0"/><x/><meta name="calibre:series" content="Gothic"/></p>'
    assert parse_sidecar("x.opf", data).facts.series == (SeriesMention("Gothic", "3"),)


def test_identifiers_of_an_opf_may_name_their_scheme_in_the_text() -> None:
    data = b"<p><identifier>urn:isbn:9780306406157</identifier><identifier>urn:asin:B00TEST791</identifier></p>"
    facts = parse_sidecar("x.opf", data).facts
    assert (facts.isbn, facts.asin) == ("9780306406157", "B00TEST791")


_NFO = """General Information
===================
 Title:                  Dracula (Unabridged)
 Author:                 Bram Stoker
 Read By:                Ann One, Bob Two
 Series Name:            Gothic
 Position in Series:     02
 Genre:                  Horror, Classics
 Audible.com Release:    30-Apr-2010
 Copyright:              1897
 Publisher:              Constable
 Language:               English
 ASIN:                   B00TEST791
 ISBN-10:                0306406152
 Unabridged:             Yes

Book Description
================
A count: he moves
to England.

Media Information
=================
 Codec: MP3
"""


def test_an_nfo_is_read() -> None:
    assert parse_sidecar("A/book.nfo", _NFO.encode()) == Sidecar(
        "A/book.nfo",
        SidecarKind.NFO,
        BookFacts(
            title="Dracula",
            authors=("Bram Stoker",),
            narrators=("Ann One", "Bob Two"),
            series=(SeriesMention("Gothic", "2"),),
            genres=("Horror", "Classics"),
            published_year=1897,
            published_date="2010-04-30",
            publisher="Constable",
            description="A count: he moves\nto England.",
            isbn="9780306406157",
            asin="B00TEST791",
            language="en",
            abridged=False,
        ),
    )


def test_desc_and_reader_texts_are_read() -> None:
    assert parse_sidecar("A/desc.txt", b"One\r\n\r\nTwo").facts == BookFacts(description="One\n\nTwo")
    assert parse_sidecar("A/Reader.txt", b"\nAnn One & Bob Two\nother").facts == BookFacts(
        narrators=("Ann One", "Bob Two")
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_texts_are_read_in_the_encodings_people_use(encoding: str) -> None:
    assert decoded("Zoë’s café".encode(encoding)) == "Zoë’s café"


def test_a_broken_sidecar_is_a_problem_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_bytes(b"{")
    (tmp_path / "bomb.opf").write_bytes(b'<!DOCTYPE x [<!ENTITY a "a">]><x>&a;</x>')
    (tmp_path / "desc.txt").write_bytes(b"x" * (MAX_SIDECAR_BYTES + 1))
    (tmp_path / "reader.txt").write_bytes(b"Ann One")
    sidecars, problems = read_sidecars(tmp_path, ["metadata.json", "bomb.opf", "desc.txt", "gone.nfo", "reader.txt"])
    assert [sidecar.path for sidecar in sidecars] == ["reader.txt"]
    assert [(problem.path, problem.code) for problem in problems] == [
        ("metadata.json", "SIDECAR_BROKEN"),
        ("bomb.opf", "SIDECAR_BROKEN"),
        ("desc.txt", "SIDECAR_TOO_LARGE"),
        ("gone.nfo", "FILE_UNREADABLE"),
    ]
    assert problems[3] == Problem(
        "gone.nfo",
        "FILE_UNREADABLE",
        "The file cannot be read (No such file or directory); check its rights and the disk.",
    )


@pytest.mark.parametrize("data", [b"[]", b"null", b"3", b"", b"\xff\xfe"])
def test_json_that_is_no_object_is_broken(data: bytes) -> None:
    with pytest.raises(SidecarBrokenError):
        parse_sidecar("metadata.json", data)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "start", "end", "title"]), inner)
    ),
    max_leaves=6,
)
_FIELDS = [
    "title",
    "authors",
    "narrators",
    "series",
    "genres",
    "tags",
    "chapters",
    "publishedYear",
    "isbn",
    "metadata",
    "abridged",
]


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_fields_of_any_type_are_read_or_left_out(document: dict[str, object]) -> None:
    parse_sidecar("metadata.json", orjson.dumps(document))


@given(st.sampled_from(["x.nfo", "desc.txt", "reader.txt"]), st.binary(max_size=300))
def test_no_text_sidecar_raises(name: str, data: bytes) -> None:
    parse_sidecar(name, data)
