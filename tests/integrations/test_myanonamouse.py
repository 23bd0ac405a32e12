"""Searching, taking and paying, against the fake."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from integrations.errors import AuthError, BadPayload, Missing, Refused
from integrations.myanonamouse import (
    UNSATISFIED_LIMIT,
    MyAnonamouse,
    Purchase,
    Query,
    SeedboxAnswer,
    SeedboxOutcome,
    SnatchKind,
)
from tests.fakes.catalogue import public_domain
from tests.fakes.myanonamouse import FakeMyAnonamouse
from tests.integrations.myanonamouse_stand_ins import NOW, answering, client_of


@pytest.fixture
def fake() -> FakeMyAnonamouse:
    return FakeMyAnonamouse(public_domain(), clock=lambda: NOW)


@pytest.fixture
def client(fake: FakeMyAnonamouse) -> MyAnonamouse:
    return client_of(fake)


async def _ids(client: MyAnonamouse, query: Query) -> list[int]:
    return [row.id for row in await client.search(query)]


async def test_a_search_finds_all_words_in_any_field(client: MyAnonamouse) -> None:
    assert await _ids(client, Query(text="scarlet doyle")) == [900102, 900103]
    assert await _ids(client, Query(text="Scarlet: Ann “Other”!")) == [900102, 900103]
    assert await _ids(client, Query(text="scarlet wells")) == []


async def test_the_request_is_as_documented_and_asks_for_no_credential(
    client: MyAnonamouse, fake: FakeMyAnonamouse
) -> None:
    await client.search(Query(text="O'Example  (Tales)", languages=(1,), min_seeders=2, limit=300))
    assert fake.seen[0].body == {
        "tor": {
            "text": "O Example Tales",
            "srchIn": ["title", "author", "narrator", "series"],
            "searchType": "all",
            "searchIn": "torrents",
            "main_cat": [13],
            "cat": ["0"],
            "browseFlagsHideVsShow": "0",
            "startDate": "",
            "endDate": "",
            "hash": "",
            "sortType": "default",
            "startNumber": 0,
            "browse_lang": [1],
            "minSeeders": 2,
        },
        "perpage": 100,
        "thumbnail": "true",
        "isbn": "true",
    }
    assert fake.seen[0].user_agent


async def test_without_a_language_the_key_is_left_out_because_an_empty_list_breaks_the_search(
    client: MyAnonamouse, fake: FakeMyAnonamouse
) -> None:
    await client.search(Query(text="scarlet"))
    assert "browse_lang" not in fake.seen[0].body["tor"]


@pytest.mark.parametrize("text", ["", "  ", "?!… —", "“”"])
async def test_a_text_without_words_is_not_searched(client: MyAnonamouse, fake: FakeMyAnonamouse, text: str) -> None:
    assert await client.search(Query(text=text)) == []
    assert fake.seen == []


@pytest.mark.parametrize("ignores_limits", [True, False])
async def test_limits_hold_even_when_the_site_overlooks_them(
    client: MyAnonamouse, fake: FakeMyAnonamouse, ignores_limits: bool
) -> None:
    fake.switches.ignores_limits = ignores_limits
    assert await _ids(client, Query(text="scarlet", min_seeders=4)) == [900102]
    assert await _ids(client, Query(text="scarlet", max_size_bytes=1_000_000_000)) == [900103]
    assert await _ids(client, Query(text="scarlet", min_size_bytes=1_000_000_000)) == [900102]
    assert await _ids(client, Query(text="scarlet", limit=1)) == [900102]


async def test_the_older_types_give_the_same_releases(client: MyAnonamouse, fake: FakeMyAnonamouse) -> None:
    today = await client.search(Query(text="time machine"))
    fake.switches.legacy_types = True
    older = await client.search(Query(text="time machine"))
    # The older answers know neither covers nor when a VIP torrent ceases to be one.
    assert older == [replace(row, thumbnail=None, vip_expires=None) for row in today]


async def test_broken_people_cost_the_people_and_not_the_release(client: MyAnonamouse, fake: FakeMyAnonamouse) -> None:
    fake.switches.malformed_author_info = True
    assert [(row.title, row.authors, row.narrators) for row in await client.search(Query(text="time machine"))] == [
        ("The Time Machine", (), ())
    ]


async def test_nothing_returned_is_nothing_and_an_error_is_an_error(
    client: MyAnonamouse, fake: FakeMyAnonamouse
) -> None:
    fake.switches.nothing_returned = True
    assert await client.search(Query(text="time machine")) == []
    fake.switches.nothing_returned, fake.switches.search_error = False, "Something broke"
    with pytest.raises(Refused, match="Something broke"):
        await client.search(Query(text="time machine"))


async def test_a_page_instead_of_json_is_a_session_that_is_not_signed_in(
    client: MyAnonamouse, fake: FakeMyAnonamouse
) -> None:
    fake.switches.html_instead_of_json = True
    with pytest.raises(AuthError):
        await client.search(Query(text="time machine"))


async def test_one_release_is_looked_up_by_id_with_its_details(client: MyAnonamouse) -> None:
    row = await client.by_id(900102)
    assert row is not None
    assert row.media is not None
    assert (row.title, row.asin, row.media.bit_rate, row.media.duration_seconds) == (
        "A Study in Scarlet",
        "B0EXAMPLE1",
        64000,
        12730.0,
    )
    assert await client.by_id(1) is None


async def test_one_release_is_looked_up_by_info_hash(client: MyAnonamouse, fake: FakeMyAnonamouse) -> None:
    info_hash = fake.catalogue[900103].info_hash
    found = await client.by_hash(info_hash.upper())
    assert (found and found.id, await client.by_hash("0" * 40), await client.by_hash("")) == (900103, None, None)


async def test_several_releases_for_one_hash_are_not_believed() -> None:
    with pytest.raises(BadPayload):
        await answering(httpx.Response(200, json={"data": [{"id": 1}, {"id": 2}]})).by_hash("a" * 40)


async def test_a_torrent_is_fetched_and_counts_as_unsatisfied(client: MyAnonamouse, fake: FakeMyAnonamouse) -> None:
    before = await client.account()
    assert await client.torrent(900101) == fake.catalogue[900101].torrent
    after = await client.account()
    assert (before.unsat, after.unsat, after.unsat_limit) == (7, 8, 150)
    assert [
        (snatch.id, snatch.seconds_to_seed) for snatch in await client.snatches(4242, SnatchKind.UNSATISFIED, 0)
    ] == [(900101, 255720.0)]
    with pytest.raises(Missing):
        await client.torrent(1)


async def test_a_wedge_is_spent_on_a_download_only_when_asked(client: MyAnonamouse, fake: FakeMyAnonamouse) -> None:
    await client.torrent(900101)
    assert fake.account.wedges == 9
    await client.torrent(900103, wedge=True)
    assert (fake.account.wedges, fake.account.personal_freeleech) == (8, {900103})


@pytest.mark.parametrize("form", ["text", "html", "json"])
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(
    ("wait", "lasting"),
    [
        ("1d 02:04:02", timedelta(days=1, hours=2, minutes=4, seconds=2)),
        ("02:04:02", timedelta(hours=2, minutes=4, seconds=2)),
        ("unknown", timedelta(days=1)),
    ],
)
async def test_the_unsatisfied_limit_says_until_when(
    client: MyAnonamouse, fake: FakeMyAnonamouse, form: str, status: int, wait: str, lasting: timedelta
) -> None:
    fake.switches.unsat_freeze, fake.switches.unsat_freeze_form = wait, form
    fake.switches.unsat_freeze_status = status
    with pytest.raises(Refused) as refused:
        await client.torrent(900101)
    assert (refused.value.code, refused.value.until) == (UNSATISFIED_LIMIT, NOW + lasting)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, text="<html>login</html>"), AuthError),
        (httpx.Response(200, text="Error, you are not signed in <br />Other error"), AuthError),
        (httpx.Response(200, json={"error": "No such torrent <b>for you</b>"}), Refused),
        (httpx.Response(200, content=b"delicious"), BadPayload),
        (httpx.Response(500, content=b"d8:announce"), BadPayload),
        (httpx.Response(200, content=b""), BadPayload),
    ],
)
async def test_what_is_no_torrent_is_never_given_as_one(answer: httpx.Response, error: type[Exception]) -> None:
    with pytest.raises(error):
        await answering(answer).torrent(5)


async def test_the_account_reads_the_same_in_the_shape_before_and_after(
    client: MyAnonamouse, fake: FakeMyAnonamouse
) -> None:
    nested = await client.account()
    fake.switches.flat_account = True
    assert await client.account() == nested
    assert (nested.points, nested.wedges, nested.ratio, nested.is_vip, nested.vip_until, nested.connectable) == (
        48_211,
        9,
        3.41,
        True,
        datetime(2027, 2, 1, tzinfo=UTC),
        True,
    )


async def test_the_session_is_checked_by_name(client: MyAnonamouse) -> None:
    assert await client.check() == "example_user"


async def test_points_buy_vip_wedges_and_upload(client: MyAnonamouse, fake: FakeMyAnonamouse) -> None:
    fake.account.points, fake.account.vip_until = 99_999, None
    assert await client.buy_vip() == Purchase(
        succeeded=True, points_left=84_999, wedges_left=None, message="", already_free=False
    )
    assert await client.buy_wedge() == Purchase(
        succeeded=True, points_left=34_999, wedges_left=10, message="", already_free=False
    )
    assert await client.buy_upload(60) == Purchase(
        succeeded=True, points_left=4_999, wedges_left=None, message="", already_free=False
    )
    refused = await client.buy_vip()
    assert (refused.succeeded, refused.message) == (False, "Min VIP is 1 week purchased for Automated methods")


async def test_a_purchase_is_sent_once_as_documented_and_too_little_upload_never(
    client: MyAnonamouse, fake: FakeMyAnonamouse
) -> None:
    await client.buy_upload(50)
    await client.make_personal_freeleech(900101)
    with pytest.raises(Refused):
        await client.buy_upload(49)
    stamp = str(int(NOW.timestamp()))
    assert [(seen.path, seen.query) for seen in fake.seen] == [
        ("/json/bonusBuy.php/", {"spendtype": "upload", "amount": "50", "_": f"{stamp}000"}),
        (f"/json/bonusBuy.php/{stamp}", {"spendtype": "personalFL", "torrentid": "900101", "timestamp": stamp}),
    ]


async def test_a_wedge_makes_a_release_free_once(client: MyAnonamouse, fake: FakeMyAnonamouse) -> None:
    outcomes = [await client.make_personal_freeleech(torrent) for torrent in (900101, 900101, 900102, 900104)]
    assert [(outcome.succeeded, outcome.already_free) for outcome in outcomes] == [
        (True, False),
        (False, True),
        (False, True),
        (False, False),
    ]
    assert (outcomes[0].points_left, outcomes[0].wedges_left, fake.account.wedges) == (48_211, 8, 8)


async def test_a_purchase_that_says_neither_yes_nor_no_is_not_taken_for_either() -> None:
    with pytest.raises(BadPayload):
        await answering(httpx.Response(200, json={"type": "VIP"})).buy_vip()


@pytest.mark.parametrize("outcome", SeedboxOutcome)
async def test_each_outcome_of_telling_the_address_is_known(
    client: MyAnonamouse, fake: FakeMyAnonamouse, outcome: SeedboxOutcome
) -> None:
    fake.switches.seedbox_message = outcome.value
    answer = await client.dynamic_seedbox()
    assert answer == SeedboxAnswer(outcome=outcome, ip="192.0.2.10", asn=64500, network="EXAMPLE-NET")
    assert answer.is_wrong_network is ("mismatch" in outcome.value)


async def test_only_what_spends_nothing_may_be_repeated_by_the_way_out() -> None:
    repeatable = {}

    def site(request: httpx.Request) -> httpx.Response:
        address = request.url.raw_path.decode().partition("?snatch")[0].partition("&_=")[0]
        repeatable[address] = request.extensions["idempotent"]
        return httpx.Response(200, json={"uid": 1, "data": [], "success": True})

    client = answering()
    client._client = httpx.AsyncClient(transport=httpx.MockTransport(site))
    await client.search(Query(text="x"))
    await client.account()
    await client.buy_wedge()
    for wedge in (True, False):
        with pytest.raises(BadPayload):
            await client.torrent(1, wedge=wedge)
    assert repeatable == {
        "/tor/js/loadSearchJSONbasic.php": True,
        "/jsonLoad.php": True,
        "/json/bonusBuy.php/?spendtype=wedges&source=points": False,
        "/tor/download.php?tid=1&fl=": False,
        "/tor/download.php?tid=1": True,
    }
