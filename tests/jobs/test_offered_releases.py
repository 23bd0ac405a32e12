"""Indexers' answers as offers: no page that lets its reader in, and large answers that hold nobody up."""

import asyncio
import gc
import time

import pytest

from integrations.errors import BadPayload
from integrations.prowlarr.rows import offer_of as read_offer
from integrations.prowlarr.rows import row_of
from jobs.events import Bus
from jobs.execution import Run
from jobs.offered_releases import of_offer, public_page
from jobs.release_answers import Answer, Asking
from jobs.release_judging import judge_of
from library import jobs as job_rows
from library import release_searches
from library.database import Database
from library.models.integrations import IntegrationKind
from library.models.releases import ReportStatus
from library.offered import Judged, Offered
from library.provider_reports import Report
from library.releases import FreeText, ReleaseFacts, judge, merge, read_title
from library.sealing import Seal
from tests.jobs.release_fixtures import asked, releases
from tests.jobs.town import Town, worker

LONGEST_STEP_SECONDS = 0.05
SEAL = Seal(["key-that-the-tests-seal-credentials-with"])
REPORT = Report("", ReportStatus.OK, 1000)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://tracker.example/t/7", True),
        ("https://tracker.example/details.php?id=7", True),
        ("https://tracker.example/t/7?PassKey=of-the-user", False),
        ("http://jackett:9117/dl/?jackett_apikey=k&path=p", False),
        ("https://ada:secret@tracker.example/t/7", False),
        ("magnet:?xt=urn:btih:0", False),
        ("http://[broken", False),
        (None, False),
    ],
)
def test_only_a_page_that_anybody_may_see_is_kept(address: str | None, shown: bool) -> None:
    assert public_page(address) == (address if shown else None)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Processor seconds of every step the loop takes; other processes' share of the machine does not count."""
    taken: list[float] = []
    original = asyncio.Handle._run

    def run(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        original(handle)
        taken.append(time.thread_time() - began)

    monkeypatch.setattr(asyncio.Handle, "_run", run)
    return taken


async def test_an_answer_of_a_thousand_releases_is_judged_and_kept_in_short_steps(
    database: Database, bus: Bus, redis_url: str, steps: list[float]
) -> None:
    town = Town()
    torznab = await town.configure(database, IntegrationKind.TORZNAB)
    search_id, job_id = await asked(database, bus, text="a study in scarlet")
    offers = [offer_of(number, torznab.id) for number in range(1000)]
    async with worker(town, database, bus, redis_url) as integrations:
        async with database.read() as session:
            search, job = await release_searches.get(session, search_id), await job_rows.get(session, job_id)
        run = Run(job=job, database=database, bus=bus, worker="w1")
        asking = Asking(run, integrations, search, await judge_of(database, search), 75.0)
        await asking._keep(torznab, Answer(offers[:50], [REPORT]), 0.1)  # statements are compiled once
        gc.freeze()
        steps.clear()
        await asking._keep(torznab, Answer(offers, [REPORT]), 0.1)
        gc.unfreeze()
        longest = max(steps)
    assert len(await releases(database, search_id)) == 1000
    assert longest < LONGEST_STEP_SECONDS


HOSTILE = {
    "guid": "a\ud800b\x00",
    "title": "A Study\x00 in \ud800Scarlet" + " and more" * 500,
    "downloadUrl": "http://127.0.0.1/7/download?link=\ud800",
    "infoUrl": "https://tracker.example/t/\x007",
    "indexer": "A\x00",
    "indexerId": 1,
    "protocol": "torrent",
    "size": 10**30,
    "files": 10**12,
    "seeders": 2**31,
    "leechers": -5,
}


async def test_an_answer_that_no_row_can_hold_is_kept_as_far_as_one_can(database: Database) -> None:
    prowlarr = await Town().configure(database, IntegrationKind.PROWLARR)
    told = row_of("Prowlarr", HOSTILE, "a release", read_offer)
    assert told is not None
    offered = of_offer(told, prowlarr)
    async with database.write() as session:
        search = await release_searches.create(session, created_by="user:1", text="a study in scarlet")
        judged = [Judged(offered, judge(offered.facts, FreeText(search.text)))]
        (row,) = await release_searches.save_offers(session, SEAL, search.id, judged)
    assert (row.title[:18], row.size_bytes, row.seeders, row.leechers) == ("A Study in Scarlet", None, None, None)
    assert row.page_url == "https://tracker.example/t/7"


def test_a_count_without_end_is_an_answer_of_another_shape() -> None:
    with pytest.raises(BadPayload):
        row_of("Prowlarr", {**HOSTILE, "size": float("inf")}, "a release", read_offer)


def offer_of(number: int, integration_id: int) -> Offered:
    """One of many offers."""
    title = f"Arthur Conan Doyle - A Study in Scarlet {number} (Unabridged) [M4B] 64kbps"
    facts = merge(ReleaseFacts(size_bytes=100_000 * number), read_title(title))
    place, link = str(number), f"http://127.0.0.1/{number}"
    return Offered(integration_id=integration_id, indexer="A", place=place, title=title, facts=facts, link=link)
