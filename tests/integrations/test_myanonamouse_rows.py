"""What is read out of the site's answers, whatever types its numbers and flags have."""

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import BadPayload, Refused
from integrations.myanonamouse import Account, MediaInfo, MediaType, Row, is_free, values
from integrations.myanonamouse.account import parse_account
from integrations.myanonamouse.rows import parse_row
from integrations.myanonamouse.search import parse_answer
from integrations.myanonamouse.snatches import parse_snatches

LIVE: dict[str, Any] = {
    "id": 7001,
    "added": "2026-03-14 07:22:05",
    "author_info": '{"1":"Mary Shelley","2":"Brian O&#039;Example"}',
    "bookmarked": None,
    "browseflags": 40,
    "main_cat": 13,
    "category": 43,
    "catname": "Audiobooks - Horror",
    "mediatype": 1,
    "maincat": 1,
    "categories": "[45]",
    "dl": "a-credential-of-the-user",
    "filetype": "m4b MP3",
    "fl_vip": 1,
    "free": 0,
    "lang_code": "ENG",
    "language": 1,
    "leechers": 2,
    "my_snatched": 1,
    "narrator_info": '{"9":"Jane Reader"}',
    "numfiles": 3,
    "owner": 5,
    "owner_name": "somebody",
    "personal_freeleech": 0,
    "seeders": 11,
    "series_info": '{"3":["Moderns","01-11, 5.5",1.0],"4":["Example Universe",""],"5":["Numbered",2]}',
    "size": "1.29 GiB",
    "tags": 1818,
    "thumbnail": "https://cdn.example.net/t/p/small/7001.webp",
    "times_completed": 40,
    "title": "Frankenstein &amp; Other Tales",
    "vip": 1,
    "vip_expire": 1790000000,
    "w": 7001,
    "isbn": "ASIN:B0EXAMPLE1",
}
LIVE_ROW = Row(
    id=7001,
    title="Frankenstein & Other Tales",
    authors=("Mary Shelley", "Brian O'Example"),
    narrators=("Jane Reader",),
    series=(("Moderns", "01-11, 5.5"), ("Example Universe", ""), ("Numbered", "2")),
    category=43,
    category_name="Audiobooks - Horror",
    media_type=MediaType.AUDIOBOOK,
    file_types=("m4b", "mp3"),
    size_bytes=1_385_126_953,
    files=3,
    seeders=11,
    leechers=2,
    snatched=40,
    added=datetime(2026, 3, 14, 7, 22, 5, tzinfo=UTC),
    language="ENG",
    abridged=True,
    tags="1818",
    isbn="",
    asin="B0EXAMPLE1",
    free=False,
    personal_freeleech=False,
    fl_vip=True,
    vip=True,
    vip_expires=datetime.fromtimestamp(1790000000, UTC),
    my_snatched=True,
    uploader="somebody",
    thumbnail="https://cdn.example.net/t/p/small/7001.webp",
    description="",
    media=None,
)


def _row(**changed: object) -> Row:
    return parse_row("MAM", LIVE | changed)


def test_a_row_is_read_and_the_users_own_download_link_is_not() -> None:
    row = _row()
    assert (row, row.page) == (LIVE_ROW, "/t/7001")
    assert "a-credential-of-the-user" not in repr(row)


def test_a_row_of_texts_reads_the_same_as_one_of_numbers() -> None:
    texts = {name: str(value) if isinstance(value, int) else value for name, value in LIVE.items()}
    older = texts | {"my_snatched": True, "personal_freeleech": False, "free": "0", "size": "1385126953"}
    assert parse_row("MAM", older) == LIVE_ROW


@pytest.mark.parametrize("broken", ["", "{}", "[]", '{"1":"H. G. W', "null", None, 7, [], {"1": None}])
def test_people_and_series_that_cannot_be_read_are_none(broken: object) -> None:
    row = _row(author_info=broken, narrator_info=broken, series_info=broken)
    assert row == replace(LIVE_ROW, authors=(), narrators=(), series=())


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("128.4 MiB", 134_637_158),
        ("256.50 MB", 268_959_744),
        ("134635520", 134_635_520),
        (134_635_520, 134_635_520),
        ("1,024.0 KiB", 1_048_576),
        ("0 B", 0),
        ("large", None),
        (None, None),
    ],
)
def test_sizes_are_1024_based_whatever_their_label(size: object, expected: int | None) -> None:
    assert _row(size=size).size_bytes == expected


@pytest.mark.parametrize(
    ("isbn", "expected"),
    [
        ("978-0-14-143947-1", ("9780141439471", "")),
        (9780141439471, ("9780141439471", "")),
        ("ISBN: 080442957x", ("080442957X", "")),
        ("asin: B0EXAMPLE1", ("", "B0EXAMPLE1")),
        ("B0EXAMPLE1", ("", "B0EXAMPLE1")),
        ("none", ("", "")),
        (None, ("", "")),
    ],
)
def test_one_field_holds_an_isbn_or_an_asin(isbn: object, expected: tuple[str, str]) -> None:
    row = _row(isbn=isbn)
    assert (row.isbn, row.asin) == expected


def test_a_number_for_a_title_and_missing_fields_are_no_obstacle() -> None:
    row = parse_row("MAM", {"id": "7", "title": 1984, "main_cat": "16", "ownership": '[5,"ann"]'})
    assert (row.id, row.title, row.media_type, row.seeders, row.size_bytes, row.added, row.uploader) == (
        7,
        "1984",
        MediaType.RADIO,
        0,
        None,
        None,
        "ann",
    )


def test_media_information_is_read_out_of_its_text() -> None:
    media = {
        "General": {"Title": "X", "Format": "MPEG-4", "Duration": "4:47:13"},
        "Audio1": {"Format": "AAC LC", "BitRate": "125588", "BitRate_Mode": "CBR", "Channels": "2"},
        "menu": {"extra": ["00:00:00.000: Opening", "00:00:31.416: Part 1: Ice", "nonsense"]},
    }
    assert _row(mediainfo=orjson.dumps(media).decode()).media == MediaInfo(
        duration_seconds=17233.0,
        format="AAC LC",
        bit_rate=125588,
        bit_rate_mode="CBR",
        channels=2,
        sampling_rate=None,
        chapters=((0.0, "Opening"), (31.416, "Part 1: Ice")),
    )
    assert [_row(mediainfo=empty).media for empty in ("", "[]", "{", None)] == [None] * 4


@given(
    st.dictionaries(
        st.sampled_from(sorted(LIVE)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=6,
        ),
    )
)
def test_whatever_else_a_row_holds_it_is_read(changed: dict[str, object]) -> None:
    assert parse_row("MAM", LIVE | changed | {"id": 7001}).id == 7001


@pytest.mark.parametrize("raw", [None, [], "row", {}, {"id": None}, {"id": "x"}])
def test_a_row_without_an_id_is_not_taken(raw: object) -> None:
    with pytest.raises(BadPayload):
        parse_row("MAM", raw)


@pytest.mark.parametrize(
    ("changed", "user_class", "expected"),
    [
        ({"free": 1, "fl_vip": 0}, "User", True),
        ({"personal_freeleech": "1", "fl_vip": 0}, "User", True),
        ({}, "VIP", True),
        ({}, "Elite VIP", True),
        ({}, "Power User", False),
        ({"fl_vip": 0}, "VIP", False),
    ],
)
def test_what_a_release_costs_depends_on_the_users_class(
    changed: dict[str, object], user_class: str, expected: bool
) -> None:
    assert is_free(_row(**changed), user_class) is expected


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Nothing returned, out of 0"},
        {"error": "Nothing returned, out of 0 results", "data": None},
        {"data": [], "error": ""},
    ],
)
def test_nothing_found_is_empty_and_no_error(body: object) -> None:
    assert parse_answer("MAM", body) == []


def test_any_other_error_is_refused_in_the_sites_words() -> None:
    with pytest.raises(Refused) as refused:
        parse_answer("MAM", {"error": "Something <b>broke</b>", "data": []})
    assert refused.value.reason == "Something broke"


@pytest.mark.parametrize("body", [None, [], {}, {"data": None}, {"data": {}}])
def test_an_answer_without_rows_is_not_taken_for_nothing(body: object) -> None:
    with pytest.raises(BadPayload):
        parse_answer("MAM", body)


BASE: dict[str, Any] = {
    "classname": "VIP",
    "downloaded_bytes": 500.0,
    "uploaded": "2.00 KiB",
    "ratio": 4.1,
    "seedbonus": "48211",
    "uid": 42,
    "username": "ann",
    "vip_until": "2027-02-01 00:00:00",
    "wedges": 9,
}
BUCKETS: dict[str, Any] = {"connectable": "yes", "unsat": {"name": "Unsatisfied", "count": 7, "limit": 150, "size": 1}}
ACCOUNT = Account(
    uid=42,
    username="ann",
    user_class="VIP",
    ratio=4.1,
    uploaded_bytes=2048,
    downloaded_bytes=500,
    points=48211,
    wedges=9,
    vip_until=datetime(2027, 2, 1, tzinfo=UTC),
    unsat=7,
    unsat_limit=150,
    connectable=True,
)


@pytest.mark.parametrize("buckets", [BUCKETS, {"snatch_summary": BUCKETS}])
def test_the_account_is_read_in_both_shapes(buckets: dict[str, Any]) -> None:
    assert parse_account("MAM", BASE | buckets) == ACCOUNT


def test_what_the_account_does_not_say_is_unknown_and_not_nothing() -> None:
    account = parse_account("MAM", BASE | {"vip_until": None})
    assert account == replace(ACCOUNT, vip_until=None, unsat=None, unsat_limit=None, connectable=None)


@pytest.mark.parametrize(
    ("ratio", "expected"), [("∞", math.inf), ("5", 5.0), (3, 3.0), ("1,204.5", 1204.5), (None, None)]
)
def test_the_ratio_is_a_number_a_text_or_infinite(ratio: object, expected: float | None) -> None:
    assert parse_account("MAM", BASE | {"ratio": ratio}).ratio == expected


def test_a_snatch_list_that_is_refused_is_not_empty() -> None:
    with pytest.raises(Refused):
        parse_snatches("MAM", {"success": False, "rows": []})


@given(st.text() | st.floats() | st.integers() | st.none() | st.booleans())
def test_reading_a_value_never_fails(value: object) -> None:
    readers = (values.text, values.number, values.whole, values.flag, values.size_bytes, values.seconds)
    for read in (*readers, values.moment, values.unix_moment, values.embedded, values.names):
        read(value)
