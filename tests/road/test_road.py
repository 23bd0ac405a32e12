"""The whole road with real processes, by the graph alone: a book is wanted, and arrives, whatever is pulled out."""

from datetime import datetime

from tests.processes import wait_until
from tests.road.following import following
from tests.road.site import Site
from tests.road.steps import (
    FOLLOW,
    FOUND,
    best,
    download,
    found,
    integration,
    is_done,
    reached,
    report,
    requested,
    searched,
    states_told,
    titles,
    wanted,
)

ROAD = ["QUEUED", "GRABBING", "DOWNLOADING", "VERIFYING", "IMPORTING", "IMPORTED", "ENRICHING", "DONE"]


def test_a_wanted_book_is_found_downloaded_linked_and_found_by_meaning(site: Site) -> None:
    want = wanted(site, "Kim", "Rudyard Kipling")
    (kim,) = want["wants"]
    search = found(site, want["releaseSearch"]["id"])
    assert {one["status"] for one in search["providerReports"]} == {"OK"}
    refused = {
        one["title"]: [why["code"] for why in one["decision"]["rejections"]] for one in search["releases"]["nodes"]
    }
    assert any(codes for title, codes in refused.items() if "Dramatiz" in title or "bridged" in title)

    with following(site, "downloadsUpdated", FOLLOW) as told:
        assert told.next()["snapshot"] == []
        download_id = requested(site, best(search))
        told.until(is_done)
    shown = states_told(told, download_id)
    assert shown == [state for state in ROAD if state in shown]  # states that pass in an instant may be put together
    ended = download(site, download_id)
    assert [step["toState"] for step in ended["history"]["nodes"]] == ROAD
    assert (ended["book"]["title"], ended["book"]["owned"], ended["book"]["id"]) == ("Kim", True, kim["book"]["id"])
    assert ended["want"] == {"id": kim["id"], "state": "SATISFIED"}
    assert [one["state"] for one in ended["imports"]] == ["APPLIED"]

    (here,) = site.library.rglob("*.m4b")
    (theirs,) = site.qbittorrent.downloads.rglob("*.m4b")
    assert here.samefile(theirs)
    wait_until(lambda: "Kim" in titles(site, "an orphan boy becomes a spy in India"), "Kim is found", seconds=10)


def test_a_prowlarr_that_fails_is_told_and_the_others_are_asked_all_the_same(site: Site) -> None:
    site.shop.prowlarr.switches.server_error = True
    search = found(site, searched(site, text="Emma"))
    site.shop.prowlarr.switches.server_error = False

    failed = report(search, "Prowlarr")
    assert (failed["status"], bool(failed["error"]["code"]), bool(failed["error"]["message"])) == ("FAILED", True, True)
    assert report(search, "MyAnonamouse")["status"] == "OK"
    assert "Emma" in {one["title"] for one in search["releases"]["nodes"]}


def test_a_dead_session_asks_for_action_once_and_goes_on_when_it_was_taken(site: Site) -> None:
    want = wanted(site, "Emma", "Jane Austen")
    release = best(found(site, want["releaseSearch"]["id"]), "MyAnonamouse")
    site.shop.myanonamouse.switches.session_expired = True
    download_id = requested(site, release)

    blocked = reached(site, download_id, "BLOCKED", "NEEDS_ACTION")
    assert blocked["blockedReason"]["hint"]
    wait_until(lambda: integration(site, "MYANONAMOUSE")["needsAction"], "needsAction")
    again = found(site, searched(site, text="Emma"))
    assert report(again, "MyAnonamouse")["error"]["code"] == "NEEDS_ACTION"
    asked = len(site.shop.myanonamouse.seen)
    found(site, searched(site, text="Emma Jane"))
    assert len(site.shop.myanonamouse.seen) == asked  # nobody knocks at a closed door

    site.shop.myanonamouse.switches.session_expired = False
    session = site.shop.myanonamouse.new_session()
    site.configure("myanonamouse", id=site.ids["myanonamouse"], session=session)
    reached(site, download_id, "DONE")
    assert integration(site, "MYANONAMOUSE")["needsAction"] is None


def test_a_stopped_qbittorrent_blocks_until_it_is_there_again(site: Site) -> None:
    want = wanted(site, "She and Allan", "H. Rider Haggard")
    release = best(found(site, want["releaseSearch"]["id"]))
    site.qbittorrent.stop()
    download_id = requested(site, release)

    blocked = reached(site, download_id, "BLOCKED", "CLIENT_UNAVAILABLE")
    assert datetime.fromisoformat(blocked["blockedReason"]["retryAt"]).tzinfo is not None
    assert integration(site, "QBITTORRENT")["lastError"]["code"]
    site.qbittorrent.start()
    reached(site, download_id, "DONE")


def test_without_valkey_mutations_answer_and_work_goes_on_when_it_is_back(site: Site) -> None:
    want = wanted(site, "The Club of Queer Trades", "G. K. Chesterton")
    release = best(found(site, want["releaseSearch"]["id"]))
    site.valkey.kill()
    download_id = requested(site, release)
    assert download(site, download_id)["state"] == "QUEUED"
    site.valkey.start()
    reached(site, download_id, "DONE")


def test_a_killed_worker_leaves_the_rest_to_the_next(site: Site) -> None:
    both = found(site, searched(site, text="Barsetshire"))
    download_id = requested(site, best(both))
    reached_or_later = {"GRABBING", "DOWNLOADING", "VERIFYING", "IMPORTING"}
    wait_until(lambda: download(site, download_id)["state"] in reached_or_later, "it has begun")
    site.worker.kill()
    site.worker.start()
    reached(site, download_id, "DONE")
    assert {one["state"] for one in download(site, download_id)["imports"]} == {"APPLIED"}


def test_mutations_never_wait_for_the_servers_of_others(site: Site) -> None:
    release = best(found(site, searched(site, text="Emma")), "Public")
    with site.hanging():
        search_id = searched(site, text="Emma Austen")
        want = wanted(site, "Moby-Dick", "Herman Melville")
        download_id = requested(site, release)
        waiting = site.ask(FOUND, id=search_id)["node"]
        assert {one["status"] for one in waiting["providerReports"]} <= {"PENDING"}
        assert waiting["finishedAt"] is None
        assert download(site, download_id)["state"] in {"QUEUED", "GRABBING"}
    for search in (found(site, search_id), found(site, want["releaseSearch"]["id"])):
        assert "PENDING" not in {one["status"] for one in search["providerReports"]}
    ends = {"DONE", "REPLACED"}  # the same torrent is here already
    wait_until(lambda: download(site, download_id)["state"] in ends, "the end of the download")
