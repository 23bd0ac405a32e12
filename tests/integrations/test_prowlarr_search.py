"""A search through Prowlarr gives every release there is, and tells of every indexer that gave none."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from integrations.errors import AuthError, BadPayload, IntegrationError, Refused, Unavailable
from integrations.offers import IndexerReport, IndexerStatus, NamedBook, Offer
from integrations.prowlarr import Prowlarr
from integrations.prowlarr.rows import offer_of
from tests.fakes.catalogue import CatalogueEntry, public_domain
from tests.fakes.prowlarr import API_KEY, FakeProwlarr
from tests.fakes.prowlarr_rows import FakeIndexer, myanonamouse, public_tracker, release_row, usenet_indexer

ENTRIES = public_domain()
TIME_MACHINE = ENTRIES[0]
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
QUIET = FakeIndexer(id=12, name="Quiet")
OFF = FakeIndexer(id=13, name="Off", enable=False)
FAILING_MESSAGE = "Prowlarr leaves it alone until 2026-11-22 09:15 UTC, because it failed."


@pytest.fixture
def fake() -> FakeProwlarr:
    indexers = (myanonamouse(ENTRIES), public_tracker(ENTRIES), usenet_indexer(ENTRIES), QUIET, OFF)
    return FakeProwlarr(indexers, now=lambda: NOW)


@pytest.fixture
async def prowlarr(fake: FakeProwlarr) -> AsyncIterator[Prowlarr]:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9696", transport=httpx.ASGITransport(fake)) as client:
        yield Prowlarr(client, "Prowlarr", API_KEY)


async def test_releases_come_whole_and_usenet_is_left_out(prowlarr: Prowlarr) -> None:
    answer = await prowlarr.search("time machine", indexer_ids=(7, 9))

    mam, public = answer.releases
    assert mam == Offer(
        guid="https://www.myanonamouse.net/t/900101",
        indexer_id=7,
        indexer="MyAnonamouse",
        title="The Time Machine by H. G. Wells [ENG / M4B]",
        link=mam.link,
        size_bytes=134_637_158,
        files=1,
        grabs=311,
        seeders=58,
        leechers=1,
        published=datetime(2026, 3, 14, 7, 22, 5, tzinfo=UTC),
        categories=(3030, 100047),
        info_url="https://www.myanonamouse.net/t/900101",
        mam_torrent_id=900101,
        book=NamedBook("The Time Machine", ("H. G. Wells",), ("eng",), ("m4b",)),
    )
    assert public == Offer(
        guid="https://publictracker.example/torrent/900101",
        indexer_id=9,
        indexer="PublicTracker",
        title="H. G. Wells - The Time Machine (Unabridged) [M4B] 64kbps",
        link=public.link,
        size_bytes=134_637_158,
        grabs=311,
        seeders=58,
        leechers=1,
        published=datetime(2026, 3, 14, 7, 22, 5, tzinfo=UTC),
        categories=(3000, 3030),
        info_url="https://publictracker.example/torrent/900101",
        info_hash=TIME_MACHINE.info_hash,
    )
    assert answer.reports == (
        IndexerReport(7, "MyAnonamouse", IndexerStatus.OK, 1),
        IndexerReport(9, "PublicTracker", IndexerStatus.OK, 1),
    )


async def test_without_a_choice_all_torrent_indexers_that_are_on_are_asked(
    prowlarr: Prowlarr, fake: FakeProwlarr
) -> None:
    answer = await prowlarr.search("time machine")

    assert [value for name, value in fake.searches[0] if name == "indexerIds"] == ["7", "9", "12"]
    assert {report.name: report.status for report in answer.reports} == {
        "MyAnonamouse": IndexerStatus.OK,
        "PublicTracker": IndexerStatus.OK,
        "Quiet": IndexerStatus.EMPTY,
    }


async def test_keys_are_repeated_a_limit_is_sent_and_the_api_key_is_not(prowlarr: Prowlarr, fake: FakeProwlarr) -> None:
    await prowlarr.search("time {machine}", indexer_ids=(7, 9), categories=(3030, 3040))

    assert fake.searches == [
        [
            ("query", "time machine"),
            ("type", "search"),
            ("indexerIds", "7"),
            ("indexerIds", "9"),
            ("categories", "3030"),
            ("categories", "3040"),
            ("limit", "100"),
            ("offset", "0"),
        ]
    ]


async def test_author_and_title_go_as_such_only_to_indexers_that_can_use_them(
    prowlarr: Prowlarr, fake: FakeProwlarr
) -> None:
    answer = await prowlarr.search("wells machine", author="H. G. {Wells}", title="Time Machine", indexer_ids=(7, 9))

    asked = sorted(
        (dict(search)["type"], dict(search)["query"], dict(search)["indexerIds"]) for search in fake.searches
    )
    assert asked == [
        ("book", "{author:H. G. Wells} {title:Time Machine}", "9"),
        ("search", "wells machine", "7"),
    ]
    assert [(offer.indexer_id, offer.title[:16]) for offer in answer.releases] == [
        (9, "H. G. Wells - Th"),
        (7, "The Time Machine"),
    ]


async def test_without_words_author_and_title_are_the_words(prowlarr: Prowlarr, fake: FakeProwlarr) -> None:
    await prowlarr.search("", author="H. G. Wells", title="The Time Machine", indexer_ids=(7,))

    assert dict(fake.searches[0])["query"] == "H. G. Wells The Time Machine"


async def test_a_half_failed_search_names_who_failed_and_keeps_the_rest(prowlarr: Prowlarr, fake: FakeProwlarr) -> None:
    fake.switches.failing = {9}

    answer = await prowlarr.search("time machine", indexer_ids=(7, 9))

    assert [offer.indexer_id for offer in answer.releases] == [7]
    assert answer.reports == (
        IndexerReport(7, "MyAnonamouse", IndexerStatus.OK, 1),
        IndexerReport(9, "PublicTracker", IndexerStatus.FAILED, 0, "INDEXER_FAILING", FAILING_MESSAGE),
    )


async def test_when_all_are_unavailable_all_have_failed(prowlarr: Prowlarr, fake: FakeProwlarr) -> None:
    fake.switches.all_unavailable = True

    answer = await prowlarr.search("time machine", indexer_ids=(7, 9))

    assert answer.releases == ()
    assert [(report.status, report.error_code, report.message) for report in answer.reports] == [
        (IndexerStatus.FAILED, "INDEXER_FAILING", FAILING_MESSAGE)
    ] * 2


async def test_an_empty_answer_after_an_error_inside_prowlarr_is_a_failure(
    prowlarr: Prowlarr, fake: FakeProwlarr
) -> None:
    fake.switches.empty = True

    answer = await prowlarr.search("time machine", indexer_ids=(7,))

    message = "Its search failed; Prowlarr's history says why."
    assert answer.reports == (IndexerReport(7, "MyAnonamouse", IndexerStatus.FAILED, 0, "SEARCH_FAILED", message),)


async def test_an_older_query_does_not_vouch_for_an_empty_answer() -> None:
    times = [NOW]
    fake = FakeProwlarr((myanonamouse(ENTRIES),), now=lambda: times[-1])
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9696", transport=httpx.ASGITransport(fake)) as client:
        prowlarr = Prowlarr(client, "Prowlarr", API_KEY)
        before = await prowlarr.search("time machine")
        times.append(NOW + timedelta(minutes=1))
        fake.switches.empty = True
        after = await prowlarr.search("time machine")

    assert [before.reports[0].status, after.reports[0].status] == [IndexerStatus.OK, IndexerStatus.FAILED]


async def test_an_empty_answer_that_prowlarr_has_asked_for_is_empty(prowlarr: Prowlarr) -> None:
    answer = await prowlarr.search("no such book anywhere", indexer_ids=(7,))

    assert answer.reports == (IndexerReport(7, "MyAnonamouse", IndexerStatus.EMPTY),)


async def test_indexers_that_cannot_be_asked_are_told_apart(prowlarr: Prowlarr, fake: FakeProwlarr) -> None:
    answer = await prowlarr.search("time machine", indexer_ids=(13, 4, 99))

    assert fake.searches == []
    assert answer.reports == (
        IndexerReport(13, "Off", IndexerStatus.DISABLED, 0, "INDEXER_DISABLED", "It is switched off in Prowlarr."),
        IndexerReport(4, "UsenetIndexer", IndexerStatus.DISABLED, 0, "NOT_TORRENTS", "It offers no torrents."),
        IndexerReport(
            99,
            "99",
            IndexerStatus.FAILED,
            0,
            "UNKNOWN_INDEXER",
            "Prowlarr has no indexer of this number (any more).",
        ),
    )


async def test_an_indexer_without_the_category_is_not_waited_for(prowlarr: Prowlarr) -> None:
    answer = await prowlarr.search("time machine", indexer_ids=(7,), categories=(2000,))

    assert [(report.status, report.error_code) for report in answer.reports] == [
        (IndexerStatus.DISABLED, "NO_SUCH_CATEGORY")
    ]


async def test_a_row_that_cannot_be_read_costs_nobody_else_theirs() -> None:
    entries = [replace(TIME_MACHINE, id=1), replace(TIME_MACHINE, id=2)]
    fake = FakeProwlarr((myanonamouse(entries[:1]), public_tracker(entries[1:])), now=lambda: NOW)

    async def damaged(request: httpx.Request) -> httpx.Response:
        response = await httpx.ASGITransport(fake).handle_async_request(request)
        await response.aread()
        return httpx.Response(
            response.status_code, content=response.content.replace(b'"size": 134637158', b'"size": "?"', 1)
        )

    async with httpx.AsyncClient(base_url="http://127.0.0.1:9696", transport=httpx.MockTransport(damaged)) as client:
        answer = await Prowlarr(client, "Prowlarr", API_KEY).search("time machine")

    assert [offer.indexer_id for offer in answer.releases] == [9]
    assert answer.reports == (
        IndexerReport(7, "MyAnonamouse", IndexerStatus.FAILED, 0, "UNEXPECTED_ANSWER", "Its releases cannot be read."),
        IndexerReport(9, "PublicTracker", IndexerStatus.OK, 1),
    )


@pytest.mark.parametrize(
    ("switch", "error"),
    [("refuse_key", AuthError), ("server_error", Unavailable), ("page", BadPayload)],
)
async def test_when_prowlarr_itself_fails_the_search_raises(
    prowlarr: Prowlarr, fake: FakeProwlarr, switch: str, error: type[IntegrationError]
) -> None:
    fake.switches.set(**{switch: True})

    with pytest.raises(error) as raised:
        await prowlarr.search("time machine")

    assert type(raised.value) is error


async def test_what_prowlarr_says_of_an_error_is_told_without_its_stack_trace() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/indexer"):
            return httpx.Response(
                404, json={"message": "No such thing at http://x/?apikey=k", "description": "at Some.cs"}
            )
        raise AssertionError(request.url)

    async with httpx.AsyncClient(base_url="http://127.0.0.1", transport=httpx.MockTransport(answer)) as client:
        with pytest.raises(Refused) as raised:
            await Prowlarr(client, "Prowlarr", API_KEY).search("time machine")

    assert str(raised.value) == "Prowlarr refused: No such thing at …."


async def test_one_of_two_questions_may_fail_without_losing_the_other() -> None:
    fake = FakeProwlarr((myanonamouse(ENTRIES), public_tracker(ENTRIES)), now=lambda: NOW)

    async def half(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("type") == "book":
            return httpx.Response(502)
        response = await httpx.ASGITransport(fake).handle_async_request(request)
        return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())

    async with httpx.AsyncClient(base_url="http://127.0.0.1:9696", transport=httpx.MockTransport(half)) as client:
        answer = await Prowlarr(client, "Prowlarr", API_KEY).search("time machine", title="The Time Machine")

    assert [(report.name, report.status, report.error_code) for report in answer.reports] == [
        ("MyAnonamouse", IndexerStatus.OK, None),
        ("PublicTracker", IndexerStatus.FAILED, "UNAVAILABLE"),
    ]


@pytest.mark.parametrize(
    ("indexer", "link", "is_offer"),
    [
        (myanonamouse(ENTRIES), "http://p/7/download?link=x", True),
        (myanonamouse(ENTRIES), "", False),
        (usenet_indexer(ENTRIES), "http://p/4/download?link=x", False),
    ],
)
def test_only_torrents_that_can_be_taken_are_offers(indexer: FakeIndexer, link: str, is_offer: bool) -> None:
    row = release_row(indexer, TIME_MACHINE, link, NOW)
    if not link:
        del row["downloadUrl"]

    assert (offer_of(row) is not None) is is_offer


async def test_links_and_keys_are_not_in_what_is_printed(prowlarr: Prowlarr) -> None:
    answer = await prowlarr.search("time machine")

    assert API_KEY in answer.releases[0].link
    assert API_KEY not in repr(answer)


def _entry(**changes: object) -> CatalogueEntry:
    return replace(TIME_MACHINE, **changes)  # type: ignore[arg-type] # any field


async def test_a_free_release_says_so() -> None:
    fake = FakeProwlarr((myanonamouse([_entry(vip=True)]),), now=lambda: NOW)
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9696", transport=httpx.ASGITransport(fake)) as client:
        (offer,) = (await Prowlarr(client, "Prowlarr", API_KEY).search("time")).releases

    assert (offer.flags, offer.book and offer.book.vip) == (("freeleech",), True)
