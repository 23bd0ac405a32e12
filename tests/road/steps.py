"""The steps of the road in the graph's own words: want, search, request, follow, look."""

from typing import Any

from tests.processes import wait_until
from tests.road.following import Following, following
from tests.road.site import Site

WANT = """mutation($title: String!, $authors: [String!]!, $search: Boolean!) { wantBook(input: {
  book: {newBook: {title: $title, authors: $authors}}, search: $search}) { __typename
  ... on WantBookPayload { wants { id state book { id } } job { id } releaseSearch { id } }
  ... on Error { code message } } }"""
SEARCH = """mutation($by: ReleaseSearchBy!) { searchReleases(input: {by: $by}) { __typename
  ... on SearchReleasesPayload { job { id } releaseSearch { id } } ... on Error { code message } } }"""
SEARCHED = """subscription($id: ID!) { releaseSearchUpdated(id: $id) { sequence omitted
  reports { provider status found error { code message } }
  releases { id title decision { accepted score } } search { finishedAt } } }"""
FOUND = """query($id: ID!) { node(id: $id) { ... on ReleaseSearch { finishedAt
  providerReports { provider status found error { code message } }
  releases(first: 20) { nodes { id title indexer narrators
    decision { accepted score rejections { code } } } } } } }"""
REQUEST = """mutation($release: ID!) { requestDownload(input: {release: $release}) { __typename
  ... on RequestDownloadPayload { download { id state } job { id } } ... on Error { code message } } }"""
FOLLOW = """subscription($ids: [ID!]) { downloadsUpdated(ids: $ids) { sequence
  snapshot { id state blockedReason { code message hint retryAt } }
  changes { id state blockedReason { code message hint retryAt } progress { ratio } } } }"""
DOWNLOAD = """query($id: ID!) { node(id: $id) { ... on Download { state infoHash
  blockedReason { code message hint retryAt } book { id title owned } want { id state }
  imports { state folder } history(first: 50) { nodes { toState code } } } } }"""
INTEGRATIONS = """{ integrations { kind healthy needsAction circuit lastError { code message } } }"""
FIND = """query($q: String!) { semanticSearch(query: $q, first: 5) { __typename
  ... on SemanticSearchPayload { edges { node { ... on Book { id title } } } } } }"""


def wanted(site: Site, title: str, author: str, *, search: bool = True) -> Any:
    """Want a book; gives the payload."""
    answer = site.ask(WANT, title=title, authors=[author], search=search)["wantBook"]
    assert answer["__typename"] == "WantBookPayload", answer
    return answer


def searched(site: Site, **by: str) -> str:
    """Search by a want, a book or text; gives the search's id."""
    answer = site.ask(SEARCH, by=by)["searchReleases"]
    assert answer["__typename"] == "SearchReleasesPayload", answer
    return str(answer["releaseSearch"]["id"])


def found(site: Site, search_id: str) -> Any:
    """The search with its releases and reports once all have answered, as its subscription tells."""
    with following(site, "releaseSearchUpdated", SEARCHED, id=search_id) as told:
        assert told.to_the_end()[-1]["search"]["finishedAt"] is not None
    return site.ask(FOUND, id=search_id)["node"]


def report(search: Any, provider: str) -> Any:
    """What one indexer answered."""
    return next(one for one in search["providerReports"] if provider in one["provider"])


def best(search: Any, indexer: str = "") -> str:
    """The id of the best release that is accepted, of one indexer if it matters."""
    accepted = [one for one in search["releases"]["nodes"] if one["decision"]["accepted"] and indexer in one["indexer"]]
    assert accepted, search
    return str(accepted[0]["id"])


def requested(site: Site, release: str) -> str:
    """Ask for a download; gives its id."""
    answer = site.ask(REQUEST, release=release)["requestDownload"]
    assert answer["__typename"] == "RequestDownloadPayload", answer
    return str(answer["download"]["id"])


def download(site: Site, download_id: str) -> Any:
    """The download as it stands."""
    return site.ask(DOWNLOAD, id=download_id)["node"]


def reached(site: Site, download_id: str, state: str, code: str | None = None) -> Any:
    """The download once it is in a state, for a reason."""

    def is_there() -> bool:
        now = download(site, download_id)
        return now["state"] == state and (code is None or now["blockedReason"]["code"] == code)

    try:
        wait_until(is_there, f"{state} {code}")
    except AssertionError as late:
        raise AssertionError(download(site, download_id)) from late
    return download(site, download_id)


def states_told(told: Following, download_id: str) -> list[str]:
    """The states in which a subscription showed a download, without repetitions."""
    seen: list[str] = []
    for event in told.told:
        for one in [*(event["snapshot"] or []), *event["changes"]]:
            if one["id"] == download_id and seen[-1:] != [one["state"]]:
                seen.append(one["state"])
    return seen


def is_done(event: Any) -> bool:
    """Whether an event shows a download that is done."""
    return any(one["state"] == "DONE" for one in [*(event["snapshot"] or []), *event["changes"]])


def integration(site: Site, kind: str) -> Any:
    """An integration as the graph shows it."""
    return next(one for one in site.ask(INTEGRATIONS)["integrations"] if one["kind"] == kind)


def titles(site: Site, question: str) -> list[str]:
    """What is found by meaning; nothing while search warms up."""
    edges = site.ask(FIND, q=question)["semanticSearch"].get("edges", [])
    return [str(edge["node"]["title"]) for edge in edges]
